/**
 * The span of an operation, which is made only if somebody listens.
 */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Predicate from "effect/Predicate"
import * as Scope from "effect/Scope"
import type * as Tracer from "effect/Tracer"
import type { Connection } from "../call/connection.ts"
import type { Operation } from "../call/description.ts"
import { spanAttributes } from "./telemetry.ts"

/**
 * Whether somebody listens to spans: without a tracer of the user nobody could see one.
 *
 * @internal
 */
export const isTraced = (fiber: Fiber.Fiber<unknown, unknown>): boolean =>
  fiber.cache.tracer !== undefined && fiber.cache.tracerEnabled

const spanName = (operation: Operation): string =>
  `${operation.command} ${[operation.collection, operation.database].find(Predicate.isString) ?? "admin"}`

const spanOptions = (connection: Connection, operation: Operation): Tracer.SpanOptionsNoTrace => ({
  kind: "client",
  attributes: spanAttributes(connection.attributes, operation)
})

/**
 * Makes a span of kind client around `use`.
 *
 * @internal
 */
export const withOperationSpan = <A, E>(
  connection: Connection,
  operation: Operation,
  fiber: Fiber.Fiber<unknown, unknown>,
  use: (span: Tracer.Span | undefined) => Effect.Effect<A, E>
): Effect.Effect<A, E> =>
  isTraced(fiber) ? Effect.useSpan(spanName(operation), spanOptions(connection, operation), use) : use(undefined)

/**
 * Makes a span of kind client that ends with a scope.
 *
 * @internal
 */
export const withScopedSpan = <A, E>(
  connection: Connection,
  operation: Operation,
  fiber: Fiber.Fiber<unknown, unknown>,
  scope: Scope.Scope,
  use: (span: Tracer.Span | undefined) => Effect.Effect<A, E>
): Effect.Effect<A, E> =>
  isTraced(fiber)
    ? Effect.flatMap(
      Scope.provide(Effect.makeSpanScoped(spanName(operation), spanOptions(connection, operation)), scope),
      use
    )
    : use(undefined)
