/**
 * `Reactivity` on MongoDB: commits, and what other processes write.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { MongoReactivity } from "@mongofx/backends"
import { Mongo, MongoClient, type MongoError } from "@mongofx/core"
import { MongoServer } from "@mongofx/testing"
import { Context, Effect, Exit, Fiber, Layer, Logger, Queue, Redacted, Scope } from "effect"
import { Reactivity } from "effect/reactivity"
import * as Driver from "mongodb"
import { failCommand, type Fixture, leftOnServer, nothingLeft, setup, until } from "test-support/utils"
import { serviceOf } from "../support/backends.ts"

interface User {
  readonly _id: string | number
  readonly n?: number
}

type Service = Reactivity.Reactivity

/** The cursors of the service's change stream. Between two of its commands the server may show none. */
const cursorsOf = (fixture: Fixture) =>
  Effect.gen(function*() {
    let cursors: ReadonlyArray<unknown> = []
    yield* until("there is a cursor", async () => {
      const operations = await Effect.runPromise(leftOnServer(fixture))
      cursors = operations.flatMap(({ cursor }) => cursor ? [cursor.cursorId] : [])
      return cursors.length > 0
    })
    return cursors
  })

/** The service of one process. */
const instance = (fixture: Pick<Fixture, "db">, ...collections: ReadonlyArray<string>) =>
  serviceOf(Reactivity.Reactivity, Layer.orDie(MongoReactivity.layer({ collections })), fixture)

const usersOf = ({ db }: Pick<Fixture, "db">) => db.collection<User>("users")

/** A second client, with the database of the first. */
const sameDatabase = (fixture: Fixture, config?: Parameters<typeof setup>[0]) =>
  Effect.map(setup(config), (other) => ({ ...other, db: other.mongo.db(fixture.db.name) }))

/** Counts how often keys are invalidated. */
const counted = (reactivity: Service, keys: Parameters<Service["registerUnsafe"]>[0]) => {
  const count = { now: 0 }
  reactivity.registerUnsafe(keys, () => void count.now++)
  return count
}

/** Writes to a collection that is watched, and waits until that is heard: what was written before was heard, too. */
const heardAll = (reactivity: Service, { db }: Pick<Fixture, "db">, collection = "marks") =>
  Effect.suspend(() => {
    const _id = new Driver.ObjectId()
    const count = counted(reactivity, MongoReactivity.documents(collection, [_id]) as ReadonlyArray<unknown>)
    return Effect.andThen(
      db.collection(collection).insertOne({ _id }),
      until("a mark is heard", () => count.now > 0, 30_000)
    )
  })

