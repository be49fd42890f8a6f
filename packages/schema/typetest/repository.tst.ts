/**
 * Uses of repositories and fields of models that must compile, and uses that must not.
 *
 * @since 0.1.0
 */
import type { MongoError } from "@mongofx/core"
import {
  Bson,
  type DocumentError,
  MongoModel,
  type Pagination,
  type Repository,
  TypedCollection
} from "@mongofx/schema"
import { type BigDecimal, type Cause, Context, type DateTime, Effect, type Option, Schema } from "effect"
import { Model } from "effect/schema"
import type { ObjectId } from "mongodb"
import { describe, expect, it } from "tstyche"

const UserId = Bson.ObjectId.pipe(Schema.brand("UserId"))

class User extends Model.Class<User>("User")({
  _id: MongoModel.generatedId(UserId),
  email: Schema.String,
  note: Schema.optionalKey(Schema.String),
  age: Schema.Int,
  version: MongoModel.Version,
  deletedAt: MongoModel.DeletedAt,
  ...MongoModel.Timestamps
}) {}

class Users extends TypedCollection.Service<Users>()("app/Users", { name: "users", schema: User }) {}

class Post extends Model.Class<Post>("Post")({
  _id: MongoModel.ObjectIdGenerated,
  author: MongoModel.ref(Users),
  reviewer: Model.FieldOption(MongoModel.ref(UserId)),
  editor: MongoModel.ref(User),
  page: MongoModel.ObjectId,
  price: MongoModel.Money
}) {}

declare const users: TypedCollection.TypedCollection<typeof User>
declare const user: User

class Mailer
  extends Context.Service<Mailer, { readonly send: (to: string) => Effect.Effect<void, Bounced> }>()("Mailer")
{}
class Bounced extends Schema.TaggedError<Bounced>()("Bounced", {}) {}
class Taken extends Schema.TaggedError<Taken>()("Taken", {}) {}

type Failure = MongoError.MongoError | DocumentError.DocumentError

describe("fields", () => {
  it("of references have the brand of the collection", () => {
    expect<Post["author"]>().type.toBe<typeof UserId.Type>()
    expect<Post["editor"]>().type.toBe<typeof UserId.Type>()
    expect<Post["reviewer"]>().type.toBe<Option.Option<typeof UserId.Type>>()
    expect<Post["page"]>().type.toBe<ObjectId>()
    expect<Post["price"]>().type.toBe<BigDecimal.BigDecimal>()
    expect(MongoModel.ref).type.not.toBeCallableWith("users")
    const lines = MongoModel.arrayOf(User)
    expect(lines.schemas.select.Type).type.toBe<ReadonlyArray<User>>()
    expect(lines.schemas.json.Type).type.toBe<ReadonlyArray<typeof User.json.Type>>()
    expect(MongoModel.arrayOf).type.not.toBeCallableWith(Schema.Struct({ a: Schema.String }))
  })

  it("are plain JSON in the variants for JSON", () => {
    expect<typeof Post.json.Encoded>().type.toBe<{
      readonly _id: string
      readonly author: string
      readonly reviewer?: string | null
      readonly editor: string
      readonly page: string
      readonly price: string
    }>()
    expect<typeof Post.jsonCreate.Encoded>().type.toBe<{
      readonly author: string
      readonly reviewer?: string | null
      readonly editor: string
      readonly page: string
      readonly price: string
    }>()
    expect<typeof User.jsonUpdate.Encoded>().type.toBe<{
      readonly _id: string
      readonly email: string
      readonly note?: string
      readonly age: number
      readonly version: number
    }>()
  })

  it("of deletions and timestamps are not in updates", () => {
    expect<User["deletedAt"]>().type.toBe<DateTime.Utc | null>()
    expect<keyof Repository.Update<typeof User>>().type.toBe<"_id" | "email" | "note" | "age" | "version">()
    expect<keyof Repository.Fields<typeof User>>().type.toBe<"email" | "note" | "age" | "version">()
  })

  it("with a generated id are made of the schema of an ObjectId only", () => {
    expect(MongoModel.generatedId).type.not.toBeCallableWith(Schema.String)
  })
})

