import { assert, describe, it } from "@effect/vitest"
import { MongoDatabase, MongoError } from "@mongofx/core"
import { Bson, DocumentError, MongoModel, Repository, TypedCollection } from "@mongofx/schema"
import { CommandLog, MongoTest } from "@mongofx/testing"
import { Cause, Effect, Exit, Option, Schema } from "effect"
import { Model } from "effect/schema"

const reasonOf = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.flip(effect), (error) => {
    assert(MongoError.isMongoError(error), String(error))
    return error.reason
  })

describe("an insert of what BSON cannot store", () => {
  it.live("fails as an insert of the collection does", () =>
    Effect.gen(function*() {
      const db = yield* MongoDatabase.MongoDatabase
      const items = TypedCollection.make(db, "items", Schema.Struct({ _id: Bson.ObjectId, value: Schema.Unknown }))
      const repository = MongoModel.makeRepository(items)
      const circle: Record<string, unknown> = {}
      circle["itself"] = circle
      const refused: ReadonlyArray<readonly [value: unknown, message: RegExp]> = [
        [circle, /circular structure/],
        [() => 1, /\.value is a function/],
        [Symbol("text"), /\.value is a symbol/],
        [new Set([1]), /\.value is a Set/],
        [{ "a\0b": 1 }, /null bytes/]
      ]
      for (const [value, message] of refused) {
        const inserts: ReadonlyArray<Effect.Effect<unknown, unknown>> = [
          repository.insert({ value }),
          repository.insertMany([{ value: 1 }, { value }])
        ]
        for (const insert of inserts) {
          const reason = yield* reasonOf(insert)
          assert.include(["BsonError", "InvalidArgumentError"], reason._tag)
          assert.match(reason.message, message)
        }
      }
      assert.strictEqual(yield* repository.count(), 0)
    }).pipe(Effect.provide(MongoTest.layer)))
})

describe("a write that has nothing to change", () => {
  it.live("finds its document, or says that it is not there", () =>
    Effect.gen(function*() {
      const db = yield* MongoDatabase.MongoDatabase
      const tags = MongoModel.makeRepository(TypedCollection.make(db, "tags", Schema.Struct({ _id: Schema.String })))
      const tag = { _id: "a" }
      for (const write of [tags.upsert(tag), tags.upsert(tag), tags.update(tag), tags.patch("a", {}), tags.save(tag)]) {
        assert.deepStrictEqual(yield* write, tag)
      }
      assert.isTrue(Cause.isNoSuchElementError(yield* Effect.flip(tags.update({ _id: "b" }))))
      assert.deepStrictEqual(yield* tags.find(), [tag])

      class Member extends Model.Class<Member>("test/Member")({
        _id: MongoModel.ObjectIdGenerated,
        user: Schema.String,
        group: Schema.String
      }) {}
      yield* db.createCollection("members")
      const members = TypedCollection.make(db, "members", Member)
      const member = { user: "ada", group: "staff" }
      const on = { on: ["user", "group"] } as const
      const made = yield* MongoModel.makeRepository(members).upsert(member, on)
      const calls: Array<string> = []
      const repository = MongoModel.makeRepository(members, {
        afterInsert: () => Effect.sync(() => calls.push("insert")),
        afterUpdate: () => Effect.sync(() => calls.push("update"))
      })
      assert.deepStrictEqual(yield* repository.upsert(member, on), made)
      assert.deepStrictEqual(calls, ["update"])
      assert.strictEqual(yield* repository.count(), 1)
    }).pipe(Effect.provide(MongoTest.layer)))
})

