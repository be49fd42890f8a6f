import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import type * as Scope from "effect/Scope"
import type * as Driver from "mongodb"
import { durationBoundaries } from "./telemetry.ts"

/**
 * A number that goes up and down. What a pool adds it takes away again, so that the pools of two clients of one server
 * add up in the series they share.
 */
class Level {
  private readonly metric: Metric.Counter<number>
  private readonly context: Context.Context<never>
  private value = 0

  constructor(metric: Metric.Counter<number>, context: Context.Context<never>) {
    this.metric = metric
    this.context = context
    // From the start, so that a level of 0 is seen too.
    metric.updateUnsafe(0, context)
  }

  set(value: number): void {
    if (value === this.value) return
    this.metric.updateUnsafe(value - this.value, this.context)
    this.value = value
  }
}

/** How far the driver's whole milliseconds and the time of an event can be apart: milliseconds. */
const tolerance = 2

/**
 * One connection pool: what its events say about it.
 *
 * Sets and not counts, since events are missing: a connection may be known only from its first use on, and one that is
 * closed while it is used is checked in and closed, or only closed.
 */
class Pool {
  private readonly context: Context.Context<never>
  private readonly idle = new Set<unknown>()
  /** When a connection in use was checked out: milliseconds. */
  private readonly used = new Map<unknown, number>()
  /** When the operations began that wait for a connection, oldest first: milliseconds. */
  private readonly waiting: Array<number> = []
  private readonly creating = new Set<unknown>()
  private settling = false
  /** Not known of a pool that is older than the listener. */
  private options: Driver.ConnectionPoolCreatedEvent["options"] | undefined
  private readonly level: (name: string, unit: string, description: string, state?: string) => Level
  private readonly limits: Array<Level> = []
  private readonly idleCount: Level
  private readonly usedCount: Level
  private readonly pending: Level
  private readonly timeouts: Metric.Counter<number>
  private readonly createTime: Metric.Histogram<number>
  private readonly waitTime: Metric.Histogram<number>
  private readonly useTime: Metric.Histogram<number>

  constructor(name: string, context: Context.Context<never>) {
    this.context = context
    const pool = { "db.client.connection.pool.name": name }
    this.level = (suffix, unit, description, state) =>
      new Level(
        Metric.counter(`db.client.connection.${suffix}`, {
          description,
          attributes: state === undefined
            ? { ...pool, unit }
            : { ...pool, "db.client.connection.state": state, unit }
        }),
        context
      )
    const count = "The number of connections that are currently in state described by the state attribute"
    this.idleCount = this.level("count", "{connection}", count, "idle")
    this.usedCount = this.level("count", "{connection}", count, "used")
    this.pending = this.level(
      "pending_requests",
      "{request}",
      "The number of current pending requests for an open connection"
    )
    this.timeouts = Metric.counter("db.client.connection.timeouts", {
      description: "The number of connection timeouts that have occurred trying to obtain a connection from the pool",
      attributes: { ...pool, unit: "{timeout}" },
      incremental: true
    })
    const histogram = (suffix: string, description: string) =>
      Metric.histogram(`db.client.connection.${suffix}`, {
        description,
        boundaries: durationBoundaries,
        attributes: { ...pool, unit: "s" }
      })
    this.createTime = histogram("create_time", "The time it took to create a new connection")
    this.waitTime = histogram("wait_time", "The time it took to obtain an open connection from the pool")
    this.useTime = histogram("use_time", "The time between borrowing a connection and returning it to the pool")
  }

  created(options: Driver.ConnectionPoolCreatedEvent["options"]): void {
    this.options = options
    const limit = (name: string, description: string, value: number) => {
      const level = this.level(name, "{connection}", description)
      level.set(value)
      this.limits.push(level)
    }
    limit("idle.min", "The minimum number of idle open connections allowed", options.minPoolSize)
    // 0 is no maximum.
    if (options.maxPoolSize === 0) return
    limit("idle.max", "The maximum number of idle open connections allowed", options.maxPoolSize)
    limit("max", "The maximum number of open connections allowed", options.maxPoolSize)
  }

  connectionCreated(id: unknown): void {
    this.creating.add(id)
  }

  connectionReady(id: unknown, milliseconds: number): void {
    this.creating.delete(id)
    this.idle.add(id)
    this.createTime.updateUnsafe(milliseconds / 1000, this.context)
    this.count()
    this.settle()
  }

  connectionClosed(id: unknown): void {
    this.creating.delete(id)
    this.idle.delete(id)
    this.endUse(id)
    this.count()
    this.settle()
  }

  checkOutStarted(): void {
    this.waiting.push(performance.now())
    this.pending.set(this.waiting.length)
  }

