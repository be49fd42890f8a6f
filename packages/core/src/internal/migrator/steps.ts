/**
 * The steps of a migration: a killed run goes on where it was.
 */
import * as Effect from "effect/Effect"
import { identity } from "effect/Function"
import * as Option from "effect/Option"
import type * as Driver from "mongodb"
import type { MongoCollection } from "../../MongoCollection.ts"
import type { MongoError } from "../../MongoError.ts"
import type { BatchOptions, StepProgress } from "../../MongoMigrator.ts"
import { connectionOf } from "../call/connection.ts"
import { checking } from "../call/operation.ts"
import { InvalidInput } from "../input/invalidInput.ts"
import { withTransactionOf } from "../session/withTransaction.ts"
import { CurrentMigration } from "./current.ts"
import type { MigrationError } from "./migrationError.ts"

const defaultBatchSize = 500

/** @internal */
export const step = <E, R>(
  name: string,
  body: Effect.Effect<unknown, E, R> | ((progress: StepProgress) => Effect.Effect<unknown, E, R>)
): Effect.Effect<void, E | MigrationError | MongoError, R | CurrentMigration> =>
  Effect.gen(function*() {
    const current = yield* CurrentMigration
    const before = yield* current.stepOf(name)
    if (before?.done === true) return yield* Effect.logInfo(`Step ${name} was done before`)
    let handled = before?.handled ?? 0
    let position = before !== undefined && "position" in before ? Option.some(before.position) : Option.none()
    const entry = (done: boolean) => ({
      name,
      done,
      handled,
      ...(Option.isSome(position) ? { position: position.value } : {})
    })
    const progress: StepProgress = {
      position,
      handled,
      save: (next, total = handled) =>
        Effect.suspend(() => {
          position = Option.some(next)
          handled = total
          return current.saveStep(entry(false))
        })
    }
    yield* current.endStep(Effect.isEffect(body) ? body : body(progress), () => entry(true))
  })

/** @internal */
export const forEachBatch = <A extends Driver.Document, E, R>(
  options: BatchOptions<A>,
  f: (documents: ReadonlyArray<A>) => Effect.Effect<unknown, E, R>
): Effect.Effect<void, E | MigrationError | MongoError, R | CurrentMigration> => {
  const { batchSize = defaultBatchSize, filter = {}, transaction = false } = options
  // A secondary may not have documents yet that are to be changed.
  const collection = options.collection.withOptions({ readPreference: "primary" }) as unknown as MongoCollection
  const database = collection.fullName.slice(0, -collection.name.length - 1)
  const operation = { name: "forEachBatch", command: "find", database, collection: collection.name }
  // An expression compares values of all types in the order of the index; `$gt` of a filter would end at the last value of the type.
  const after = (position: unknown) => ({ $expr: { $gt: ["$_id", { $literal: position }] } })

  const walk = (progress: StepProgress): Effect.Effect<void, E | MigrationError | MongoError, R> =>
    Effect.gen(function*() {
      yield* checking(operation, () => {
        if (Number.isInteger(batchSize) && batchSize >= 1) return
        throw new InvalidInput("options.batchSize", "options.batchSize is not a whole number of at least 1")
      })
      let { handled, position } = progress
      for (;;) {
        const documents = yield* collection.find(
          Option.isSome(position) ? { $and: [filter, after(position.value)] } : filter
        ).sort({ _id: 1 }).limit(batchSize)
        const last = documents.at(-1)
        if (last === undefined) return
        yield* checking(operation, () => {
          if (!(last["_id"] instanceof Uint8Array)) return
          throw new InvalidInput(
            "options.collection",
            "options.collection has bytes as ids and promoteBuffers, which leaves out their kind, so that they have no order: use withOptions({ promoteBuffers: false })"
          )
        })
        handled += documents.length
        const batch = Effect.andThen(
          Effect.suspend(() => f(documents as unknown as ReadonlyArray<A>)),
          progress.save(last["_id"], handled)
        )
        yield* transaction ? withTransactionOf(connectionOf(collection), identity)(batch) : batch
        position = Option.some(last["_id"])
      }
    })
  return step(options.step, walk)
}