describe("patch", () => {
  class Address extends Schema.Class<Address>("test/Address")({
    city: Schema.String,
    country: Schema.String.pipe(Schema.withConstructorDefault(Effect.succeed("UK")))
  }) {}

  const Person = Schema.Struct({
    _id: Schema.Int,
    address: Address,
    look: Schema.Struct({ theme: Schema.String.pipe(Schema.withConstructorDefault(Effect.succeed("dark"))) }),
    note: Schema.optional(Schema.String),
    nick: Schema.OptionFromOptionalNullOr(Schema.String)
  })

  const start = {
    _id: 1,
    address: new Address({ city: "London" }),
    look: { theme: "light" },
    note: "n",
    nick: Option.some("Ada")
  }

  it.live("fills in the defaults inside of its values, and makes their classes, as insert and update do", () =>
    Effect.gen(function*() {
      const db = yield* MongoDatabase.MongoDatabase
      const people = MongoModel.makeRepository(TypedCollection.make(db, "people", Person))
      yield* people.insert(start)
      const moved = yield* people.patch(1, { address: { city: "Leeds", country: "UK" }, look: {} })
      assert.deepStrictEqual(moved, { ...start, address: new Address({ city: "Leeds" }), look: { theme: "dark" } })
      assert.instanceOf(moved.address, Address)
      assert.isTrue(Option.isNone((yield* people.patch(1, { nick: Option.none() })).nick))
      const error = yield* Effect.flip(people.patch(1, { address: { city: 1 as never, country: "UK" } }))
      assert(error instanceof DocumentError.DocumentError)
      assert.match(error.message, /^patch on .*\.people: fields\.address\.city: /)
    }).pipe(Effect.provide(MongoTest.layer)))

  it.live("refuses a field that is undefined, for that could mean two things", () =>
    Effect.gen(function*() {
      const db = yield* MongoDatabase.MongoDatabase
      const people = MongoModel.makeRepository(TypedCollection.make(db, "people", Person))
      yield* people.insert(start)
      const reason = yield* reasonOf(people.patch(1, { note: undefined }))
      assert(reason._tag === "InvalidArgumentError")
      assert.strictEqual(reason.path, "fields.note")
      assert.match(reason.message, /leave it out to keep the field, or remove the field by update/)
      assert.isFalse("note" in (yield* people.update({ ...start, note: undefined })))
    }).pipe(Effect.provide(MongoTest.layer)))
})

describe("a version that older documents lack", () => {
  const Item = (missing: number) =>
    Schema.Struct({
      _id: Schema.Int,
      n: Schema.Int,
      rev: Schema.Int.pipe(Schema.withDecodingDefaultKey(Effect.succeed(missing)))
    })

  it.live("is 0: every write counts, and none is lost", () =>
    Effect.gen(function*() {
      const db = yield* MongoDatabase.MongoDatabase
      const items = MongoModel.makeRepository(TypedCollection.make(db, "items", Item(0)), { version: "rev" })
      yield* items.collection.untyped.insertMany([1, 2, 3, 4].map((n) => ({ _id: n as never, n })))
      const [a, b, c] = yield* items.findByIds([1, 2, 3]).sort({ _id: 1 })
      assert.deepStrictEqual(yield* items.update({ ...a!, n: 10 }), { _id: 1, n: 10, rev: 1 })
      assert.isTrue(Repository.isStaleDocument(yield* Effect.flip(items.update({ ...a!, n: 11 }))))
      assert.deepStrictEqual(yield* items.patch(2, { n: 20 }), { ...b, n: 20, rev: 1 })
      assert.isTrue(Repository.isStaleDocument(yield* Effect.flip(items.patch(2, { n: 21 }, { expected: 0 }))))
      assert.deepStrictEqual(yield* items.save({ ...c!, n: 30 }), { _id: 3, n: 30, rev: 1 })
      assert.isTrue(Repository.isStaleDocument(yield* Effect.flip(items.save({ ...c!, n: 31 }))))
      assert.isTrue(yield* items.delete(4, { expected: 0 }))
      assert.strictEqual(yield* items.count(), 3)
    }).pipe(Effect.provide(MongoTest.layer)))

  it.live("is refused if it is read as another number, which the first write would store again", () =>
    Effect.gen(function*() {
      const db = yield* MongoDatabase.MongoDatabase
      const items = TypedCollection.make(db, "items", Item(1))
      const exit = yield* Effect.exit(Effect.try(() => MongoModel.makeRepository(items, { version: "rev" })))
      assert.match(
        Exit.isFailure(exit) ? Cause.pretty(exit.cause) : "",
        /options\.version names rev, which is read as 1 where it is missing: read it as 0/
      )
    }).pipe(Effect.provide(MongoTest.layer)))
})

