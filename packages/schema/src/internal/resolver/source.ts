/** Where a resolver finds its collection: it is given, or a service of the context. */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import type { TypedCollection } from "../../TypedCollection.ts"
import { TypeId } from "../collection/collection.ts"
import type { Resolver } from "./request.ts"

/** @internal */
export type AnyCollection = TypedCollection<Schema.Constraint>

type AnyService = Context.Service<unknown, AnyCollection> & { readonly schema: Schema.Constraint }

/** @internal */
export type AnySource = AnyCollection | AnyService

/** @internal */
export const isCollection = (source: AnySource): source is AnyCollection => TypeId in source

type Make = (collection: AnyCollection) => Resolver

/**
 * A maker of resolvers that makes one for each collection: requests meet only in the same resolver.
 *
 * @internal
 */
export const memoized = (make: Make): Make => {
  const made = new WeakMap<object, Resolver>()
  return (collection) => {
    let resolver = made.get(collection)
    if (resolver === undefined) made.set(collection, resolver = make(collection))
    return resolver
  }
}

/**
 * The resolver of a collection, or an effect that makes that of a service's collection once.
 *
 * @internal
 */
export const fromSource = (source: AnySource, make: Make): Resolver | Effect.Effect<Resolver, never, unknown> =>
  isCollection(source) ? make(source) : Effect.map(source as AnyService, memoized(make))
