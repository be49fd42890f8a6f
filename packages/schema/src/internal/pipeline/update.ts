/** Updates by pipelines: their stages must leave documents of the collection. */
import type * as SchemaAST from "effect/SchemaAST"
import * as Driver from "mongodb"
import type { Pipeline } from "../../Pipeline.ts"
import { required, type Slot } from "../ast/calculus.ts"
import { changeField } from "../ast/fields.ts"
import { unreadable } from "../ast/fits.ts"
import { equalities } from "../collection/upsert.ts"
import { ComputedImpl } from "../encode/marked.ts"
import { Writing } from "../expression/writing.ts"
import { isStored } from "../path/codecs.ts"
import { expand } from "../path/nodes.ts"
import { refuse } from "../refusal.ts"
import { checkUpdate } from "./order.ts"
import { implOf, isPipeline, make, type PipelineImpl, refusalOf, writeStages } from "./pipeline.ts"

type Stages = (documents: never) => Pipeline<unknown, unknown>

const build = (f: Stages, documents: SchemaAST.AST, at: string): PipelineImpl => {
  try {
    const pipeline = f(make(documents) as never)
    return isPipeline(pipeline) ? implOf(pipeline) : refuse(at, "is a function that gives no pipeline")
  } catch (error) {
    const refused = refusalOf(error)
    if (refused === undefined) throw error
    return refuse(at, `has a stage that cannot be: ${refused}`)
  }
}

/** A pipeline may leave the `_id` out, and never changes it. */
const checkId = (before: SchemaAST.AST, after: SchemaAST.AST, at: string): void => {
  const idsIn = (ast: SchemaAST.AST) =>
    expand(ast).flatMap((node) =>
      node._tag === "Object"
        ? node.objects.propertySignatures.filter(({ name }) => node.rename(String(name)) === "_id")
        : []
    )
  const known = new Set(idsIn(before).map(({ type }) => required(type)))
  for (const { name, type } of idsIn(after)) {
    if (!known.has(required(type))) {
      refuse(`${at}.${String(name)}`, "changes the _id of the document, which never changes")
    }
  }
}

const built = (f: Stages, documents: SchemaAST.AST, at: string): PipelineImpl => {
  const pipeline = build(f, documents, at)
  checkUpdate(at, pipeline.names)
  checkId(documents, pipeline.ast, at)
  const problem = unreadable(pipeline.ast, documents)
  if (problem !== undefined) {
    refuse(problem.path === "" ? at : `${at}.${problem.path}`, `${problem.what}: the document could not be read`)
  }
  return pipeline
}

/** An update by a pipeline. It is made once for a schema. */
class PipelineUpdate extends ComputedImpl {
  readonly f: Stages

  constructor(f: Stages) {
    const known = new WeakMap<SchemaAST.AST, PipelineImpl>()
    super((documents, operands, at) => {
      let pipeline = known.get(documents)
      if (pipeline === undefined) known.set(documents, pipeline = built(f, documents, at))
      return writeStages(pipeline, operands, new Writing(operands, at))
    })
    this.f = f
  }
}

/**
 * An update by the stages of a pipeline.
 *
 * @internal
 */
export const updateBy = (f: Stages): ComputedImpl => new PipelineUpdate(f)

/** The documents that an upsert begins with: they have the fields of its filter, and an ObjectId if that is the `_id`. */
const inserted = (documents: SchemaAST.AST, fields: ReadonlySet<string>): SchemaAST.AST => {
  const absent = expand(documents).flatMap((node) =>
    node._tag === "Object"
      ? node.objects.propertySignatures.filter(({ name, type }) => {
        const stored = node.rename(String(name))
        return !fields.has(stored) && !(stored === "_id" && isStored([type], new Driver.ObjectId()))
      })
      : []
  )
  const mayLack = { change: (slot: Slot | undefined) => slot && { ...slot, optional: true }, creates: false }
  return absent.reduce(
    (ast, { name }) => changeField(ast, String(name), String(name), { ...mayLack, entersArrays: false }),
    documents
  )
}

/**
 * Refuses an upsert by a pipeline that could insert a document that cannot be read. `filter` is encoded.
 *
 * @internal
 */
export const checkInsertedBy = (update: unknown, documents: SchemaAST.AST, filter: unknown, at: string): void => {
  if (!(update instanceof PipelineUpdate)) return
  const fields = new Set(equalities(filter).map(([path]) => path.split(".", 1)[0]!))
  const after = build(update.f, inserted(documents, fields), at).ast
  const problem = unreadable(after, documents)
  if (problem !== undefined) {
    refuse(
      at,
      `could insert a document that cannot be read: ${problem.path} ${problem.what}. ` +
        "Set it to Expr.ifNull of the field and a value, or name it in the filter"
    )
  }
}