describe("save", () => {
  it.live("of one new document by 50 fibers stores it once, and tells the others that they were late", () =>
    Effect.gen(function*() {
      const db = yield* MongoDatabase.MongoDatabase
      const Item = Schema.Struct({ _id: Schema.Int, n: Schema.Int, rev: Schema.Int })
      const items = MongoModel.makeRepository(TypedCollection.make(db, "items", Item), { version: "rev" })
      const all = yield* Effect.forEach(
        Array.from({ length: 50 }, (_, n) => n),
        (n) => Effect.result(items.save({ _id: 1, n, rev: 0 })),
        { concurrency: "unbounded" }
      )
      const stored = all.flatMap((result) => result._tag === "Success" ? [result.success] : [])
      assert.deepStrictEqual(yield* items.find(), stored)
      assert.strictEqual(stored.length, 1)
      for (const result of all) if (result._tag === "Failure") assert.strictEqual(result.failure._tag, "StaleDocument")
    }).pipe(Effect.provide(MongoTest.layer)))

  it.live("reports a key that another document has, and the _id of a deleted one, as such", () =>
    Effect.gen(function*() {
      const db = yield* MongoDatabase.MongoDatabase
      const Item = Schema.Struct({
        _id: Schema.Int,
        n: Schema.Int,
        rev: Schema.Int,
        gone: Schema.optionalKey(Bson.Date)
      })
      const items = MongoModel.makeRepository(TypedCollection.make(db, "items", Item), {
        version: "rev",
        softDelete: "gone"
      })
      yield* items.collection.createIndex({ n: 1 }, { unique: true })
      yield* items.save({ _id: 1, n: 1, rev: 0 })
      assert.strictEqual((yield* reasonOf(items.save({ _id: 2, n: 1, rev: 0 })))._tag, "DuplicateKeyError")
      yield* items.delete(1)
      assert.strictEqual((yield* reasonOf(items.save({ _id: 1, n: 3, rev: 0 })))._tag, "DuplicateKeyError")
      assert.strictEqual(yield* items.count({}, { withDeleted: true }), 1)
    }).pipe(Effect.provide(MongoTest.layer)))
})

describe("the time of a deletion", () => {
  it.live("is set by delete and restore only, also where updates have the field", () =>
    Effect.gen(function*() {
      const db = yield* MongoDatabase.MongoDatabase
      const Item = Schema.Struct({ _id: Schema.Int, n: Schema.Int, gone: Schema.optionalKey(Bson.Date) })
      const items = MongoModel.makeRepository(TypedCollection.make(db, "items", Item), { softDelete: "gone" })
      yield* items.insert({ _id: 1, n: 1 })
      assert.deepStrictEqual(yield* items.update({ _id: 1, n: 2, gone: new Date() }), { _id: 1, n: 2 })
      const patch = items.patch as (id: number, fields: object) => Effect.Effect<unknown, unknown>
      const reason = yield* reasonOf(patch(1, { gone: new Date() }))
      assert(reason._tag === "InvalidArgumentError")
      assert.strictEqual(reason.path, "fields.gone")
      assert.deepStrictEqual(yield* items.find(), [{ _id: 1, n: 2 }])
    }).pipe(Effect.provide(MongoTest.layer)))
})

describe("a write that finds nothing", () => {
  it.live("asks the primary why, whatever the read preference is", () =>
    Effect.gen(function*() {
      const db = yield* MongoDatabase.MongoDatabase
      const log = yield* CommandLog.make
      const Item = Schema.Struct({ _id: Schema.Int, rev: Schema.Int })
      const items = MongoModel.makeRepository(TypedCollection.make(db, "items", Item), { version: "rev" })
      const item = yield* items.insert({ _id: 1, rev: 1 })
      yield* items.getById(1)
      const readPreference = () => Option.getOrThrow(log.last("find"))["$readPreference"] as unknown
      assert.deepStrictEqual(readPreference(), { mode: "secondaryPreferred" })
      const stale = [
        items.update({ ...item, rev: 7 }),
        items.patch(1, {}, { expected: 7 }),
        items.save({ _id: 1, rev: 0 })
      ]
      for (const write of [...stale, Effect.as(items.delete(1, { expected: 7 }), item)]) {
        log.clear()
        assert.isTrue(Repository.isStaleDocument(yield* Effect.flip(write)))
        assert.isUndefined(readPreference())
      }
    }).pipe(
      Effect.scoped,
      Effect.provide(
        MongoTest.layerWith({ driverOptions: { monitorCommands: true, readPreference: "secondaryPreferred" } })
      )
    ))
})

