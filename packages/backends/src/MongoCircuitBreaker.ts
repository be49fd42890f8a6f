/**
 * The store of Effect's `CircuitBreaker` on MongoDB: one circuit for all processes.
 *
 * @since 0.1.0
 */
import { Mongo, MongoDatabase, type MongoError } from "@mongofx/core"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as CircuitBreaker from "effect/persistence/CircuitBreaker"
import * as References from "effect/References"
import { randomUUID } from "node:crypto"
import { admit, type Circuit, record, renew } from "./internal/circuits.ts"
import { expiring, makeStore, nowBy, serverSleep, upserting } from "./internal/store.ts"

/**
 * Settings of the layer.
 *
 * @see {@link layerStoreWith} for the layer that takes them
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface Options {
  /** The collection of the circuits, `effect_circuit_breaker` by default. */
  readonly collectionName?: string | undefined
  /** How long an operation may take, 10 seconds by default. A shorter deadline around it counts. */
  readonly deadline?: Duration.Input | undefined
  /** The clock that measures openings: the one of the server, which all processes share, by default; or Effect's `Clock`, which a test can move. */
  readonly clock?: "server" | "program" | undefined
  /** How long the probe of a process that was killed keeps others waiting, 10 seconds by default. A living process renews it three times in that time. */
  readonly probeLease?: Duration.Input | undefined
  /** How long a circuit that nobody uses is kept, one hour by default, and up to a twentieth longer. It starts again as closed. */
  readonly idleTimeToLive?: Duration.Input | undefined
}

const errorOf = (reason: CircuitBreaker.CircuitBreakerErrorReason) => new CircuitBreaker.CircuitBreakerError({ reason })

const failing = Effect.mapError((cause: MongoError.MongoError) =>
  errorOf(new CircuitBreaker.CircuitBreakerStoreError({ message: cause.message, cause }))
)

/** Logs a failure that has no caller, as Effect's stores do. */
const report = (cause: MongoError.MongoError): Effect.Effect<void> =>
  Effect.withFiber((fiber) => {
    const level = fiber.getRef(References.UnhandledLogLevel)
    return level === undefined
      ? Effect.void
      : Effect.logWithLevel(level)("CircuitBreaker failed to renew a probe lease, retrying", cause)
  })

/** The parts of a circuit that decide, and the time at which the server looked at it. */
type Seen = Pick<Circuit, "state" | "generation" | "openings" | "openUntil" | "leaseUntil" | "probe" | "from"> & {
  readonly now: number
}

const positive = (input: Duration.Input): number => Math.max(1, Duration.toMillis(Duration.fromInputUnsafe(input)))

const makeStoreWith = Effect.fnUntraced(function*(options: Options) {
  const store = makeStore<Circuit>(yield* MongoDatabase.MongoDatabase, "effect_circuit_breaker", options)
  yield* expiring(store)
  const { collection, run } = store
  const now = nowBy(options.clock)
  const lease = positive(options.probeLease ?? "10 seconds")
  const idle = positive(options.idleTimeToLive ?? "1 hour")
  const pause = Duration.millis(lease / 3)

  const seen = (now: number | object) => ({
    state: 1,
    generation: 1,
    openings: 1,
    openUntil: 1,
    leaseUntil: 1,
    probe: 1,
    from: 1,
    now: typeof now === "number" ? { $literal: now } : now
  })
  const isKept = (now: number | object) => ({ $expr: { $gt: ["$expiresAt", now] } })

  /** Keeps the slot of a probe until its scope ends, or somebody else has it. */
  const renewing = Effect.fnUntraced(function*(key: string, generation: number) {
    for (;;) {
      yield* serverSleep(pause)
      const at = yield* now
      const isHeld = yield* run(Mongo.withDeadline(
        collection.updateOne({ _id: key, state: "HalfOpen", generation }, renew(at, lease, idle)),
        pause
      )).pipe(
        Effect.map(({ matchedCount }) => matchedCount === 1),
        Effect.withTracerEnabled(false),
        Effect.catch((error) => Effect.as(report(error), true))
      )
      if (!isHeld) return
    }
  })

  return CircuitBreaker.CircuitBreakerStore.of({
    admit: Effect.fnUntraced(function*(key) {
      const at = yield* now
      const probe = randomUUID()
      const found = yield* failing(run(upserting(
        collection.findOneAndUpdate({ _id: key }, admit(at, { idle, lease, probe }), {
          upsert: true,
          returnDocument: "after",
          projection: seen(at)
        })
      )))
      // An upsert that gives the document after it always has one.
      const circuit = Option.getOrThrow(found) as unknown as Seen
      if (circuit.state === "Open") {
        const retryAfter = Duration.millis(Math.max(0, circuit.openUntil - circuit.now))
        return yield* errorOf(new CircuitBreaker.CircuitOpen({ key, retryAfter }))
      }
      const isProbe = circuit.state === "HalfOpen"
      if (isProbe) {
        if (circuit.probe !== probe) return yield* errorOf(new CircuitBreaker.CircuitHalfOpen({ key }))
        yield* renewing(key, circuit.generation).pipe(Effect.interruptible, Effect.forkScoped)
      }
      const transition: CircuitBreaker.Transition | undefined = isProbe && circuit.from === "Open"
        ? { key, from: "Open", to: "HalfOpen" }
        : undefined
      return {
        generation: circuit.generation,
        probe: isProbe,
        consecutiveOpenings: circuit.openings,
        transition
      }
    }),
    record: ({ generation, key, openFor, outcome, tripPolicy }) =>
      Effect.flatMap(now, (now) =>
        run(collection.findOneAndUpdate(
          { _id: key, generation, ...isKept(now) },
          record(now, { idle, openFor: Math.max(0, Duration.toMillis(openFor)), outcome, policy: tripPolicy }),
          { returnDocument: "after", projection: seen(now) }
        ))).pipe(
          Effect.map(Option.match({
            onNone: () => undefined,
            onSome: (found): CircuitBreaker.Transition | undefined => {
              const { from, generation: current, openings, state } = found as unknown as Seen
              if (current === generation || state === "HalfOpen") return undefined
              return state === "Closed"
                ? { key, from: "HalfOpen", to: "Closed" }
                : {
                  key,
                  from: from === "Closed" ? "Closed" : "HalfOpen",
                  to: "Open",
                  retryAfter: openFor,
                  consecutiveOpenings: openings
                }
            }
          })),
          failing
        ),
    state: (key) =>
      Effect.flatMap(
        now,
        (now) => run(collection.findOne({ _id: key, ...isKept(now) }, { projection: seen(now) }))
      ).pipe(
        Effect.map(Option.match({
          onNone: (): CircuitBreaker.State => ({ _tag: "Closed", key }),
          onSome: (found): CircuitBreaker.State => {
            const { leaseUntil, now, openUntil, openings: consecutiveOpenings, state } = found as unknown as Seen
            if (state === "Closed") return { _tag: "Closed", key }
            return state === "HalfOpen"
              ? { _tag: "HalfOpen", key, probing: leaseUntil > now, consecutiveOpenings }
              : { _tag: "Open", key, retryAfter: Duration.millis(Math.max(0, openUntil - now)), consecutiveOpenings }
          }
        })),
        failing
      )
  })
})