describe("in a transaction", () => {
  const keys = { users: ["ada"] }

  it.effect("invalidations wait for the commit of the outermost one", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const { mongo } = fixture
      const reactivity = yield* instance(fixture)
      const count = counted(reactivity, ["users"])
      const program = Effect.gen(function*() {
        yield* mongo.withTransaction(Effect.gen(function*() {
          const written = usersOf(fixture).insertOne({ _id: "ada" })
          yield* mongo.withTransaction(Reactivity.mutation(written, keys))
          yield* Reactivity.invalidate(keys)
          // A fiber of the transaction waits, too.
          yield* Fiber.join(yield* Effect.forkChild(Reactivity.invalidate(keys)))
          assert.strictEqual(count.now, 0)
          yield* mongo.withoutTransaction(Reactivity.invalidate(keys))
          assert.strictEqual(count.now, 1)
          reactivity.invalidateUnsafe(keys)
          assert.strictEqual(count.now, 2)
        }))
        assert.strictEqual(count.now, 5)
        yield* Reactivity.invalidate(keys)
        assert.strictEqual(count.now, 6)
        yield* Effect.exit(Reactivity.mutation(Effect.fail("no"), keys))
        assert.strictEqual(count.now, 6)
      })
      yield* Effect.provideService(program, Reactivity.Reactivity, reactivity)
    }))

  it.effect("nothing is invalidated when it aborts", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const reactivity = yield* instance(fixture)
      const count = counted(reactivity, ["users"])
      const body = reactivity.mutation(keys, usersOf(fixture).insertOne({ _id: "ada" }))
      for (const end of [Effect.fail("no"), Effect.die("no"), Effect.interrupt]) {
        const exit = yield* Effect.exit(fixture.mongo.withTransaction(Effect.andThen(body, end)))
        assert.isTrue(Exit.isFailure(exit))
      }
      assert.strictEqual(count.now, 0)
      yield* fixture.mongo.withTransaction(body)
      assert.strictEqual(count.now, 1)
    }))

  it.effect("a body that runs again begins with nothing", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const reactivity = yield* instance(fixture)
      yield* usersOf(fixture).insertOne({ _id: "ada", n: 0 })
      const counts = [1, 2].map((attempt) => counted(reactivity, [`attempt ${attempt}`]))
      yield* failCommand(fixture, { times: 1 }, {
        failCommands: ["commitTransaction"],
        errorCode: 251,
        errorLabels: ["TransientTransactionError"]
      })
      let attempts = 0
      yield* fixture.mongo.withTransaction(Effect.gen(function*() {
        attempts++
        yield* usersOf(fixture).updateOne({ _id: "ada" }, { $inc: { n: 1 } })
        yield* reactivity.invalidate([`attempt ${attempts}`])
      }))
      assert.strictEqual(attempts, 2)
      assert.deepStrictEqual(counts.map(({ now }) => now), [0, 1])
    }))

  it.effect("of an explicit session it is the same", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const reactivity = yield* instance(fixture)
      const count = counted(reactivity, ["users"])
      const session = yield* fixture.mongo.session()
      const write = (_id: string) => session.use(reactivity.mutation(keys, usersOf(fixture).insertOne({ _id })))
      yield* session.startTransaction()
      yield* write("ada")
      yield* session.abortTransaction
      assert.strictEqual(count.now, 0)
      yield* session.startTransaction()
      yield* write("grace")
      assert.strictEqual(count.now, 0)
      yield* session.commitTransaction
      assert.strictEqual(count.now, 1)
      yield* write("mary")
      assert.strictEqual(count.now, 2)
    }))

  it.effect("a batch around it does not lose them, and a query that begins in it lives on", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const { mongo } = fixture
      const reactivity = yield* instance(fixture)
      const users = usersOf(fixture)
      const count = counted(reactivity, ["users"])
      const twice = Effect.andThen(reactivity.invalidate(keys), reactivity.invalidate(["users"]))
      yield* reactivity.withBatch(twice)
      assert.strictEqual(count.now, 1)
      yield* reactivity.withBatch(mongo.withTransaction(Effect.andThen(users.insertOne({ _id: "ada" }), twice)))
      assert.strictEqual(count.now, 3)
      yield* mongo.withTransaction(reactivity.withBatch(Effect.andThen(users.insertOne({ _id: "grace" }), twice)))
      assert.strictEqual(count.now, 5)
      const numbers = yield* mongo.withTransaction(Effect.gen(function*() {
        yield* users.insertOne({ _id: "mary" })
        const numbers = yield* reactivity.query(["users"], users.countDocuments())
        // It does not see what is not committed.
        assert.strictEqual(yield* Queue.take(numbers), 2)
        yield* reactivity.invalidate(["users"])
        return numbers
      }))
      assert.strictEqual(yield* Queue.take(numbers), 3)
    }))
})

describe("a deadline", () => {
  const later = (millis: number) => Effect.promise(() => new Promise((resolve) => setTimeout(resolve, millis)))

  it.effect("limits no run of a query that begins in it, and each run if it is within", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const reactivity = yield* instance(fixture)
      const users = usersOf(fixture)
      const numbers = yield* Mongo.withDeadline(reactivity.query(["users"], users.countDocuments()), "10 millis")
      assert.strictEqual(yield* Queue.take(numbers), 0)
      yield* later(20)
      yield* reactivity.mutation(["users"], users.insertOne({ _id: "ada" }))
      assert.strictEqual(yield* Queue.take(numbers), 1)
      const slow = Mongo.withDeadline(Effect.andThen(later(20), users.countDocuments()), "10 millis")
      const error = yield* Effect.flip(Queue.take(yield* reactivity.query(["users"], slow)))
      assert.strictEqual(error.reason._tag, "MaxTimeExpiredError")
    }))
})

