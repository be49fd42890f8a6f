/** The validator of a schema or a model. */
import { Integration, MongoError } from "@mongofx/core"
import type * as Schema from "effect/Schema"
import type * as Driver from "mongodb"
import type { Lost, SchemaOptions, Validator } from "../../MongoValidator.ts"
import { variantOf } from "../collection/shape.ts"
import { Refusal, refuse } from "../refusal.ts"
import { anyOf, type Clause, queryOf, type Said, textOf } from "./said.ts"
import { Walk } from "./walk.ts"

/** How the driver of a collection delivers numbers. */
export interface Reads {
  readonly promoteValues: boolean
  readonly promoteLongs: boolean
  readonly useBigInt64: boolean
}

const usual: Reads = { promoteValues: true, promoteLongs: true, useBigInt64: false }

/** The server's own bound for what is nested is near. */
const maxDepth = 50

interface Walked extends Said {
  readonly lost: ReadonlyArray<Lost>
}

const isSame = (a: Walked, b: Walked): boolean =>
  textOf(a.schema) === textOf(b.schema) && textOf(a.clauses.map(queryOf)) === textOf(b.clauses.map(queryOf))

const unique = (lost: ReadonlyArray<Lost>): ReadonlyArray<Lost> => [
  ...new Map(lost.map((each) => [`${each.path}\n${each.what}`, each])).values()
]

/** Whether the model reads all that inserts store, since its own schema only requires less of the same fields. */
const isWithin = (inserted: Walked, read: Walked): boolean => {
  const { required: asked = [], ...own } = read.schema as { readonly required?: ReadonlyArray<string> }
  const { required = [], ...others } = inserted.schema as { readonly required?: ReadonlyArray<string> }
  return isSame({ ...read, schema: own }, { ...inserted, schema: others }) &&
    asked.every((name) => required.includes(name))
}

/** A document of a model is one of the model itself, or one of its variant for inserts. */
const either = (read: Walked, inserted: Walked): Walked => {
  const queries = new Set(inserted.clauses.map((clause) => textOf(queryOf(clause))))
  const isShared = (clause: Clause) => queries.has(textOf(queryOf(clause)))
  return {
    schema: anyOf([read.schema, inserted.schema]),
    clauses: read.clauses.filter(isShared),
    lost: [
      ...read.lost,
      ...inserted.lost,
      ...read.clauses.filter((clause) => !isShared(clause)).map(({ lost }) => lost),
      {
        path: "",
        what: "what only the variant for inserts stores",
        why: "inserts of the model store it, and the model does not read it"
      }
    ]
  }
}

/**
 * The validator, for a collection that delivers numbers in a way. Refuses a depth that is none.
 *
 * @internal
 */
export const validatorOf = (
  schema: Schema.Constraint,
  { depth = 3, open = [] }: SchemaOptions = {},
  { promoteLongs, promoteValues, useBigInt64 }: Reads = usual
): Validator => {
  if (!Number.isInteger(depth) || depth < 0 || depth > maxDepth) {
    refuse("options.depth", `is not an integer from 0 to ${maxDepth}`)
  }
  const options = { depth, open: new Set(open), promotes: promoteValues && promoteLongs && !useBigInt64 }
  const [read, inserted] = [schema.ast, variantOf(schema, "insert")].map((ast): Walked => {
    const walk = new Walk(options)
    const { clauses, schema } = walk.document(ast)
    return { schema, clauses, lost: walk.lost }
  }) as [Walked, Walked]
  const { clauses, lost, schema: all } = isWithin(inserted, read) ? read : either(read, inserted)
  const queries = clauses.map((clause) => ({ query: queryOf(clause), lost: clause.lost }))
  const nor = queries.flatMap(({ query }): ReadonlyArray<Driver.Document> => query === undefined ? [] : [query])
  return {
    validator: { $jsonSchema: all, ...(nor.length === 0 ? {} : { $nor: nor }) },
    lost: unique([...lost, ...queries.flatMap(({ lost, query }) => query === undefined ? [lost] : [])])
  }
}

/**
 * The validator of a schema on its own. Throws what it refuses: it is a mistake in the program.
 *
 * @internal
 */
export const fromSchema = (schema: Schema.Constraint, options?: SchemaOptions): Validator => {
  try {
    return validatorOf(schema, options)
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    const { message, path } = error
    throw Integration.failure(MongoError.InvalidArgumentError, { operation: "fromSchema", path, message })
  }
}
