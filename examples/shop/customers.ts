import { MongoModel, type Path } from "@mongofx/schema"
import { Context, Effect, Layer } from "effect"
import { NotFound, Taken } from "./api.ts"
import { type Customer, Customers } from "./models.ts"

export class Accounts extends Context.Service<Accounts>()("shop/Accounts", {
  make: Effect.gen(function*() {
    const customers = MongoModel.makeRepository(yield* Customers, {
      version: "version",
      softDelete: "deletedAt",
      beforeInsert: ({ email }) => Effect.succeed({ email: email.toLowerCase() })
    })
    return {
      get: (id: Path.IdOf<Customer>) =>
        Effect.catchTag(
          customers.getById(id),
          "NoSuchElementError",
          () => Effect.fail(new NotFound({ detail: "There is no such customer" }))
        ),
      register: (customer: typeof Customer.jsonCreate.Type) =>
        customers.insert(customer).pipe(
          Effect.catchReason("MongoError", "DuplicateKeyError", () =>
            Effect.fail(new Taken({ detail: "Another customer has this email address" })))
        )
    }
  })
}) {
  static readonly layer = Layer.effect(this, this.make)
}
