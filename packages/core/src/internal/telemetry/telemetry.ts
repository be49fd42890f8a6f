import type * as Context from "effect/Context"
import * as Metric from "effect/Metric"
import type { MongoError } from "../../MongoError.ts"
import type { Operation } from "../call/description.ts"

/**
 * Boundaries of every histogram of durations, in seconds. OpenTelemetry prescribes them for `db.client.operation.duration`.
 *
 * @internal
 */
export const durationBoundaries: ReadonlyArray<number> = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10]

/**
 * The parts of an operation that telemetry names.
 *
 * @internal
 */
export type NamedOperation = Pick<Operation, "command" | "database" | "collection" | "batchSize">

/**
 * The attributes that an operation's span has from its start, so that samplers see them.
 *
 * @internal
 */
export const spanAttributes = (
  server: Readonly<Record<string, unknown>>,
  operation: NamedOperation
): Record<string, unknown> => {
  const attributes: Record<string, unknown> = { "db.system.name": "mongodb", "db.operation.name": operation.command }
  if (operation.database !== undefined) attributes["db.namespace"] = operation.database
  if (operation.collection !== undefined) attributes["db.collection.name"] = operation.collection
  // By OpenTelemetry's conventions, one operation is not a batch.
  if (operation.batchSize !== undefined && operation.batchSize !== 1) {
    attributes["db.operation.batch.size"] = operation.batchSize
  }
  return Object.assign(attributes, server)
}

/**
 * The attributes that say how an operation failed: `error.type`, and the server's code if it has one.
 *
 * @internal
 */
export const failureAttributes = (error: MongoError): Record<string, string> => {
  const { _tag, code } = error.reason
  return code === undefined
    ? { "error.type": _tag }
    : { "db.response.status_code": String(code), "error.type": String(code) }
}

type DurationMetric = Metric.Histogram<number>

/** The metrics of one client: by database, collection, command and failure. */
type Series = Map<Name, Map<Name, Map<Name, Map<Outcome, DurationMetric>>>>
type Name = string | undefined
type Outcome = string | number | undefined

/**
 * How many metrics are kept. A metric only finds its series in the registry, so nothing is lost when all metrics are
 * dropped at once and made again.
 */
const capacity = 4096

/** By the attributes of the client, which are the same object as long as it lives. */
let cache = new WeakMap<object, Series>()
let size = 0

const durationMetric = (
  server: Readonly<Record<string, unknown>>,
  operation: NamedOperation,
  failure: MongoError | undefined
): DurationMetric => {
  const attributes: Record<string, string> = {}
  for (const [key, value] of Object.entries(spanAttributes(server, operation))) {
    if (key !== "db.operation.batch.size") attributes[key] = String(value)
  }
  if (failure !== undefined) Object.assign(attributes, failureAttributes(failure))
  return Metric.histogram("db.client.operation.duration", {
    description: "Duration of database client operations",
    boundaries: durationBoundaries,
    attributes: { ...attributes, unit: "s" }
  })
}

const nested = <K, L, V>(map: Map<K, Map<L, V>>, key: K): Map<L, V> => {
  let inner = map.get(key)
  if (inner === undefined) map.set(key, inner = new Map())
  return inner
}

/**
 * Counts an operation in `db.client.operation.duration`, in the metric registry of `context`.
 *
 * It runs once per operation, so it builds neither attributes nor a key for a series that it has seen before.
 *
 * @internal
 */
export const recordOperation = (
  context: Context.Context<never>,
  server: Readonly<Record<string, unknown>>,
  operation: NamedOperation,
  seconds: number,
  failure: MongoError | undefined
): void => {
  let series = cache.get(server)
  if (series === undefined) cache.set(server, series = new Map())
  const outcomes = nested(nested(nested(series, operation.database), operation.collection), operation.command)
  const outcome = failure === undefined ? undefined : failure.reason.code ?? failure.reason._tag
  let metric = outcomes.get(outcome)
  if (metric === undefined) {
    metric = durationMetric(server, operation, failure)
    if (size === capacity) {
      cache = new WeakMap()
      size = 0
    }
    size++
    outcomes.set(outcome, metric)
  }
  metric.updateUnsafe(seconds, context)
}
