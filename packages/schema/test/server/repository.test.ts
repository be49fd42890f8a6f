import { assert, describe, it } from "@effect/vitest"
import { MongoClient, MongoDatabase, MongoError } from "@mongofx/core"
import { Bson, DocumentError, MongoModel, Repository, TypedCollection, TypedQuery } from "@mongofx/schema"
import { FailPoint, MongoTest } from "@mongofx/testing"
import { Cause, DateTime, Effect, Exit, Option, Schema, Stream } from "effect"
import { Model } from "effect/schema"
import { TestClock } from "effect/testing"
import { ObjectId } from "mongodb"
import { Recorder } from "test-support/recorder"

const UserId = Bson.ObjectId.pipe(Schema.brand("UserId"))

class User extends Model.Class<User>("test/User")({
  _id: MongoModel.generatedId(UserId),
  email: Schema.String,
  note: Schema.optionalKey(Schema.String),
  role: Schema.Literals(["admin", "guest"]).pipe(Schema.withConstructorDefault(Effect.succeed("guest" as const))),
  secret: Model.Sensitive(Schema.String),
  version: MongoModel.Version,
  deletedAt: MongoModel.DeletedAt,
  ...MongoModel.Timestamps
}) {
  get domain() {
    return this.email.slice(this.email.indexOf("@") + 1)
  }
}

const versioned = { version: "version" } as const
const soft = { version: "version", softDelete: "deletedAt" } as const

const fixture = Effect.gen(function*() {
  const db = yield* MongoDatabase.MongoDatabase
  const users = TypedCollection.make(db, "users", User)
  return { db, users, repository: MongoModel.makeRepository(users, soft) }
})

const ada = { email: "ada@example.com", secret: "x" }

/** The first failure of an effect that must fail. */
const failureOf = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.flip(effect)

const reasonOf = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.flip(effect), (error) => {
    assert(MongoError.isMongoError(error), String(error))
    return error.reason
  })

const causeOf = <A, E>(exit: Exit.Exit<A, E>): Cause.Cause<E> =>
  Exit.isFailure(exit) ? exit.cause : assert.fail("it has not failed")

const isMissing = (error: unknown): boolean => Cause.isNoSuchElementError(error)

describe("insert", () => {
  it.live("returns the document as a read gives it", () =>
    Effect.gen(function*() {
      const { repository, users } = yield* fixture
      const inserted = yield* repository.insert({ ...ada, note: "first" })
      assert.instanceOf(inserted, User)
      assert.strictEqual(inserted.domain, "example.com")
      assert.strictEqual(inserted.role, "guest")
      assert.strictEqual(inserted.version, 1)
      assert.isNull(inserted.deletedAt)
      assert.deepStrictEqual(inserted, Option.getOrThrow(yield* users.findById(inserted._id)))
      assert.deepStrictEqual(yield* repository.getById(inserted._id), inserted)
      const stored = Option.getOrThrow(yield* users.untyped.findOne())
      assert.deepStrictEqual(Object.keys(stored).sort(), [
        "_id",
        "createdAt",
        "deletedAt",
        "email",
        "note",
        "role",
        "secret",
        "updatedAt",
        "version"
      ])
    }).pipe(Effect.provide(MongoTest.layer)))

  it.live("runs anew each time, and fails for a key that is there", () =>
    Effect.gen(function*() {
      const { repository, users } = yield* fixture
      const insert = repository.insert(ada)
      const [first, second] = [yield* insert, yield* insert]
      assert.notStrictEqual(first._id.toHexString(), second._id.toHexString())
      const reason = yield* reasonOf(repository.insert({ ...ada, _id: first._id }))
      assert.strictEqual(reason._tag, "DuplicateKeyError")
      assert.strictEqual(yield* users.countDocuments(), 2)
    }).pipe(Effect.provide(MongoTest.layer)))

  it.live("does not write what could not be read", () =>
    Effect.gen(function*() {
      const { db } = yield* fixture
      // Inserts lack a field that reads need.
      class Broken extends Model.Class<Broken>("test/Broken")({
        _id: MongoModel.ObjectIdGenerated,
        count: Model.GeneratedByDb(Schema.Int)
      }) {}
      const broken = TypedCollection.make(db, "broken", Broken)
      const repository = MongoModel.makeRepository(broken)
      const insert = yield* failureOf(repository.insert({}))
      assert(insert instanceof DocumentError.DocumentError)
      assert.match(insert.message, /^insert on .*\.broken, document [0-9a-f]{24}: count: Missing key$/)
      const many = yield* failureOf(repository.insertMany([{}]))
      assert(many instanceof DocumentError.DocumentError)
      assert.strictEqual(many.operation, "insertMany")
      assert.strictEqual(yield* broken.countDocuments(), 0)
    }).pipe(Effect.provide(MongoTest.layer)))

  it.live("of many documents returns them in order, and of none asks nobody", () =>
    Effect.gen(function*() {
      const { repository } = yield* fixture
      const emails = ["c", "a", "b"]
      const inserted = yield* repository.insertMany(emails.map((email) => ({ email, secret: "" })))
      assert.deepStrictEqual(inserted.map(({ email }) => email), emails)
      assert.deepStrictEqual(yield* repository.find().sort({ _id: 1 }), inserted)
      assert.deepStrictEqual(yield* repository.insertMany([]), [])
      const bad = yield* failureOf(repository.insertMany([ada, { ...ada, email: 1 as never }]))
      assert(bad instanceof DocumentError.DocumentError)
      assert.strictEqual(bad.path, "documents[1].email")
      assert.strictEqual(yield* repository.count(), 3)
    }).pipe(Effect.provide(MongoTest.layer)))
})

