/**
 * Makes whole documents to write: with the defaults and checks of a schema, and then with its encoder.
 */
import type { Integration } from "@mongofx/core"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import type * as SchemaAST from "effect/SchemaAST"
import type * as SchemaIssue from "effect/SchemaIssue"
import * as SchemaParser from "effect/SchemaParser"
import type * as Driver from "mongodb"
import { codecOf, type DocumentCodec } from "../compiler/codec.ts"
import { fieldsOfClass } from "../path/nodes.ts"
import { encodeError, type Origin, type Run } from "./failures.ts"

type Make = (value: unknown) => Effect.Effect<unknown, SchemaIssue.Issue>

/** @internal */
export interface Writer {
  /** Fills in the defaults and runs the checks of a schema. */
  readonly make: Make
  /** Whether `make` returns its argument unchanged. */
  readonly plain: boolean
  readonly codec: DocumentCodec<unknown>
}

/** @internal */
export const writerOf = (ast: SchemaAST.AST): Writer => {
  const plain = !isConstructed(ast, new Set())
  return {
    make: plain ? Effect.succeed : SchemaParser.makeEffect(Schema.make<Schema.Constraint>(ast)) as Make,
    plain,
    codec: codecOf(ast)
  }
}

/** Whether a schema has defaults or classes, so that values must be made. Otherwise the encoder checks everything. */
const isConstructed = (ast: SchemaAST.AST, seen: Set<SchemaAST.AST>): boolean => {
  if (seen.has(ast)) return false
  seen.add(ast)
  if (ast.context?.constructorDefault !== undefined || fieldsOfClass(ast) !== undefined) return true
  switch (ast._tag) {
    case "Suspend":
      return isConstructed(ast.thunk(), seen)
    case "Union":
      return ast.types.some((type) => isConstructed(type, seen))
    case "Arrays":
      return [...ast.elements, ...ast.rest].some((type) => isConstructed(type, seen))
    case "Objects":
      return ast.propertySignatures.some(({ type }) => isConstructed(type, seen)) ||
        ast.indexSignatures.some(({ type }) => isConstructed(type, seen))
    case "Declaration":
      return ast.typeParameters.some((type) => isConstructed(type, seen))
    default:
      return false
  }
}

/**
 * Makes and encodes a document from an argument. Passes on the document, with the value that it was encoded from.
 *
 * @internal
 */
export const written = <A>(
  { codec, make }: Writer,
  origin: Origin,
  given: unknown,
  path: string,
  then: (document: Driver.Document, made: unknown) => Run<A>
): Run<A> => {
  const refused = (issue: SchemaIssue.Issue) => encodeError(origin, path, issue)
  return Effect.flatMapEager(
    Effect.mapErrorEager(make(given), refused),
    (made) =>
      Effect.flatMapEager(
        Effect.mapErrorEager(codec.encode(made) as Effect.Effect<Driver.Document, SchemaIssue.Issue>, refused),
        (document) => then(document, made)
      )
  )
}

/**
 * What `make` gives if it takes no effect; `undefined` if it does, or fails.
 *
 * @internal
 */
export const madeNow = ({ make, plain }: Writer, given: unknown): unknown => {
  if (plain) return given
  const made = make(given)
  return Exit.isExit(made) && Exit.isSuccess(made) ? made.value : undefined
}

/**
 * The bytes of what was made, as core takes them for a document; `undefined` if it has to be encoded. With `isAdded`, the schema does
 * not have the `_id`.
 *
 * @internal
 */
export const serialized = (
  { codec }: Writer,
  buffer: Integration.WriteBuffer,
  made: unknown,
  storedId: unknown,
  isAdded: boolean
): Driver.Document | undefined => codec.writeNow(buffer, made, storedId, isAdded)
