/**
 * Work while the primary of a set of three changes: nothing unfinished looks finished, and nothing waits for a server that is
 * gone after another one has taken over.
 *
 * @since 0.1.0
 */
import { assert, it } from "@effect/vitest"
import { MongoClient, type MongoError } from "@mongofx/core"
import { Cause, Effect, Exit, Fiber, Option, Random, Scope, Stream } from "effect"
import { startReplicaSet } from "../support/replicaSet.ts"
import { reasonOf, seeded, timed, until } from "../support/utils.ts"

interface Account {
  readonly _id: number
  readonly balance: number
}

interface Entry {
  readonly _id: string
  readonly from: number
  readonly to: number
}

const accounts = [0, 1, 2, 3]
const itemCount = 600

it.live(
  "readers of a server that is gone fail at once, and a change stream goes on with the next primary",
  () =>
    Effect.gen(function*() {
      const set = yield* startReplicaSet()
      const mongo = yield* MongoClient.make({ url: set.uri, driverOptions: { monitorCommands: true } })
      const driver = yield* mongo.use(async (driver) => driver)
      const getMores: Array<string> = []
      driver.on("commandStarted", ({ command, commandName }) => {
        if (commandName === "getMore") getMores.push(command["collection"])
      })
      const majority = { writeConcern: { w: "majority" } } as const
      const watched = mongo.db("test").collection<{ _id: number }>("watched", majority)
      const items = mongo.db("test").collection<{ _id: number }>("items", majority)
      yield* items.insertMany([1, 2, 3].map((_id) => ({ _id })))
      yield* mongo.db("test").createCollection("watched")
      const ids = Effect.gen(function*() {
        const { next } = yield* watched.watch().open
        return next.pipe(
          Effect.map(({ events }) =>
            events.map((event) => event.operationType === "insert" ? event.documentKey._id : undefined)
          ),
          Effect.repeat({ until: (ids) => ids.length > 0 })
        )
      })
      const [workedOff, waiting] = [yield* ids, yield* ids]
      yield* watched.insertOne({ _id: 1 })
      assert.deepStrictEqual([yield* workedOff, yield* waiting], [[1], [1]])

      /** Its second batch takes longer than the test. */
      const slow = Stream.runDrain(items.find({ $where: "this._id < 3 || sleep(100000)" }).batchSize(2).stream)
      let runs = 0
      const work = yield* Effect.forEach([
        waiting,
        Effect.exit(slow),
        mongo.withTransaction(Effect.suspend(() => ++runs === 1 ? slow : items.insertOne({ _id: 4 })))
      ], (each) => Effect.forkChild(each as Effect.Effect<unknown, unknown>))
      yield* until("all wait for a batch", () => getMores.filter((name) => name === "items").length === 2)
      const first = yield* set.primary
      first.kill()
      yield* watched.insertOne({ _id: 2 })
      assert.notStrictEqual((yield* set.primary).host, first.host)
      // The driver waits for the server of a cursor for 30 seconds.
      const [[seen, query], elapsed] = yield* timed(Effect.forEach(work, Fiber.join))
      assert.deepStrictEqual([seen, yield* workedOff], [[2], [2]])
      assert.strictEqual((yield* reasonOf(query as Exit.Exit<void, MongoError.MongoError>))._tag, "ConnectionError")
      assert.strictEqual(runs, 2)
      assert.isBelow(elapsed, 15_000)
    }),
  60_000
)

