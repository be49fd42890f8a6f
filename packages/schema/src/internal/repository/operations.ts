/** The operations of a typed collection that a repository uses. Their types are in TypedCollection.ts; here documents are unknown. */
import type { MongoCollection } from "@mongofx/core"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type * as Schema from "effect/Schema"
import type { Filter } from "../../Filter.ts"
import type { TypedCollection } from "../../TypedCollection.ts"
import type { Failure, FindQuery } from "../../TypedQuery.ts"
import type { ShardKeyRules } from "../collection/shardKey.ts"

/** @internal */
export type Effected<A, E = Failure> = Effect.Effect<A, E>

/** @internal */
export interface Operations {
  readonly fullName: string
  readonly schema: Schema.Constraint
  readonly untyped: MongoCollection.MongoCollection
  readonly shardKeyRules: ShardKeyRules | undefined
  readonly find: (filter: Filter<never> | undefined) => FindQuery<unknown>
  readonly findOne: (filter: Filter<never>, options?: object) => Effected<Option.Option<unknown>>
  readonly findOneAndUpdate: (
    filter: Filter<never>,
    update: unknown,
    options: object
  ) => Effected<Option.Option<unknown>>
  readonly findOneAndReplace: (
    filter: Filter<never>,
    replacement: unknown,
    options: object
  ) => Effected<Option.Option<unknown>>
  readonly findOneAndDelete: (filter: Filter<never>) => Effected<Option.Option<unknown>>
  readonly updateOne: (filter: Filter<never>, update: unknown) => Effected<{ readonly matchedCount: number }>
  readonly deleteOne: (filter: Filter<never>) => Effected<{ readonly deletedCount: number }>
  readonly countDocuments: (filter: Filter<never> | undefined) => Effected<number>
}

/** @internal */
export const operationsOf = (collection: TypedCollection<Schema.Constraint>): Operations =>
  collection as unknown as Operations