describe("a schema with any fields", () => {
  // The compiler does not tell the names of such fields from others.
  const options = { version: "rev" } as {}

  const Item = Schema.StructWithRest(Schema.Struct({ _id: Schema.String, rev: Schema.Int }), [
    Schema.Record(Schema.String, Schema.Unknown)
  ])

  it.live("has updates that are whole documents, and names that are no paths", () =>
    Effect.gen(function*() {
      const db = yield* MongoDatabase.MongoDatabase
      const items = MongoModel.makeRepository(TypedCollection.make(db, "items", Item), options)
      const first = yield* items.insert({ _id: "a", rev: 1, "x.y": 1, x: { y: 0 } })
      const second = yield* items.update({ _id: "a", rev: 1, "x.y": 2, z: 3 })
      assert.deepStrictEqual(second, { _id: "a", rev: 2, "x.y": 2, z: 3 })
      assert.isTrue(Repository.isStaleDocument(yield* Effect.flip(items.update(first))))
      assert.isTrue(Cause.isNoSuchElementError(yield* Effect.flip(items.update({ ...first, _id: "b" }))))
      for (const name of ["x.y", "$x"]) {
        const reason = yield* reasonOf(items.upsert({ _id: "a", rev: 1, [name]: 5 }))
        assert(reason._tag === "InvalidArgumentError")
        assert.strictEqual(reason.path, `document.${name}`)
      }
      assert.deepStrictEqual(yield* items.find(), [second])
    }).pipe(Effect.provide(MongoTest.layer)))

  it.live("keeps the time of a deletion to itself", () =>
    Effect.gen(function*() {
      const db = yield* MongoDatabase.MongoDatabase
      const others = Schema.Record(Schema.TemplateLiteral(["x", Schema.Int]), Schema.Unknown)
      const Nulled = Schema.StructWithRest(Schema.Struct({ _id: Schema.Int, gone: Schema.NullOr(Bson.Date) }), [others])
      const nulled = MongoModel.makeRepository(TypedCollection.make(db, "nulled", Nulled), { softDelete: "gone" })
      yield* nulled.insert({ _id: 1, gone: null, x1: 1 })
      assert.deepStrictEqual(yield* nulled.update({ _id: 1, gone: new Date(), x2: 2 }), { _id: 1, gone: null, x2: 2 })
      const Lacking = Schema.StructWithRest(
        Schema.Struct({ _id: Schema.Int, gone: Schema.optionalKey(Bson.Date) }),
        [others]
      )
      const lacking = MongoModel.makeRepository(TypedCollection.make(db, "lacking", Lacking), { softDelete: "gone" })
      yield* lacking.insert({ _id: 1, x1: 1 })
      assert.deepStrictEqual(yield* lacking.update({ _id: 1, gone: new Date(), x2: 2 }), { _id: 1, x2: 2 })
    }).pipe(Effect.provide(MongoTest.layer)))
})

describe("a field whose name is a path to updates", () => {
  it.live("is refused by update and upsert, and saved", () =>
    Effect.gen(function*() {
      const db = yield* MongoDatabase.MongoDatabase
      const Item = Schema.Struct({ _id: Schema.Int, "a.b": Schema.Int })
      const items = MongoModel.makeRepository(TypedCollection.make(db, "items", Item))
      const first = yield* items.insert({ _id: 1, "a.b": 1 })
      for (const write of [items.update({ _id: 1, "a.b": 2 }), items.upsert({ _id: 1, "a.b": 2 })]) {
        const reason = yield* reasonOf(write)
        assert(reason._tag === "InvalidArgumentError")
        assert.strictEqual(reason.path, "document.a.b")
      }
      assert.deepStrictEqual(yield* items.find(), [first])
      assert.deepStrictEqual(yield* items.save({ _id: 1, "a.b": 3 }), { _id: 1, "a.b": 3 })
    }).pipe(Effect.provide(MongoTest.layer)))
})

describe("beforeDelete", () => {
  it.live("runs for documents that are there only", () =>
    Effect.gen(function*() {
      const db = yield* MongoDatabase.MongoDatabase
      yield* db.createCollection("items")
      yield* db.createCollection("log")
      const Item = Schema.Struct({ _id: Schema.Int, gone: Schema.optionalKey(Bson.Date) })
      const log = TypedCollection.make(db, "log", Schema.Struct({ _id: Bson.ObjectId, item: Schema.Int }))
      const items = MongoModel.makeRepository(TypedCollection.make(db, "items", Item), {
        softDelete: "gone",
        beforeDelete: (item) => log.insertOne({ item })
      })
      yield* items.insert({ _id: 1 })
      assert.isFalse(yield* items.delete(2))
      assert.isTrue(yield* items.delete(1))
      assert.isFalse(yield* items.delete(1))
      assert.deepStrictEqual((yield* log.find()).map(({ item }) => item), [1])
    }).pipe(Effect.provide(MongoTest.layer)))
})