describe("update", () => {
  it.effect("sets the fields of the variant, removes those that are left out, and keeps the others", () =>
    Effect.gen(function*() {
      const { repository, users } = yield* fixture
      yield* TestClock.setTime(1000)
      const first = yield* repository.insert({ ...ada, note: "first" })
      yield* users.untyped.updateOne({ _id: first._id }, { $set: { unknown: 1 } })
      yield* TestClock.setTime(5000)
      const { note: _, ...others } = first
      const second = yield* repository.update({ ...others, email: "countess@example.com" })
      assert.instanceOf(second, User)
      assert.deepStrictEqual({ ...second }, {
        ...others,
        email: "countess@example.com",
        version: 2,
        // Although the argument has the time of the first one.
        updatedAt: DateTime.makeUnsafe(5000)
      })
      assert.strictEqual(DateTime.toEpochMillis(second.createdAt), 1000)
      const stored = Option.getOrThrow(yield* users.untyped.findOne())
      assert.strictEqual(stored["unknown"], 1)
      assert.isFalse("note" in stored)
      assert.deepStrictEqual(yield* repository.getById(first._id), second)
    }).pipe(Effect.provide(MongoTest.layer)))

  it.live("tells a document that has changed from one that is not there, and changes nothing then", () =>
    Effect.gen(function*() {
      const { repository, users } = yield* fixture
      const first = yield* repository.insert(ada)
      const second = yield* repository.update({ ...first, email: "second" })
      const error = yield* failureOf(repository.update({ ...first, email: "third" }))
      assert(Repository.isStaleDocument(error))
      assert.strictEqual(error._tag, "StaleDocument")
      assert.strictEqual(error.id, first._id)
      assert.strictEqual(error.expected, 1)
      assert.strictEqual(
        error.message,
        `update on ${users.fullName}, document ${first._id.toHexString()}: its version is not 1 any more: read it again`
      )
      assert.deepStrictEqual(yield* repository.getById(first._id), second)

      const missing = yield* failureOf(repository.update({ ...first, _id: UserId.make(new ObjectId()) }))
      assert.isTrue(isMissing(missing), String(missing))
      assert.match(String(missing), /update on .*\.users: there is no document [0-9a-f]{24}/)
      yield* repository.delete(first._id)
      assert.isTrue(isMissing(yield* failureOf(repository.update(second))))
      assert.strictEqual(yield* users.countDocuments(), 1)
    }).pipe(Effect.provide(MongoTest.layer)))

  it.live("needs an _id, and values that fit", () =>
    Effect.gen(function*() {
      const { repository } = yield* fixture
      const first = yield* repository.insert(ada)
      for (
        const [name, value] of [["_id", undefined], ["_id", { $ne: null }], ["email", 1], ["version", "1"]] as const
      ) {
        const error = yield* failureOf(repository.update({ ...first, [name]: value }))
        assert(error instanceof DocumentError.DocumentError, name)
        assert.strictEqual(error.path, `document.${name}`)
        assert.strictEqual(error.operation, "update")
      }
      assert.deepStrictEqual(yield* repository.getById(first._id), first)
    }).pipe(Effect.provide(MongoTest.layer)))
})

describe("patch", () => {
  it.effect("sets some fields, and keeps version and updatedAt current", () =>
    Effect.gen(function*() {
      const { repository } = yield* fixture
      yield* TestClock.setTime(1000)
      const first = yield* repository.insert({ ...ada, note: "stays" })
      yield* TestClock.setTime(5000)
      const second = yield* repository.patch(first._id, { email: "new" })
      assert.deepStrictEqual({ ...second }, {
        ...first,
        email: "new",
        version: 2,
        updatedAt: DateTime.makeUnsafe(5000)
      })
      assert.deepStrictEqual(yield* repository.getById(first._id), second)
      assert.strictEqual((yield* repository.patch(first._id, {})).version, 3)
      assert.strictEqual((yield* repository.patch(first._id, { role: "admin" }, { expected: 3 })).version, 4)
    }).pipe(Effect.provide(MongoTest.layer)))

  it.live("fails for another version, for nothing, and for fields that updates do not have", () =>
    Effect.gen(function*() {
      const { repository } = yield* fixture
      const first = yield* repository.insert(ada)
      const stale = yield* failureOf(repository.patch(first._id, { email: "new" }, { expected: 7 }))
      assert(Repository.isStaleDocument(stale))
      assert.strictEqual(stale.expected, 7)
      const id = UserId.make(new ObjectId())
      assert.isTrue(isMissing(yield* failureOf(repository.patch(id, { email: "new" }))))
      assert.isTrue(isMissing(yield* failureOf(repository.patch(id, { email: "new" }, { expected: 1 }))))
      for (const name of ["_id", "version", "createdAt", "deletedAt", "emial"]) {
        const reason = yield* reasonOf(repository.patch(first._id, { [name]: "x" }))
        assert(reason._tag === "InvalidArgumentError", name)
        assert.strictEqual(reason.path, `fields.${name}`)
      }
      const error = yield* failureOf(repository.patch(first._id, { email: { $ne: "" } as never }))
      assert(error instanceof DocumentError.DocumentError)
      assert.deepStrictEqual(yield* repository.getById(first._id), first)
    }).pipe(Effect.provide(MongoTest.layer)))
})