/**
 * Keeps the circuits of `CircuitBreaker` in a collection, with settings.
 *
 * **Example** (Circuits that a test opens and closes)
 *
 * ```ts
 * import { MongoCircuitBreaker } from "@mongofx/backends"
 *
 * const Circuits = MongoCircuitBreaker.layerStoreWith({ clock: "program", probeLease: "2 seconds" })
 * ```
 *
 * @see {@link layerStore} for the same without settings, and for what is stored
 *
 * @stability unstable
 * @category layers
 * @since 0.1.0
 */
export const layerStoreWith = (
  options: Options
): Layer.Layer<CircuitBreaker.CircuitBreakerStore, never, MongoDatabase.MongoDatabase> =>
  Layer.effect(CircuitBreaker.CircuitBreakerStore, makeStoreWith(options))

/**
 * Keeps the circuits of `CircuitBreaker` in the collection `effect_circuit_breaker`.
 *
 * **When to use**
 *
 * Use it when several processes call the same service: what one of them finds out, all of them know.
 *
 * **Details**
 *
 * A circuit is a document, and each call of the store is one update by a pipeline. An update that changes nothing is not written: calls of a closed circuit that
 * succeed under a policy of consecutive failures, and calls that an open circuit rejects. The server's clock measures openings.
 *
 * The probe of a half-open circuit holds a lease and renews it. When its process is killed, another one takes over after `probeLease`, and what the
 * first one records changes nothing. A circuit that nobody uses for `idleTimeToLive` is forgotten, and the server deletes it.
 *
 * Operations run outside of a transaction around them. They fail with a `CircuitBreakerError` whose reason is a `CircuitBreakerStoreError` with the
 * `MongoError` as its `cause`; by default the breaker then runs the call unrecorded. If the index cannot be made, the layer dies.
 *
 * **Gotchas**
 *
 * `CircuitBreaker` is experimental in Effect, and may change in any release of it.
 *
 * Without a server a call waits until the deadline before it runs unrecorded. Choose a short one.
 *
 * **Example** (A circuit for payments)
 *
 * ```ts
 * import { MongoCircuitBreaker } from "@mongofx/backends"
 * import { Effect, Layer } from "effect"
 * import { CircuitBreaker } from "effect/persistence"
 *
 * const Payments = CircuitBreaker.layer({
 *   tripPolicy: CircuitBreaker.consecutive(5),
 *   openDuration: "30 seconds"
 * }).pipe(Layer.provide(MongoCircuitBreaker.layerStore))
 *
 * const program = Effect.gen(function*() {
 *   const breaker = yield* CircuitBreaker.CircuitBreaker
 *   return yield* Effect.succeed("paid").pipe(breaker.execute({ key: "payments" }))
 * }).pipe(Effect.provide(Payments))
 * ```
 *
 * @see {@link layerStoreWith} for settings
 *
 * @stability unstable
 * @category layers
 * @since 0.1.0
 */
export const layerStore: Layer.Layer<CircuitBreaker.CircuitBreakerStore, never, MongoDatabase.MongoDatabase> =
  layerStoreWith({})
