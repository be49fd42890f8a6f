/**
 * Durations that clients share, beside a histogram of Effect's.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { durationsOf } from "@mongofx/core/internal/telemetry/series"
import { durationBoundaries } from "@mongofx/core/internal/telemetry/telemetry"
import { Context, Metric } from "effect"

const attributes = { "db.client.connection.pool.name": "localhost:27017", unit: "s" }
const contextOf = () => Context.make(Metric.MetricRegistry, new Map())

describe("durations", () => {
  it("are those of a histogram of Effect's, whatever the values", () => {
    const context = contextOf()
    const ours = durationsOf("ours", "", attributes, context)
    const theirs = Metric.histogram("theirs", { boundaries: durationBoundaries, attributes })
    const values = [
      0,
      -1,
      100,
      ...durationBoundaries,
      ...Array.from({ length: 1000 }, (_, i) => (i * 0.618 % 1) ** 8 * 20)
    ]
    for (const value of values) {
      ours.add(value)
      theirs.updateUnsafe(value, context)
    }
    const [one, other] = Metric.snapshotUnsafe(context)
    assert.deepStrictEqual({ ...one, id: "", description: "" }, { ...other, id: "", description: "" })
    assert.deepStrictEqual(one?.state, theirs.valueUnsafe(context))
  })

  it("have a series from their first value on", () => {
    const context = contextOf()
    const durations = durationsOf("use_time", "", attributes, context)
    assert.deepStrictEqual(Metric.snapshotUnsafe(context), [])
    durations.add(1)
    assert.strictEqual(Metric.snapshotUnsafe(context).length, 1)
  })

  it("are shared by those of one name, one registry and the same attributes", () => {
    const context = contextOf()
    const durations = durationsOf("use_time", "", attributes, context)
    assert.strictEqual(durationsOf("use_time", "", { ...attributes }, context), durations)
    assert.notStrictEqual(durationsOf("wait_time", "", attributes, context), durations)
    assert.notStrictEqual(durationsOf("use_time", "", { ...attributes, unit: "ms" }, context), durations)
    assert.notStrictEqual(durationsOf("use_time", "", attributes, contextOf()), durations)
    const more = Context.add(context, Metric.CurrentMetricAttributes, { app: "a" })
    assert.notStrictEqual(durationsOf("use_time", "", attributes, more), durations)
  })
})
