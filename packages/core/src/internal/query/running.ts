/**
 * The ways to run a query: to an array, as a stream, or opened for its caller.
 */
import * as Channel from "effect/Channel"
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type * as Tracer from "effect/Tracer"
import type { MongoError } from "../../MongoError.ts"
import type { OpenQuery } from "../../Query.ts"
import { CurrentDeadline, until } from "../call/deadline.ts"
import { ambientSession } from "../call/operation.ts"
import { inLine } from "../session/state.ts"
import { withOperationSpan, withScopedSpan } from "../telemetry/operationSpans.ts"
import { CursorRun, type CursorSource } from "./cursorRun.ts"

/**
 * All documents of a query in one array.
 *
 * @internal
 */
export const collect = <A>(source: CursorSource<A>): Effect.Effect<Array<A>, MongoError> =>
  Effect.withFiber((fiber) => {
    const ambient = ambientSession(source.connection, fiber.context)
    const deadline = fiber.getRef(CurrentDeadline)
    const attempt = withOperationSpan(
      source.connection,
      source.operation,
      fiber,
      (span) => new CursorRun(source, fiber, ambient, span, deadline).collected
    )
    const effect = inLine(ambient, source.operation, attempt)
    return deadline === undefined ? effect : until(deadline, source.operation, effect)
  })

/** Makes a run that closes with the scope, together with its span. */
const scoped = <A>(source: CursorSource<A>, scope: Scope.Scope): Effect.Effect<CursorRun<A>> =>
  Effect.withFiber((fiber) => {
    const start = (span: Tracer.Span | undefined) => {
      const ambient = ambientSession(source.connection, fiber.context)
      const run = new CursorRun(source, fiber, ambient, span, fiber.getRef(CurrentDeadline))
      return Effect.as(Scope.addFinalizer(scope, run.closed), run)
    }
    return withScopedSpan(source.connection, source.operation, fiber, scope, start)
  })

/**
 * The documents of a query as a stream whose chunks are the driver's batches.
 *
 * @internal
 */
export const stream = <A>(source: CursorSource<A>): Stream.Stream<A, MongoError> =>
  Stream.fromChannel(
    Channel.fromTransform((_: unknown, scope) => Effect.map(scoped(source, scope), (run) => run.pull))
  )

/**
 * A query whose cursor is open on the server.
 *
 * @internal
 */
export const open = <A>(source: CursorSource<A>): Effect.Effect<OpenQuery<A>, MongoError, Scope.Scope> =>
  Effect.gen(function*() {
    const run = yield* scoped(source, yield* Effect.scope)
    yield* run.started
    return { stream: Stream.fromPull(Effect.succeed(run.pull)), next: run.next }
  })
