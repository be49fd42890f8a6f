/** Makes the failures of typed operations: refused arguments, and values that do not encode or decode. */
import { Integration, MongoError } from "@mongofx/core"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import { DocumentError, type Problem } from "../../DocumentError.ts"
import type { Failure } from "../../TypedQuery.ts"
import { encodeWith, type Operands } from "../encode/operands.ts"
import { Misfit, Refusal } from "../refusal.ts"

/**
 * The effect of an operation. Its types are in TypedCollection.ts. Here documents and filters are unknown, as at run time.
 *
 * @internal
 */
export type Run<A> = Effect.Effect<A, Failure>

/**
 * The options of an operation. Their types are in TypedCollection.ts.
 *
 * @internal
 */
export type Options = Readonly<Record<string, unknown>> | undefined

/**
 * The names of an operation and its collection, for errors.
 *
 * @internal
 */
export interface Origin {
  readonly operation: string
  readonly collection: string
}

const format = SchemaIssue.makeFormatterStandardSchemaV1()

const problemsOf = (issue: SchemaIssue.Issue, prefix: string): ReadonlyArray<Problem> =>
  format(issue).issues.map(({ message, path }) => ({
    path: (path ?? []).reduce((path: string, key) => {
      const segment = typeof key === "object" ? key.key : key
      if (typeof segment === "number") return `${path}[${segment}]`
      return path === "" ? String(segment) : `${path}.${String(segment)}`
    }, prefix),
    message
  }))

const documentError = (
  kind: DocumentError["kind"],
  { collection, operation }: Origin,
  id: unknown,
  issue: SchemaIssue.Issue,
  path: string
): DocumentError => {
  const problems = problemsOf(issue, path)
  return new DocumentError({
    kind,
    operation,
    collection,
    ...(id === undefined ? {} : { id }),
    path: problems[0]?.path ?? path,
    problems,
    cause: new Schema.SchemaError(issue)
  })
}

/** @internal */
export const encodeError = (origin: Origin, path: string, issue: SchemaIssue.Issue): DocumentError =>
  documentError("encode", origin, undefined, issue, path)

/** @internal */
export const decodeError = (origin: Origin, id: unknown, issue: SchemaIssue.Issue, path = ""): DocumentError =>
  documentError("decode", origin, id, issue, path)

const failureOf = (origin: Origin, error: Misfit | Refusal): Failure =>
  error instanceof Misfit
    ? encodeError(origin, error.path, error.issue)
    : Integration.failure(MongoError.InvalidArgumentError, {
      operation: origin.operation,
      namespace: origin.collection,
      path: error.path,
      message: error.message
    })

/**
 * Runs a check outside an effect. If it refuses an argument, throws the failure.
 *
 * @internal
 */
export const checked = (origin: Origin, f: () => void): void => {
  try {
    f()
  } catch (error) {
    throw error instanceof Refusal ? failureOf(origin, error) : error
  }
}

/**
 * Runs a pure encoder for an operation, anew for every run of the operation.
 *
 * @internal
 */
export const encoded = <A, R>(origin: Origin, f: (operands: Operands) => A): Effect.Effect<A, Failure, R> =>
  Effect.suspend(() => encodedNow<A, R>(origin, f))

/**
 * Like `encoded`, at once: an `Exit` if no value takes an effect.
 *
 * @internal
 */
export const encodedNow = <A, R>(origin: Origin, f: (operands: Operands) => A): Effect.Effect<A, Failure, R> =>
  Effect.mapErrorEager(encodeWith(f) as Effect.Effect<A, Misfit | Refusal, R>, (error) => failureOf(origin, error))

/**
 * Runs a pure encoder for an operation and then the operation, without an effect between them if no value takes one.
 *
 * @internal
 */
export const encodedThen = <A, B>(
  origin: Origin,
  f: (operands: Operands) => A,
  run: (encoded: A) => Run<B>
): Run<B> => Effect.suspend(() => Effect.flatMapEager(encodedNow<A, never>(origin, f), run))
