import { MongoClient } from "@mongofx/core"
import { Acc, Expr, MongoModel, MongoResolver, type Pagination, type Path, Pipeline } from "@mongofx/schema"
import { BigDecimal, Context, Effect, Layer, Stream } from "effect"
import { NotFound, WrongCursor } from "./api.ts"
import { Catalogue } from "./catalogue.ts"
import { Accounts } from "./customers.ts"
import { type Cart, type Customer, Customers, money, type Order, Orders, Outbox, Products } from "./models.ts"

/** What orders refer to, also if it was deleted softly since then. */
const references = {
  customer: MongoResolver.ref(Customers, { missing: "fail" }),
  lines: { product: MongoResolver.ref(Products, { missing: "fail" }) }
} as const

export class Sale extends Context.Service<Sale>()("shop/Sale", {
  make: Effect.gen(function*() {
    const mongo = yield* MongoClient.MongoClient
    const catalogue = yield* Catalogue
    const accounts = yield* Accounts
    const outbox = MongoModel.makeRepository(yield* Outbox)
    const orders = MongoModel.makeRepository(yield* Orders, { version: "version" })
    const context = yield* Effect.context<Customers | Products>()

    return {
      /** All of it happens or nothing: stock is taken, the order and the message about it are written. */
      place: (cart: typeof Cart.Type) =>
        Effect.gen(function*() {
          const customer = yield* accounts.get(cart.customer)
          const lines = yield* Effect.forEach(cart.lines, ({ count, product }) =>
            Effect.map(catalogue.reserve(product, count), ({ price }) => ({ product, count, price })))
          const total = BigDecimal.sumAll(lines.map(({ count, price }) =>
            BigDecimal.multiply(price, BigDecimal.fromBigInt(BigInt(count)))
          ))
          const order = yield* orders.insert({ customer: customer._id, lines, total, status: "placed" })
          const text = `Thank you, ${customer.name}: your order of ${money(total)} is confirmed.`
          yield* outbox.insert({ order: order._id, to: customer.email, text, sentAt: null })
          return order
        }).pipe(mongo.withTransaction(), Effect.withSpan("Sale.place")),

      confirm: (id: Path.IdOf<Order>) => orders.patch(id, { status: "confirmed" }),

      get: (id: Path.IdOf<Order>) =>
        MongoResolver.withRefs(orders.find({ _id: id }), references).one.pipe(
          Effect.catchTag("NoSuchElementError", () => Effect.fail(new NotFound({ detail: "There is no such order" }))),
          Effect.provideContext(context)
        ),

      ofCustomer: (customer: Path.IdOf<Customer>, window: Pagination.Forward) =>
        orders.page({ customer }, { ...window, sort: { createdAt: -1 } }).pipe(
          Effect.catchTag("InvalidCursorError", () => Effect.fail(new WrongCursor({})))
        ),

      /** Opens a change stream for as long as the scope lives, and gives the orders that are new or changed from then on. */
      live: orders.collection.watch([{ $match: { operationType: { $in: ["insert", "update"] } } }], {
        fullDocument: "updateLookup"
      }).open.pipe(
        Effect.map(({ stream }) =>
          Stream.flatMap(
            stream,
            (event) =>
              (event.operationType === "insert" || event.operationType === "update") && event.fullDocument !== undefined
                ? Stream.succeed(event.fullDocument)
                : Stream.empty
          )
        )
      ),

      sales: Effect.gen(function*() {
        const rows = yield* orders.collection.aggregate((orders) =>
          orders.pipe(
            Pipeline.unwind("lines"),
            Pipeline.group(($) => $.lines.product, ($) => ({
              sold: Acc.sum($.lines.count),
              revenue: Acc.sum(Expr.multiply($.lines.price, Expr.toBigDecimal($.lines.count)))
            })),
            Pipeline.select(($) => ({ product: $._id, sold: $.sold, revenue: $.revenue })),
            Pipeline.sort({ revenue: -1 })
          )
        )
        return yield* MongoResolver.loadRefs(rows, { product: references.lines.product })
      }).pipe(Effect.provideContext(context))
    }
  })
}) {
  static readonly layer = Layer.effect(this, this.make)
}
