import { assert, it, layer } from "@effect/vitest"
import { Pagination, TypedQuery } from "@mongofx/schema"
import { MongoLaws, MongoTest } from "@mongofx/testing"
import { Array as Arr, BigDecimal, DateTime, Effect, Exit, Layer, Redacted, Schedule, Schema } from "effect"
import { HttpServer } from "effect/http"
import { HttpApiTest } from "effect/http-api"
import { ObjectId } from "mongodb"
import { Api } from "../api.ts"
import { Catalogue, repository } from "../catalogue.ts"
import { Accounts } from "../customers.ts"
import { Collections, UpToDate } from "../database.ts"
import * as Mail from "../mail.ts"
import { Order, Orders, Outbox, Product, Products } from "../models.ts"
import { Sale } from "../orders.ts"
import { Handlers, Services } from "../server.ts"

const at = DateTime.makeUnsafe(0)

const product = (name: string) =>
  new Product({
    _id: Product.fields._id.make(new ObjectId()),
    sku: name,
    name,
    price: BigDecimal.fromStringUnsafe("1.50"),
    stock: 1,
    version: 1,
    deletedAt: null,
    createdAt: at,
    updatedAt: at
  })

/** A collection that always finds these. */
const mocked = Products.mock({ find: () => TypedQuery.fromIterable(["Assam", "Darjeeling", "Sencha"].map(product)) })

it.effect("the catalogue has pages, without a server", () =>
  Effect.gen(function*() {
    const catalogue = yield* Catalogue
    const page = yield* catalogue.list({ first: 2 })
    assert.deepStrictEqual(page.items.map(({ name }) => name), ["Assam", "Darjeeling"])
    assert.isTrue(page.hasNextPage)
    const error = yield* Effect.flip(catalogue.list({ first: 2, after: "elsewhere" }))
    assert.strictEqual(error._tag, "WrongCursor")
  }).pipe(Effect.provide(Layer.provide(Catalogue.layer, mocked))))

/** Databases with everything that a start of the shop makes: collections, validators, indexes, the assortment. */
const Baseline = MongoTest.baseline(Effect.asVoid(Layer.build(Layer.provide(UpToDate, Collections))), { lanes: 2 })

const WithClient = Handlers.pipe(
  Layer.provide(Services),
  Layer.provideMerge(HttpServer.layerServices),
  Layer.provideMerge(Layer.succeed(Pagination.CurrentCursorKey, Redacted.make("a key of sixteen bytes or more")))
)

const tagOf = <A, E extends { readonly _tag: string }, R>(request: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.flip(request), ({ _tag }) => _tag)

/** A customer who orders so many of each product. */
const customer = Effect.gen(function*() {
  const accounts = yield* Accounts
  const sale = yield* Sale
  const { _id } = yield* accounts.register({ name: "Ada", email: "Ada@example.com" })
  return (products: Arr.NonEmptyReadonlyArray<Product>, count: number) =>
    sale.place({ customer: _id, lines: Arr.map(products, ({ _id }) => ({ product: _id, count })) })
})

const products = Effect.gen(function*() {
  const all = yield* (yield* Products).find().sort({ stock: -1 })
  assert(Arr.isReadonlyArrayNonEmpty(all))
  return all
})

layer(Baseline, { timeout: 60_000, excludeTestServices: true })("the shop", (it) => {
  it.effect("tells its clients what is wrong", () =>
    MongoTest.isolated(
      Effect.gen(function*() {
        const shop = yield* HttpApiTest.groups(Api, ["catalogue", "customers", "orders"])
        const ada = yield* shop.customers.register({ payload: { name: "Ada", email: "ada@example.com" } })
        const { edges, pageInfo } = yield* shop.catalogue.list({ query: { first: 1 } })
        const tea = edges[0]!.node
        const after = `${pageInfo.endCursor?.slice(0, -2)}__`
        const place = { customer: ada._id, lines: Arr.of({ product: tea._id, count: tea.stock + 1 }) }
        assert.deepStrictEqual(
          yield* Effect.all([
            tagOf(shop.customers.register({ payload: { name: "Eve", email: "ADA@example.com" } })),
            tagOf(shop.catalogue.add({ payload: tea })),
            tagOf(shop.orders.place({ payload: place })),
            tagOf(shop.orders.get({ params: { id: Order.fields._id.make(new ObjectId()) } })),
            tagOf(shop.catalogue.list({ query: { first: 1, after } })),
            Effect.andThen(
              shop.catalogue.update({ payload: { ...tea, name: "Tea" } }),
              tagOf(shop.catalogue.update({ payload: tea }))
            )
          ]),
          ["Taken", "Taken", "OutOfStock", "NotFound", "WrongCursor", "Stale"]
        )
        yield* shop.catalogue.remove({ params: { id: tea._id } })
        assert.strictEqual(yield* tagOf(shop.catalogue.get({ params: { id: tea._id } })), "NotFound")
        // Its SKU is free again.
        yield* shop.catalogue.add({ payload: tea })
      }).pipe(Effect.provide(WithClient))
    ))

  const Count = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 2 }))
  it.effect("sells what it has, and writes a message for each order", () =>
    MongoTest.prop(
      { counts: Schema.Array(Count).check(Schema.isMaxLength(5)) },
      ({ counts }) =>
        Effect.gen(function*() {
          const place = yield* customer
          const before = yield* products
          const all = { concurrency: "unbounded" } as const
          const exits = yield* Effect.forEach(counts, (count) => Effect.exit(place(before, count)), all)
          const sold = counts.reduce((sum, count, i) => Exit.isSuccess(exits[i]!) ? sum + count : sum, 0)
          const after = yield* products
          assert.deepStrictEqual(after.map(({ stock }) => stock), before.map(({ stock }) => stock - sold))
          const placed = exits.filter(Exit.isSuccess).length
          assert.strictEqual(yield* (yield* Orders).countDocuments(), placed)
          assert.strictEqual(yield* (yield* Outbox).countDocuments(), placed)
        }).pipe(Effect.provide(Services)),
      { runs: 10 }
    ))

  it.effect("sends each message once, with two instances", () =>
    MongoTest.isolated(
      Effect.gen(function*() {
        const mail = yield* Mail.Mail
        const place = yield* customer
        const [tea] = yield* products
        yield* place([tea], 1)
        yield* Layer.build(Layer.merge(Mail.layer, Layer.fresh(Mail.layer)))
        yield* Effect.forEach(Arr.range(1, 5), () => place([tea], 1))
        const waiting = (yield* Outbox).countDocuments({ sentAt: null })
        yield* Effect.repeat(waiting, { until: (count) => count === 0, schedule: Schedule.spaced("50 millis") })
        assert.lengthOf(yield* mail.sent, 6)
        // Each order was changed once after it was placed.
        assert.strictEqual(yield* (yield* Orders).countDocuments({ status: "confirmed", version: 2 }), 6)
      }).pipe(Effect.provide(Layer.merge(Services, Mail.Mail.layer)))
    ))

  it.effect("obeys the laws of repositories, with its validators and indexes", () =>
    MongoTest.isolated(
      Effect.gen(function*() {
        yield* MongoLaws.repository(yield* repository, { unique: ["sku"], runs: 3 })
        yield* MongoLaws.encodedIsAccepted(Orders, { runs: 20 })
      }).pipe(Effect.provide(Collections))
    ))
})
