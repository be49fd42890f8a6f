import { Effect, Schedule, type Scope } from "effect"

/** Where a program says what happens. */
export interface Screen {
  readonly say: (line: string) => Effect.Effect<void>
  /** How many columns a drawing may have. */
  readonly width: number
}

/**
 * In a terminal it shows a drawing below all lines, and draws it again as time passes, until the scope closes. Elsewhere it prints the
 * lines.
 */
export const makeScreen = (
  drawing: (width: number) => ReadonlyArray<string>
): Effect.Effect<Screen, never, Scope.Scope> =>
  Effect.gen(function*() {
    const { stdout } = process
    const width = Math.max(20, Math.min(100, (stdout.columns ?? 80) - 22))
    let shown = 0
    const put = (lines: ReadonlyArray<string>, below: ReadonlyArray<string>) => {
      const back = shown === 0 ? "" : `\u001b[${shown}A\u001b[0J`
      stdout.write(back + [...lines, ...below].map((line) => `${line}\n`).join(""))
      shown = below.length
    }
    const below = () => stdout.isTTY ? ["", ...drawing(width)] : []
    if (stdout.isTTY) {
      yield* Effect.forkScoped(Effect.repeat(Effect.sync(() => put([], below())), Schedule.spaced("200 millis")))
      yield* Effect.addFinalizer(() => Effect.sync(() => put([], [])))
    }
    return { say: (line) => Effect.sync(() => put([line], below())), width }
  })
