/** The handlers of the API, and the shop as one layer. */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { Pagination, TypedQuery } from "@mongofx/schema"
import { Config, Effect, Layer, Stream } from "effect"
import { HttpRouter } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { createServer } from "node:http"
import { Api } from "./api.ts"
import { Catalogue } from "./catalogue.ts"
import { Accounts } from "./customers.ts"
import { Collections, UpToDate } from "./database.ts"
import * as Mail from "./mail.ts"
import { Sale } from "./orders.ts"

// A failure of the database is an internal error. What a client can act upon is in the types.
const catalogue = HttpApiBuilder.group(
  Api,
  "catalogue",
  (handlers) =>
    Effect.map(Catalogue, (catalogue) =>
      handlers.handleAll({
        list: ({ query }) => catalogue.list(query).pipe(Effect.map(Pagination.toConnection), TypedQuery.orDie),
        get: ({ params }) => TypedQuery.orDie(catalogue.get(params.id)),
        add: ({ payload }) => TypedQuery.orDie(catalogue.add(payload)),
        update: ({ payload }) => TypedQuery.orDie(catalogue.update(payload)),
        remove: ({ params }) => TypedQuery.orDie(catalogue.remove(params.id))
      }))
)

const customers = HttpApiBuilder.group(Api, "customers", (handlers) =>
  Effect.gen(function*() {
    const accounts = yield* Accounts
    const sale = yield* Sale
    return handlers.handleAll({
      register: ({ payload }) => TypedQuery.orDie(accounts.register(payload)),
      orders: ({ params, query }) =>
        sale.ofCustomer(params.id, query).pipe(Effect.map(Pagination.toConnection), TypedQuery.orDie)
    })
  }))

const orders = HttpApiBuilder.group(Api, "orders", (handlers) =>
  Effect.map(Sale, (sale) =>
    handlers.handleAll({
      place: ({ payload }) => TypedQuery.orDie(sale.place(payload)),
      live: () =>
        Effect.map(TypedQuery.orDie(sale.live), (orders) =>
          Stream.orDie(orders).pipe(
            Stream.map((order) => ({ _tag: "Changed", order }) as const),
            Stream.prepend([{ _tag: "Open" } as const])
          )),
      sales: () => Effect.orDie(sale.sales),
      get: ({ params }) => TypedQuery.orDie(sale.get(params.id))
    })))

export const Handlers = Layer.mergeAll(catalogue, customers, orders)

/** The services, on the collections of a database. */
export const Services = Sale.layer.pipe(
  Layer.provideMerge(Layer.merge(Catalogue.layer, Accounts.layer)),
  Layer.provideMerge(Collections)
)

const SignedCursors = Layer.effect(
  Pagination.CurrentCursorKey,
  Effect.gen(function*() {
    return yield* Config.Redacted("CURSOR_KEY")
  })
)

/** The shop: its database is brought up to date, then it serves and sends mail. It needs a database, a server and a mail provider. */
export const Shop = Layer.merge(
  HttpRouter.serve(HttpApiBuilder.layer(Api).pipe(Layer.provide(Handlers)), {
    disableLogger: true,
    disableListenLog: true
  }),
  Mail.layer
).pipe(
  Layer.provide([Services, SignedCursors]),
  Layer.provide(UpToDate),
  Layer.provide(Collections)
)

export const Server = NodeHttpServer.layer(createServer, { host: "127.0.0.1", port: 0 })
