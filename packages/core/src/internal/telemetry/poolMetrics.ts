import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import type * as Scope from "effect/Scope"
import type * as Driver from "mongodb"
import { addLevel, type Durations, durationsOf } from "./series.ts"

/** How far the driver's whole milliseconds may differ from the time of an event, in milliseconds. */
const tolerance = 2

/** What an idle connection has in the place of the time of its check-out. */
const idle = -1

/**
 * One connection pool, as its events describe it.
 *
 * It knows the connections rather than counts, since some events are missing. A connection may be known only from its first use on. When a
 * connection in use is closed, the events are a check-in and a close, or only a close.
 */
class Pool {
  readonly name: string
  private readonly context: Context.Context<never>
  /** When each open connection was checked out, in milliseconds, or `idle`. */
  private readonly connections = new Map<unknown, number>()
  private used = 0
  /** When each waiting operation began to wait for a connection, in milliseconds, oldest first. */
  private readonly waiting: Array<number> = []
  private readonly creating = new Set<unknown>()
  private settling = false
  /** Unknown for a pool that is older than the listener. */
  private options: Driver.ConnectionPoolCreatedEvent["options"] | undefined
  private readonly removeLevels: Array<() => void> = []
  private readonly timeouts: Metric.Counter<number>
  private readonly createTime: Durations
  private readonly waitTime: Durations
  private readonly useTime: Durations

  constructor(name: string, context: Context.Context<never>) {
    this.name = name
    this.context = context
    const pool = { "db.client.connection.pool.name": name }
    const count = "The number of connections that are currently in state described by the state attribute"
    this.level("count", "{connection}", count, () => this.idle, "idle")
    this.level("count", "{connection}", count, () => this.used, "used")
    const pending = "The number of current pending requests for an open connection"
    this.level("pending_requests", "{request}", pending, () => this.waiting.length)
    this.timeouts = Metric.counter("db.client.connection.timeouts", {
      description: "The number of connection timeouts that have occurred trying to obtain a connection from the pool",
      attributes: { ...pool, unit: "{timeout}" },
      incremental: true
    })
    const histogram = (suffix: string, description: string) =>
      durationsOf(`db.client.connection.${suffix}`, description, { ...pool, unit: "s" }, context)
    this.createTime = histogram("create_time", "The time it took to create a new connection")
    this.waitTime = histogram("wait_time", "The time it took to obtain an open connection from the pool")
    this.useTime = histogram("use_time", "The time between borrowing a connection and returning it to the pool")
  }

  created(options: Driver.ConnectionPoolCreatedEvent["options"]): void {
    this.options = options
    const { maxPoolSize, minPoolSize } = options
    this.level("idle.min", "{connection}", "The minimum number of idle open connections allowed", () => minPoolSize)
    // 0 means without a maximum.
    if (maxPoolSize === 0) return
    this.level("idle.max", "{connection}", "The maximum number of idle open connections allowed", () => maxPoolSize)
    this.level("max", "{connection}", "The maximum number of open connections allowed", () => maxPoolSize)
  }

  connectionCreated(id: unknown): void {
    this.creating.add(id)
  }

  connectionReady(id: unknown, milliseconds: number): void {
    this.creating.delete(id)
    this.endUse(id)
    this.createTime.add(milliseconds / 1000)
    this.settle()
  }

  connectionClosed(id: unknown): void {
    this.creating.delete(id)
    this.endUse(id)
    this.connections.delete(id)
    this.settle()
  }

  checkOutStarted(): void {
    this.waiting.push(performance.now())
  }

  checkedOut(id: unknown, milliseconds: number): void {
    const now = performance.now()
    this.endWait(now - milliseconds)
    const since = this.connections.get(id)
    if (since === undefined || since === idle) this.used++
    this.connections.set(id, now)
    this.waitTime.add(milliseconds / 1000)
  }

  checkOutFailed(reason: string, milliseconds: number): void {
    this.endWait(performance.now() - milliseconds)
    if (reason === "timeout") this.timeouts.updateUnsafe(1, this.context)
  }

  checkedIn(id: unknown): void {
    this.endUse(id)
    this.settle()
  }