describe("the change stream", () => {
  it.effect("keeps a query up to date on every instance", () =>
    Effect.gen(function*() {
      const one = yield* setup()
      const two = yield* sameDatabase(one)
      const services = [yield* instance(one, "users"), yield* instance(two, "users")]
      const numbers = yield* Effect.forEach(services, (reactivity, i) =>
        reactivity.query(["users"], usersOf([one, two][i]!).countDocuments()))
      // An insert may cause several runs, and several inserts one.
      const reads = (expected: number) =>
        Effect.forEach(numbers, (queue) =>
          Effect.repeat(Queue.take(queue), { until: (n) => n === expected }))
      yield* reads(0)
      yield* usersOf(one).insertOne({ _id: 1 })
      yield* reads(1)
      yield* usersOf(two).insertMany([{ _id: 2 }, { _id: 3 }])
      yield* reads(3)
      yield* two.mongo.withTransaction(Effect.andThen(
        usersOf(two).deleteOne({ _id: 1 }),
        usersOf(two).insertMany([{ _id: 4 }, { _id: 5 }])
      ))
      yield* reads(4)
      const failed = one.mongo.withTransaction(Effect.andThen(usersOf(one).insertOne({ _id: 6 }), Effect.fail("no")))
      yield* Effect.flip(failed)
      const count = counted(services[1]!, ["users"])
      yield* usersOf(one).updateOne({ _id: 2 }, { $set: { n: 1 } })
      yield* until("the update is heard", () => count.now > 0)
      assert.strictEqual(count.now, 1)
    }))

  it.effect("tells documents and collections apart, whatever their _id and the settings of BSON are", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const plain = yield* instance(fixture, "users", "marks")
      const asBson = yield* sameDatabase(fixture, { driverOptions: { promoteValues: false, promoteBuffers: true } })
      const bigints = yield* sameDatabase(fixture, { driverOptions: { useBigInt64: true } })
      const services = [plain, yield* instance(asBson, "users", "marks"), yield* instance(bigints, "users", "marks")]
      const ids: ReadonlyArray<unknown> = [
        "ada",
        "",
        "*a",
        1,
        1.5,
        Driver.Long.fromBigInt(2n ** 60n),
        Driver.Decimal128.fromString("7.0"),
        new Driver.ObjectId(),
        new Driver.UUID(),
        new Driver.Binary(Buffer.from("some bytes"), 0),
        new Date(5),
        true,
        { tenant: 1, name: "ada" }
      ]
      const counts = services.map((reactivity) =>
        ids.map((id) => counted(reactivity, MongoReactivity.documents("users", [id]) as ReadonlyArray<unknown>))
      )
      const others = services.map((reactivity) => counted(reactivity, ["drafts"]))
      for (const [i, _id] of ids.entries()) {
        yield* usersOf(fixture).insertOne({ _id } as never)
        yield* fixture.db.collection("drafts").insertOne({})
        yield* Effect.forEach(services, (reactivity) => heardAll(reactivity, fixture))
        for (const count of counts) {
          assert.deepStrictEqual(
            count.map(({ now }) => now),
            ids.map((_, j) => j <= i ? 1 : 0),
            MongoReactivity.id(_id)
          )
        }
      }
      assert.deepStrictEqual(others.map(({ now }) => now), [0, 0, 0])
      // What a program invalidates itself reaches the same queries.
      yield* plain.invalidate({ users: [MongoReactivity.id(ids[7])] })
      assert.strictEqual(counts[0]![7]!.now, 2)
      yield* plain.invalidate({ users: ["*"] })
      assert.deepStrictEqual(counts[0]!.map(({ now }) => now), ids.map((_, i) => i === 7 ? 3 : 2))
    }))

  it.effect("is open when the layer is there: no write after the first run of a query is lost", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const writer = yield* sameDatabase(fixture)
      yield* usersOf(writer).insertOne({ _id: 0 })
      for (let i = 1; i <= 10; i++) {
        yield* Effect.scoped(Effect.gen(function*() {
          // The server takes its time to open the change stream, and to tell what it has.
          yield* failCommand(fixture, { times: 2 }, {
            failCommands: ["aggregate", "getMore"],
            blockConnection: true,
            blockTimeMS: 30
          })
          const reactivity = yield* instance(fixture, "users")
          const users = usersOf(fixture)
          const numbers = yield* reactivity.query(["users"], users.find())
          assert.strictEqual((yield* Queue.take(numbers)).length, i)
          yield* usersOf(writer).insertOne({ _id: i })
          assert.strictEqual((yield* Queue.take(numbers)).length, i + 1)
        }))
      }
    }))

  it.effect("invalidates everything of a collection that is dropped, renamed or replaced", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const { db } = fixture
      const reactivity = yield* instance(fixture, "users", "archive", "marks")
      const counts = () =>
        ["users", "archive", "marks"].map((name) =>
          counted(reactivity, MongoReactivity.documents(name, ["one that is not there"]) as ReadonlyArray<unknown>)
        )
      const after = (change: Effect.Effect<unknown, MongoError.MongoError>) =>
        Effect.gen(function*() {
          const counters = counts()
          yield* change
          yield* heardAll(reactivity, fixture)
          return counters.map(({ now }) => now)
        })
      const users = usersOf(fixture)
      yield* users.insertOne({ _id: 1 })
      assert.deepStrictEqual(yield* after(db.renameCollection("users", "archive")), [1, 1, 0])
      yield* users.insertOne({ _id: 1 })
      assert.deepStrictEqual(yield* after(db.renameCollection("users", "elsewhere")), [1, 0, 0])
      assert.deepStrictEqual(yield* after(db.renameCollection("elsewhere", "users")), [1, 0, 0])
      assert.deepStrictEqual(yield* after(users.drop()), [1, 0, 0])
      yield* users.insertOne({ _id: 1 })
      const replaced = after(db.collection("archive").aggregate([{ $out: "users" }]))
      assert.deepStrictEqual(yield* replaced, [1, 0, 0])

      // The change stream of the database ends with it, and another one is opened.
      const all = counts()
      yield* db.dropDatabase()
      yield* until("all is invalidated", () => all.every(({ now }) => now > 0), 30_000)
      yield* heardAll(reactivity, fixture)
    }))

  it.effect("resumes where it was: nothing is lost, and no query runs in vain", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const reactivity = yield* instance(fixture, "users", "marks")
      const count = counted(reactivity, ["users"])
      yield* failCommand(fixture, { times: 3 }, { failCommands: ["getMore"], errorCode: 43 })
      yield* heardAll(reactivity, fixture)
      assert.strictEqual(count.now, 0)
    }))

  it.effect("goes on after its cursor is killed, and after connections that break", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const reactivity = yield* instance(fixture, "users", "marks")
      const cursors = yield* cursorsOf(fixture)
      yield* Effect.promise(() => fixture.admin.db(fixture.db.name).command({ killCursors: "$cmd.aggregate", cursors }))
      yield* heardAll(reactivity, fixture)
      yield* failCommand(fixture, { times: 2 }, { failCommands: ["getMore"], closeConnection: true })
      const count = counted(reactivity, MongoReactivity.documents("users", ["ada"]) as ReadonlyArray<unknown>)
      yield* usersOf(fixture).insertOne({ _id: "ada" })
      yield* heardAll(reactivity, fixture)
      assert.isAtLeast(count.now, 1)
    }))

  it.effect("opens another one when its history is lost, and then runs every query once", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const writer = yield* sameDatabase(fixture)
      const reactivity = yield* instance(fixture, "users", "marks")
      const users = usersOf(fixture)
      const numbers = yield* reactivity.query(["users"], users.find())
      assert.strictEqual((yield* Queue.take(numbers)).length, 0)
      const untouched = counted(reactivity, MongoReactivity.documents("users", ["ada"]) as ReadonlyArray<unknown>)
      // No other one can be opened at first, so that the write is missed.
      yield* failCommand(fixture, { times: 2 }, { failCommands: ["getMore", "aggregate"], errorCode: 286 })
      yield* usersOf(writer).insertOne({ _id: 1 })
      assert.strictEqual((yield* Queue.take(numbers)).length, 1)
      yield* heardAll(reactivity, fixture)
      assert.strictEqual(untouched.now, 1)
    }))

  it.effect("reaches what uses Effect's own layer in the same program", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      class Other extends Context.Service<Other, Service>()("test/Other") {}
      const layer = Layer.merge(
        MongoReactivity.layer({ collections: ["users"] }),
        Layer.provide(Layer.effect(Other, Reactivity.Reactivity), Reactivity.layer)
      )
      const other = yield* serviceOf(Other, Layer.orDie(layer), fixture)
      const count = counted(other, ["users"])
      yield* usersOf(fixture).insertOne({ _id: 1 })
      yield* until("the insert is heard", () => count.now > 0)
    }))

  it.effect("goes on when a handler throws", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const reactivity = yield* instance(fixture, "users", "marks")
      const release = reactivity.registerUnsafe(["users"], () => {
        throw new Error("of the test")
      })
      yield* usersOf(fixture).insertOne({ _id: 1 })
      yield* heardAll(reactivity, fixture)
      release()
    }))

  it.effect("goes on after an _id that looks like a value of BSON, which other drivers can write", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const reactivity = yield* instance(fixture, "users", "marks")
      for (const type of ["ObjectId", "Binary", "Decimal128", "Int32", "Long"]) {
        const count = counted(reactivity, [`users:{_bsontype:${type}}`])
        // This driver refuses to send it.
        yield* fixture.db.aggregate([
          { $documents: [{ _id: { $arrayToObject: { $literal: [["_bsontype", type]] } } }] },
          { $merge: "users" }
        ])
        yield* heardAll(reactivity, fixture)
        assert.strictEqual(count.now, 1, type)
      }
    }))

  it.effect("closes with the layer, also when that is interrupted while it opens", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const scope = yield* Scope.make()
      const reactivity = yield* Scope.provide(instance(fixture, "users"), scope)
      const count = counted(reactivity, ["users"])
      yield* cursorsOf(fixture)
      yield* Scope.close(scope, Exit.void)
      yield* nothingLeft(fixture)
      yield* usersOf(fixture).insertOne({ _id: 1 })
      assert.strictEqual(count.now, 0)

      yield* failCommand(fixture, "alwaysOn", {
        failCommands: ["aggregate"],
        blockConnection: true,
        blockTimeMS: 1000
      })
      const opening = yield* Effect.forkChild(Effect.scoped(instance(fixture, "users")))
      yield* Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 100)))
      yield* Fiber.interrupt(opening)
      yield* nothingLeft(fixture)
    }))

  it.effect("ends without a word when the client closes before the layer", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const fixture = yield* Scope.provide(setup(), scope)
      const logs: Array<unknown> = []
      const logger = Logger.layer([Logger.make(({ message }) => void logs.push(message))])
      yield* Effect.provide(instance(fixture, "users"), logger)
      yield* Scope.close(scope, Exit.void)
      yield* Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 100)))
      assert.deepStrictEqual(logs, [])
    }))

  it.effect("outlives the deadline and the transaction in which the layer is built", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const reactivity = yield* fixture.mongo.withTransaction(
        Mongo.withDeadline(instance(fixture, "users", "marks"), "500 millis")
      )
      yield* Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 600)))
      const count = counted(reactivity, ["users"])
      yield* usersOf(fixture).insertOne({ _id: 1 })
      yield* heardAll(reactivity, fixture)
      assert.strictEqual(count.now, 1)
    }))
})

