/** Encodes the values in a filter or an update and puts them in place. Only codecs with effects make it wait. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as SchemaIssue from "effect/SchemaIssue"
import { absent } from "../path/codecs.ts"
import { setOwn } from "../plainObject.ts"
import { Misfit, Refusal, refuse } from "../refusal.ts"

/**
 * The place that an encoded value goes to, and the path of the value in the argument.
 *
 * @internal
 */
export interface Place {
  readonly out: object
  readonly key: string | number
  /** The path in the argument, for errors. */
  readonly path: string
}

/**
 * How operands are encoded. They are complete: a field that the schema does not know is an error.
 *
 * @internal
 */
export const strict = { onExcessProperty: "error" } as const

/** @internal */
export interface PutOptions {
  /** Refuses an encoded value that does not fit. */
  readonly check?: ((value: unknown) => void) | undefined
  /** Runs when the value stands for an absent key. */
  readonly onAbsent?: (() => void) | undefined
}

/**
 * Encodes operands on the way through a document. When a codec answers at once, its value takes its place at once. The other
 * values wait in `pending`, which only schemas with effectful encoders use.
 *
 * @internal
 */
export class Operands {
  readonly pending: Array<Effect.Effect<void, Misfit | Refusal, unknown>> = []

  put(place: Place, encoded: Effect.Effect<unknown, SchemaIssue.Issue, unknown>, options?: PutOptions): void {
    if (Exit.isExit(encoded)) {
      if (Exit.isSuccess(encoded)) return assign(place, encoded.value, options)
      for (const reason of encoded.cause.reasons) {
        if (reason._tag === "Fail") throw new Misfit(place.path, reason.error as SchemaIssue.Issue)
        if (reason._tag === "Die") throw reason.defect
      }
    }
    setOwn(place.out, place.key, null)
    this.pending.push(
      Effect.flatMap(
        Effect.mapError(encoded, (issue) => new Misfit(place.path, issue)),
        (value) => attempt((value) => assign(place, value, options), value)
      )
    )
  }
}

const assign = ({ key, out, path }: Place, value: unknown, options: PutOptions | undefined): void => {
  if (value === undefined) refuse(path, "becomes undefined when it is encoded")
  if (value === absent) {
    if (options?.onAbsent === undefined) return refuse(path, "stands for an absent field: pass a value")
    delete (out as Record<string | number, unknown>)[key]
    return options.onAbsent()
  }
  options?.check?.(value)
  setOwn(out, key, value)
}

/** Runs a pure encoder. A thrown `Misfit` or `Refusal` becomes a failure, anything else a defect. */
const attempt = <A, Given>(f: (given: Given) => A, given: Given): Effect.Effect<A, Misfit | Refusal> => {
  try {
    return Effect.succeed(f(given))
  } catch (error) {
    return error instanceof Misfit || error instanceof Refusal ? Effect.fail(error) : Effect.die(error)
  }
}

/**
 * Runs a pure encoder, and then the effects that it left pending.
 *
 * @internal
 */
export const encodeWith = <A>(f: (operands: Operands) => A): Effect.Effect<A, Misfit | Refusal, unknown> => {
  const operands = new Operands()
  const encoded = attempt(f, operands)
  if (operands.pending.length === 0) return encoded
  return Effect.flatMap(encoded, (value) => Effect.as(Effect.all(operands.pending, { discard: true }), value))
}
