/**
 * The common parts of clients, databases and collections: how they run an operation, and how databases and collections
 * aggregate and watch.
 */
import type * as Effect from "effect/Effect"
import * as Inspectable from "effect/Inspectable"
import type * as Driver from "mongodb"
import type { ChangeStream } from "../../ChangeStream.ts"
import type { MongoError } from "../../MongoError.ts"
import type { OptionsOf } from "../../OperationOptions.ts"
import type { AggregateQuery } from "../../Query.ts"
import type { CallOptions } from "../call/call.ts"
import type { Connection } from "../call/connection.ts"
import type { Operation } from "../call/description.ts"
import { run } from "../call/operation.ts"
import { joined } from "../call/options.ts"
import { type AnyWatchOptions, makeChangeStream } from "../changeStream/run.ts"
import { checkOptions } from "../input/check.ts"
import { checkSent } from "../input/unsentOptions.ts"
import type { Aggregatable } from "../query/cursorReading.ts"
import { makeAggregate } from "../query/query.ts"

/**
 * A client, a database or a collection. `D` is the driver's counterpart.
 *
 * @internal
 */
export abstract class Handle<D> extends Inspectable.Class {
  readonly connection: Connection

  constructor(connection: Connection) {
    super()
    this.connection = connection
  }

  /** The driver's counterpart. May throw: the driver refuses bad names. That becomes the failure of the operation. */
  abstract get driver(): D

  /**
   * Runs an operation: checks its options, and joins them with those of every call.
   *
   * @param finish - makes the result of what the driver returns. It must not throw
   */
  protected run<B, C = B>(
    operation: Operation,
    options: object | undefined,
    call: (driver: D, options: CallOptions) => Promise<B>,
    finish?: (value: B) => C
  ): Effect.Effect<C, MongoError> {
    return run(
      this.connection,
      operation,
      (callOptions) => {
        if (options === undefined) return call(this.driver, callOptions)
        checkOptions(options)
        checkSent(operation.name, options)
        return call(this.driver, joined(options, callOptions))
      },
      finish
    )
  }
}

/**
 * A database or a collection.
 *
 * @internal
 */
export abstract class NamespaceHandle<D extends Aggregatable> extends Handle<D> {
  /** Describes an operation: its name and its namespace. */
  protected abstract operation(name: string, command: string): Operation

  aggregate<B extends Driver.Document = Driver.Document>(
    pipeline: ReadonlyArray<Driver.Document> = [],
    options?: OptionsOf<Driver.AggregateOptions, "out" | "cursor">
  ): AggregateQuery<B> {
    return makeAggregate(this, this.operation("aggregate", "aggregate"), pipeline, options)
  }

  watch<B extends Driver.Document = Driver.Document>(
    pipeline: ReadonlyArray<Driver.Document> = [],
    options: AnyWatchOptions = {}
  ): ChangeStream<B, never> {
    return makeChangeStream(
      { from: this, operation: this.operation("watch", "aggregate"), cluster: false },
      pipeline,
      options
    )
  }
}
