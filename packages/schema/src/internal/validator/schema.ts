/** The validator of a schema or a model. */
import type * as Schema from "effect/Schema"
import type * as Driver from "mongodb"
import type { Lost, SchemaOptions, Validator } from "../../MongoValidator.ts"
import { variantOf } from "../collection/shape.ts"
import { anyOf, type Clause, queryOf, type Said, textOf } from "./said.ts"
import { Walk } from "./walk.ts"

/** How the driver of a collection delivers numbers. */
export interface Reads {
  readonly promoteValues: boolean
  readonly promoteLongs: boolean
  readonly useBigInt64: boolean
}

const usual: Reads = { promoteValues: true, promoteLongs: true, useBigInt64: false }

interface Walked extends Said {
  readonly lost: ReadonlyArray<Lost>
}

const isSame = (a: Walked, b: Walked): boolean =>
  textOf(a.schema) === textOf(b.schema) && textOf(a.clauses.map(queryOf)) === textOf(b.clauses.map(queryOf))

const unique = (lost: ReadonlyArray<Lost>): ReadonlyArray<Lost> => [
  ...new Map(lost.map((each) => [`${each.path}\n${each.what}`, each])).values()
]

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

/** @internal */
export const fromSchema = (
  schema: Schema.Constraint,
  { depth = 3, open = [] }: SchemaOptions = {},
  { promoteLongs, promoteValues, useBigInt64 }: Reads = usual
): Validator => {
  const options = { depth, open: new Set(open), promotes: promoteValues && promoteLongs && !useBigInt64 }
  const [read, inserted] = [schema.ast, variantOf(schema, "insert")].map((ast): Walked => {
    const walk = new Walk(options)
    const { clauses, schema } = walk.document(ast)
    return { schema, clauses, lost: walk.lost }
  }) as [Walked, Walked]
  const { clauses, lost, schema: all } = isSame(read, inserted) ? read : either(read, inserted)
  const queries = clauses.map((clause) => ({ query: queryOf(clause), lost: clause.lost }))
  const nor = queries.flatMap(({ query }): ReadonlyArray<Driver.Document> => query === undefined ? [] : [query])
  return {
    validator: { $jsonSchema: all, ...(nor.length === 0 ? {} : { $nor: nor }) },
    lost: unique([...lost, ...queries.flatMap(({ lost, query }) => query === undefined ? [lost] : [])])
  }
}
