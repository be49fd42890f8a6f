import { assert, describe, it } from "@effect/vitest"
import { Bson, MongoModel, TypedCollection } from "@mongofx/schema"
import { BigDecimal, Effect, Option, Schema } from "effect"
import { Model } from "effect/schema"
import * as Driver from "mongodb"
import { ObjectId } from "mongodb"

const UserId = Bson.ObjectId.pipe(Schema.brand("UserId"))

class User extends Model.Class<User>("test/User")({
  _id: MongoModel.generatedId(UserId),
  name: Schema.String,
  version: MongoModel.Version,
  deletedAt: MongoModel.DeletedAt,
  ...MongoModel.Timestamps
}) {}

class Users extends TypedCollection.Service<Users>()("test/Users", { name: "users", schema: User }) {}

class Tag extends Model.Class<Tag>("test/Tag")({ _id: Schema.String, label: Schema.String }) {}

class Post extends Model.Class<Post>("test/Post")({
  _id: MongoModel.ObjectIdGenerated,
  author: MongoModel.ref(Users),
  editor: MongoModel.ref(User),
  reviewer: Model.FieldOption(MongoModel.ref(UserId)),
  tag: MongoModel.ref(Tag),
  page: MongoModel.ObjectId,
  price: MongoModel.Money
}) {}

const hex = "507f1f77bcf86cd799439011"
const id = UserId.make(new ObjectId(hex))

const json = { author: hex, editor: hex, reviewer: hex, tag: "news", page: hex, price: "12.5" }
const values = {
  author: id,
  editor: id,
  reviewer: Option.some(id),
  tag: "news",
  page: new ObjectId(hex),
  price: BigDecimal.fromStringUnsafe("12.5")
}

/** Amounts remember their shortest form, which is no difference. */
const plain = ({ price, ...others }: { readonly price: BigDecimal.BigDecimal }) => ({
  ...others,
  price: BigDecimal.format(price)
})

