import { assert, describe, it } from "@effect/vitest"
import { MongoDatabase } from "@mongofx/core"
import { Bson, MongoModel, TypedCollection } from "@mongofx/schema"
import { MongoLaws, MongoTest } from "@mongofx/testing"
import { Context, Effect, Option, Schema } from "effect"
import { Model } from "effect/schema"
import { seeded } from "test-support/utils"

const UserId = Bson.ObjectId.pipe(Schema.brand("UserId"))

class User extends Model.Class<User>("test/User")({
  _id: MongoModel.generatedId(UserId),
  email: Schema.String,
  age: Schema.Int,
  note: Schema.optionalKey(Schema.String),
  tags: Schema.Array(Schema.String),
  manager: Model.FieldOption(MongoModel.ref(UserId)),
  version: MongoModel.Version,
  deletedAt: MongoModel.DeletedAt,
  ...MongoModel.Timestamps
}) {}

const soft = { version: "version", softDelete: "deletedAt" } as const

const usersOf = Effect.map(MongoDatabase.MongoDatabase, (db) => TypedCollection.make(db, "users", User))

type Insert = TypedCollection.Insert<typeof User>

class Counter extends Context.Service<Counter, { count: number }>()("test/Counter") {}

/** What a law says of a repository. Making documents smaller takes most of the time, and shows nothing here. */
const messageOf = (law: MongoLaws.RepositoryLaw, repository: MongoLaws.Repository<typeof User>) =>
  Effect.match(MongoLaws.repository(repository, { laws: [law], maxShrinks: 2 }), {
    onSuccess: () => "not refuted",
    onFailure: ({ message }) => message
  })

