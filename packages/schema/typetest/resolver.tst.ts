/**
 * Uses of resolvers and references that must compile, and uses that must not.
 *
 * @since 0.1.0
 */
import { Bson, MongoResolver, MongoSchema, TypedCollection, type TypedQuery } from "@mongofx/schema"
import { type Cause, Context, type Effect, Option, Schema, SchemaGetter } from "effect"
import type { ObjectId } from "mongodb"
import { describe, expect, it } from "tstyche"

const CompanyId = Bson.ObjectId.pipe(Schema.brand("CompanyId"))
const Company = Schema.Struct({ _id: CompanyId, name: Schema.String })
type Company = typeof Company.Type

class User extends Schema.Class<User>("User")({ _id: Bson.ObjectId, name: Schema.String, company: CompanyId }) {
  get initial(): string {
    return this.name.slice(0, 1)
  }
}

const Post = Schema.Struct({
  _id: Bson.ObjectId,
  title: Schema.String,
  author: Bson.ObjectId,
  editor: Schema.optionalKey(Bson.ObjectId),
  publisher: Schema.OptionFromNullOr(CompanyId),
  reviewers: Schema.Array(Bson.ObjectId),
  parts: Schema.Array(Schema.Struct({ text: Schema.String, by: Schema.NullOr(Bson.ObjectId) }))
})

class Companies
  extends TypedCollection.Service<Companies>()("test/Companies", { name: "companies", schema: Company })
{}
class Users extends TypedCollection.Service<Users>()("test/Users", { name: "users", schema: User }) {}
declare const users: TypedCollection.TypedCollection<typeof User>
declare const posts: TypedCollection.TypedCollection<typeof Post>
declare const id: ObjectId
declare const companyId: typeof CompanyId.Type

type Failure = TypedQuery.Failure
type NotFound = Cause.NoSuchElementError

class Key extends Context.Service<Key, string>()("test/Key") {}

const Secret = Schema.String.pipe(Schema.decodeTo(Schema.String, {
  decode: SchemaGetter.transformEffect((text: string) => Key.useSync((key) => key + text)),
  encode: SchemaGetter.transform((text: string) => text)
}))

describe("resolvers of a collection", () => {
  it("answer an id with the document", () => {
    expect(MongoResolver.request(id, MongoResolver.findById(users))).type.toBe<
      Effect.Effect<User, Failure | NotFound>
    >()
    expect(MongoResolver.request(MongoResolver.findByIdOption(users))).type.toBe<
      (payload: ObjectId) => Effect.Effect<Option.Option<User>, Failure>
    >()
  })

  it("of a service need the service", () => {
    expect(MongoResolver.request(MongoResolver.findById(Users))).type.toBe<
      (payload: ObjectId) => Effect.Effect<User, Failure | NotFound, Users>
    >()
  })

  it("need the services of the schema", () => {
    const hidden = null! as TypedCollection.TypedCollection<
      Schema.Struct<{ readonly _id: typeof Bson.ObjectId; readonly text: typeof Secret }>
    >
    expect(MongoResolver.request(id, MongoResolver.findById(hidden))).type.toBe<
      Effect.Effect<{ readonly _id: ObjectId; readonly text: string }, Failure | NotFound, Key>
    >()
  })

  it("take only ids of their collection", () => {
    const byId = MongoResolver.request(MongoResolver.findById(Companies))
    expect(byId).type.toBeCallableWith(companyId)
    expect(byId).type.not.toBeCallableWith(id)
    expect(byId).type.not.toBeCallableWith("64b000000000000000000000")
  })

  it("group by a path of the document", () => {
    const byReviewer = MongoResolver.request(MongoResolver.grouped(posts, "reviewers"))
    expect(byReviewer).type.toBe<(payload: ObjectId) => Effect.Effect<Array<typeof Post.Type>, Failure>>()
    const byText = MongoResolver.request(MongoResolver.grouped(posts, "parts.text", { sort: { title: 1 } }))
    expect(byText).type.toBeCallableWith("x")
    expect(byText).type.not.toBeCallableWith(1)
    const byNullable = MongoResolver.request(MongoResolver.grouped(posts, "parts.by"))
    expect(byNullable).type.toBeCallableWith(null)
    expect(MongoResolver.grouped).type.not.toBeCallableWith(posts, "auhtor")
    expect(MongoResolver.grouped).type.not.toBeCallableWith(posts, "author", { filter: { titel: "x" } })
  })

  it("insert what inserts take", () => {
    const { insert } = MongoResolver.makeResolvers(posts)
    const one = MongoResolver.request(insert)
    expect(one).type.toBeCallableWith({
      title: "x",
      author: id,
      publisher: Option.none<typeof companyId>(),
      reviewers: [],
      parts: []
    })
    expect(one).type.not.toBeCallableWith({ title: 3 })
  })
})

