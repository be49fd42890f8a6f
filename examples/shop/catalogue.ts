import { MongoModel, type Pagination, type Path } from "@mongofx/schema"
import { Context, Effect, Layer, Option } from "effect"
import { NotFound, OutOfStock, Stale, Taken, WrongCursor } from "./api.ts"
import { type Product, Products } from "./models.ts"

export const repository = Effect.map(
  Products,
  (products) => MongoModel.makeRepository(products, { version: "version", softDelete: "deletedAt" })
)

export class Catalogue extends Context.Service<Catalogue>()("shop/Catalogue", {
  make: Effect.gen(function*() {
    const products = yield* repository
    const notFound = () => Effect.fail(new NotFound({ detail: "There is no such product" }))

    const get = (id: Path.IdOf<Product>) => Effect.catchTag(products.getById(id), "NoSuchElementError", notFound)

    return {
      add: (product: typeof Product.jsonCreate.Type) =>
        products.insert(product).pipe(
          Effect.catchReason("MongoError", "DuplicateKeyError", () =>
            Effect.fail(new Taken({ detail: "Another product has this SKU" })))
        ),
      get,
      list: (window: Pagination.Forward) =>
        products.page({}, { ...window, sort: { name: 1 } }).pipe(
          Effect.catchTag("InvalidCursorError", () => Effect.fail(new WrongCursor({})))
        ),
      update: (product: typeof Product.jsonUpdate.Type) =>
        products.update(product).pipe(
          Effect.catchTag("NoSuchElementError", notFound),
          Effect.catchTag("StaleDocument", () => Effect.fail(new Stale({})))
        ),
      remove: (id: Path.IdOf<Product>) =>
        Effect.flatMap(products.delete(id), (deleted) => deleted ? Effect.void : notFound()),
      /** Takes some of a product out of stock, in the transaction of its caller. */
      reserve: Effect.fn("Catalogue.reserve")(function*(id: Path.IdOf<Product>, count: number) {
        const reserved = yield* products.collection.findOneAndUpdate(
          { _id: id, deletedAt: null, stock: { $gte: count } },
          { $inc: { stock: -count, version: 1 } },
          { returnDocument: "after" }
        )
        if (Option.isSome(reserved)) return reserved.value
        const { name, stock } = yield* get(id)
        return yield* new OutOfStock({ product: name, left: stock })
      })
    }
  })
}) {
  static readonly layer = Layer.effect(this, this.make)
}