describe("MongoLaws.repository", () => {
  it.live(
    "holds for models with versions, soft deletion and a unique index that allows for it",
    () =>
      seeded(Effect.gen(function*() {
        const users = yield* usersOf
        yield* users.createIndex({ email: 1 }, { unique: true, partialFilterExpression: { deletedAt: null } })
        yield* MongoLaws.repository(MongoModel.makeRepository(users, soft), { unique: ["email"], runs: 5 })
        assert.strictEqual(yield* users.countDocuments(), 0)
      })).pipe(Effect.provide(MongoTest.layer)),
    120_000
  )

  it.live(
    "holds for a repository whose operations are methods",
    () =>
      seeded(Effect.gen(function*() {
        const users = yield* usersOf
        const inner = MongoModel.makeRepository(users, soft)
        const called = new Set<string>()
        const methods = Object.entries(inner).filter(([, value]) => typeof value === "function").map((
          [name, value]
        ) => [
          name,
          function(this: unknown, ...args: ReadonlyArray<unknown>): unknown {
            assert.strictEqual(this, wrapped, name)
            called.add(name)
            return Reflect.apply(value, inner, args)
          }
        ])
        const wrapped: typeof inner = { ...inner, collection: users, ...soft, ...Object.fromEntries(methods) }
        yield* MongoLaws.repository(wrapped, { runs: 2 })
        assert.includeMembers([...called], ["insert", "upsert", "restore", "page"])
      })).pipe(Effect.provide(MongoTest.layer)),
    120_000
  )

  it.live(
    "holds for schemas without variants, classes and renamed ids, with and without versions",
    () =>
      seeded(Effect.gen(function*() {
        const db = yield* MongoDatabase.MongoDatabase
        const Plain = Schema.Struct({ _id: Schema.Int, name: Schema.optional(Schema.String), rev: Bson.Int64 })
        class Item extends Schema.Class<Item>("test/Item")({
          _id: Schema.String,
          size: Schema.Struct({ width: Schema.Int }),
          gone: Schema.OptionFromOptionalNullOr(Schema.DateTimeUtcFromDate)
        }) {}
        const Renamed = Schema.Struct({ id: Bson.ObjectId, n: Schema.Int }).pipe(
          Schema.encodeKeys({ id: "_id", n: "m" })
        )
        const Text = Schema.Struct({ id: Schema.BigIntFromString, gone: Schema.NullOr(Bson.Date) }).pipe(
          Schema.encodeKeys({ id: "_id", gone: "g" })
        )
        const plain = TypedCollection.make(db, "plain", Plain)
        const options = { runs: 2 }
        yield* MongoLaws.repository(MongoModel.makeRepository(plain), options)
        yield* MongoLaws.repository(MongoModel.makeRepository(plain, { version: "rev" }), options)
        yield* MongoLaws.repository(
          MongoModel.makeRepository(TypedCollection.make(db, "items", Item), { softDelete: "gone" }),
          options
        )
        yield* MongoLaws.repository(MongoModel.makeRepository(TypedCollection.make(db, "renamed", Renamed)), options)
        yield* MongoLaws.repository(
          MongoModel.makeRepository(TypedCollection.make(db, "text", Text), { softDelete: "gone" }),
          options
        )
      })).pipe(Effect.provide(MongoTest.layer)),
    120_000
  )

  it.live(
    "holds with lifecycle functions that change fields, if it is told which",
    () =>
      seeded(Effect.gen(function*() {
        const users = yield* usersOf
        const counted = Effect.map(Counter, (counter) => {
          counter.count++
        })
        const repository = MongoModel.makeRepository(users, {
          ...soft,
          beforeInsert: ({ email }) => Effect.succeed({ email: `<${email}>` }),
          afterInsert: () => counted,
          beforeUpdate: ({ fields }) => Effect.succeed(fields.email === undefined ? {} : { email: `<${fields.email}>` })
        })
        const counter = { count: 0 }
        const run = (options: MongoLaws.RepositoryOptions<User>) =>
          MongoLaws.repository(repository, options).pipe(Effect.provideService(Counter, counter))
        yield* run({ changed: ["email"], runs: 2 })
        assert.isAbove(counter.count, 10)
        const error = yield* Effect.flip(run({ laws: ["insert"] }))
        assert.match(error.message, /^repository\.insert of users: .* was inserted, and returned is /)
      })).pipe(Effect.provide(MongoTest.layer)),
    120_000
  )

  it.live("refutes repositories that are wrong in one way", () =>
    Effect.gen(function*() {
      const users = yield* usersOf
      const right = MongoModel.makeRepository(users, soft)
      const { untyped } = users
      const hard = MongoModel.makeRepository(users, { version: "version" })
      const unversioned = MongoModel.makeRepository(users)
      const first = <A>(values: ReadonlyArray<A>): A => values[0]!
      const broken: ReadonlyArray<readonly [law: MongoLaws.RepositoryLaw, repository: object, why: RegExp]> = [
        ["insert", {
          insert: (user: Insert) => right.insert({ ...user, age: 0 })
        }, /was inserted, and returned is/],
        [
          "insert",
          {
            insert: (user: Insert) => Effect.tap(right.insert(user), ({ _id }) => untyped.deleteOne({ _id }))
          },
          /find gives \[\], and there should be/
        ],
        [
          "insert",
          { insert: (user: Insert) => right.upsert(user) },
          /an insert with the _id of another document succeeds/
        ],
        ["insert", { find: () => right.find().limit(1) }, /find gives/],
        ["insert", { count: () => Effect.succeed(7) }, /count gives 7 for/],
        ["insert", { exists: () => Effect.succeed(false) }, /exists gives false/],
        ["insert", { findByIds: () => Effect.succeed([]) }, /findByIds gives \[\]/],
        ["insert", { findById: () => Effect.succeedNone }, /findById gives undefined/],
        [
          "insert",
          { getById: () => Effect.map(right.find().sort({ age: 1 }), first) },
          /getById gives/
        ],
        [
          "insertMany",
          {
            insertMany: (all: ReadonlyArray<Insert>) =>
              Effect.map(right.insertMany(all), (inserted) => [...inserted].reverse())
          },
          /was inserted, and returned is/
        ],
        [
          "missing",
          { update: (user: User) => unversioned.save(user) },
          /update of a document that is not there gives a success, not a failure NoSuchElementError/
        ],
        [
          "missing",
          { getById: (id: User["_id"]) => Effect.orDie(right.getById(id)) },
          /getById of a document that is not there gives/
        ],
        [
          "missing",
          { delete: () => Effect.succeed(true) },
          /delete of a document that is not there gives true/
        ],
        [
          "update",
          {
            update: (user: User) => Effect.flatMap(right.update(user), ({ _id }) => right.patch(_id, { note: "kept" }))
          },
          /update gives/
        ],
        [
          "update",
          {
            update: (user: User) =>
              Effect.tap(right.update(user), () => untyped.updateMany({}, { $set: { tags: ["mine"] } }))
          },
          /find gives/
        ],
        [
          "update",
          { update: (user: User) => unversioned.update(user) },
          /update of a document of version 1 gives it version/
        ],
        [
          "patch",
          {
            patch: (id: User["_id"], fields: object) =>
              Effect.tap(right.patch(id, fields), () => untyped.updateOne({ _id: id }, { $set: { age: -99 } }))
          },
          /find gives/
        ],
        [
          "upsert",
          { upsert: (user: Insert) => Effect.catch(right.insert(user), () => right.getById(user._id!)) },
          /upsert gives/
        ],
        [
          "version",
          {
            update: (user: User) =>
              Effect.flatMap(right.getById(user._id), ({ version }) => right.update({ ...user, version }))
          },
          /update in an old version gives a success, not a failure StaleDocument/
        ],
        [
          "version",
          { patch: (id: User["_id"], fields: object) => right.patch(id, fields) },
          /patch in an old version gives a success/
        ],
        [
          "version",
          { delete: (id: User["_id"]) => right.delete(id) },
          /delete in an old version gives a success/
        ],
        [
          "version",
          {
            // It looks first and writes then, as many do.
            update: (user: User) =>
              Effect.flatMap(right.getById(user._id), (stored) =>
                stored.version === user.version
                  ? Effect.flatMap(
                    untyped.updateOne({ _id: user._id }, { $inc: { version: 1 } }),
                    () =>
                      Effect.flatMap(
                        right.getById(user._id),
                        (now) => unversioned.update({ ...user, version: now.version })
                      )
                  )
                  : right.update(user))
          },
          /three updates of one version at once give/
        ],
        ["delete", { delete: hard.delete }, /after a delete the collection has/],
        [
          "delete",
          { find: (filter?: {}) => right.find(filter, { withDeleted: true }) },
          /find finds ObjectId|find finds new ObjectId/
        ],
        [
          "delete",
          { count: (filter?: {}) => right.count(filter, { withDeleted: true }) },
          /count gives \d for/
        ],
        [
          "delete",
          { findById: (id: User["_id"]) => right.findById(id, { withDeleted: true }) },
          /findById finds/
        ],
        [
          "restore",
          {
            restore: (id: User["_id"]) => Effect.flatMap(right.restore(id), ({ _id }) => right.patch(_id, { age: -99 }))
          },
          /restore gives/
        ],
        [
          "restore",
          { findById: (id: User["_id"]) => right.findById(id) },
          /findById with deleted documents gives undefined/
        ],
        [
          "page",
          {
            page: (filter: {}, options: { readonly first: number }) =>
              Effect.map(right.page(filter, options), (page) => ({ ...page, items: page.items.slice(1) }))
          },
          /the pages of \d have/
        ],
        [
          "page",
          { page: (filter: {}, options: { readonly first: number }) => right.page(filter, { first: options.first }) },
          /the pages of \d have/
        ]
      ]
      for (const [law, repository, why] of broken) {
        const message = yield* messageOf(law, { ...right, collection: users, ...soft, ...repository } as never)
        assert.match(message, new RegExp(`^repository\\.${law} of users: `), String(why))
        assert.match(message, why)
      }
      assert.isTrue(Option.isNone(yield* users.findOne()))
    }).pipe(Effect.provide(MongoTest.layer)), 120_000)

  it.live("refutes a unique index that it is not told of", () =>
    Effect.gen(function*() {
      const users = yield* usersOf
      yield* users.createIndex({ age: 1 }, { unique: true })
      const error = yield* Effect.flip(
        MongoLaws.repository(MongoModel.makeRepository(users, soft), { runs: 200, laws: ["insertMany", "insert"] })
      )
      assert.match(error.message, /insertMany on .*users: .*E11000/)
      assert.match(error.message, /Replay: \[/)
    }).pipe(Effect.provide(MongoTest.layer)), 120_000)
})
