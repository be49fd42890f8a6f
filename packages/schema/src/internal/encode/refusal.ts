import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as SchemaIssue from "effect/SchemaIssue"

/**
 * What is wrong with a filter, an update, a projection: thrown by the pure encoders, and a failure where they are called.
 *
 * @internal
 */
export class Refusal {
  readonly path: string
  readonly message: string
  constructor(path: string, what: string) {
    this.path = path
    this.message = `${path} ${what}`
  }
}

/**
 * A value that the codec of its place does not take.
 *
 * @internal
 */
export class Misfit {
  readonly path: string
  readonly issue: SchemaIssue.Issue
  constructor(path: string, issue: SchemaIssue.Issue) {
    this.path = path
    this.issue = issue
  }
}

/** @internal */
export const refuse = (path: string, what: string): never => {
  throw new Refusal(path, what)
}

/**
 * Encodes operands on the way through a document. What a codec answers at once is put in its place at once; the others
 * wait in `pending`, which only schemas with effectful encoders ever use.
 *
 * @internal
 */
export class Operands {
  readonly pending: Array<Effect.Effect<void, Misfit | Refusal, unknown>> = []

  put(
    out: object,
    key: string | number,
    encoded: Effect.Effect<unknown, SchemaIssue.Issue, unknown>,
    path: string,
    { check, onAbsent }: PutOptions = {}
  ): void {
    const assign = (value: unknown): void => {
      if (value === undefined) refuse(path, "is undefined once it is encoded")
      if (value === absent) {
        if (onAbsent === undefined) return refuse(path, "stands for a field that is not there")
        delete (out as Record<string | number, unknown>)[key]
        return onAbsent()
      }
      check?.(value)
      setOwn(out, key, value)
    }
    if (Exit.isExit(encoded)) {
      if (Exit.isSuccess(encoded)) return assign(encoded.value)
      for (const reason of encoded.cause.reasons) {
        if (reason._tag === "Fail") throw new Misfit(path, reason.error as SchemaIssue.Issue)
        if (reason._tag === "Die") throw reason.defect
      }
    }
    setOwn(out, key, null)
    this.pending.push(
      Effect.flatMap(
        Effect.mapError(encoded, (issue) => new Misfit(path, issue)),
        (value) => attempt(() => assign(value))
      )
    )
  }
}

/** @internal */
export interface PutOptions {
  /** Looks at the encoded value, and may refuse it. */
  readonly check?: ((value: unknown) => void) | undefined
  /** What is done where the value stands for a key that is not there. */
  readonly onAbsent?: (() => void) | undefined
}

/**
 * What a value is encoded to that stands for a key that is not there, as `None` does of `Schema.OptionFromOptionalKey`.
 *
 * @internal
 */
export const absent = Symbol("absent")

/** Runs a pure encoder: what it throws on purpose is a failure, anything else a defect. */
const attempt = <A>(f: () => A): Effect.Effect<A, Misfit | Refusal> => {
  try {
    return Effect.succeed(f())
  } catch (error) {
    return error instanceof Misfit || error instanceof Refusal ? Effect.fail(error) : Effect.die(error)
  }
}

/**
 * Runs a pure encoder and what it left pending.
 *
 * @internal
 */
export const encodeWith = <A>(f: (operands: Operands) => A): Effect.Effect<A, Misfit | Refusal, unknown> => {
  const operands = new Operands()
  const encoded = attempt(() => f(operands))
  if (operands.pending.length === 0) return encoded
  return Effect.flatMap(encoded, (value) => Effect.as(Effect.all(operands.pending, { discard: true }), value))
}

/**
 * Sets an own property. Assigning would change the prototype for `__proto__`.
 *
 * @internal
 */
export const setOwn = (out: object, key: string | number, value: unknown): void => {
  if (key === "__proto__") {
    Object.defineProperty(out, key, { value, configurable: true, enumerable: true, writable: true })
  } else (out as Record<string | number, unknown>)[key] = value
}

/** @internal */
export const isPlainObject = (u: unknown): u is Record<string, unknown> => {
  if (typeof u !== "object" || u === null) return false
  const prototype = Object.getPrototypeOf(u)
  return prototype === null || prototype === Object.prototype
}

/**
 * Whether an object is made of operators. Operators and fields side by side have no meaning and are refused.
 *
 * @internal
 */
export const isOperators = (u: unknown, path: string): u is Record<string, unknown> => {
  if (!isPlainObject(u)) return false
  const keys = Object.keys(u)
  const operators = keys.filter((key) => key.startsWith("$"))
  if (operators.length === 0) return false
  if (operators.length < keys.length) refuse(path, "mixes operators with fields")
  return true
}

/** @internal */
export const plainObject = (u: unknown, path: string): Record<string, unknown> =>
  isPlainObject(u) ? u : refuse(path, `is ${nameOf(u)} and not a plain object`)

/**
 * The fields of an object with their paths, one by one. None may be `undefined`.
 *
 * @internal
 */
export function* definedFields(
  u: unknown,
  at: string
): Generator<readonly [name: string, value: unknown, path: string], void> {
  const object = plainObject(u, at)
  for (const name of Object.keys(object)) {
    const path = `${at}.${name}`
    const value = object[name]
    if (value === undefined) refuse(path, "is undefined")
    yield [name, value, path]
  }
}

/** @internal */
export const array = (u: unknown, path: string): ReadonlyArray<unknown> =>
  Array.isArray(u) ? u : refuse(path, `is ${nameOf(u)} and not an array`)

/** The kind of a value, never the value. */
const nameOf = (u: unknown): string => {
  if (u === null || u === undefined) return String(u)
  if (Array.isArray(u)) return "an array"
  if (typeof u !== "object") return `a ${typeof u}`
  return isPlainObject(u) ? "an object" : "an instance of a class"
}
