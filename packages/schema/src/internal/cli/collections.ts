/**
 * The collections of a command, and how reports name them.
 */
import * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import type { TypedCollection } from "../../TypedCollection.ts"
import { CommandError } from "./failure.ts"

/**
 * A collection of any schema. `MongoCli.make` says which services the schemas need.
 *
 * @internal
 */
export type AnyCollection = TypedCollection<Schema.Codec<unknown, unknown>>

/**
 * The collection of a name, or all without one.
 *
 * @internal
 */
export const select = (
  collections: ReadonlyArray<AnyCollection>,
  name: string | undefined
): Effect.Effect<ReadonlyArray<AnyCollection>, CommandError> => {
  if (name === undefined) return Effect.succeed(collections)
  const found = collections.filter((collection) => collection.name === name || collection.fullName === name)
  return found.length > 0 ? Effect.succeed(found) : Effect.fail(
    new CommandError({
      kind: "UnknownCollection",
      message: `"${name}" is not one of the collections: ${collections.map((collection) => collection.name).join(", ")}`
    })
  )
}
