/** The HTTP API: endpoints whose bodies are the JSON variants of the models. Server, client and errors follow from it. */
import { Pagination } from "@mongofx/schema"
import { Schema } from "effect"
import { HttpApi, HttpApiEndpoint, HttpApiError, HttpApiGroup, HttpApiSchema } from "effect/http-api"
import { Cart, Customer, Line, Order, Product } from "./models.ts"

const about = "https://shop.example/problems"

export class NotFound extends HttpApiError.Problem<NotFound>()("NotFound", {
  type: `${about}/not-found`,
  status: 404,
  title: "There is no such document"
}) {}

export class Stale extends HttpApiError.Problem<Stale>()("Stale", {
  type: `${about}/stale`,
  status: 409,
  title: "Somebody else has changed the document: read it again"
}) {}

export class OutOfStock extends HttpApiError.Problem<OutOfStock>()("OutOfStock", {
  type: `${about}/out-of-stock`,
  status: 409,
  title: "There is not enough of a product"
}, { product: Schema.String, left: Schema.Int }) {}

export class Taken extends HttpApiError.Problem<Taken>()("Taken", {
  type: `${about}/taken`,
  status: 409,
  title: "There is one already"
}) {}

export class WrongCursor extends HttpApiError.Problem<WrongCursor>()("WrongCursor", {
  type: `${about}/wrong-cursor`,
  status: 400,
  title: "The cursor does not belong to this list: start without one"
}) {}

/** Which page of a list: query parameters, and the options of `Pagination.page`. */
const Window = Schema.Struct({
  first: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 100 })),
  after: Schema.optionalKey(Schema.String)
})

/** An order with what it refers to. */
const FullOrder = Schema.Struct({
  ...Order.json.fields,
  customer: Customer.json,
  lines: Schema.Array(Schema.Struct({ ...Line.json.fields, product: Product.json }))
})

/** What was sold of a product. */
const Sales = Schema.Struct({
  product: Product.json,
  sold: Schema.Int,
  revenue: Product.json.fields.price
})

/** Live updates. Browsers and proxies show an answer when its first event is there: `Open` says that nothing is missed from then on. */
const Live = Schema.Union([
  Schema.TaggedStruct("Open", {}),
  Schema.TaggedStruct("Changed", { order: Order.json })
])

const id = <S extends Schema.Top>(id: S) => ({ params: { id } })

const catalogue = HttpApiGroup.make("catalogue").add(
  HttpApiEndpoint.get("list", "/", {
    query: Window,
    success: Pagination.Connection(Product.json),
    error: WrongCursor
  }),
  HttpApiEndpoint.get("get", "/:id", {
    ...id(Product.json.fields._id),
    success: Product.json,
    error: NotFound
  }),
  HttpApiEndpoint.post("add", "/", { payload: Product.jsonCreate, success: Product.json, error: Taken }),
  HttpApiEndpoint.put("update", "/", {
    payload: Product.jsonUpdate,
    success: Product.json,
    error: [NotFound, Stale]
  }),
  HttpApiEndpoint.delete("remove", "/:id", { ...id(Product.json.fields._id), error: NotFound })
).prefix("/products")

const customers = HttpApiGroup.make("customers").add(
  HttpApiEndpoint.post("register", "/", { payload: Customer.jsonCreate, success: Customer.json, error: Taken }),
  HttpApiEndpoint.get("orders", "/:id/orders", {
    ...id(Customer.json.fields._id),
    query: Window,
    success: Pagination.Connection(Order.json),
    error: WrongCursor
  })
).prefix("/customers")

const orders = HttpApiGroup.make("orders").add(
  HttpApiEndpoint.post("place", "/", { payload: Cart, success: Order.json, error: [NotFound, OutOfStock] }),
  HttpApiEndpoint.get("live", "/live", { success: HttpApiSchema.StreamSse({ data: Live }) }),
  HttpApiEndpoint.get("sales", "/sales", { success: Schema.Array(Sales) }),
  HttpApiEndpoint.get("get", "/:id", { ...id(Order.json.fields._id), success: FullOrder, error: NotFound })
).prefix("/orders")

export class Api extends HttpApi.make("shop").add(catalogue, customers, orders) {}