it.live(
  "transfers, change streams and queries keep their promises over two elections",
  () =>
    seeded(Effect.gen(function*() {
      const set = yield* startReplicaSet()
      const client = MongoClient.make({ url: set.uri, serverSelectionTimeout: "10 seconds" })
      const mongo = yield* client
      const bank = (mongo: MongoClient.MongoClient) => ({
        accounts: mongo.db("bank").collection<Account>("accounts", { writeConcern: { w: "majority" } }),
        journal: mongo.db("bank").collection<Entry>("journal", { writeConcern: { w: "majority" } })
      })
      const { accounts: all, journal } = bank(mongo)
      yield* all.insertMany(accounts.map((_id) => ({ _id, balance: 100 })))
      yield* mongo.db("bank").createCollection("journal")
      const items = mongo.db("bank").collection<{ _id: number }>("items", { writeConcern: { w: "majority" } })
      yield* items.insertMany(Array.from({ length: itemCount }, (_, _id) => ({ _id })))

      const seen: Array<string> = []
      const { stream } = yield* journal.watch().open
      const watching = yield* Effect.forkChild(Stream.runForEach(stream, (event) =>
        Effect.sync(() => {
          if (event.operationType === "insert") seen.push(event.documentKey._id)
        })))

      const outcomes = new Map<string, "done" | "not done" | "unknown">()
      const commits = new Map<string, number>()
      let isRunning = true
      /** Reads and writes back: without isolation, money would be lost or created. */
      const transfer = (mongo: MongoClient.MongoClient, id: string) => {
        const { accounts: all, journal } = bank(mongo)
        const balanceOf = (_id: number) =>
          Effect.map(all.findOne({ _id }), (account) => Option.getOrThrow(account).balance)
        return mongo.withTransaction(Effect.gen(function*() {
          yield* mongo.afterCommit(Effect.sync(() => void commits.set(id, (commits.get(id) ?? 0) + 1)))
          const from = yield* Random.nextIntBetween(0, 3)
          const to = (from + 1 + (yield* Random.nextIntBetween(0, 2))) % 4
          const [source, target] = [yield* balanceOf(from), yield* balanceOf(to)]
          yield* all.updateOne({ _id: from }, { $set: { balance: source - 1 } })
          yield* all.updateOne({ _id: to }, { $set: { balance: target + 1 } })
          yield* journal.insertOne({ _id: id, from, to })
        })).pipe(
          Effect.exit,
          Effect.map((exit) => {
            const error = Exit.isSuccess(exit) ? undefined : Option.getOrUndefined(Cause.findErrorOption(exit.cause))
            if (Exit.isFailure(exit) && error === undefined) throw Cause.squash(exit.cause)
            const isUnknown = error?.reason.labels.includes("UnknownTransactionCommitResult")
            outcomes.set(id, error === undefined ? "done" : isUnknown === true ? "unknown" : "not done")
            return error
          })
        )
      }
      const writing = Effect.gen(function*() {
        for (let i = 0; isRunning; i++) {
          assert.strictEqual(yield* transfer(mongo, `one-${i}`), undefined)
          yield* Effect.sleep(20)
        }
      })
      /** Each client closes at a random moment of its transfers. */
      const closing = Effect.gen(function*() {
        for (let i = 0; isRunning; i++) {
          const scope = yield* Scope.make()
          // Without a primary no client connects.
          const made = yield* Effect.exit(Scope.provide(client, scope))
          if (Exit.isSuccess(made)) {
            const fiber = yield* Effect.forkChild(Effect.gen(function*() {
              for (let k = 0;; k++) {
                const error = yield* transfer(made.value, `closed-${i}-${k}`)
                if (error !== undefined) return error
              }
            }))
            yield* Effect.sleep(yield* Random.nextIntBetween(0, 150))
            yield* Scope.close(scope, Exit.void)
            assert.strictEqual((yield* Fiber.join(fiber)).reason._tag, "ClientClosedError")
          }
          yield* Scope.close(scope, Exit.void)
        }
      })
      const reads = { whole: 0, failed: 0 }
      const reading = Effect.gen(function*() {
        while (isRunning) {
          let count = 0
          const exit = yield* items.find().batchSize(50).stream.pipe(
            Stream.runForEach(() => ++count % 50 === 0 ? Effect.sleep(20) : Effect.void),
            Effect.exit
          )
          if (Exit.isSuccess(exit)) {
            assert.strictEqual(count, itemCount)
            reads.whole++
          } else reads.failed++
        }
      })
      const elections = Effect.gen(function*() {
        const more = Effect.suspend(() => {
          const enough = outcomes.size + 20
          return until("transfers take place", () => outcomes.size >= enough, 40_000)
        })
        yield* more
        const first = yield* set.primary
        yield* Effect.promise(() =>
          first.direct.db("admin").command({ replSetStepDown: 10, secondaryCatchUpPeriodSecs: 5, force: true })
        )
        yield* more
        const second = yield* set.primary
        assert.notStrictEqual(second.host, first.host)
        second.kill()
        yield* more
        isRunning = false
      })
      yield* Effect.all([elections, writing, closing, reading], { concurrency: "unbounded", discard: true })
      assert.isAbove(reads.whole, 0)

      const entries = yield* journal.find()
      const written = new Set(entries.map(({ _id }) => _id))
      yield* until("all events", () => seen.length >= written.size, 20_000)
      yield* Fiber.interrupt(watching)
      assert.deepStrictEqual(new Set(seen), written)
      assert.strictEqual(seen.length, written.size)
      for (const [id, outcome] of outcomes) {
        if (outcome !== "unknown") assert.strictEqual(written.has(id), outcome === "done", `${id}: ${outcome}`)
        const count = commits.get(id) ?? 0
        if (outcome === "done") assert.strictEqual(count, 1, `afterCommit of ${id}`)
        else assert.isAtMost(count, written.has(id) ? 1 : 0, `afterCommit of ${id}`)
      }
      const expected = accounts.map((account) =>
        entries.reduce((sum, { from, to }) => sum + (to === account ? 1 : 0) - (from === account ? 1 : 0), 100)
      )
      assert.deepStrictEqual((yield* all.find().sort({ _id: 1 })).map(({ balance }) => balance), expected)
    })),
  150_000
)
