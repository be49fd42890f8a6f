/** Reads what the server knows of a collection and its indexes, and makes the plan. */
import type { MongoCollection as Core, MongoError } from "@mongofx/core"
import * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import type * as Driver from "mongodb"
import type { Plan } from "../../MongoIndex.ts"
import type { TypedCollection } from "../../TypedCollection.ts"
import type { Failure } from "../../TypedQuery.ts"
import { encoded, type Run } from "../collection/failures.ts"
import { planOf, type State } from "./plan.ts"

interface Listed {
  /** The index, if it is being built. */
  readonly spec?: Driver.IndexDescriptionInfo
  readonly buildUUID?: unknown
}

const isBuilding = (one: Listed): one is Required<Listed> => one.buildUUID !== undefined && one.spec !== undefined

/** The indexes, with those that are being built: the list that others get does not tell them apart. */
const listIndexes = (
  { database, name }: Core.MongoCollection
): Effect.Effect<ReadonlyArray<Listed>, MongoError.MongoError> =>
  database.runCursorCommand<Listed & Driver.Document>({ listIndexes: name, includeBuildUUIDs: true }).pipe(
    Effect.catchReason("MongoError", "NamespaceNotFoundError", () => Effect.succeed([]))
  )

/**
 * Whether the server is building an index of a collection, declared or not.
 *
 * @internal
 */
export const hasBuild = (collection: Core.MongoCollection): Effect.Effect<boolean, MongoError.MongoError> =>
  Effect.map(listIndexes(collection), (all) => all.some(isBuilding))

const stateOf = (collection: Core.MongoCollection): Effect.Effect<State, MongoError.MongoError> =>
  Effect.gen(function*() {
    const [info] = yield* collection.database.listCollections({ name: collection.name })
    const options: Driver.Document = info?.options ?? {}
    const state = {
      collection: collection.fullName,
      viewOn: options["viewOn"] === undefined ? undefined : `${collection.database.name}.${options["viewOn"]}`,
      collation: options["collation"],
      timeseries: options["timeseries"]
    }
    // The server lists no indexes of a view.
    if (state.viewOn !== undefined) return { ...state, indexes: [], building: new Set<string>() }
    const listed = yield* listIndexes(collection)
    return {
      ...state,
      indexes: listed.map((one) => isBuilding(one) ? one.spec : one as Driver.IndexDescriptionInfo),
      building: new Set(listed.filter(isBuilding).map(({ spec }) => spec.name ?? ""))
    }
  })

/**
 * Makes the plan of a collection.
 *
 * @internal
 */
export const plan = <S extends Schema.Constraint>(
  collection: TypedCollection<S>
): Effect.Effect<Plan, Failure, S["EncodingServices"]> =>
  Effect.gen(function*() {
    const declared = yield* collection.declaredIndexes
    const state = yield* stateOf(collection.untyped)
    return yield* encoded({ operation: "plan", collection: collection.fullName }, () => planOf(declared, state)) as Run<
      Plan
    >
  })