describe("references", () => {
  it("become Options of documents", () => {
    const query = MongoResolver.withRefs(posts.find(), {
      author: Users,
      editor: users,
      publisher: Companies,
      reviewers: Users,
      parts: { by: Users }
    })
    expect(query).type.toBe<
      MongoResolver.JoinedQuery<
        {
          readonly _id: ObjectId
          readonly title: string
          readonly author: Option.Option<User>
          readonly editor?: Option.Option<User>
          readonly publisher: Option.Option<Company>
          readonly reviewers: Array<Option.Option<User>>
          readonly parts: Array<{ readonly text: string; readonly by: Option.Option<User> | null }>
        },
        Failure,
        Users | Companies
      >
    >()
  })

  it("become what `missing` says, and have references of their own", () => {
    const query = MongoResolver.withRefs(posts.find().project({ author: 1, reviewers: 1, _id: 0 }), {
      author: MongoResolver.ref(Users, { missing: "fail", refs: { company: Companies } }),
      reviewers: MongoResolver.ref(users, { missing: "null" })
    })
    type A = Effect.Success<typeof query>[number]
    expect<A["author"]["name"]>().type.toBe<string>()
    expect<A["author"]["initial"]>().type.toBe<string>()
    expect<A["author"]["company"]>().type.toBe<Option.Option<Company>>()
    expect<A["reviewers"]>().type.toBe<Array<User | null>>()
    expect<Effect.Error<typeof query>>().type.toBe<Failure | NotFound>()
    expect<Effect.Services<typeof query>>().type.toBe<Users | Companies>()
    const inner = MongoResolver.loadRefs([] as ReadonlyArray<User>, {
      company: MongoResolver.ref(Companies, { missing: "fail" })
    })
    expect(inner).type.toBeAssignableTo<Effect.Effect<Array<unknown>, Failure | NotFound, Companies>>()
  })

  it("may fail where `missing` is known at run time only", () => {
    const query = MongoResolver.withRefs(posts.find().project({ author: 1, _id: 0 }), {
      author: MongoResolver.ref(users, { missing: null! as MongoResolver.Missing })
    })
    expect<Effect.Success<typeof query>[number]["author"]>().type.toBe<Option.Option<User> | User | null>()
    expect<Effect.Error<typeof query>>().type.toBe<Failure | NotFound>()
  })

  it("must be fields of the document whose ids are of the collection", () => {
    const all = posts.find()
    expect(MongoResolver.withRefs).type.toBeCallableWith(all, { author: Users })
    expect(MongoResolver.withRefs).type.not.toBeCallableWith(all, { auhtor: Users })
    expect(MongoResolver.withRefs).type.not.toBeCallableWith(all, { title: Users })
    expect(MongoResolver.withRefs).type.not.toBeCallableWith(all, { author: Companies })
    expect(MongoResolver.withRefs).type.not.toBeCallableWith(all, { parts: { text: Users } })
    expect(MongoResolver.withRefs).type.not.toBeCallableWith(all, { author: "users" })
    expect(MongoResolver.ref).type.not.toBeCallableWith(Users, { refs: { company: Users, name: Companies } })
    expect(MongoResolver.ref).type.not.toBeCallableWith(Users, { missing: "ignore" })
    expect(MongoResolver.ref).type.toBeCallableWith(Users, { filter: { name: "Ada" } })
    expect(MongoResolver.ref).type.not.toBeCallableWith(Users, { filter: { nmae: "Ada" } })
    expect(MongoResolver.findById).type.not.toBeCallableWith(users, { filter: { name: 3 } })
  })
})

describe("MongoSchema", () => {
  it("types requests and results by their schemas", () => {
    const options = {
      Request: Schema.NumberFromString,
      Result: Schema.Struct({ name: Schema.String }),
      execute: (text: string) => posts.find({ title: text })
    }
    expect(MongoSchema.findAll(options)).type.toBe<
      (request: number) => Effect.Effect<Array<{ readonly name: string }>, Failure | Schema.SchemaError>
    >()
    expect(MongoSchema.findOne(options)).type.toBe<
      (request: number) => Effect.Effect<{ readonly name: string }, Failure | Schema.SchemaError | NotFound>
    >()
    expect(MongoSchema.void(options)).type.toBe<
      (request: number) => Effect.Effect<void, Failure | Schema.SchemaError>
    >()
    expect(MongoSchema.findAll).type.not.toBeCallableWith({
      ...options,
      execute: (n: number) => posts.find({ title: `${n}` })
    })
  })
})
