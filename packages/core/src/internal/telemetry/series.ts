/**
 * Series of a metric registry that several clients feed: those of one server share them.
 */
import * as Context from "effect/Context"
import { constVoid } from "effect/Function"
import * as Metric from "effect/Metric"
import { durationBoundaries } from "./telemetry.ts"

/** A series of a level: whenever it is read, it sums up its sources. */
class Sum {
  readonly reads = new Set<() => number>()
  readonly registration: Metric.Registration

  constructor(metric: Metric.Counter<number>, context: Context.Context<never>) {
    const get = () => {
      let count = 0
      for (const read of this.reads) count += read()
      return { count, incremental: false }
    }
    this.registration = Metric.registerUnsafe(metric, context, { get, update: constVoid, modify: constVoid })
  }
}

/**
 * A series of durations in seconds. It adds a value in a tenth of the time that a metric of Effect's needs to find its series.
 *
 * @internal
 */
export class Durations {
  private readonly metric: Metric.Histogram<number>
  private readonly context: Context.Context<never>
  private readonly counts = new Uint32Array(durationBoundaries.length + 1)
  private count = 0
  private sum = 0
  private min = Number.MAX_VALUE
  private max = -Number.MAX_VALUE

  constructor(metric: Metric.Histogram<number>, context: Context.Context<never>) {
    this.metric = metric
    this.context = context
  }

  add(seconds: number): void {
    // The series is there from its first value on.
    if (this.count === 0) {
      const get = () => this.state
      Metric.registerUnsafe(this.metric, this.context, { get, update: constVoid, modify: constVoid })
    }
    let i = 0
    while (i < durationBoundaries.length && seconds > durationBoundaries[i]) i++
    this.counts[i]++
    this.count++
    this.sum += seconds
    if (seconds < this.min) this.min = seconds
    if (seconds > this.max) this.max = seconds
  }

  private get state(): Metric.HistogramState {
    const { count, max, min, sum } = this
    let cumulated = 0
    const buckets = durationBoundaries.map((boundary, i) => [boundary, cumulated += this.counts[i]] as [number, number])
    return { buckets, count, min, max, sum }
  }
}

interface AllSeries {
  readonly sums: Map<string, Sum>
  readonly durations: Map<string, Durations>
}

/** The series of each registry, by the name of the metric and all attributes of the series. */
const registries = new WeakMap<Metric.MetricRegistry, AllSeries>()

const seriesOf = (context: Context.Context<never>): AllSeries => {
  const registry = Context.get(context, Metric.MetricRegistry)
  let series = registries.get(registry)
  if (series === undefined) registries.set(registry, series = { sums: new Map(), durations: new Map() })
  return series
}

const keyOf = (metric: Metric.Metric<never, unknown>, context: Context.Context<never>): string => {
  const attributes = { ...metric.attributes, ...Context.get(context, Metric.CurrentMetricAttributes) }
  return metric.id + JSON.stringify(attributes, Object.keys(attributes).sort())
}

/**
 * The durations of this name and these attributes. All clients of one server share them. They stay when the pools are closed.
 *
 * @internal
 */
export const durationsOf = (
  name: string,
  description: string,
  attributes: Readonly<Record<string, string>>,
  context: Context.Context<never>
): Durations => {
  const metric = Metric.histogram(name, { description, boundaries: durationBoundaries, attributes })
  const { durations } = seriesOf(context)
  const key = keyOf(metric, context)
  let series = durations.get(key)
  if (series === undefined) durations.set(key, series = new Durations(metric, context))
  return series
}

/**
 * Adds a number that goes up and down to its series: the pools of two clients of one server add up in a shared
 * series. Returns a function that removes the number. The series ends with its last number.
 *
 * @internal
 */
export const addLevel = (
  metric: Metric.Counter<number>,
  context: Context.Context<never>,
  read: () => number
): () => void => {
  const series = seriesOf(context).sums
  const key = keyOf(metric, context)
  const sum = series.get(key) ?? new Sum(metric, context)
  series.set(key, sum)
  sum.reads.add(read)
  return () => {
    sum.reads.delete(read)
    if (sum.reads.size > 0) return
    sum.registration.remove()
    series.delete(key)
  }
}
