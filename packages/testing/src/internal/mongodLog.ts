/**
 * A server's log, of which the last lines are kept for the message of a start that failed.
 */
/** How many of the last lines are kept. */
const kept = 200

/** How many of them are shown when the server cannot start. */
const shown = 15

/**
 * The last lines of what a server has written.
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

  /** The lines that say what went wrong: errors and warnings where there are errors, otherwise the last ones. */
  get tail(): ReadonlyArray<string> {
    const lines = (this.rest === "" ? this.lines : [...this.lines, this.rest]).map(readable)
    const grave = lines.filter(({ severity }) => severity !== "I")
    return (grave.some(({ severity }) => severity !== "W") ? grave : lines).slice(-shown).map(({ text }) => text)
  }
}

/** A line of a server's JSON log in short form; other lines, as of the dynamic linker, are errors as they stand. */
const readable = (line: string): { readonly severity: string; readonly text: string } => {
  try {
    const { attr, c, msg, s } = JSON.parse(line) as Record<string, unknown>
    if (typeof msg !== "string" || typeof s !== "string") return { severity: "E", text: line }
    return { severity: s, text: `${s} ${String(c)}: ${msg}${attr === undefined ? "" : ` ${JSON.stringify(attr)}`}` }
  } catch {
    return { severity: line.trim() === "" ? "I" : "E", text: line }
  }
}
