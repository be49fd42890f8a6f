/** Variables. */
import { dual } from "effect/Function"
import type * as Driver from "mongodb"
import * as Bson from "../../Bson.ts"
import type { Expr, Ref, Tree, TypeOf } from "../../Expr.ts"
import { arrayOf, present, struct, text } from "../ast/calculus.ts"
import { ExprImpl, isExpr, make } from "../expression/expr.ts"
import { operand } from "../expression/operand.ts"
import { variable } from "../expression/reference.ts"
import { fieldsOf, slotOfTree, writeTree } from "../expression/tree.ts"
import type { Writing } from "../expression/writing.ts"
import { setOwn } from "../plainObject.ts"

/** A variable: its reference, and how its value is written. */
const bind = (value: Expr<unknown>, name: string) => {
  const impl = operand(value)
  const [origin, ref] = variable<unknown>(impl.slot, name)
  return { impl, origin, ref }
}

const writeLet = (bound: ReadonlyArray<ReturnType<typeof bind>>, inner: Tree, writing: Writing) => {
  const vars: Record<string, unknown> = {}
  let inside = writing
  for (const { impl, origin } of bound) {
    const [name, next] = inside.variable(origin)
    vars[name] = impl.write(writing)
    inside = next
  }
  return { $let: { vars, in: writeTree(inner, inside) } }
}

const let_: {
  <A, const B extends Tree>(f: (value: Ref<A>) => B): (self: Expr<A>) => Expr<TypeOf<B>>
  <A, const B extends Tree>(self: Expr<A>, f: (value: Ref<A>) => B): Expr<TypeOf<B>>
  <const V extends { readonly [name: string]: Expr<unknown> }, const B extends Tree>(
    variables: V,
    f: (variables: { readonly [Name in keyof V]: Ref<TypeOf<V[Name]>> }) => B
  ): Expr<TypeOf<B>>
} = dual(2, (self: unknown, f: (value: never) => Tree) => {
  const bound: Array<ReturnType<typeof bind>> = []
  const references = {}
  if (isExpr(self)) bound.push(bind(self, "value"))
  else {
    for (const [name, value] of fieldsOf(self, "$let")) {
      const each = bind(value as Expr<unknown>, name)
      bound.push(each)
      setOwn(references, name, each.ref)
    }
  }
  const inner = f((isExpr(self) ? bound[0]!.ref : references) as never)
  return new ExprImpl(slotOfTree(inner, "value"), (writing) => writeLet(bound, inner, writing))
})

export {
  /**
   * Computes a value once, and uses it several times. An object makes several such variables, none of which sees the others.
   *
   * **Example** (A total with a discount above 100)
   *
   * ```ts
   * import { Bson, Expr, Pipeline } from "@mongofx/schema"
   * import { Schema } from "effect"
   *
   * const Line = Schema.Struct({ _id: Bson.ObjectId, price: Schema.Number, quantity: Schema.Int })
   *
   * const totals = Pipeline.make(Line).pipe(
   *   Pipeline.select(($) => ({
   *     total: Expr.let(
   *       Expr.multiply($.price, $.quantity),
   *       (total) => Expr.cond(Expr.gt(total, 100), Expr.multiply(total, 0.9), total)
   *     )
   *   }))
   * )
   * ```
   *
   * @stability unstable
   * @category combinators
   * @since 0.1.0
   */
  let_ as let
}

/**
 * The date and time at which the aggregation began. It is the same for all documents.
 *
 * **Example** (What is due)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Task = Schema.Struct({ _id: Bson.ObjectId, due: Bson.Date })
 *
 * const due = Pipeline.make(Task).pipe(Pipeline.matchExpr(($) => Expr.lt($.due, Expr.now)))
 * ```
 *
 * @see {@link clusterTime} for the time of the cluster
 * @stability unstable
 * @category constants
 * @since 0.1.0
 */
export const now: Expr<Date> = make(present(Bson.Date.ast), () => "$$NOW")

/**
 * The time of the replica set or sharded cluster when the aggregation began. The server fails where it is alone.
 *
 * **Example** (When a document was read)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Order = Schema.Struct({ _id: Bson.ObjectId })
 *
 * const read = Pipeline.make(Order).pipe(Pipeline.set(() => ({ read: Expr.clusterTime })))
 * ```
 *
 * @see {@link now} for a date
 * @stability unstable
 * @category constants
 * @since 0.1.0
 */
export const clusterTime: Expr<Driver.Timestamp> = make(present(Bson.Timestamp.ast), () => "$$CLUSTER_TIME")

/**
 * A role of the user who runs the aggregation.
 *
 * @see {@link userRoles} for all of them
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface UserRole {
  /** The database and the name of the role, with a dot between them. */
  readonly _id: string
  /** The name of the role. */
  readonly role: string
  /** The database of the role. */
  readonly db: string
}

/**
 * The roles of the user who runs the aggregation. There are none where the server does not ask who the user is.
 *
 * **Example** (Documents for the roles of the user)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Report = Schema.Struct({ _id: Bson.ObjectId, readers: Schema.Array(Schema.String) })
 *
 * const readable = Pipeline.make(Report).pipe(
 *   Pipeline.set(() => ({ roles: Expr.map(Expr.userRoles, (role) => role.role) })),
 *   Pipeline.matchExpr(($) => Expr.ne(Expr.size(Expr.setIntersection($.readers, $.roles)), 0))
 * )
 * ```
 *
 * @see {@link now} for another variable of the server
 * @stability unstable
 * @category constants
 * @since 0.1.0
 */
export const userRoles: Expr<ReadonlyArray<UserRole>> = make(
  present(arrayOf(struct({ _id: text, role: text, db: text }))),
  () => "$$USER_ROLES"
)
