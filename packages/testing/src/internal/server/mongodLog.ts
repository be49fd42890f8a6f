/**
 * Keeps the last lines of a server's log, for the message of a failed start.
 */

/** How many of the last lines it keeps. */
const kept = 200

/** How many of them the message shows when the server cannot start. */
const shown = 15

/**
 * The last lines that a server has written.
 *
 * @internal
 */
export class MongodLog {
  private readonly lines: Array<string> = []
  private rest = ""

  add(chunk: string): void {
    const parts = (this.rest + chunk).split("\n")
    this.rest = parts.pop()!
    this.lines.push(...parts)
    this.lines.splice(0, Math.max(0, this.lines.length - kept))
  }

  /** The lines that say what went wrong: errors and warnings if there are errors, otherwise the last lines. */
  get tail(): ReadonlyArray<string> {
    const lines = (this.rest === "" ? this.lines : [...this.lines, this.rest]).map(readable)
    const grave = lines.filter(({ severity }) => severity !== "I")
    return (grave.some(({ severity }) => severity !== "W") ? grave : lines).slice(-shown).map(({ text }) => text)
  }
}

/** A line of a server's JSON log in short form. Other lines, such as those of the dynamic linker, count as errors unchanged. */
const readable = (line: string): { readonly severity: string; readonly text: string } => {
  try {
    const { attr, c, msg, s } = JSON.parse(line) as Record<string, unknown>
    if (typeof msg !== "string" || typeof s !== "string") return { severity: "E", text: line }
    return { severity: s, text: `${s} ${String(c)}: ${msg}${attr === undefined ? "" : ` ${JSON.stringify(attr)}`}` }
  } catch {
    return { severity: line.trim() === "" ? "I" : "E", text: line }
  }
}
