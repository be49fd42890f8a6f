/**
 * A shop: what a backend looks like. This program starts its server on a free port, walks through it as a client of its API, and ends with its
 * command line. It fails if an answer is wrong.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { MongoClient } from "@mongofx/core"
import { MongoServer } from "@mongofx/testing"
import { Array as Arr, BigDecimal, ConfigProvider, Console, Effect, Fiber, Layer, Redacted, Stream } from "effect"
import { Command } from "effect/cli"
import { FetchHttpClient, HttpServer } from "effect/http"
import { HttpApiClient } from "effect/http-api"
import assert from "node:assert/strict"
import { heading } from "../quickstart/print.ts"
import { table } from "../reports/table.ts"
import { Api } from "./api.ts"
import { command } from "./command.ts"
import { Database } from "./database.ts"
import { Mail } from "./mail.ts"
import { money, type Product } from "./models.ts"
import { Server, Shop } from "./server.ts"

/** What the client is told when its request fails, as it must. */
const refused = <A, E extends { readonly status: number; readonly message: string }, R>(
  request: Effect.Effect<A, E | Error, R>
) =>
  Effect.gen(function*() {
    const error = yield* Effect.flip(request)
    if (!("status" in error)) return yield* Effect.fail(error)
    yield* Console.log(`  ${error.status}: ${error.message}`)
    return error.status
  })

const visit = Effect.gen(function*() {
  const { address } = yield* HttpServer.HttpServer
  const baseUrl = HttpServer.formatAddress(address)
  const shop = yield* HttpApiClient.make(Api, { baseUrl })
  yield* Console.log(`The shop is open: ${baseUrl}`)

  yield* heading("The catalogue, two products on a page")
  const products: Array<typeof Product.json.Type> = []
  let page = yield* shop.catalogue.list({ query: { first: 2 } })
  for (;;) {
    products.push(...page.edges.map(({ node }) => node))
    yield* Console.log(`  ${page.edges.map(({ node }) => `${node.name} ${money(node.price)}`).join(", ")}`)
    if (!page.pageInfo.hasNextPage) break
    page = yield* shop.catalogue.list({ query: { first: 2, after: page.pageInfo.endCursor! } })
  }
  const [assam, , sencha] = products
  assert(assam !== undefined && sencha !== undefined)
  yield* Console.log("  and with a cursor that somebody has changed:")
  const forged = `${page.pageInfo.startCursor?.slice(0, -8)}AAAAAAAA`
  assert.equal(yield* refused(shop.catalogue.list({ query: { first: 2, after: forged } })), 400)

  yield* heading("A customer, and another one with the same address")
  const ada = yield* shop.customers.register({ payload: { name: "Ada", email: "Ada@example.com" } })
  yield* Console.log(`  ${ada.name}, ${ada.email}`)
  assert.equal(yield* refused(shop.customers.register({ payload: { name: "Eve", email: "ada@example.com" } })), 409)

  const live = yield* shop.orders.live()
  const updates = yield* Effect.forkChild(Stream.runCollect(Stream.take(live, 3)))

  yield* heading("An order: stock, order and message in one transaction")
  const cart = (...counts: Arr.NonEmptyReadonlyArray<readonly [product: typeof Product.json.Type, count: number]>) => ({
    payload: { customer: ada._id, lines: Arr.map(counts, ([{ _id }, count]) => ({ product: _id, count })) }
  })
  const order = yield* shop.orders.place(cart([assam, 2], [sencha, 1]))
  yield* Console.log(`  ${order.status}: ${order.lines.length} lines, ${money(order.total)}`)
  yield* Console.log("  and one for more than there is:")
  assert.equal(yield* refused(shop.orders.place(cart([assam, 1], [sencha, 3]))), 409)
  const left = yield* shop.catalogue.get({ params: { id: assam._id } })
  yield* Console.log(`  nothing of it is left: ${left.stock} of ${assam.stock} ${left.name} in stock`)
  assert.equal(left.stock, assam.stock - 2)

  yield* heading("A new price, from a product as it is now and as it was before the order")
  const price = BigDecimal.fromStringUnsafe("4.50")
  const changed = yield* shop.catalogue.update({ payload: { ...left, price } })
  yield* Console.log(`  version ${changed.version}: ${money(changed.price)}`)
  assert.equal(yield* refused(shop.catalogue.update({ payload: { ...assam, price } })), 409)

  yield* heading("Live updates, as server-sent events")
  const statuses = (yield* Fiber.join(updates)).map((event) => event._tag === "Open" ? "open" : event.order.status)
  yield* Console.log(`  ${statuses.join(", then ")}`)
  assert.deepEqual(statuses, ["open", "placed", "confirmed"])

  yield* heading("The order, with its customer and its products")
  const full = yield* shop.orders.get({ params: { id: order._id } })
  for (const { count, price, product } of full.lines) {
    yield* Console.log(
      `  ${full.customer.name}: ${count} ${product.name} for ${money(price)}, now ${money(product.price)}`
    )
  }

  const { edges } = yield* shop.customers.orders({ params: { id: ada._id }, query: { first: 10 } })
  assert.deepEqual(edges.map(({ node }) => [node._id, node.status]), [[order._id, "confirmed"]])

  yield* heading("Sales, by a pipeline")
  const sales = yield* shop.orders.sales()
  yield* table(
    ["product", "sold", "revenue"],
    sales.map(({ product, revenue, sold }) => [
      product.name,
      String(sold),
      money(revenue)
    ])
  )

  yield* heading("What the consumer of the outbox has sent")
  const mail = yield* Mail
  const sent = yield* mail.sent
  for (const { text, to } of sent) yield* Console.log(`  to ${to}: ${text}`)
  assert.equal(sent.length, 1)

  yield* heading("A product that is gone")
  yield* shop.catalogue.remove({ params: { id: sencha._id } })
  assert.equal(yield* refused(shop.catalogue.get({ params: { id: sencha._id } })), 404)
})

/** What a shell would print. */
const shell = (line: string) =>
  Effect.andThen(
    Console.log(`\n$ shop-db ${line}`),
    Command.runWith(command, { version: "1.0.0" })(line.split(" "))
  )

const program = Effect.gen(function*() {
  yield* (yield* MongoClient.MongoClient).db("mongofx_shop").dropDatabase()
  const live = Shop.pipe(Layer.provideMerge(Layer.mergeAll(Mail.layer, Server, FetchHttpClient.layer)))
  yield* Effect.provide(visit, live)
  yield* shell("status")
  yield* shell("indexes plan")
})

const settings = Layer.effect(
  ConfigProvider.ConfigProvider,
  Effect.map(MongoServer.MongoServer, ({ uri }) => {
    const url = new URL(Redacted.value(uri))
    url.pathname = "/mongofx_shop"
    return ConfigProvider.fromEnv({ env: { MONGODB_URI: url.href, CURSOR_KEY: "a key of sixteen bytes or more" } })
  })
)

program.pipe(
  Effect.provide(Database),
  Effect.provide(settings),
  Effect.provide(Layer.merge(MongoServer.layer, NodeServices.layer)),
  NodeRuntime.runMain
)