  /** When a pool is cleared, a connection that is being made may end without another event. */
  cleared(): void {
    this.creating.clear()
  }

  closed(): void {
    for (const remove of this.removeLevels) remove()
  }

  private level(suffix: string, unit: string, description: string, read: () => number, state?: string): void {
    const attributes = {
      "db.client.connection.pool.name": this.name,
      ...(state !== undefined && { "db.client.connection.state": state }),
      unit
    }
    const metric = Metric.counter(`db.client.connection.${suffix}`, { description, attributes })
    this.removeLevels.push(addLevel(metric, this.context, read))
  }

  private get idle(): number {
    return this.connections.size - this.used
  }

  /** The connection is idle from now on. */
  private endUse(id: unknown): void {
    const since = this.connections.get(id)
    this.connections.set(id, idle)
    if (since === undefined || since === idle) return
    this.used--
    this.useTime.add((performance.now() - since) / 1000)
  }

  /**
   * An operation that is aborted while it waits gives no event. The queue is first in, first out. So an operation that began earlier
   * than a served one either waits for a connection that is being made, or has stopped waiting.
   */
  private endWait(began: number): void {
    let older = 0
    while (older < this.waiting.length && this.waiting[older] < began - tolerance) older++
    this.forget(Math.max(0, older - this.creating.size) + 1)
  }

  private forget(count: number): void {
    // The queue nearly always has one, for which `splice` would make an array.
    if (this.waiting.length === 1) this.waiting.pop()
    else this.waiting.splice(0, count)
  }

  /** After the driver has worked through its queue, nobody waits while a connection is idle or could be made. */
  private settle(): void {
    if (this.settling || this.waiting.length === 0) return
    this.settling = true
    setImmediate(() => {
      this.settling = false
      if (this.idle > 0 || this.hasRoom) this.forget(this.waiting.length - this.creating.size)
    })
  }

  private get hasRoom(): boolean {
    if (this.options === undefined) return false
    const { maxConnecting, maxPoolSize } = this.options
    const size = this.connections.size + this.creating.size
    return this.creating.size < maxConnecting && (maxPoolSize === 0 || size < maxPoolSize)
  }
}

/**
 * Feeds the `db.client.connection.*` metrics from the events of the client's pools as long as the scope lives, in the
 * metric registry of the fiber that attaches.
 *
 * @param isNew - whether the client has no pool yet
 * @internal
 */
export const attach = (driver: Driver.MongoClient, isNew = false): Effect.Effect<void, never, Scope.Scope> =>
  Effect.contextWith((context: Context.Context<Scope.Scope>) =>
    Effect.asVoid(Effect.acquireRelease(
      Effect.sync(() => listen(driver, context, isNew)),
      (detach) => Effect.sync(detach)
    ))
  )

const listen = (driver: Driver.MongoClient, context: Context.Context<never>, isNew: boolean): () => void => {
  const pools = new Map<string, Pool>()
  let last: Pool | undefined
  /** The pool of a client that has had no other pool. The address is a new string in each event, so it is not even compared. */
  let only: Pool | undefined
  let hasHadOne = !isNew
  const poolOf = (event: Driver.ConnectionPoolMonitoringEvent): Pool => {
    if (only !== undefined) return only
    // Comparing it is cheaper than looking it up.
    if (last?.name === event.address) return last
    last = pools.get(event.address) ?? new Pool(event.address, context)
    pools.set(last.name, last)
    return last
  }
  const detachers: Array<() => void> = []
  const on = <Name extends keyof Driver.MongoClientEvents>(name: Name, listener: Driver.MongoClientEvents[Name]) => {
    driver.on(name, listener)
    detachers.push(() => driver.off(name, listener))
  }
  on("connectionPoolCreated", (event) => {
    only = undefined
    const pool = poolOf(event)
    if (!hasHadOne) only = pool
    hasHadOne = true
    pool.created(event.options)
  })
  on("connectionPoolCleared", (event) => poolOf(event).cleared())
  on("connectionPoolClosed", (event) => {
    poolOf(event).closed()
    pools.delete(event.address)
    last = only = undefined
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
