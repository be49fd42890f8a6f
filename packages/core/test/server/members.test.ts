/**
 * Queries on a set of three members, whose cursors and operations live on one of them.
 *
 * @since 0.1.0
 */
import { assert, layer } from "@effect/vitest"
import { MongoClient } from "@mongofx/core"
import { Context, Effect, Exit, Fiber, Layer, Scope, Stream } from "effect"
import type * as Driver from "mongodb"
import { type ReplicaSet, startReplicaSet } from "../support/replicaSet.ts"
import { interrupt, until } from "../support/utils.ts"

class Members extends Context.Service<Members, ReplicaSet>()("Members") {}

const database = "members"

/** What each member has of the test, including idle cursors. */
const leftOn = (set: ReplicaSet) =>
  Promise.all(set.members.map(({ direct }) =>
    direct.db("admin").aggregate([
      { $currentOp: { allUsers: true, idleCursors: true } },
      { $match: { ns: { $regex: `^${database}[.]` } } }
    ], { readPreference: "secondaryPreferred" }).toArray()
  ))

const countOf = (left: ReadonlyArray<ReadonlyArray<Driver.Document>>) => left.map((each) => each.length)

const nothingLeft = (set: ReplicaSet) =>
  until("no member has anything left", async () => (await leftOn(set)).every((each) => each.length === 0))

const setup = Effect.gen(function*() {
  const set = yield* Members
  const mongo = yield* MongoClient.make({ url: set.uri })
  const items = mongo.db(database).collection<{ _id: number }>("items", { readPreference: "secondary" })
  return { set, mongo, items }
})

layer(
  Layer.effect(
    Members,
    Effect.tap(
      startReplicaSet(),
      (set) =>
        Effect.scoped(
          Effect.flatMap(MongoClient.make({ url: set.uri }), (mongo) =>
            mongo.db(database).collection<{ _id: number }>("items").insertMany(
              Array.from({ length: 50 }, (_, _id) => ({ _id })),
              { writeConcern: { w: 3 } }
            ))
        )
    )
  ).pipe(Layer.orDie),
  { excludeTestServices: true, timeout: "90 seconds" }
)("on a set of three,", (it) => {
  it.effect(
    "a query on a secondary ends there when it is interrupted before its first reply",
    () =>
      Effect.gen(function*() {
        const { items, set } = yield* setup
        const slow = items.find({ $where: "sleep(20000) || true" }).batchSize(5)
        for (let i = 0; i < 10; i++) {
          const read = i % 2 === 0 ? slow as Effect.Effect<unknown, unknown> : Stream.runDrain(slow.stream)
          const fiber = yield* Effect.forkChild(read)
          yield* until("it runs on a member", async () => countOf(await leftOn(set)).some((count) => count > 0))
          assert.isBelow(yield* interrupt(fiber), 700)
          yield* nothingLeft(set)
        }
      }),
    60_000
  )

  it.effect("a cursor in a snapshot session is closed on its member", () =>
    Effect.gen(function*() {
      const { items, mongo, set } = yield* setup
      for (let i = 0; i < 6; i++) {
        const session = yield* mongo.session({ snapshot: true })
        const scope = yield* Scope.make()
        const open = yield* session.use(Scope.provide(items.find().batchSize(5).open, scope))
        assert.strictEqual((yield* open.next).length, 5)
        assert.strictEqual(countOf(yield* Effect.promise(() => leftOn(set))).reduce((a, b) => a + b), 1)
        yield* Scope.close(scope, Exit.void)
        yield* nothingLeft(set)
      }
    }), 60_000)

  it.effect("a client that closes leaves nothing on any member", () =>
    Effect.gen(function*() {
      const { set } = yield* setup
      const scope = yield* Scope.make()
      const mongo = yield* Scope.provide(MongoClient.make({ url: set.uri }), scope)
      const items = mongo.db(database).collection<{ _id: number }>("items", { readPreference: "secondary" })
      const fibers = yield* Effect.forEach([1, 2, 3, 4], () =>
        Effect.forkChild(
          Effect.exit(items.find({ $where: "sleep(20000) || true" }) as Effect.Effect<unknown, unknown>)
        ))
      yield* until("they run", async () => countOf(await leftOn(set)).reduce((a, b) => a + b) >= 4)
      yield* Scope.close(scope, Exit.void)
      for (const fiber of fibers) assert.isTrue(Exit.isFailure(yield* Fiber.join(fiber)))
      yield* nothingLeft(set)
    }), 60_000)
})
