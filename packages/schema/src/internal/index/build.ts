/** Builds indexes on the server: how far it has come, and how it ends when nobody wants it any more. */
import { Integration, Mongo, type MongoCollection as Core, type MongoError } from "@mongofx/core"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Driver from "mongodb"
import type { Index, Options } from "../../MongoIndex.ts"

/** How often to ask for the progress of a build, in milliseconds. */
const interval = 500

/** How long an interruption may take to undo something on the server, in milliseconds. */
const endTimeout = 3000

/**
 * Sleeps by the server clock.
 *
 * @internal
 */
export const sleep = (milliseconds: number): Effect.Effect<void> =>
  Effect.flatMap(Mongo.CurrentServerClock, (clock) => clock.sleep(Duration.millis(milliseconds)))

/** How far the builds of a collection have come. */
interface Progress {
  readonly phase: string
  readonly done: number
  readonly total: number
}

interface Operation extends Driver.Document {
  readonly opid: number | string
  readonly desc?: string
  readonly msg?: string
  readonly progress?: { readonly done?: unknown; readonly total?: unknown }
}

/** `Index Build: scanning collection Index Build: scanning collection: 20/100 20%`. */
const phaseOf = ({ msg }: Operation): string => /^Index Build: (.*?)(?: Index Build: .*)?$/s.exec(msg ?? "")?.[1] ?? ""

/** Sums up what the members and shards say that build the same indexes. */
const progressOf = (operations: ReadonlyArray<Operation>): Progress | undefined => {
  const all = operations.filter(({ progress }) => progress !== undefined)
  const [first] = all
  if (first === undefined) return undefined
  const sum = (part: "done" | "total") => all.reduce((sum, { progress }) => sum + Number(progress?.[part] ?? 0), 0)
  return { phase: phaseOf(first), done: sum("done"), total: sum("total") }
}

const operationsOf = (
  collection: Core.MongoCollection,
  condition: Driver.Document
): Effect.Effect<ReadonlyArray<Operation>, MongoError.MongoError> => {
  const admin = Integration.database(collection, "admin")
  const match = { $match: { ns: collection.fullName, "command.createIndexes": collection.name, ...condition } }
  const ask = (currentOp: Driver.Document) => admin.aggregate<Operation>([{ $currentOp: currentOp }, match])
  // Not every user may see the operations of others, and so those of the server's own threads.
  return Effect.catch(ask({ allUsers: true }), () => ask({}))
}

/**
 * Tells of the progress of the builds of a collection until it is interrupted.
 *
 * @internal
 */
export const watching = (
  collection: Core.MongoCollection,
  tell: (progress: Progress) => Effect.Effect<void>
): Effect.Effect<never> =>
  Effect.forever(Effect.gen(function*() {
    yield* sleep(interval)
    const operations = yield* Effect.orElseSucceed(operationsOf(collection, {}), () => [])
    const progress = progressOf(operations)
    if (progress !== undefined) yield* tell(progress)
  }))

/**
 * Runs what undoes something, within a bound and whatever its outcome.
 *
 * @internal
 */
export const finalizing = (self: Effect.Effect<unknown, unknown>): Effect.Effect<void> =>
  Effect.raceFirst(
    Mongo.withInterruptionPolicy(Effect.interruptible(Effect.ignoreCause(self)), "abort"),
    sleep(endTimeout)
  )

/**
 * Ends a build: the server goes on with it when the connection of its command is closed. It waits until the build is gone, so that the next
 * plan does not see it. A command that is still on its way shows up in the second look.
 */
const end = (collection: Core.MongoCollection, comment: string): Effect.Effect<void> => {
  const admin = Integration.database(collection, "admin")
  const kill = ({ desc, opid }: Operation) =>
    desc?.startsWith("conn") === true ? Effect.ignore(admin.command({ killOp: 1, op: opid })) : Effect.void
  const look = Effect.flatMap(
    operationsOf(collection, { "command.comment": comment }),
    (operations) => Effect.as(Effect.forEach(operations, kill, { discard: true }), operations.length === 0)
  )
  const looking = Effect.gen(function*() {
    for (let absent = 0; absent < 2;) {
      absent = (yield* look) ? absent + 1 : 0
      yield* sleep(25)
    }
  })
  return finalizing(looking)
}

/**
 * Builds indexes with one command. An interruption ends the build.
 *
 * @internal
 */
export const build = (
  collection: Core.MongoCollection,
  indexes: ReadonlyArray<Index>,
  { commitQuorum }: Options
): Effect.Effect<void, MongoError.MongoError> =>
  Effect.suspend(() => {
    const comment = `mongofx ${new Driver.ObjectId().toHexString()}`
    const descriptions = indexes.map(({ key, name, options }): Driver.IndexDescription => ({
      ...options,
      key: new Map(key) as Map<string, Driver.IndexDirection>,
      name
    }))
    return collection.createIndexes(descriptions, {
      comment,
      ...(commitQuorum === undefined ? {} : { commitQuorum })
    }).pipe(
      Mongo.withInterruptionPolicy("abort"),
      Effect.onInterrupt(() => end(collection, comment)),
      Effect.asVoid
    )
  })
