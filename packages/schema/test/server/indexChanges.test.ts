/**
 * What carries out plans of indexes: the order of its steps, duplicates, interruptions, and several processes at once.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { Integration, MongoDatabase } from "@mongofx/core"
import { MongoIndex, TypedCollection } from "@mongofx/schema"
import { CommandLog, FailPoint, MongoTest } from "@mongofx/testing"
import { Effect, Exit, Fiber, Layer, Option, Random, Schema, Scope, Stream } from "effect"
import * as Driver from "mongodb"
import { spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import { bundle } from "../../../core/test/support/bundle.ts"
import { interrupt, seeded, until } from "../../../core/test/support/utils.ts"

const User = Schema.Struct({
  _id: Schema.Int,
  email: Schema.String,
  age: Schema.optionalKey(Schema.Int),
  seenAt: Schema.optionalKey(Schema.Date),
  bio: Schema.optionalKey(Schema.String),
  deletedAt: Schema.optionalKey(Schema.Date),
  removedAt: Schema.OptionFromOptionalNullOr(Schema.Date)
})
type Users = TypedCollection.TypedCollection<typeof User>
type Indexes = ReadonlyArray<TypedCollection.Index<typeof User.Type>>

const users = (indexes: Indexes) =>
  MongoDatabase.MongoDatabase.useSync((db) => TypedCollection.make(db, "users", User, { indexes }))

const user = (_id: number, email: string): typeof User.Type => ({ _id, email, removedAt: Option.none() })

const names = (users: Users) => Effect.map(users.listIndexes(), (all) => all.map(({ name }) => name ?? "").sort())

const kinds = (users: Users) => Effect.map(MongoIndex.plan(users), ({ steps }) => steps.map(({ kind }) => kind).join())

/** A client that reports its commands. */
const logged = MongoTest.layerWith({ driverOptions: { monitorCommands: true } })

const holder = (users: Users) => Integration.leases(users.untyped.database).holder(`indexes of ${users.fullName}`)

/** The indexes that the server is building. */
const building = (users: Users) =>
  Effect.map(
    users.untyped.database.runCursorCommand({ listIndexes: users.name, includeBuildUUIDs: true }),
    (all) => all.filter(({ buildUUID }) => buildUUID !== undefined).map(({ spec }) => String(spec.name))
  )

const isBuilding = (users: Users) =>
  until("the server builds", () => Effect.runPromise(Effect.map(building(users), (names) => names.length > 0)), 10_000)

/** The server finishes no build until the effect that this gives, or the end of the scope. */
const hangingBuilds = Effect.gen(function*() {
  const scope = yield* Scope.fork(yield* Effect.scope)
  yield* Scope.provide(FailPoint.make("hangAfterStartingIndexBuild"), scope)
  return Scope.close(scope, Exit.void)
})

const invalid = (indexes: Indexes) =>
  Effect.flip(Effect.flatMap(users(indexes), MongoIndex.plan)).pipe(Effect.map(({ message }) => message))

