/**
 * The life of a command: it connects, works, and prints one report, or says why there is none.
 */
import * as Cause from "effect/Cause"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import * as Terminal from "effect/Terminal"
import { CliExit, type Outcome } from "./exit.ts"
import { describeCause, type Described, outcomeOf } from "./failure.ts"
import type { Paint } from "./paint.ts"
import * as screen from "./screen.ts"

/**
 * What a command has found.
 *
 * @internal
 */
export interface Report {
  readonly outcome: Outcome
  /** For a pipeline: printed with the outcome. */
  readonly json: { readonly [key: string]: Schema.Json }
  /** For a person. */
  readonly text: (paint: Paint) => string
}

/** @internal */
export interface Setting<A, E, R> {
  /** The words of the command, such as `indexes plan`. */
  readonly command: string
  readonly json: boolean
  /** What the command needs. It is made when the arguments are known, so help needs no server. */
  readonly layer: Layer.Layer<A, E, R>
}

/** Writes to standard output, and awaits that it is written: the process ends right after it. A reader who has left is no failure. */
const print = (text: string) =>
  Effect.gen(function*() {
    const stdio = yield* Stdio.Stdio
    yield* Effect.ignore(Stream.run(Stream.make(text), stdio.stdout()))
  })

const printJson = (command: string, outcome: string, rest: { readonly [key: string]: Schema.Json }) =>
  print(`${JSON.stringify({ command, outcome, ...rest }, null, 2)}\n`)

const jsonOf = ({ hint, kind, message }: Described): Schema.Json => ({
  kind,
  message,
  ...hint === undefined ? {} : { hint }
})

/**
 * What a command needs from outside: what makes its layer, and what it needs beyond that.
 *
 * @internal
 */
export type Needs<A, R, R2> =
  | Exclude<R, Scope.Scope>
  | Exclude<Exclude<R2, A>, Scope.Scope>
  | Stdio.Stdio
  | Terminal.Terminal

/** @internal */
export const run = <A, E, R, E2, R2>(
  { command, json, layer }: Setting<A, E, R>,
  work: (screen: screen.Screen) => Effect.Effect<Report, E2, R2>
): Effect.Effect<void, CliExit, Needs<A, R, R2>> =>
  Effect.gen(function*() {
    const current = yield* screen.make
    const { canAsk, note, notePaint, paint, step } = current

    const failed = (cause: Cause.Cause<E | E2>) =>
      Effect.gen(function*() {
        const described = describeCause(cause)
        const { detail, hint, message } = described
        yield* note(`${notePaint.bad("error")} ${message}`)
        if (hint !== undefined) yield* note(`      ${hint}`)
        if (detail !== undefined) yield* note(notePaint.muted(detail))
        const error = Cause.squash(cause)
        const outcome = outcomeOf(error)
        if (json) yield* printJson(command, outcome, { error: jsonOf(described) })
        return yield* new CliExit({ outcome, cause: error })
      })
    const interrupted = Effect.suspend(() =>
      Effect.andThen(
        note(notePaint.warning("interrupted")),
        json
          ? printJson(command, "interrupted", {
            error: { kind: "Interrupted", message: "the command was interrupted" }
          })
          : Effect.void
      )
    )

    const report = yield* Effect.scoped(Effect.gen(function*() {
      const services = yield* step("connecting", () => Layer.build(layer))
      // A question would be on standard output, where JSON has to stand alone.
      return yield* Effect.provideContext(work({ ...current, canAsk: canAsk && !json }), services)
    })).pipe(
      Effect.provideService(Console.Console, current.console),
      // Control and C at a question.
      Effect.catchIf(Terminal.isQuitError, () => Effect.interrupt),
      Effect.onInterrupt(() => interrupted),
      Effect.catchCause((cause) => Cause.hasInterruptsOnly(cause) ? Effect.interrupt : failed(cause))
    )
    yield* json
      ? printJson(command, report.outcome, report.json)
      : print(`${report.text(paint)}\n`)
    if (report.outcome !== "ok") return yield* new CliExit({ outcome: report.outcome })
  })