describe("upsert", () => {
  it.effect("inserts, then updates what inserts and updates have in common", () =>
    Effect.gen(function*() {
      const { repository, users } = yield* fixture
      yield* users.createIndex({ email: 1 }, { unique: true, partialFilterExpression: { deletedAt: null } })
      yield* TestClock.setTime(1000)
      const first = yield* repository.upsert({ ...ada, role: "admin", note: "first" }, { on: ["email"] })
      assert.strictEqual(first.version, 1)
      assert.isNull(first.deletedAt)
      yield* TestClock.setTime(5000)
      const second = yield* repository.upsert({ ...ada, secret: "y" }, { on: ["email"] })
      const { note: _, ...others } = first
      // A default is for new documents.
      assert.deepStrictEqual({ ...second }, {
        ...others,
        secret: "y",
        version: 2,
        updatedAt: DateTime.makeUnsafe(5000)
      })
      assert.strictEqual(yield* users.countDocuments(), 1)
      const third = yield* repository.upsert({ ...ada, _id: first._id, email: "new" })
      assert.deepStrictEqual(third._id, first._id)
      assert.strictEqual(third.version, 3)
      // A deleted document does not count.
      yield* repository.delete(first._id)
      const other = yield* repository.upsert({ ...ada, email: "new" }, { on: ["email"] })
      assert.notDeepEqual(other._id, first._id)
    }).pipe(Effect.provide(MongoTest.layer)))

  it.live("of many fibers at once makes one document", () =>
    Effect.gen(function*() {
      const { repository, users } = yield* fixture
      yield* users.createIndex({ email: 1 }, { unique: true, partialFilterExpression: { deletedAt: null } })
      const all = yield* Effect.forEach(
        Array.from({ length: 20 }, (_, i) => String(i)),
        (secret) => repository.upsert({ ...ada, secret }, { on: ["email"] }),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(all.map(({ version }) => version).sort((a, b) => a - b), all.map((_, i) => i + 1))
      assert.strictEqual(yield* users.countDocuments(), 1)
    }).pipe(Effect.provide(MongoTest.layer)))

  it.live("tries once more after a conflict of keys, but not in a transaction that it has spoilt", () =>
    Effect.gen(function*() {
      const { db, repository } = yield* fixture
      yield* db.createCollection("users")
      const mongo = yield* MongoClient.MongoClient
      const appName = yield* mongo.use(async (driver) => driver.options.appName)
      const conflict = (times: number) =>
        FailPoint.make("failCommand", {
          mode: { times },
          data: {
            failCommands: ["findAndModify"],
            appName,
            errorCode: 11000,
            errorExtraInfo: { keyPattern: { email: 1 }, keyValue: { email: "" } }
          }
        })
      yield* Effect.scoped(Effect.gen(function*() {
        yield* conflict(1)
        assert.strictEqual((yield* repository.upsert(ada)).email, ada.email)
      }))
      for (const upsert of [repository.upsert(ada), mongo.withTransaction(repository.upsert(ada))]) {
        yield* Effect.scoped(Effect.gen(function*() {
          yield* conflict(2)
          assert.strictEqual((yield* reasonOf(upsert))._tag, "DuplicateKeyError")
        }))
      }
      assert.strictEqual(yield* repository.count(), 1)
    }).pipe(Effect.provide(MongoTest.layer)))

  it.effect("fills in the defaults anew in each run", () =>
    Effect.gen(function*() {
      const { repository } = yield* fixture
      const upsert = repository.upsert(ada)
      const first = yield* upsert
      yield* TestClock.setTime(9000)
      const second = yield* upsert
      assert.notStrictEqual(first._id.toHexString(), second._id.toHexString())
      assert.strictEqual(DateTime.toEpochMillis(second.createdAt), 9000)
      assert.strictEqual(DateTime.toEpochMillis(first.createdAt), 0)
      const patch = repository.patch(first._id, {})
      assert.strictEqual(DateTime.toEpochMillis((yield* patch).updatedAt), 9000)
      yield* TestClock.setTime(10_000)
      assert.strictEqual(DateTime.toEpochMillis((yield* patch).updatedAt), 10_000)
      const current = yield* repository.getById(first._id)
      yield* TestClock.setTime(11_000)
      assert.strictEqual(DateTime.toEpochMillis((yield* repository.save(current)).updatedAt), 11_000)

      const { db } = yield* fixture
      const Plain = Schema.Struct({ _id: Bson.ObjectId, n: Schema.Int })
      const plain = MongoModel.makeRepository(TypedCollection.make(db, "plain", Plain))
      const again = plain.upsert({ n: 1 }, { on: ["n"] })
      const made = yield* again
      assert.deepStrictEqual(yield* again, made)
      yield* plain.delete(made._id)
      assert.notStrictEqual((yield* again)._id.toHexString(), made._id.toHexString())
    }).pipe(Effect.provide(MongoTest.layer)))

  it.live("needs the fields that it looks for", () =>
    Effect.gen(function*() {
      const { repository } = yield* fixture
      for (
        const [on, path] of [
          [[], "options.on"],
          [["note"], "document.note"],
          [["emial"], "options.on[0]"]
        ] as const
      ) {
        const reason = yield* reasonOf(repository.upsert(ada, { on: on as ReadonlyArray<never> }))
        assert(reason._tag === "InvalidArgumentError")
        assert.strictEqual(reason.path, path)
      }
    }).pipe(Effect.provide(MongoTest.layer)))
})

describe("save", () => {
  it.live("stores a whole document, new or not, in the version that was read", () =>
    Effect.gen(function*() {
      const { repository, users } = yield* fixture
      const now = yield* DateTime.now
      const made = new User({
        _id: UserId.make(new ObjectId()),
        ...ada,
        version: 0,
        deletedAt: null,
        createdAt: now,
        updatedAt: now
      })
      const first = yield* repository.save(made)
      assert.instanceOf(first, User)
      assert.strictEqual(first.version, 1)
      const second = yield* repository.save(new User({ ...first, note: "new" }))
      assert.strictEqual(second.version, 2)
      assert.deepStrictEqual(yield* repository.getById(made._id), second)
      assert.isTrue(Repository.isStaleDocument(yield* failureOf(repository.save(first))))
      assert.isTrue(Repository.isStaleDocument(yield* failureOf(repository.save(made))))
      yield* users.deleteById(made._id)
      // Somebody else has deleted it: saving does not bring it back.
      assert.isTrue(isMissing(yield* failureOf(repository.save(second))))
      assert.strictEqual(yield* users.countDocuments(), 0)
    }).pipe(Effect.provide(MongoTest.layer)))

  it.live("without versions inserts or replaces", () =>
    Effect.gen(function*() {
      const { db } = yield* fixture
      const Note = Schema.Struct({ id: Schema.String, text: Schema.optionalKey(Schema.String) }).pipe(
        Schema.encodeKeys({ id: "_id" })
      )
      const notes = MongoModel.makeRepository(TypedCollection.make(db, "notes", Note))
      assert.deepStrictEqual(yield* notes.save({ id: "a", text: "x" }), { id: "a", text: "x" })
      assert.deepStrictEqual(yield* notes.save({ id: "a" }), { id: "a" })
      assert.deepStrictEqual(yield* notes.update({ id: "a", text: "y" }), { id: "a", text: "y" })
      assert.deepStrictEqual(yield* notes.update({ id: "a" }), { id: "a" })
      assert.deepStrictEqual(yield* notes.find(), [{ id: "a" }])
      assert.isTrue(yield* notes.delete("a" as never))
    }).pipe(Effect.provide(MongoTest.layer)))
})

describe("a document without its version", () => {
  it.live("is refused, for any version would do then", () =>
    Effect.gen(function*() {
      const { db } = yield* fixture
      class Item extends Model.Class<Item>("test/Item")({
        _id: Schema.String,
        text: Schema.String,
        rev: Model.Field({ select: Bson.Int64, insert: Bson.Int64, update: Schema.optionalKey(Bson.Int64) })
      }) {}
      const items = MongoModel.makeRepository(TypedCollection.make(db, "items", Item), { version: "rev" })
      const first = yield* items.insert({ _id: "a", text: "x", rev: 5n })
      for (
        const write of [
          items.update({ _id: "a", text: "y" }),
          items.save({ _id: "a", text: "y", rev: undefined as never })
        ]
      ) {
        const reason = yield* reasonOf(write)
        assert(reason._tag === "InvalidArgumentError")
        assert.strictEqual(reason.path, "document.rev")
      }
      assert.deepStrictEqual(yield* items.getById("a"), first)
      assert.strictEqual((yield* items.update({ ...first, text: "y" })).rev, 6n)
    }).pipe(Effect.provide(MongoTest.layer)))
})

describe("reads", () => {
  it.live("find by id, by ids, by filter, and count", () =>
    Effect.gen(function*() {
      const { repository } = yield* fixture
      const [a, b, c] = yield* repository.insertMany(
        ["a", "b", "c"].map((email) => ({ email, secret: "" }))
      ) as unknown as Effect.Effect<[User, User, User]>
      const absent = UserId.make(new ObjectId())
      assert.deepStrictEqual(yield* repository.findById(b._id), Option.some(b))
      assert.deepStrictEqual(yield* repository.findById(absent), Option.none())
      assert.deepStrictEqual(yield* repository.getById(b._id), b)
      const missing = yield* failureOf(repository.getById(absent))
      assert.isTrue(isMissing(missing))
      assert.include(String(missing), absent.toHexString())
      assert.deepStrictEqual(yield* repository.findByIds([c._id, absent, a._id]).sort({ email: 1 }), [a, c])
      assert.deepStrictEqual(yield* repository.findByIds([]), [])
      assert.deepStrictEqual(yield* repository.find({ email: { $gt: "a" } }).sort({ email: -1 }).limit(1), [c])
      assert.deepStrictEqual(yield* Stream.runCollect(repository.stream({ email: "b" })), [b])
      assert.isTrue(yield* repository.exists({ email: "a" }))
      assert.isFalse(yield* repository.exists({ email: "d" }))
      assert.isTrue(yield* repository.exists())
      assert.strictEqual(yield* repository.count(), 3)
      assert.strictEqual(yield* repository.count({ email: { $ne: "a" } }), 2)
      // The functions know their repository.
      const { getById } = repository
      assert.deepStrictEqual(yield* Effect.flatMap(Effect.succeed(a._id), getById), a)
    }).pipe(Effect.provide(MongoTest.layer)))
})

describe("pages", () => {
  it.live("cover what is there, once, in any order", () =>
    Effect.gen(function*() {
      const { repository } = yield* fixture
      const inserted = yield* repository.insertMany(
        Array.from({ length: 11 }, (_, i) => ({ email: `${i % 3}`, secret: `${i}` }))
      )
      yield* repository.delete(inserted[4]!._id)
      const there = inserted.filter((_, i) => i !== 4)
      const secrets = (users: ReadonlyArray<User>) => users.map(({ secret }) => Number(secret))
      const inOrder = [...there].sort((a, b) => b.email.localeCompare(a.email) || Number(b.secret) - Number(a.secret))
      const sort = { email: -1 } as const
      const first = yield* repository.page({}, { first: 4, sort, total: true })
      assert.strictEqual(first.totalCount, 10)
      assert.deepStrictEqual(first.items, inOrder.slice(0, 4))
      assert.instanceOf(first.items[0], User)
      const second = yield* repository.page({}, { first: 4, after: first.endCursor, sort })
      assert.deepStrictEqual(secrets(second.items), secrets(inOrder.slice(4, 8)))
      const back = yield* repository.page({}, { last: 3, before: second.startCursor, sort })
      assert.deepStrictEqual(secrets(back.items), secrets(inOrder.slice(1, 4)))
      const pages = yield* Stream.runCollect(repository.pages({ email: { $ne: "1" } }, { first: 2 }))
      assert.deepStrictEqual(
        secrets(pages.flatMap(({ items }) => items)),
        secrets(there.filter(({ email }) => email !== "1"))
      )
      const all = yield* repository.page({}, { first: 20, withDeleted: true })
      assert.deepStrictEqual(secrets(all.items), secrets(inserted))
      const foreign = yield* failureOf(repository.page({ email: "1" }, { first: 2, after: first.endCursor, sort }))
      assert.strictEqual(foreign._tag, "InvalidCursorError")
    }).pipe(Effect.provide(MongoTest.layer)))
})

describe("soft deletion", () => {
  it.effect("hides documents until they are restored", () =>
    Effect.gen(function*() {
      const { repository, users } = yield* fixture
      const [first, other] = yield* repository.insertMany([ada, {
        ...ada,
        email: "other"
      }]) as unknown as Effect.Effect<
        [User, User]
      >
      // A document from before there was a deletedAt.
      yield* users.untyped.updateOne({ _id: other._id }, { $unset: { deletedAt: 1 } })
      yield* TestClock.setTime(7000)
      assert.isTrue(yield* repository.delete(first._id))
      assert.isFalse(yield* repository.delete(first._id))
      assert.deepStrictEqual(yield* repository.findById(first._id), Option.none())
      assert.isTrue(isMissing(yield* failureOf(repository.getById(first._id))))
      assert.isTrue(isMissing(yield* failureOf(repository.patch(first._id, { email: "x" }))))
      assert.deepStrictEqual(yield* repository.find(), [other])
      assert.deepStrictEqual(yield* repository.findByIds([first._id, other._id]), [other])
      assert.deepStrictEqual(yield* repository.find({ secret: "x" }), [other])
      assert.strictEqual(yield* repository.count(), 1)
      assert.isFalse(yield* repository.exists({ email: ada.email }))
      const all = { withDeleted: true }
      assert.strictEqual(yield* repository.count({}, all), 2)
      assert.isTrue(yield* repository.exists({ email: ada.email }, all))
      assert.strictEqual((yield* repository.find(undefined, all)).length, 2)
      const deleted = yield* repository.getById(first._id, all)
      assert.strictEqual(DateTime.toEpochMillis(deleted.deletedAt!), 7000)
      assert.strictEqual(DateTime.toEpochMillis(deleted.updatedAt), 7000)
      assert.strictEqual(deleted.version, 2)

      const restored = yield* repository.restore(first._id)
      assert.isNull(restored.deletedAt)
      assert.strictEqual(restored.version, 3)
      assert.deepStrictEqual(yield* repository.getById(first._id), restored)
      const missing = yield* failureOf(repository.restore(first._id))
      assert.isTrue(isMissing(missing))
      assert.include(String(missing), "there is no deleted document")
      assert.isTrue(isMissing(yield* failureOf(repository.restore(UserId.make(new ObjectId())))))
    }).pipe(Effect.provide(MongoTest.layer)))

  it.live("leaves room for another document in a unique index of those that are there", () =>
    Effect.gen(function*() {
      const { repository, users } = yield* fixture
      yield* users.createIndex({ email: 1 }, { unique: true, partialFilterExpression: { deletedAt: null } })
      const first = yield* repository.insert(ada)
      assert.strictEqual((yield* reasonOf(repository.insert(ada)))._tag, "DuplicateKeyError")
      yield* repository.delete(first._id)
      const second = yield* repository.insert(ada)
      assert.strictEqual((yield* reasonOf(repository.restore(first._id)))._tag, "DuplicateKeyError")
      yield* repository.delete(second._id)
      assert.strictEqual((yield* repository.restore(first._id)).email, ada.email)
      yield* MongoTest.usesIndex(repository.find({ email: ada.email }))
    }).pipe(Effect.provide(MongoTest.layer)))

  it.live("takes fields of other forms: an option, an optional date", () =>
    Effect.gen(function*() {
      const { db } = yield* fixture
      const Forms = {
        option: Schema.OptionFromNullOr(Schema.DateTimeUtcFromDate),
        optionalOption: Schema.OptionFromOptionalNullOr(Schema.DateTimeUtcFromDate),
        optionalKey: Schema.optionalKey(Bson.Date)
      }
      for (const [name, gone] of Object.entries(Forms)) {
        const schema = Schema.Struct({ _id: Schema.Int, name: Schema.String, gone })
        const items = MongoModel.makeRepository(
          TypedCollection.make(
            db,
            name,
            schema as unknown as Schema.Struct<{
              readonly _id: Schema.Int
              readonly name: Schema.String
              readonly gone: Schema.NullOr<Bson.Date>
            }>
          ),
          { softDelete: "gone" }
        )
        const start = { _id: 1, name: "a", ...(name === "optionalKey" ? {} : { gone: Option.none() }) } as never
        const first = yield* items.insert(start)
        assert.deepStrictEqual<unknown>(first, start)
        assert.isTrue(yield* items.delete(1))
        assert.deepStrictEqual(yield* items.find(), [])
        const [deleted] = yield* items.find({}, { withDeleted: true })
        assert.isTrue(name === "optionalKey" ? deleted!.gone instanceof Date : Option.isSome(deleted!.gone as never))
        assert.deepStrictEqual(yield* items.restore(1), first)
        assert.deepStrictEqual(yield* items.upsert({ ...first, name: "b" }), { ...first, name: "b" })
        assert.deepStrictEqual(yield* items.upsert({ ...first, _id: 2 }), { ...first, _id: 2 })
      }
    }).pipe(Effect.provide(MongoTest.layer)))
})

describe("delete", () => {
  it.live("takes the document away, in the expected version", () =>
    Effect.gen(function*() {
      const { users } = yield* fixture
      const repository = MongoModel.makeRepository(users, versioned)
      const first = yield* repository.insert(ada)
      const stale = yield* failureOf(repository.delete(first._id, { expected: 2 }))
      assert(Repository.isStaleDocument(stale))
      assert.strictEqual(stale.operation, "delete")
      assert.isTrue(yield* repository.delete(first._id, { expected: 1 }))
      assert.isFalse(yield* repository.delete(first._id, { expected: 1 }))
      assert.strictEqual(yield* users.countDocuments(), 0)
      assert.isUndefined((repository as { readonly softDelete?: string }).softDelete)
    }).pipe(Effect.provide(MongoTest.layer)))
})

describe("versions", () => {
  it.live("of a document that 50 fibers change at once count every change", () =>
    Effect.gen(function*() {
      const { db } = yield* fixture
      class Counter extends Model.Class<Counter>("test/Counter")({
        _id: MongoModel.ObjectIdGenerated,
        count: Schema.Int,
        by: Schema.Array(Schema.Int),
        revision: Bson.Int64.pipe(Schema.withConstructorDefault(Effect.succeed(1n)))
      }) {}
      const counters = MongoModel.makeRepository(TypedCollection.make(db, "counters", Counter), { version: "revision" })
      const { _id } = yield* counters.insert({ count: 0, by: [] })
      let stale = 0
      const add = (by: number) =>
        Effect.flatMap(counters.getById(_id), (counter) =>
          counters.update({ ...counter, count: counter.count + 1, by: [...counter.by, by] })).pipe(
            Effect.tapError((error) =>
              Effect.sync(() => stale += Repository.isStaleDocument(error) ? 1 : 0)
            ),
            Effect.retry({ while: Repository.isStaleDocument })
          )
      const fibers = Array.from({ length: 50 }, (_, i) => i)
      const changed = yield* Effect.forEach(fibers, add, { concurrency: "unbounded" })
      const last = yield* counters.getById(_id)
      assert.strictEqual(last.count, 50)
      assert.strictEqual(last.revision, 51n)
      assert.deepStrictEqual([...last.by].sort((a, b) => a - b), fibers)
      assert.deepStrictEqual(
        changed.map(({ revision }) => Number(revision)).sort((a, b) => a - b),
        fibers.map((i) => i + 2)
      )
      // They have met.
      assert.isAbove(stale, 0)
    }).pipe(Effect.provide(MongoTest.layer)), 60_000)
})

class Refused extends Schema.TaggedError<Refused>()("Refused", {}) {}

describe("lifecycle functions", () => {
  const Log = Schema.Struct({ _id: Bson.ObjectId, what: Schema.String })

  const logging = Effect.gen(function*() {
    const { db, users } = yield* fixture
    // Transactions conflict while a collection is made.
    yield* db.createCollection("log")
    yield* db.createCollection("users")
    const log = TypedCollection.make(db, "log", Log)
    let refuses = ""
    const note = (what: string) =>
      Effect.andThen(log.insertOne({ what }), refuses === what ? Effect.fail(new Refused()) : Effect.void)
    const repository = MongoModel.makeRepository(users, {
      ...soft,
      beforeInsert: (document) => Effect.as(note("beforeInsert"), { email: document.email.toLowerCase() }),
      afterInsert: (user) => note(`afterInsert ${user.email}`),
      beforeUpdate: ({ fields }) =>
        Effect.andThen(
          note("beforeUpdate"),
          fields.email === undefined ? Effect.void : Effect.succeed({ email: fields.email.toLowerCase() })
        ),
      afterUpdate: (user) => note(`afterUpdate ${user.email}`),
      beforeDelete: () => note("beforeDelete"),
      afterDelete: (user) => note(`afterDelete ${user.deletedAt !== null}`),
      afterRestore: (user) => note(`afterRestore ${user.deletedAt === null}`)
    })
    const taken = Effect.gen(function*() {
      const found = yield* log.find().sort({ _id: 1 })
      yield* log.deleteMany({})
      return found.map(({ what }) => what)
    })
    const refusing = <A, E, R>(what: string, effect: Effect.Effect<A, E, R>) =>
      Effect.suspend(() => {
        refuses = what
        return Effect.ensuring(effect, Effect.sync(() => refuses = ""))
      })
    return { repository, users, taken, refusing }
  })

  it.live("run around each write, and may change its fields", () =>
    Effect.gen(function*() {
      const { repository, taken } = yield* logging
      const first = yield* repository.insert({ ...ada, email: "ADA" })
      assert.strictEqual(first.email, "ada")
      assert.deepStrictEqual(yield* taken, ["beforeInsert", "afterInsert ada"])
      const second = yield* repository.update({ ...first, email: "EVE" })
      assert.strictEqual(second.email, "eve")
      assert.deepStrictEqual(yield* taken, ["beforeUpdate", "afterUpdate eve"])
      assert.strictEqual((yield* repository.patch(first._id, { email: "MAX" })).email, "max")
      assert.deepStrictEqual(yield* taken, ["beforeUpdate", "afterUpdate max"])
      assert.strictEqual((yield* repository.upsert({ ...ada, _id: first._id, email: "BOB" })).email, "bob")
      assert.deepStrictEqual(yield* taken, ["beforeUpdate", "afterUpdate bob"])
      const added = yield* repository.upsert({ ...ada, email: "ZOE" }, { on: ["email"] })
      assert.deepStrictEqual(yield* taken, ["beforeInsert", "afterInsert zoe"])
      const saved = yield* repository.save(new User({ ...added, email: "TOM" }))
      assert.deepStrictEqual([saved.email, saved.version], ["tom", 2])
      assert.deepStrictEqual(yield* taken, ["beforeUpdate", "afterUpdate tom"])
      yield* repository.save(new User({ ...added, _id: UserId.make(new ObjectId()), version: 0, email: "KIM" }))
      assert.deepStrictEqual(yield* taken, ["beforeInsert", "afterInsert kim"])
      assert.isTrue(yield* repository.delete(first._id))
      assert.deepStrictEqual(yield* taken, ["beforeDelete", "afterDelete true"])
      yield* repository.restore(first._id)
      assert.deepStrictEqual(yield* taken, ["afterRestore true"])
      yield* repository.insertMany([{ ...ada, email: "A" }, { ...ada, email: "B" }])
      assert.deepStrictEqual(yield* taken, ["beforeInsert", "beforeInsert", "afterInsert a", "afterInsert b"])
    }).pipe(Effect.provide(MongoTest.layer)))

  it.live("that fail undo the write, and what they wrote themselves", () =>
    Effect.gen(function*() {
      const { refusing, repository, taken, users } = yield* logging
      const first = yield* repository.insert(ada)
      yield* taken
      const before = yield* users.untyped.find()
      const insert = repository.insert({ ...ada, email: "new" })
      const cases: ReadonlyArray<readonly [string, Effect.Effect<unknown, unknown>]> = [
        ["beforeInsert", insert],
        ["afterInsert new", insert],
        ["afterInsert new", repository.upsert({ ...ada, email: "new" }, { on: ["email"] })],
        ["beforeUpdate", repository.patch(first._id, { email: "new" })],
        ["afterUpdate new", repository.patch(first._id, { email: "new" })],
        ["afterUpdate new", repository.update({ ...first, email: "new" })],
        ["afterUpdate new", repository.save(new User({ ...first, email: "new" }))],
        ["beforeDelete", repository.delete(first._id)],
        ["afterDelete true", repository.delete(first._id)],
        ["afterInsert b", repository.insertMany(["a", "b"].map((email) => ({ ...ada, email })))]
      ]
      for (const [what, effect] of cases) {
        const error = yield* failureOf(refusing(what, effect))
        assert.instanceOf(error, Refused, what)
        assert.deepStrictEqual(yield* taken, [], what)
        assert.deepStrictEqual(yield* users.untyped.find(), before, what)
      }
      // A write that fails by itself undoes what ran before it.
      assert.isTrue(Repository.isStaleDocument(yield* failureOf(repository.update({ ...first, version: 9 }))))
      assert.strictEqual((yield* reasonOf(repository.insert({ ...ada, _id: first._id })))._tag, "DuplicateKeyError")
      assert.isTrue(isMissing(yield* failureOf(repository.patch(UserId.make(new ObjectId()), { email: "x" }))))
      assert.deepStrictEqual(yield* taken, [])
    }).pipe(Effect.provide(MongoTest.layer)))

  it.live("join the transaction around them, and can wait for its commit", () =>
    Effect.gen(function*() {
      const { users } = yield* logging
      const mongo = yield* MongoClient.MongoClient
      const mails: Array<string> = []
      const repository = MongoModel.makeRepository(users, {
        afterInsert: (user) => mongo.afterCommit(Effect.sync(() => mails.push(user.email)))
      })
      const exit = yield* Effect.exit(
        mongo.withTransaction(Effect.andThen(repository.insert(ada), Effect.fail("no" as const)))
      )
      assert.deepStrictEqual(exit, Exit.fail("no" as const))
      assert.deepStrictEqual(mails, [])
      yield* mongo.withTransaction(
        Effect.andThen(repository.insert(ada), Effect.sync(() => assert.deepStrictEqual(mails, [])))
      )
      assert.deepStrictEqual(mails, [ada.email])
      yield* repository.insert({ ...ada, email: "eve" })
      assert.deepStrictEqual(mails, [ada.email, "eve"])
      assert.strictEqual(yield* users.countDocuments(), 2)
    }).pipe(Effect.provide(MongoTest.layer)))
})

describe("options", () => {
  it.live("that name other fields are refused when the repository is made", () =>
    Effect.gen(function*() {
      const { db } = yield* fixture
      class Item extends Model.Class<Item>("test/Item")({
        _id: MongoModel.ObjectIdGenerated,
        text: Schema.String,
        made: Model.GeneratedByDb(Schema.Int),
        counted: Schema.NumberFromString,
        seen: Bson.Date,
        nulled: Schema.NullOr(Schema.String),
        deletedAt: MongoModel.DeletedAt
      }) {}
      const items = TypedCollection.make(db, "items", Item)
      const refused: ReadonlyArray<readonly [options: object, message: RegExp]> = [
        [{ version: "text" }, /options\.version names text, which is not stored as a number$/],
        [{ version: "counted" }, /options\.version names counted, which is not stored as a number$/],
        [{ version: "made" }, /options\.version names made, which updates do not have: use MongoModel\.Version/],
        [{ version: "other" }, /options\.version/],
        [{ softDelete: "nulled" }, /options\.softDelete names nulled, which is not stored as a date$/],
        [{ softDelete: "seen" }, /options\.softDelete names seen, which every document has: it must be null or missing/]
      ]
      for (const [options, message] of refused) {
        try {
          MongoModel.makeRepository(items, options)
          assert.fail(JSON.stringify(options))
        } catch (error) {
          assert(MongoError.isMongoError(error), String(error))
          assert.strictEqual(error.reason._tag, "InvalidArgumentError")
          assert.match(error.message, message)
          assert.match(error.message, /^makeRepository on .*\.items: /)
        }
      }
      const made = MongoModel.makeRepository(items, { softDelete: "deletedAt" })
      assert.strictEqual(made.softDelete, "deletedAt")
      assert.isUndefined(made.version)
      assert.strictEqual(made.collection, items)
    }).pipe(Effect.provide(MongoTest.layer)))
})

describe("spans", () => {
  it.live("have the prefix, the operation and the id, where a prefix is given", () =>
    Effect.gen(function*() {
      const { users } = yield* fixture
      const recorder = new Recorder()
      const own = () =>
        recorder.spans.splice(0).filter(({ name }) => name.startsWith("Users.")).map(({ attributes, name, status }) =>
          [name, attributes.get("id"), status._tag === "Ended" && Exit.isSuccess(status.exit)] as const
        )
      const traced = MongoModel.makeRepository(users, { ...soft, spanPrefix: "Users" })
      const first = yield* recorder.in(traced.insert(ada))
      const id = first._id.toHexString()
      yield* recorder.in(traced.update(first))
      yield* Effect.flip(recorder.in(traced.update(first)))
      yield* recorder.in(traced.patch(first._id, {}))
      yield* recorder.in(traced.findById(first._id))
      yield* recorder.in(traced.count())
      yield* recorder.in(traced.delete(first._id))
      yield* recorder.in(traced.restore(first._id))
      assert.deepStrictEqual(own(), [
        ["Users.insert", undefined, true],
        ["Users.update", id, true],
        ["Users.update", id, false],
        ["Users.patch", id, true],
        ["Users.findById", id, true],
        ["Users.count", undefined, true],
        ["Users.delete", id, true],
        ["Users.restore", id, true]
      ])
      yield* recorder.in(MongoModel.makeRepository(users, soft).getById(first._id))
      assert.deepStrictEqual(recorder.spans.map(({ name }) => name), [`find ${users.name}`])
    }).pipe(Effect.provide(MongoTest.layer)))
})

describe("TypedQuery.orDie", () => {
  it.live("dies with failures of the database, and leaves the others", () =>
    Effect.gen(function*() {
      const { repository, users } = yield* fixture
      const missing = UserId.make(new ObjectId())
      assert.isTrue(isMissing(yield* Effect.flip(TypedQuery.orDie(repository.getById(missing)))))
      const { _id } = yield* TypedQuery.orDie(repository.insert(ada))

      const twice = yield* Effect.exit(TypedQuery.orDie(users.untyped.insertOne({ _id } as never)))
      assert.isTrue(Exit.hasDies(twice))
      const defect = Cause.squash(causeOf(twice))
      assert(MongoError.isMongoError(defect))
      assert.strictEqual(defect.reason._tag, "DuplicateKeyError")

      yield* users.untyped.updateOne({}, { $unset: { email: true } })
      const unreadable = yield* Effect.exit(TypedQuery.orDie(repository.getById(_id)))
      assert.isTrue(Exit.hasDies(unreadable))
      assert.instanceOf(Cause.squash(causeOf(unreadable)), DocumentError.DocumentError)
    }).pipe(Effect.provide(MongoTest.layer)))
})