describe("steps", () => {
  it.live("change in place what the server can change, and drop nothing unasked", () =>
    Effect.gen(function*() {
      const before = yield* users([
        { key: { email: 1 } },
        { key: { seenAt: 1 } },
        { key: { age: 1 }, expireAfterSeconds: 5 },
        { key: { bio: 1 } }
      ])
      yield* MongoIndex.ensure(before)
      const after = yield* users([
        { key: { email: 1 }, unique: true },
        { key: { seenAt: 1 }, expireAfterSeconds: 60, hidden: true },
        { key: { age: 1 } }
      ])
      const plan = yield* MongoIndex.plan(after)
      assert.strictEqual(
        MongoIndex.format(plan),
        [
          after.fullName,
          "  collMod  email_1: unique: true",
          "  collMod  seenAt_1: expireAfterSeconds: 60, hidden: true",
          "  replace  age_1 on age: 1, differs in expireAfterSeconds: drops age_1 first, needs allowDrop",
          "  extra    bio_1 on bio: 1, not declared: stays, unless allowDrop"
        ].join("\n")
      )
      const log = yield* CommandLog.make
      const applied = yield* MongoIndex.ensure(after)
      const changed = log.events.map(({ commandName }) => commandName).filter((name) => /Indexes|collMod/.test(name))
      // The server is asked whether the index could be unique before it becomes so.
      assert.deepStrictEqual(changed.filter((name) => name !== "listIndexes"), [
        "collMod",
        "collMod",
        "collMod",
        "collMod"
      ])
      assert.deepStrictEqual(applied.done, plan.steps.slice(0, 2))
      assert.deepStrictEqual(applied.left, plan.steps.slice(2))
      assert.deepStrictEqual(yield* names(after), ["_id_", "age_1", "bio_1", "email_1", "seenAt_1"])
      assert.strictEqual(yield* kinds(after), "equal,equal,replace,extra")

      assert.strictEqual((yield* MongoIndex.ensure(after, { allowDrop: true })).done.length, 2)
      assert.deepStrictEqual(yield* names(after), ["_id_", "age_1", "email_1", "seenAt_1"])
      assert.strictEqual(yield* kinds(after), "equal,equal,equal")
      assert.strictEqual(Option.isNone(yield* holder(after)), true)

      const sent = log.events.length
      yield* MongoIndex.ensure(after, { allowDrop: true })
      // If all is there, it only lists.
      assert.deepStrictEqual(log.events.slice(sent).map(({ commandName }) => commandName), [
        "listCollections",
        "listIndexes"
      ])
    }).pipe(Effect.provide(logged)))

  it.live("build a replacement before they drop the old index, all with one command", () =>
    Effect.gen(function*() {
      yield* MongoIndex.ensure(yield* users([{ key: { email: 1 } }, { key: { age: 1 }, name: "age" }]))
      const after = yield* users([
        { key: { email: 1 }, sparse: true },
        { key: { age: -1 }, name: "age" },
        { key: { bio: 1 } }
      ])
      const log = yield* CommandLog.make
      const { done } = yield* MongoIndex.ensure(after)
      assert.deepStrictEqual(done.map(({ kind }) => kind), ["replace", "replace", "create"])
      const sent = log.events.filter(({ commandName }) => ["createIndexes", "dropIndexes"].includes(commandName))
      assert.deepStrictEqual(
        sent.map(({ command, commandName }) =>
          commandName === "createIndexes"
            ? command["indexes"].map(({ name }: { name: string }) => name)
            : command["index"]
        ),
        [["email_1~2", "age~2", "bio_1"], "email_1", "age"]
      )
      assert.strictEqual(yield* kinds(after), "equal,equal,equal")
      // The next change takes the name that has become free.
      const again = yield* users([{ key: { email: 1 } }, { key: { age: -1 }, name: "age" }, { key: { bio: 1 } }])
      yield* MongoIndex.ensure(again)
      assert.deepStrictEqual(yield* names(again), ["_id_", "age~2", "bio_1", "email_1"])
      assert.strictEqual(yield* kinds(again), "equal,equal,equal")
    }).pipe(Effect.provide(logged)))

  it.live("are refused with words where no index can be", () =>
    Effect.gen(function*() {
      const db = yield* MongoDatabase.MongoDatabase
      assert.include(
        yield* invalid([{ key: { _id: 1 }, unique: true }]),
        "indexes[0].unique is no option of the index on _id"
      )
      assert.include(yield* invalid([{ key: { _id: -1 } }]), "indexes[0] is an index on _id that goes down")
      assert.include(
        yield* invalid([{ key: { email: 1 } }, { key: { email: 1 }, unique: true }]),
        "indexes[1] has the name of indexes[0], email_1: give one of them another name"
      )
      assert.include(
        yield* invalid([{ key: { email: 1 } }, { key: { email: 1 }, name: "other", hidden: true }]),
        "indexes[1] is the same index as indexes[0]"
      )
      assert.include(
        yield* invalid([{ key: { email: "text" } }, { key: { bio: "text" } }]),
        "indexes[1] is a second text index, beside indexes[0]"
      )
      assert.include(yield* invalid([{ key: { seenAt: 1 }, expireAfterSeconds: NaN }]), "is not a number of seconds")
      yield* db.createCollection("users", { viewOn: "people", pipeline: [] })
      assert.include(
        yield* invalid([{ key: { email: 1 } }]),
        `cannot be on a view: declare them for the collection that it reads, ${db.name}.people`
      )
      assert.deepStrictEqual((yield* MongoIndex.plan(yield* users([]))).steps, [])
    }).pipe(Effect.provide(MongoTest.layer)))

  it.live("of a plan that somebody has agreed to are done, and no others", () =>
    Effect.gen(function*() {
      const declared = yield* users([{ key: { email: 1 } }, { key: { age: 1 } }])
      const plan = yield* MongoIndex.plan(declared)
      // What others have done meanwhile is done.
      yield* declared.createIndex({ email: 1 })
      assert.strictEqual((yield* MongoIndex.apply(declared, plan)).done.length, 1)
      assert.deepStrictEqual((yield* MongoIndex.apply(declared, plan)).done, [])
      // What the plan does not have is not.
      yield* declared.dropIndexes()
      yield* declared.createIndex({ age: 1 }, { sparse: true })
      const error = yield* Effect.flip(MongoIndex.apply(declared, plan))
      assert.strictEqual(error._tag, "PlanChanged")
      const told = yield* Effect.flip(Stream.runDrain(MongoIndex.events(declared, { plan })))
      assert.strictEqual(told._tag, "PlanChanged")
      assert.deepStrictEqual(yield* names(declared), ["_id_", "age_1"])
      if (error._tag === "PlanChanged") yield* MongoIndex.apply(declared, error.now)
      assert.strictEqual(yield* kinds(declared), "equal,equal")
    }).pipe(Effect.provide(MongoTest.layer)))

  it.live("are not for transactions", () =>
    Effect.gen(function*() {
      const declared = yield* users([{ key: { email: 1 } }])
      const error = yield* Effect.flip(Integration.withTransaction(declared.untyped)(MongoIndex.ensure(declared)))
      assert.strictEqual(error._tag === "MongoError" ? error.reason._tag : error, "TransactionError")
      assert.include(error.message, `ensure on ${declared.fullName}: the server builds no indexes in a transaction`)
    }).pipe(Effect.provide(MongoTest.layer)))

  it.live("are those of the collection under other settings, and in a layer", () =>
    Effect.gen(function*() {
      class Users extends TypedCollection.Service<Users>()("test/Users", {
        name: "users",
        schema: User,
        indexes: [{ key: { email: 1 } }]
      }) {}
      yield* Effect.provide(
        Effect.gen(function*() {
          const users = yield* Users
          assert.deepStrictEqual(yield* names(users), ["_id_", "email_1"])
          const other = users.withOptions({ readPreference: "secondaryPreferred" })
          assert.strictEqual(yield* kinds(other), "equal")
          const renamed = yield* users.rename("members")
          assert.strictEqual(yield* kinds(renamed), "equal")
        }),
        MongoIndex.layer(Users).pipe(Layer.provideMerge(Users.layer))
      )
    }).pipe(Effect.provide(MongoTest.layer)))

  it.live("are told as they happen, with the progress of builds", () =>
    Effect.gen(function*() {
      const declared = yield* users([{ key: { email: 1 } }, { key: { age: 1 } }])
      yield* declared.insertMany(Array.from({ length: 50 }, (_, i) => user(i, `${i}`)))
      const events: Array<MongoIndex.Event> = []
      const goOn = yield* hangingBuilds
      const fiber = yield* Effect.forkChild(
        Stream.runForEach(MongoIndex.events(declared), (event) => Effect.sync(() => events.push(event)))
      )
      yield* until("there is progress", () => events.some(({ _tag }) => _tag === "Progress"), 15_000)
      yield* goOn
      yield* Fiber.join(fiber)
      const tags = events.map(({ _tag }) => _tag).filter((tag, i, all) => tag !== all[i - 1])
      assert.deepStrictEqual(tags, ["Started", "Progress", "Finished", "Done"])
      const progress = events.find(({ _tag }) => _tag === "Progress")
      assert.deepStrictEqual(
        progress?._tag === "Progress" ? { ...progress, steps: progress.steps.length } : progress,
        { _tag: "Progress", steps: 2, phase: "scanning collection", done: 50, total: 50 }
      )
      const [last] = events.slice(-1)
      assert.strictEqual(last?._tag === "Done" ? last.applied.done.length : undefined, 2)
      assert.deepStrictEqual(
        (yield* Stream.runCollect(MongoIndex.events(declared))).map(({ _tag }) => _tag),
        ["Done"]
      )
    }).pipe(Effect.scoped, Effect.provide(MongoTest.layer)), 30_000)
})

