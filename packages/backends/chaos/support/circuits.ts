/**
 * A circuit that many callers share: who may probe, and what each of them is told of its transitions.
 */
import { MongoCircuitBreaker } from "@mongofx/backends"
import type { Arena } from "chaos-support/arena"
import { list } from "chaos-support/problems"
import { Duration, Effect, Random } from "effect"
import { CircuitBreaker } from "effect/persistence"
import type * as Driver from "mongodb"
import { type Part, serviceIn } from "./parts.ts"

type Store = CircuitBreaker.CircuitBreakerStore["Service"]

const key = "circuit"

/** What the callers were told: numbers of generations. */
interface Told {
  readonly admitted: Array<number>
  readonly probes: Array<number>
  /** The generations that a caller has ended, and the state that it has brought. */
  readonly ended: Array<{ readonly generation: number; readonly to: string }>
}

export const newTold = (): Told => ({ admitted: [], probes: [], ended: [] })

/** Makes a call that ends in this way, if the circuit admits it. */
export const call = (
  { admitted, ended, probes }: Told,
  { admit, record }: Pick<Store, "admit" | "record">,
  outcome: "Success" | "Failure"
): Effect.Effect<void> =>
  Effect.gen(function*() {
    const { generation, probe } = yield* admit(key)
    admitted.push(generation)
    if (probe) probes.push(generation)
    yield* Effect.sleep("5 millis")
    const transition = yield* record({
      key,
      generation,
      outcome,
      tripPolicy: CircuitBreaker.consecutive(2),
      openFor: Duration.millis(50)
    })
    if (transition !== undefined) ended.push({ generation, to: transition.to })
  }).pipe(Effect.scoped, Effect.catch(() => Effect.sleep("20 millis")))

const twice = (numbers: ReadonlyArray<number>): ReadonlyArray<number> => {
  const seen = new Set<number>()
  return numbers.filter((number) => seen.has(number) || !seen.add(number))
}

/** What is wrong with what the callers were told, and with the circuit as the bare driver reads it. */
export const circuitProblems = async (
  data: Driver.Db,
  { admitted, ended, probes }: Told
): Promise<ReadonlyArray<string>> => {
  const stored = await data.collection<{ _id: string; generation: number }>("effect_circuit_breaker").findOne()
  return [
    ...list("circuits with two probes at a time", twice(probes)),
    ...list("transitions that two callers have made", twice(ended.map(({ generation }) => generation))),
    ...list(
      "circuits that went back",
      admitted.filter((generation) => generation > (stored?.generation ?? 0)).slice(-1)
    )
  ]
}

export const circuitStore = (arena: Pick<Arena, "db">) =>
  serviceIn(arena, CircuitBreaker.CircuitBreakerStore, MongoCircuitBreaker.layerStore)

/** Six fibers call what fails half of the time. */
export const circuitPart = (arena: Arena) =>
  Effect.gen(function*() {
    const store = yield* circuitStore(arena)
    const told = newTold()
    return {
      fibers: 6,
      step: () => Effect.flatMap(Random.nextBoolean, (isUp) => call(told, store, isUp ? "Success" : "Failure")),
      problems: () => circuitProblems(arena.data, told),
      figures: () => `${told.admitted.length} calls through a circuit, ${told.probes.length} probes`,
      confirmed: () => told.ended.length
    } satisfies Part
  })