describe("fields of models", () => {
  it("are plain JSON in the variants for JSON, both ways", () => {
    const created = Schema.decodeUnknownSync(Post.jsonCreate)(JSON.parse(JSON.stringify(json)))
    assert.deepStrictEqual(plain(created), plain(values))
    assert.deepStrictEqual<unknown>(Schema.encodeSync(Post.jsonCreate)(created), json)
    const post = new Post({ _id: new ObjectId(hex), ...values })
    const encoded = Schema.encodeSync(Post.json)(post)
    assert.deepStrictEqual<unknown>(encoded, { _id: hex, ...json })
    assert.deepStrictEqual(plain(Schema.decodeUnknownSync(Post.jsonUpdate)(encoded)), plain(post))
    for (const wrong of [{ author: "507f" }, { author: 1 }, { page: "x" }, { price: "a lot" }, { price: 12.5 }]) {
      assert.throws(() => Schema.decodeUnknownSync(Post.jsonCreate)({ ...json, ...wrong }))
    }
    const user = new User({
      _id: id,
      name: "Ada",
      version: 3,
      deletedAt: null,
      createdAt: Schema.decodeUnknownSync(Schema.DateTimeUtcFromDate)(new Date(0)),
      updatedAt: Schema.decodeUnknownSync(Schema.DateTimeUtcFromDate)(new Date(1))
    })
    assert.deepStrictEqual<unknown>(Schema.encodeSync(User.json)(user), {
      _id: hex,
      name: "Ada",
      version: 3,
      deletedAt: null,
      createdAt: "1970-01-01T00:00:00.000Z",
      updatedAt: "1970-01-01T00:00:00.001Z"
    })
    assert.deepStrictEqual<unknown>(
      { ...Schema.decodeUnknownSync(User.jsonUpdate)({ _id: hex, name: "Ada", version: 3 }) },
      { _id: id, name: "Ada", version: 3 }
    )
    assert.deepStrictEqual(Object.keys(User.jsonCreate.fields), ["name"])
  })

  it("are values of BSON in the variants for the database", () => {
    const stored = Schema.encodeSync(Post.insert)(Post.insert.make(values) as never) as Record<string, unknown>
    assert.strictEqual(stored["author"], id)
    assert.strictEqual(stored["reviewer"], id)
    assert.strictEqual(String(stored["price"]), "12.5")
    assert.strictEqual((stored["price"] as { _bsontype: string })._bsontype, "Decimal128")
  })

  it.effect("are filled in anew by each insert", () =>
    Effect.gen(function*() {
      const make = User.insert.makeEffect({ name: "Ada" })
      const [first, second] = [yield* make, yield* make]
      assert.notStrictEqual(first._id.toHexString(), second._id.toHexString())
      assert.strictEqual(first.version, 1)
      assert.isNull(first.deletedAt)
      assert.strictEqual(first.createdAt.epochMilliseconds, 0)
    }))

  it("that refer to documents keep the checks of an id, and its form in JSON", () => {
    const Slug = Schema.String.pipe(Schema.brand("Slug")).check(Schema.isMinLength(3))
    class Link extends Model.Class<Link>("test/Link")({
      _id: Schema.String,
      to: MongoModel.ref(Slug),
      from: MongoModel.ref(Schema.Union([Bson.ObjectId, Schema.Int])),
      either: MongoModel.ref(Schema.Union([UserId, Bson.ObjectId]))
    }) {}
    const stored = { _id: "a", from: 1, either: id }
    assert.strictEqual(Schema.decodeUnknownSync(Link)({ ...stored, to: "abc" }).to, "abc")
    assert.throws(() => Schema.decodeUnknownSync(Link)({ ...stored, to: "ab" }), /at least 3/)
    const link = Schema.decodeUnknownSync(Link)({ ...stored, to: "abc" })
    assert.deepStrictEqual(Schema.encodeSync(Link.json)(link as never), { ...stored, to: "abc", either: hex })
  })

  it("may lack deletedAt in documents that are older than it", () => {
    const decode = Schema.decodeUnknownSync(User)
    const stored = { _id: id, name: "Ada", version: 1, createdAt: new Date(0), updatedAt: new Date(0) }
    assert.isNull(decode(stored).deletedAt)
    assert.isNull(decode({ ...stored, deletedAt: null }).deletedAt)
    assert.isNotNull(decode({ ...stored, deletedAt: new Date(0) }).deletedAt)
  })
})

class Line extends Model.Class<Line>("test/Line")({
  product: MongoModel.ref(UserId),
  price: MongoModel.Money,
  note: Model.FieldExcept(["jsonCreate"])(Schema.String)
}) {
  get isDear(): boolean {
    return BigDecimal.isGreaterThan(this.price, BigDecimal.fromBigInt(10n))
  }
}

class Order extends Model.Class<Order>("test/Order")({
  _id: MongoModel.ObjectIdGenerated,
  lines: MongoModel.arrayOf(Line)
}) {}

describe("arrayOf", () => {
  it("has each variant of the model in that variant of the document", () => {
    const price = Driver.Decimal128.fromString("12.50")
    const order = Schema.decodeUnknownSync(Order)({ _id: id, lines: [{ product: id, price, note: "n" }] })
    assert.instanceOf(order.lines[0], Line)
    assert.isTrue(order.lines[0]?.isDear)
    assert.deepStrictEqual<unknown>(Schema.encodeSync(Order.json)(order), {
      _id: hex,
      lines: [{ product: hex, price: "12.5", note: "n" }]
    })
    const created = Schema.decodeUnknownSync(Order.jsonCreate)({ lines: [{ product: hex, price: "1", note: "no" }] })
    assert.hasAllKeys(created.lines[0], ["product", "price"])
    const stored = Schema.encodeSync(Order.insert)(Order.insert.make({ lines: order.lines }))
    assert.strictEqual(String(stored.lines[0]?.price), "12.50")
    assert.isFalse("note" in Order.jsonCreate.fields.lines.value.fields)
    assert.deepStrictEqual(Object.keys(Order.update.fields.lines.value.fields), ["product", "price", "note"])
  })
})