  checkedOut(id: unknown, milliseconds: number): void {
    this.endWait(milliseconds)
    this.idle.delete(id)
    this.used.set(id, performance.now())
    this.waitTime.updateUnsafe(milliseconds / 1000, this.context)
    this.count()
  }

  checkOutFailed(reason: string, milliseconds: number): void {
    this.endWait(milliseconds)
    if (reason === "timeout") this.timeouts.updateUnsafe(1, this.context)
  }

  checkedIn(id: unknown): void {
    this.endUse(id)
    this.idle.add(id)
    this.count()
    this.settle()
  }

  /** A connection that is being made when its pool is cleared may end without another event. */
  cleared(): void {
    this.creating.clear()
  }

  closed(): void {
    this.creating.clear()
    this.idle.clear()
    this.used.clear()
    this.waiting.length = 0
    for (const level of [this.idleCount, this.usedCount, this.pending, ...this.limits]) level.set(0)
  }

  private endUse(id: unknown): void {
    const since = this.used.get(id)
    if (since === undefined) return
    this.used.delete(id)
    this.useTime.updateUnsafe((performance.now() - since) / 1000, this.context)
  }

  private count(): void {
    this.idleCount.set(this.idle.size)
    this.usedCount.set(this.used.size)
  }

  /**
   * An operation that is aborted while it waits gives no event. The queue is first in, first out: whoever waits longer
   * than one that is served waits for a connection that is being made, or no more.
   */
  private endWait(milliseconds: number): void {
    const began = performance.now() - milliseconds - tolerance
    let older = 0
    while (older < this.waiting.length && this.waiting[older] < began) older++
    this.forget(Math.max(0, older - this.creating.size) + 1)
  }

  private forget(count: number): void {
    this.waiting.splice(0, count)
    this.pending.set(this.waiting.length)
  }

  /** Once the driver has gone through its queue, nobody waits in it beside a connection that is idle or could be made. */
  private settle(): void {
    if (this.settling || this.waiting.length === 0) return
    this.settling = true
    setImmediate(() => {
      this.settling = false
      if (this.idle.size > 0 || this.hasRoom) this.forget(this.waiting.length - this.creating.size)
    })
  }

  private get hasRoom(): boolean {
    if (this.options === undefined) return false
    const { maxConnecting, maxPoolSize } = this.options
    const size = this.idle.size + this.used.size + this.creating.size
    return this.creating.size < maxConnecting && (maxPoolSize === 0 || size < maxPoolSize)
  }
}

/**
 * Feeds the `db.client.connection.*` metrics from the events of the client's pools for as long as the scope lives, in the
 * metric registry of the fiber that attaches.
 *
 * @internal
 */
export const attach = (driver: Driver.MongoClient): Effect.Effect<void, never, Scope.Scope> =>
  Effect.contextWith((context: Context.Context<Scope.Scope>) =>
    Effect.asVoid(Effect.acquireRelease(
      Effect.sync(() => listen(driver, context)),
      (detach) => Effect.sync(detach)
    ))
  )

const listen = (driver: Driver.MongoClient, context: Context.Context<never>): () => void => {
  const pools = new Map<string, Pool>()
  const poolOf = (event: Driver.ConnectionPoolMonitoringEvent): Pool => {
    let pool = pools.get(event.address)
    if (pool === undefined) pools.set(event.address, pool = new Pool(event.address, context))
    return pool
  }
  const detachers: Array<() => void> = []
  const on = <Name extends keyof Driver.MongoClientEvents>(name: Name, listener: Driver.MongoClientEvents[Name]) => {
    driver.on(name, listener)
    detachers.push(() => driver.off(name, listener))
  }
  on("connectionPoolCreated", (event) => poolOf(event).created(event.options))
  on("connectionPoolCleared", (event) => poolOf(event).cleared())
  on("connectionPoolClosed", (event) => {
    poolOf(event).closed()
    pools.delete(event.address)
  })
  on("connectionCreated", (event) => poolOf(event).connectionCreated(event.connectionId))
  on("connectionReady", (event) => poolOf(event).connectionReady(event.connectionId, event.durationMS))
  on("connectionClosed", (event) => poolOf(event).connectionClosed(event.connectionId))
  on("connectionCheckOutStarted", (event) => poolOf(event).checkOutStarted())
  on("connectionCheckOutFailed", (event) => poolOf(event).checkOutFailed(event.reason, event.durationMS))
  on("connectionCheckedOut", (event) => poolOf(event).checkedOut(event.connectionId, event.durationMS))
  on("connectionCheckedIn", (event) => poolOf(event).checkedIn(event.connectionId))
  return () => {
    for (const detach of detachers) detach()
    for (const pool of pools.values()) pool.closed()
    pools.clear()
  }
}
