import { Effect } from "effect"
import { type Fixture, setup } from "./utils.ts"

export interface Item {
  readonly _id: number
  readonly n?: number
}

/** A fixture with an empty collection. */
export const fixture = Effect.gen(function*() {
  const fixture = yield* setup()
  yield* fixture.db.createCollection("items")
  return { ...fixture, items: fixture.db.collection<Item>("items") }
})

/** What everybody sees, read by the outside client. */
export const committed = ({ admin, db }: Fixture): Effect.Effect<ReadonlyArray<number>> =>
  Effect.promise(() =>
    admin.db(db.name).collection<Item>("items").find({}, { readConcern: "majority" }).sort({ _id: 1 }).map(({ _id }) =>
      _id
    ).toArray()
  )