describe("on servers of its own,", () => {
  it.effect(
    "every query runs when a primary steps down and another one, or the same, takes over",
    () =>
      Effect.gen(function*() {
        const server = yield* MongoServer.startBinary()
        const mongo = yield* MongoClient.make({ url: server.uri })
        const fixture = { db: mongo.db("app") }
        const reactivity = yield* instance(fixture, "users", "marks")
        yield* heardAll(reactivity, fixture)
        const count = counted(reactivity, MongoReactivity.documents("users", ["ada"]) as ReadonlyArray<unknown>)
        yield* Effect.promise(async () => {
          const admin = new Driver.MongoClient(
            Redacted.value(server.uri).replace("replicaSet=rs", "directConnection=true")
          )
          await admin.db("admin").command({ replSetStepDown: 1, force: true })
          await admin.close()
        })
        yield* until("everything is invalidated", () => count.now > 0, 30_000)
        yield* heardAll(reactivity, fixture)
        assert.strictEqual(count.now, 1)
      }),
    60_000
  )

  it.effect(
    "the layer fails on a server without a replica set, unless it has no collections",
    () =>
      Effect.gen(function*() {
        const server = yield* MongoServer.startBinary({ replicaSet: false })
        const mongo = yield* MongoClient.make({ url: server.uri })
        const fixture = { db: mongo.db("app") }
        const error = yield* Effect.flip(serviceOf(
          Reactivity.Reactivity,
          MongoReactivity.layer({ collections: ["users"] }) as never,
          fixture
        ) as Effect.Effect<unknown, MongoError.MongoError, Scope.Scope>)
        assert.include(error.message, "replica set")
        const reactivity = yield* instance(fixture)
        const numbers = yield* reactivity.query({ users: ["ada"] }, usersOf(fixture).countDocuments())
        assert.strictEqual(yield* Queue.take(numbers), 0)
        yield* reactivity.mutation({ users: ["ada"] }, usersOf(fixture).insertOne({ _id: "ada" }))
        assert.strictEqual(yield* Queue.take(numbers), 1)
      }),
    60_000
  )
})
