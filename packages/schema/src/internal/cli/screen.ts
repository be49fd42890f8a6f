/**
 * What a person sees while a command works: on standard error, so that standard output has the result alone.
 */
import * as TerminalCapabilities from "effect/cli/TerminalCapabilities"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import * as Terminal from "effect/Terminal"
import type { Paint } from "./paint.ts"
import { paintOf } from "./paint.ts"
import { line } from "./progress.ts"

/** Says how far a step is, and what it does now if its first label is not enough. */
type Advance = (done: number, total?: number | undefined, label?: string | undefined) => Effect.Effect<void>

/** @internal */
export interface Screen {
  /** The styles of the result, on standard output. */
  readonly paint: Paint
  /** The styles of everything else, on standard error. */
  readonly notePaint: Paint
  /** Whether somebody can answer a question. */
  readonly canAsk: boolean
  /** Runs work under a line that says how far it is, if somebody sees it. */
  readonly step: <A, E, R>(
    label: string,
    work: (advance: Advance) => Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E, R>
  /** Writes a line to standard error. */
  readonly note: (text: string) => Effect.Effect<void>
  /** The console for the code of users: all of it goes to standard error. */
  readonly console: Console.Console
}

/** How often the line is drawn, in milliseconds, save at the end. */
const interval = 80

const eraseLine = "\r\x1b[2K"

/** A console that writes everything to standard error. */
const toStandardError = (base: Console.Console, beforeWriting: () => string): Console.Console => {
  const write = (...parts: ReadonlyArray<unknown>) => {
    const erase = beforeWriting()
    if (erase === "") return base.error(...parts)
    const [first, ...rest] = parts
    // A first text may be a format.
    return typeof first === "string" ? base.error(erase + first, ...rest) : base.error(`${erase}%o`, first, ...rest)
  }
  const group = (...label: ReadonlyArray<unknown>) => {
    if (label.length > 0) write(...label)
    base.group()
  }
  return {
    assert: (condition, ...parts) => condition ? undefined : write("Assertion failed:", ...parts),
    clear: () => undefined,
    count: (label = "default") => write(`${label}: counted`),
    countReset: () => undefined,
    debug: write,
    dir: (item) => write(item),
    dirxml: write,
    error: write,
    group,
    groupCollapsed: group,
    groupEnd: () => base.groupEnd(),
    info: write,
    log: write,
    table: (data) => write(data),
    time: () => undefined,
    timeEnd: (label = "default") => write(`${label}: ended`),
    timeLog: (label = "default", ...parts) => write(`${label}:`, ...parts),
    trace: (...parts) => write("Trace:", ...parts),
    warn: write
  }
}

/** What a terminal can do, if standard error is the one that is written to. */
const capabilitiesOfStandardError = Effect.gen(function*() {
  const stdio = yield* Stdio.Stdio
  const capabilities = yield* TerminalCapabilities.TerminalCapabilities.pipe(
    // A layer that is shared would give what standard output can do.
    Effect.provide(Layer.fresh(TerminalCapabilities.layer)),
    Effect.provideService(Stdio.Stdio, { ...stdio, stdoutIsTerminal: stdio.stderrIsTerminal })
  )
  return capabilities
})

/** @internal */
export const make: Effect.Effect<Screen, never, Stdio.Stdio | Terminal.Terminal> = Effect.gen(function*() {
  const stdio = yield* Stdio.Stdio
  const terminal = yield* Terminal.Terminal
  const base = yield* Console.Console
  const output = yield* TerminalCapabilities.TerminalCapabilities
  const notes = yield* capabilitiesOfStandardError

  let isShown = false
  const erase = () => {
    if (!isShown) return ""
    isShown = false
    return eraseLine
  }
  const write = (text: string) => Effect.ignore(Stream.run(Stream.make(text), stdio.stderr()))
  const console = toStandardError(base, erase)

  const show = (first: string): Advance => {
    let last = 0
    return (done, total, label = first) =>
      Effect.suspend(() => {
        const now = performance.now()
        if (last > 0 && now - last < interval && done !== total) return Effect.void
        last = now
        return Effect.flatMap(terminal.columns, (columns) => {
          isShown = true
          return write(`${eraseLine}${line({ label, done, total }, columns === 0 ? 80 : columns)}`)
        })
      })
  }
  const silent: Advance = () => Effect.void

  return {
    paint: paintOf(output.canColor),
    notePaint: paintOf(notes.canColor),
    canAsk: output.canPrompt,
    note: (text) => Effect.sync(() => console.error(text)),
    step: (label, work) =>
      Effect.suspend(() => {
        if (!notes.canAnimate) return work(silent)
        const advance = show(label)
        return Effect.andThen(advance(0), work(advance)).pipe(
          Effect.ensuring(Effect.suspend(() => isShown ? write(erase()) : Effect.void))
        )
      }),
    console
  }
})