describe("makeRepository", () => {
  it("has the failures and operations of its options only", () => {
    const plain = MongoModel.makeRepository(users)
    expect(plain).type.toBe<Repository.Repository<typeof User, {}>>()
    expect(plain.update(user)).type.toBe<Effect.Effect<User, Failure | Cause.NoSuchElementError>>()
    expect(plain.save(user)).type.toBe<Effect.Effect<User, Failure>>()
    expect(plain.insert({ email: "", age: 1 })).type.toBe<Effect.Effect<User, Failure>>()
    expect(plain.findById(user._id)).type.toBe<Effect.Effect<Option.Option<User>, Failure>>()
    expect(plain.delete(user._id)).type.toBe<Effect.Effect<boolean, Failure>>()
    expect(plain).type.not.toHaveProperty("restore")

    const whole = MongoModel.makeRepository(users, { version: "version", softDelete: "deletedAt", spanPrefix: "Users" })
    expect(whole.update(user)).type.toBe<
      Effect.Effect<User, Failure | Cause.NoSuchElementError | Repository.StaleDocument>
    >()
    expect(whole.save(user)).type.toBe<
      Effect.Effect<User, Failure | Cause.NoSuchElementError | Repository.StaleDocument>
    >()
    expect(whole.delete(user._id, { expected: 1 })).type.toBe<
      Effect.Effect<boolean, Failure | Repository.StaleDocument>
    >()
    // Nothing is stale where no version is expected.
    expect(whole.delete(user._id)).type.toBe<Effect.Effect<boolean, Failure>>()
    expect(whole.patch(user._id, {})).type.toBe<Effect.Effect<User, Failure | Cause.NoSuchElementError>>()
    expect(whole.patch(user._id, {}, { expected: 1 })).type.toBe<
      Effect.Effect<User, Failure | Cause.NoSuchElementError | Repository.StaleDocument>
    >()
    expect(whole.restore(user._id)).type.toBe<Effect.Effect<User, Failure | Cause.NoSuchElementError>>()
    expect(plain.patch).type.not.toBeCallableWith(user._id, {}, { expected: 1 })
    expect(whole.patch).type.toBeCallableWith(user._id, {}, { expected: 1 })
  })

  it("refuses other fields and other options", () => {
    expect(MongoModel.makeRepository).type.not.toBeCallableWith(users, { version: "email" })
    expect(MongoModel.makeRepository).type.not.toBeCallableWith(users, { softDelete: "age" })
    expect(MongoModel.makeRepository).type.not.toBeCallableWith(users, { verison: "version" })
    expect(MongoModel.makeRepository).type.not.toBeCallableWith(users, {
      beforeInsert: () => Effect.succeed({ age: "1" })
    })
  })

  it("refuses arguments that do not fit", () => {
    const repository = MongoModel.makeRepository(users, { version: "version" })
    expect(repository.insert).type.not.toBeCallableWith({ email: "" })
    expect(repository.update).type.not.toBeCallableWith({ _id: user._id, email: "", age: 1 })
    expect(repository.patch).type.not.toBeCallableWith(user._id, { createdAt: user.createdAt })
    expect(repository.patch).type.not.toBeCallableWith(user._id, { _id: user._id })
    expect(repository.patch).type.not.toBeCallableWith(user._id, { age: "1" })
    expect(repository.upsert).type.not.toBeCallableWith({ email: "", age: 1 }, { on: ["emial"] })
    expect(repository.findById).type.not.toBeCallableWith("507f1f77bcf86cd799439011")
    expect(repository.find).type.not.toBeCallableWith({ email: 1 })
    expect(repository.find).type.not.toBeCallableWith({ emial: "" })
    expect(repository.update).type.toBeCallableWith({ ...user, email: "" })
    expect(repository.update).type.toBeCallableWith(user)
  })

  it("adds the errors and services of lifecycle functions to the operations that run them", () => {
    const repository = MongoModel.makeRepository(users, {
      beforeInsert: (user) => {
        expect(user).type.toBe<TypedCollection.Insert<typeof User>>()
        return user.age < 0 ? Effect.fail(new Taken()) : Effect.succeed({ email: user.email.toLowerCase() })
      },
      afterInsert: (user) => Effect.flatMap(Mailer, (mailer) => mailer.send(user.email)),
      beforeUpdate: ({ fields, id }) => {
        expect(id).type.toBe<typeof UserId.Type>()
        return Effect.succeed(fields.age === undefined ? {} : { age: fields.age + 1 })
      },
      afterDelete: (user) => {
        expect(user).type.toBe<User>()
        return Effect.fail("no" as const)
      }
    })
    expect(repository.insert({ email: "", age: 1 })).type.toBe<Effect.Effect<User, Failure | Taken | Bounced, Mailer>>()
    expect(repository.update(user)).type.toBe<Effect.Effect<User, Failure | Cause.NoSuchElementError>>()
    expect(repository.upsert({ email: "", age: 1 })).type.toBe<
      Effect.Effect<User, Failure | Taken | Bounced, Mailer>
    >()
    expect(repository.delete(user._id)).type.toBe<Effect.Effect<boolean, Failure | "no">>()
  })

  it("has the failures of options that may be there", () => {
    const options = null as never as {
      readonly version?: "version"
      readonly afterUpdate?: (user: User) => Effect.Effect<void, Bounced, Mailer>
    }
    const repository = MongoModel.makeRepository(users, options)
    expect(repository.update(user)).type.toBe<
      Effect.Effect<User, Failure | Cause.NoSuchElementError | Repository.StaleDocument | Bounced, Mailer>
    >()
    expect(repository.patch).type.toBeCallableWith(user._id, {}, { expected: 1 })
  })

  it("sets versions and times of deletions itself", () => {
    const Item = Schema.Struct({
      _id: Schema.String,
      n: Schema.Int,
      rev: Schema.Int,
      gone: Schema.optionalKey(Bson.Date)
    })
    const items = null as never as TypedCollection.TypedCollection<typeof Item>
    const repository = MongoModel.makeRepository(items, { version: "rev", softDelete: "gone" })
    expect(repository.patch).type.toBeCallableWith("a", { n: 1 })
    expect(repository.patch).type.not.toBeCallableWith("a", { rev: 1 })
    expect(repository.patch).type.not.toBeCallableWith("a", { gone: new Date() })
    expect(MongoModel.makeRepository(items).patch).type.toBeCallableWith("a", { rev: 1, gone: new Date() })
  })

  it("has pages of the collection's documents", () => {
    const repository = MongoModel.makeRepository(users)
    expect(repository.page({ age: 1 }, { first: 1, sort: { email: 1 } })).type.toBe<
      Effect.Effect<Pagination.Page<User>, Pagination.Failure>
    >()
    expect(repository.page({}, { last: 1, total: true })).type.toBe<
      Effect.Effect<Pagination.CountedPage<User>, Pagination.Failure>
    >()
    expect(repository.page).type.not.toBeCallableWith({ age: "1" }, { first: 1 })
    expect(repository.page).type.not.toBeCallableWith({}, { first: 1, sort: { emial: 1 } })
    expect(repository.page).type.not.toBeCallableWith({}, { first: 1, last: 1 })
    expect(repository.page).type.not.toBeCallableWith({}, { sort: { email: 1 } })
  })

  it("takes schemas without variants", () => {
    const Item = Schema.Struct({ _id: Schema.String, rev: Bson.Int64, gone: Schema.optionalKey(Bson.Date) })
    const items = MongoModel.makeRepository(
      null as never as TypedCollection.TypedCollection<typeof Item>,
      { version: "rev", softDelete: "gone" }
    )
    expect(items.update).type.toBeCallableWith({ _id: "a", rev: 1n })
    expect(items.patch).type.toBeCallableWith("a", {}, { expected: 1n })
    expect(items.patch).type.not.toBeCallableWith("a", {}, { expected: 1 })
    expect<Repository.VersionKey<typeof Item.Type>>().type.toBe<"rev">()
    expect<Repository.SoftDeleteKey<typeof Item.Type>>().type.toBe<"gone">()
  })
})