describe("a unique index", () => {
  it.live("that documents stand in the way of changes nothing, and says which documents", () =>
    Effect.gen(function*() {
      const before = yield* users([{ key: { email: 1 } }])
      yield* MongoIndex.ensure(before)
      yield* before.insertMany([
        ...["ada", "ADA", "bob", "bob", "eve"].map((email, i) => ({ ...user(i, email), age: i % 2 })),
        { ...user(5, "eve"), deletedAt: new Date() }
      ])
      const after = yield* users([
        { key: { bio: 1 } },
        { key: { email: 1 }, unique: true },
        { key: { email: 1 }, unique: true, collation: { locale: "en", strength: 2 }, name: "any case" },
        { key: { email: 1, age: 1 }, unique: true },
        { key: { seenAt: 1 }, unique: true, sparse: true }
      ])
      const log = yield* CommandLog.make
      const error = yield* Effect.flip(MongoIndex.ensure(after))
      assert.strictEqual(error._tag, "DuplicateKeys")
      const found = error._tag === "DuplicateKeys" ? error.indexes : []
      const shown = found.map(({ index, keys }) => [
        index.name,
        keys.map(({ count, ids }) => ids.length === 2 ? [count, ...[...ids].sort()].join() : ids).sort()
      ])
      assert.deepStrictEqual(shown, [["any case", ["2,0,1", "2,2,3", "2,4,5"]], ["email_1", ["2,2,3", "2,4,5"]]])
      assert.match(error.message, /any case cannot be unique for 2 documents, among them \d and \d;/)
      assert.notInclude(error.message, "bob")
      assert.deepStrictEqual(log.events.filter(({ commandName }) => commandName === "createIndexes"), [])
      assert.deepStrictEqual(yield* names(after), ["_id_", "email_1"])
      // The index takes duplicates as before.
      yield* before.insertOne(user(9, "bob"))
      assert.isTrue(Option.isNone(yield* holder(after)))

      yield* after.deleteMany({ _id: { $in: [1, 3, 5, 9] } })
      yield* MongoIndex.ensure(after)
      assert.strictEqual(yield* kinds(after), "equal,equal,equal,equal,equal")
      assert.strictEqual((yield* Effect.flip(after.insertOne(user(10, "bob"))))._tag, "MongoError")
    }).pipe(Effect.provide(logged)))

  it.live("is left to the server without the look for duplicates, and needs as many members as are asked for", () =>
    Effect.gen(function*() {
      const declared = yield* users([{ key: { email: 1 }, unique: true }])
      yield* declared.insertMany([user(1, "ada"), user(2, "ada")])
      const log = yield* CommandLog.make
      const options = { checkDuplicates: false, commitQuorum: 1 } as const
      const error = yield* Effect.flip(MongoIndex.ensure(declared, options))
      assert.strictEqual(error._tag === "MongoError" ? error.reason._tag : error._tag, "DuplicateKeyError")
      assert.notInclude(log.events.map(({ commandName }) => commandName), "aggregate")
      assert.deepStrictEqual(yield* names(declared), ["_id_"])
      yield* declared.deleteOne({ _id: 2 })
      yield* MongoIndex.ensure(declared, options)
      assert.strictEqual(yield* kinds(declared), "equal")
      const quorums = log.events.filter(({ commandName }) => commandName === "createIndexes")
        .map(({ command }) => command["commitQuorum"])
      assert.deepStrictEqual(quorums, [1, 1])
    }).pipe(Effect.provide(logged)))

  it.live("may leave out deleted documents, by null in its filter", () =>
    Effect.gen(function*() {
      const declared = yield* users([
        { key: { email: 1 }, unique: true, partialFilterExpression: { deletedAt: null } },
        { key: { bio: 1 }, unique: true, partialFilterExpression: { removedAt: null, bio: { $exists: true } } }
      ])
      yield* declared.insertMany([
        { ...user(1, "ada"), bio: "b", deletedAt: new Date() },
        { ...user(2, "ada"), bio: "b", removedAt: Option.some(new Date()) }
      ])
      yield* MongoIndex.ensure(declared)
      assert.strictEqual(yield* kinds(declared), "equal,equal")
      const refused = (id: number, email: string, bio: string) =>
        Effect.map(Effect.flip(declared.insertOne({ ...user(id, email), bio })), ({ message }) =>
          /index: (\w+)/.exec(message)?.[1])
      assert.strictEqual(yield* refused(3, "ada", "c"), "email_1")
      assert.strictEqual(yield* refused(3, "bob", "b"), "bio_1")
      yield* declared.insertOne({ ...user(3, "ada"), deletedAt: new Date() })
    }).pipe(Effect.provide(MongoTest.layer)))

  const scalars = [null, 1, 2, 1.5, "a", "A", true, Driver.Decimal128.fromString("1.0"), Driver.Long.fromNumber(2)]
  const below = (n: number) => Random.nextIntBetween(0, n - 1)
  const oneOf = <A>(all: ReadonlyArray<A>) => Effect.map(below(all.length), (i) => all[i]!)
  const value = (depth: number): Effect.Effect<unknown> =>
    Effect.gen(function*() {
      const kind = yield* below(10)
      if (depth > 2 || kind < 4) return yield* oneOf<unknown>(scalars)
      if (kind < 6) return yield* fields(depth + 1)
      return yield* Effect.all(Array.from({ length: yield* below(3) }, () => value(depth + 1)))
    })
  const fields = (depth: number): Effect.Effect<Record<string, unknown>> =>
    Effect.gen(function*() {
      const out: Record<string, unknown> = {}
      for (const name of ["a", "b"]) if ((yield* below(4)) > 0) out[name] = yield* value(depth)
      return out
    })
  const keys = [
    { a: 1 },
    { "a.b": 1 },
    { a: 1, b: -1 },
    { "a.a": 1, "a.b": 1 },
    { a: 1, "a.b": 1 },
    { "a.b.a": 1, "a.b.b": 1 },
    { b: 1, "a.b": 1 }
  ]
  const filters = [{ b: { $gt: 0 } }, { b: "a" }, { b: null }, { "a.b": { $exists: true } }]
  /** Has the paths of the keys. What is stored does not fit. */
  const Part = Schema.Struct({ a: Schema.Unknown, b: Schema.Unknown })
  const Anything = Schema.Struct({
    _id: Schema.String,
    a: Schema.Struct({ a: Schema.Unknown, b: Part }),
    b: Schema.Unknown
  })
  /** The server's code for a document with arrays in two fields of an index. */
  const parallelArrays = 171
  const rounds = Number(process.env["MONGOFX_ROUNDS"] ?? 60)

  it.live("is built if and only if no duplicates are found", () =>
    seeded(Effect.gen(function*() {
      const declared = yield* users([])
      const { database } = declared.untyped
      const seen = { built: 0, refused: 0 }
      for (let round = 0; round < rounds; round++) {
        const name = `round${round}`
        const documents = yield* Effect.all(Array.from({ length: 2 + (yield* below(3)) }, () => fields(0)))
        // A collation does not apply to the `_id`s.
        const stored = documents.map((document, i) => ({ _id: i === 0 ? "k" : `${"K".repeat(i)}`, ...document }))
        yield* database.collection<{ _id: string }>(name).insertMany(stored)
        const kind = yield* below(4)
        const options = {
          unique: true,
          ...(kind === 0 && { sparse: true }),
          ...(kind === 1 && { partialFilterExpression: yield* oneOf(filters) }),
          ...((yield* below(2)) === 0 && { collation: { locale: "en", strength: 2 } })
        }
        const key = yield* oneOf<Driver.Document>(keys)
        const collection = TypedCollection.make(database, name, Anything, { indexes: [{ key, ...options }] as never })
        const found = yield* Effect.result(MongoIndex.ensure(collection))
        const what = JSON.stringify({ key, options, stored, found })
        if (found._tag === "Success") seen.built++
        else if (found.failure._tag === "DuplicateKeys") {
          seen.refused++
          const [{ keys = [] } = {}] = found.failure.indexes
          assert.isTrue(keys.every(({ ids }) => ids.length === 2 && ids[0] !== ids[1]), what)
          const built = yield* Effect.flip(collection.untyped.createIndex(key, options as never))
          // The server may come upon a document first that no index on these fields can hold.
          assert.isTrue(built.reason._tag === "DuplicateKeyError" || built.reason.code === parallelArrays, what)
        } else {
          assert.strictEqual(
            found.failure._tag === "MongoError" ? found.failure.reason.code : undefined,
            parallelArrays,
            what
          )
        }
      }
      if (rounds >= 60) assert.isTrue(seen.built > 5 && seen.refused > 5, JSON.stringify(seen))
    })).pipe(Effect.provide(MongoTest.layer)), 120_000)
})

