import { Logger, LogLevel } from "typedoc"

/** What no reader of the reference notices. */
const harmless: ReadonlyArray<RegExp> = [
  // Fields of reasons come from a mapped type, so each has as many declarations as there are reasons.
  /has multiple declarations with a comment/
]

/** Collects what TypeDoc complains about: a link that leads nowhere is a failure of the build. */
export class Messages extends Logger {
  readonly problems: Array<string> = []

  override log(message: string, level: LogLevel): void {
    if (level >= LogLevel.Warn && !harmless.some((pattern) => pattern.test(message))) this.problems.push(message)
  }
}
