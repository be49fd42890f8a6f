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
import type { Operands } from "../encode/operands.ts"
import { document } from "../expression/reference.ts"
import { type Origin, Writing } from "../expression/writing.ts"
import { Refusal } from "../refusal.ts"
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
 * The stages of a pipeline as they are sent.
 *
 * @internal
 */
export const writeStages = (
  { written }: PipelineImpl,
  operands: Operands,
  at = new Writing(operands, "pipeline")
): Array<Driver.Document> => written.map(({ name, write }, i) => ({ [name]: write(at.at(i).at(name)) }))

/**
 * What a stage is made from: the schema of the documents that reach it, and a reference to them.
 *
 * @internal
 */
export interface Input {
  readonly ast: SchemaAST.AST
  readonly $: Ref<unknown>
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
    const { ast, write } = f({ ast: before.ast, $, names: before.names })
    return new PipelineImpl(ast, [...before.written, { name, write: (writing) => write(inDocument(writing, origin)) }])
  }) as P
}

const inDocument = (writing: Writing, origin: Origin): Writing => writing.bind(origin, "")

/** What is refused here is a mistake in the program: it is thrown, as an error of the argument. */
const building = <A>(at: string, f: () => A): A => {
  try {
    return f()
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    throw Integration.failure(MongoError.InvalidArgumentError, {
      operation: "aggregate",
      path: error.path,
      message: `${at}: ${error.message}`
    })
  }
}

/**
 * Makes the pipeline inside a stage. Its stages must be such as can stand there.
 *
 * @internal
 */
export const inner = (
  stage: string,
  ast: SchemaAST.AST,
  f: ((self: never) => Pipeline<unknown, unknown>) | undefined
): PipelineImpl => {
  const start = make(ast)
  const pipeline = f === undefined ? start : implOf(f(start as never))
  checkInside(stage, pipeline.names)
  return pipeline
}