describe("a build", () => {
  const started = Effect.gen(function*() {
    const declared = yield* users([{ key: { email: 1 }, unique: true }, {
      key: { seenAt: 1 },
      expireAfterSeconds: 3600
    }])
    yield* declared.insertOne(user(1, "ada"))
    return declared
  })

  it.live("that is interrupted ends on the server and gives back its lease", () =>
    Effect.gen(function*() {
      const declared = yield* started
      yield* Effect.scoped(Effect.gen(function*() {
        yield* FailPoint.make("hangAfterStartingIndexBuild")
        const fiber = yield* Effect.forkChild(MongoIndex.ensure(declared))
        yield* isBuilding(declared)
        assert.isTrue(Option.isSome(yield* holder(declared)))
        const took = yield* interrupt(fiber)
        assert.isBelow(took, 5000)
        assert.isTrue(Option.isNone(yield* holder(declared)))
        // The server would wait at the fail point for as long as the build is there.
        assert.deepStrictEqual(yield* names(declared), ["_id_"])
      }))
      assert.strictEqual(yield* kinds(declared), "create,create")
      assert.strictEqual((yield* MongoIndex.ensure(declared)).done.length, 2)
      assert.strictEqual(yield* kinds(declared), "equal,equal")
    }).pipe(Effect.provide(MongoTest.layer)), 30_000)

  it.live("whose events nobody reads any more ends on the server", () =>
    Effect.gen(function*() {
      const declared = yield* started
      yield* hangingBuilds
      yield* MongoIndex.events(declared).pipe(Stream.takeUntil(({ _tag }) => _tag === "Progress"), Stream.runDrain)
      // The server would wait at the fail point for as long as the build is there.
      assert.deepStrictEqual(yield* names(declared), ["_id_"])
      assert.isTrue(Option.isNone(yield* holder(declared)))
    }).pipe(Effect.scoped, Effect.provide(MongoTest.layer)), 30_000)

  it.live("waits for another process, says so, and fails after the time that it may wait", () =>
    Effect.gen(function*() {
      const declared = yield* started
      const { acquire } = Integration.leases(declared.untyped.database)
      assert.isTrue(Option.isSome(yield* acquire(`indexes of ${declared.fullName}`, "another", "1 minute")))
      const events: Array<MongoIndex.Event> = []
      const error = yield* Effect.flip(
        Stream.runForEach(MongoIndex.events(declared, { wait: 300 }), (event) => Effect.sync(() => events.push(event)))
      )
      assert.strictEqual(error._tag === "LeaseError" ? error.kind : error, "held")
      assert.deepStrictEqual(events, [{ _tag: "Waiting", collection: declared.fullName }])
      assert.deepStrictEqual(yield* names(declared), ["_id_"])
    }).pipe(Effect.provide(MongoTest.layer)))

  it.live("of somebody else is waited for before an index changes", () =>
    Effect.gen(function*() {
      const declared = yield* users([{ key: { seenAt: 1 }, expireAfterSeconds: 60 }])
      yield* declared.insertOne(user(1, "ada"))
      const goOn = yield* hangingBuilds
      const { untyped } = declared
      const byHand = yield* Effect.forkChild(untyped.createIndex({ seenAt: 1 }, { expireAfterSeconds: 3600 }))
      yield* isBuilding(declared)
      assert.strictEqual(yield* kinds(declared), "collMod")
      const events: Array<MongoIndex.Event> = []
      const fiber = yield* Effect.forkChild(
        Stream.runForEach(MongoIndex.events(declared), (event) => Effect.sync(() => events.push(event)))
      )
      // The server refuses changes during a build.
      const hasEnded = () => fiber.pollUnsafe() !== undefined
      yield* until("it waits", () => hasEnded() || events.some(({ _tag }) => _tag === "Progress"), 15_000)
      yield* goOn
      yield* Effect.all([Fiber.join(byHand), Fiber.join(fiber)])
      const tags = events.map(({ _tag }) => _tag).filter((tag, i, all) => tag !== all[i - 1])
      assert.deepStrictEqual(tags, ["Progress", "Started", "Finished", "Done"])
      assert.strictEqual(yield* kinds(declared), "equal")
    }).pipe(Effect.scoped, Effect.provide(MongoTest.layer)), 30_000)

  it.live("that a change to a unique index was interrupted in is taken up again", () =>
    Effect.gen(function*() {
      const before = yield* users([{ key: { email: 1 } }])
      yield* MongoIndex.ensure(before)
      const { database, name } = before.untyped
      yield* database.command({ collMod: name, index: { name: "email_1", prepareUnique: true } })
      // Whoever wants it as it was gets that too.
      assert.strictEqual(yield* kinds(before), "collMod")
      yield* MongoIndex.ensure(before)
      yield* before.insertMany([user(1, "ada"), user(2, "ada")])
      yield* before.deleteOne({ _id: 1 })
      yield* database.command({ collMod: name, index: { name: "email_1", prepareUnique: true } })
      const after = yield* users([{ key: { email: 1 }, unique: true }])
      yield* MongoIndex.ensure(after)
      assert.strictEqual(yield* kinds(after), "equal")
    }).pipe(Effect.provide(MongoTest.layer)))

  it.live("that has lost its lease leaves a change to a unique index to the next holder", () =>
    Effect.gen(function*() {
      const before = yield* users([{ key: { email: 1 } }])
      yield* MongoIndex.ensure(before)
      const after = yield* users([{ key: { email: 1 }, unique: true }])
      const log = yield* CommandLog.make
      const changes = () => log.events.filter(({ commandName }) => commandName === "collMod")
      const data = { failCommands: ["collMod"], blockConnection: true, blockTimeMS: 1000 }
      const error = yield* Effect.scoped(Effect.gen(function*() {
        yield* FailPoint.make("failCommand", { data })
        const fiber = yield* Effect.forkChild(Effect.flip(MongoIndex.ensure(after, { lease: 600 })))
        yield* until("the index is prepared", () => changes().length === 2, 10_000)
        const _id = `indexes of ${after.fullName}`
        const taken = { $set: { owner: "another", expiresAt: new Date(Date.now() + 60_000) }, $inc: { fence: 1 } }
        yield* after.untyped.database.collection<{ _id: string }>("mongofx_leases").updateOne({ _id }, taken)
        return yield* Fiber.join(fiber)
      }))
      assert.strictEqual(error._tag, "LeaseError")
      assert.strictEqual(changes().length, 2)
      const [, index] = yield* after.untyped.listIndexes()
      assert.strictEqual((index as Driver.Document)["prepareUnique"], true)
    }).pipe(Effect.provide(logged)))

  const program = fileURLToPath(new URL("../support/indexProcess.ts", import.meta.url))

  /** Processes that wait for the word to begin. */
  const instance = (file: string, database: string, lease: number) =>
    Effect.map(
      Effect.acquireRelease(
        Effect.sync(() =>
          spawn(process.execPath, [file, database, String(lease)], { stdio: ["pipe", "pipe", "inherit"] })
        ),
        (child) => Effect.sync(() => child.kill("SIGKILL"))
      ),
      (child) => {
        let output = ""
        child.stdout.setEncoding("utf8").on("data", (text: string) => output += text)
        const ended = new Promise<number | null>((resolve) => child.once("exit", resolve))
        return {
          begin: () => child.stdin.write("go\n"),
          kill: () => child.kill("SIGKILL"),
          stop: () => child.kill("SIGSTOP"),
          goOn: () => child.kill("SIGCONT"),
          ended,
          has: (text: string) =>
            until(() => `it says ${text}, but it says ${output}`, () => output.includes(text), 60_000),
          output: () => output
        }
      }
    )

  /** A process that has begun to build. `finish` lets the server go on with it. */
  const hangingInstance = (declared: Users, lease: number) =>
    Effect.gen(function*() {
      const child = yield* instance(yield* bundle(program, "everything"), declared.untyped.database.name, lease)
      yield* child.has("ready")
      const finish = yield* hangingBuilds
      child.begin()
      yield* isBuilding(declared)
      return { ...child, finish }
    })

  it.live("is done once by ten processes that start at the same time", () =>
    Effect.gen(function*() {
      const declared = yield* started
      const { database } = declared.untyped
      const file = yield* bundle(program, "everything")
      const all = yield* Effect.all(Array.from({ length: 10 }, () => instance(file, database.name, 30_000)))
      for (const one of all) yield* one.has("ready")
      yield* database.setProfilingLevel("all")
      for (const one of all) one.begin()
      for (const one of all) {
        yield* one.has("done")
        assert.strictEqual(yield* Effect.promise(() => one.ended), 0)
      }
      const builds = yield* database.collection("system.profile").find({ "command.createIndexes": "users" })
      assert.strictEqual(builds.length, 1)
      assert.strictEqual(all.filter((one) => one.output().includes("done 2")).length, 1)
      assert.strictEqual(all.filter((one) => one.output().includes("done 0")).length, 9)
      assert.strictEqual(yield* kinds(declared), "equal,equal")
    }).pipe(Effect.scoped, Effect.provide(MongoTest.layer)), 180_000)

  it.live("of a process that was killed is waited for", () =>
    Effect.gen(function*() {
      const declared = yield* started
      const killed = yield* hangingInstance(declared, 2000)
      killed.kill()
      yield* Effect.promise(() => killed.ended)
      // The index is listed, but no query can use it yet.
      const plan = yield* MongoIndex.plan(declared)
      assert.deepStrictEqual(plan.steps.map((step) => step.kind === "equal" && step.building), [true, true])
      assert.strictEqual(MongoIndex.pending(plan).length, 2)
      const fiber = yield* Effect.forkChild(MongoIndex.ensure(declared))
      yield* until("it has the lease", () =>
        Effect.runPromise(Effect.map(
          Integration.leases(declared.untyped.database).holder(`indexes of ${declared.fullName}`),
          (holder) => Option.isSome(holder) && holder.value.owner.includes(`/${process.pid}/`)
        )), 20_000)
      assert.isUndefined(fiber.pollUnsafe())
      yield* killed.finish
      assert.deepStrictEqual((yield* Fiber.join(fiber)).done, [])
      assert.strictEqual(yield* kinds(declared), "equal,equal")
      assert.deepStrictEqual(yield* building(declared), [])
    }).pipe(Effect.scoped, Effect.provide(MongoTest.layer)), 60_000)

  it.live("of a process that was killed replaces the old index all the same", () =>
    Effect.gen(function*() {
      const declared = yield* started
      yield* declared.createIndex({ email: 1 }, { sparse: true })
      const agreed = yield* MongoIndex.plan(declared)
      const killed = yield* hangingInstance(declared, 1000)
      killed.kill()
      yield* Effect.promise(() => killed.ended)
      assert.strictEqual(yield* kinds(declared), "equal,equal,replace")
      const fiber = yield* Effect.forkChild(MongoIndex.apply(declared, agreed))
      yield* killed.finish
      const { done } = yield* Fiber.join(fiber)
      assert.deepStrictEqual(done, agreed.steps.filter(({ kind }) => kind === "replace"))
      assert.deepStrictEqual(yield* names(declared), ["_id_", "email_1~2", "seenAt_1"])
      assert.strictEqual(yield* kinds(declared), "equal,equal")
    }).pipe(Effect.scoped, Effect.provide(MongoTest.layer)), 60_000)

  it.live(
    "of a process that was stopped for longer than its lease is left to the next one",
    () =>
      Effect.gen(function*() {
        const declared = yield* started
        yield* declared.createIndex({ email: 1 }, { sparse: true })
        const stopped = yield* hangingInstance(declared, 1000)
        stopped.stop()
        const fiber = yield* Effect.forkChild(MongoIndex.ensure(declared))
        yield* stopped.finish
        assert.strictEqual((yield* Fiber.join(fiber)).done.length, 1)
        // The name that the stopped process was about to drop belongs to somebody else now.
        yield* declared.createIndex({ email: 1 }, { name: "email_1", sparse: true })
        stopped.goOn()
        yield* stopped.has("the lease is lost")
        assert.strictEqual(yield* Effect.promise(() => stopped.ended), 0)
        assert.deepStrictEqual(yield* names(declared), ["_id_", "email_1", "email_1~2", "seenAt_1"])
        assert.isTrue(Option.isNone(yield* holder(declared)))
      }).pipe(Effect.scoped, Effect.provide(MongoTest.layer)),
    60_000
  )

  it.live("whose replaced index could not be dropped is not built again", () =>
    Effect.gen(function*() {
      const declared = yield* started
      yield* declared.createIndex({ email: 1 }, { sparse: true })
      const log = yield* CommandLog.make
      const data = { failCommands: ["dropIndexes"], errorCode: 13 }
      yield* Effect.scoped(
        Effect.andThen(FailPoint.make("failCommand", { data }), Effect.flip(MongoIndex.ensure(declared)))
      )
      assert.deepStrictEqual(yield* names(declared), ["_id_", "email_1", "email_1~2", "seenAt_1"])
      // What else there is to change is changed in the same run.
      yield* declared.untyped.database.command({ collMod: "users", index: { name: "email_1~2", hidden: true } })
      yield* MongoIndex.ensure(declared)
      assert.deepStrictEqual(yield* names(declared), ["_id_", "email_1~2", "seenAt_1"])
      assert.strictEqual(yield* kinds(declared), "equal,equal")
      const sent = log.events.map(({ commandName }) => commandName)
      // The first one is the test's.
      assert.strictEqual(sent.filter((name) => name === "createIndexes").length, 1)
    }).pipe(Effect.provide(logged)))
})
