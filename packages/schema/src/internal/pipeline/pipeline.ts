/** Pipelines: the stages up to now, and the schema of what they give. */
import { Integration, MongoError } from "@mongofx/core"
import type * as Effect from "effect/Effect"
import { pipeArguments } from "effect/Pipeable"
import * as Schema from "effect/Schema"
import type * as SchemaAST from "effect/SchemaAST"
import type * as Driver from "mongodb"
import type { Ref } from "../../Expr.ts"
import type { Pipeline } from "../../Pipeline.ts"
import { encoded } from "../collection/failures.ts"
import { type Operands, strict } from "../encode/operands.ts"
import { document } from "../expression/reference.ts"
import { type Origin, Writing } from "../expression/writing.ts"
import { encodeValue } from "../path/codecs.ts"
import { Refusal, refuse } from "../refusal.ts"
import { checkInside, checkOrder } from "./order.ts"

/** @internal */
export const TypeId = "~@mongofx/schema/Pipeline" as const

/** A stage: its name, and how its content is written. */
interface Stage {
  readonly name: string
  readonly write: (writing: Writing) => unknown
}

/** @internal */
export class PipelineImpl {
  readonly [TypeId] = TypeId
  readonly ast: SchemaAST.AST
  readonly written: ReadonlyArray<Stage>

  constructor(ast: SchemaAST.AST, written: ReadonlyArray<Stage>) {
    this.ast = ast
    this.written = written
  }

  get schema(): Schema.Top {
    return Schema.make<Schema.Top>(this.ast)
  }

  get stages(): Effect.Effect<ReadonlyArray<Driver.Document>, unknown, unknown> {
    return encoded({ operation: "aggregate", collection: "a pipeline" }, (operands) => writeStages(this, operands))
  }

  get names(): ReadonlyArray<string> {
    return this.written.map(({ name }) => name)
  }

  pipe() {
    return pipeArguments(this, arguments)
  }
}

/** @internal */
export const implOf = (pipeline: Pipeline<unknown, unknown>): PipelineImpl => pipeline as unknown as PipelineImpl

/** @internal */
export const isPipeline = (u: unknown): u is Pipeline<unknown, unknown> => u instanceof PipelineImpl

/**
 * A pipeline without stages.
 *
 * @internal
 */
export const make = (ast: SchemaAST.AST): PipelineImpl => new PipelineImpl(ast, [])

/**
 * A pipeline that begins with documents of its own.
 *
 * @internal
 */
export const documents = (ast: SchemaAST.AST, values: ReadonlyArray<unknown>): PipelineImpl => {
  const encode = encodeValue([ast])
  const write = (writing: Writing) => {
    const out: Array<unknown> = []
    values.forEach((value, i) => writing.operands.put({ out, key: i, path: writing.at(i).path }, encode(value, strict)))
    // The server would read a value such as "$name" as a path.
    return { $literal: out }
  }
  return new PipelineImpl(ast, [{ name: "$documents", write }])
}

/**
 * The stages of a pipeline as they are sent. Inside of a stage they see its document only if the place was made with `insideWith`.
 *
 * @internal
 */
export const writeStages = (
  { written }: PipelineImpl,
  operands: Operands,
  at = new Writing(operands, "pipeline")
): Array<Driver.Document> => {
  const inside = at.inside()
  return written.map(({ name, write }, i) => ({ [name]: write(inside.at(i).at(name)) }))
}

/**
 * What a stage is made from: the schema of the documents that reach it, and a reference to them.
 *
 * @internal
 */
export interface Input {
  readonly ast: SchemaAST.AST
  readonly $: Ref<unknown>
  /** What the reference begins at. */
  readonly origin: Origin
  /** The stages before. */
  readonly names: ReadonlyArray<string>
}

/**
 * A stage: the schema of the documents that leave it, and how its content is written.
 *
 * @internal
 */
export interface Output {
  readonly ast: SchemaAST.AST
  readonly write: (writing: Writing) => unknown
}

/**
 * Adds a stage to a pipeline. What it refuses is thrown with the number and the name of the stage.
 *
 * @internal
 */
export const addStage = <P>(self: unknown, name: string, f: (input: Input) => Output): P => {
  const before = self as PipelineImpl
  return building(`stage ${before.written.length + 1} (${name})`, () => {
    checkOrder(before.names, name)
    const [origin, $] = document<unknown>(before.ast)
    const { ast, write } = f({ ast: before.ast, $, origin, names: before.names })
    return new PipelineImpl(ast, [...before.written, { name, write: (writing) => write(inDocument(writing, origin)) }])
  }) as P
}

const inDocument = (writing: Writing, origin: Origin): Writing => writing.bind(origin, "")

/** What was refused, by the error that was thrown for it. */
const refusals = new WeakMap<object, { readonly path: string; readonly text: string }>()

/** What is refused here is a mistake in the program: it is thrown, as an error of the argument. */
const building = <A>(at: string, f: () => A): A => {
  try {
    return f()
  } catch (error) {
    const refused = error instanceof Refusal
      ? { path: error.path, text: `${at}: ${error.message}` }
      : extended(at, refusals.get(error as object))
    if (refused === undefined) throw error
    const failure = Integration.failure(MongoError.InvalidArgumentError, {
      operation: "aggregate",
      path: refused.path,
      message: refused.text
    })
    refusals.set(failure, refused)
    throw failure
  }
}

/**
 * What was refused when a pipeline was made, with the stage, or `undefined` for another error.
 *
 * @internal
 */
export const refusalOf = (error: unknown): string | undefined =>
  typeof error === "object" && error !== null ? refusals.get(error)?.text : undefined

/**
 * What was refused when a pipeline was made, as the failure of an operation on a collection. Other errors stay as they are.
 *
 * @internal
 */
export const refusedOn = (namespace: string, error: unknown): unknown => {
  const refused = typeof error === "object" && error !== null ? refusals.get(error) : undefined
  return refused === undefined ? error : Integration.failure(MongoError.InvalidArgumentError, {
    operation: "aggregate",
    namespace,
    path: refused.path,
    message: refused.text
  })
}

/** What a pipeline inside of a stage refuses is said with both stages. */
const extended = (at: string, refused: { readonly path: string; readonly text: string } | undefined) =>
  refused === undefined ? undefined : { ...refused, text: `${at}, ${refused.text}` }

/**
 * Makes the pipeline inside a stage. Its stages must be such as can stand there.
 *
 * @internal
 */
export const inner = (
  stage: string,
  ast: SchemaAST.AST,
  f: ((self: never) => unknown) | undefined
): PipelineImpl => {
  const start = make(ast)
  const pipeline = f === undefined ? start : f(start as never)
  if (!isPipeline(pipeline)) return refuse(stage, "has a function that gives no pipeline")

  const impl = implOf(pipeline)
  checkInside(stage, impl.names)
  return impl
}
