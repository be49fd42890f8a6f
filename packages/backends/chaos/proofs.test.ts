/**
 * Each check of the scenarios can fail: a variant that does one thing wrong is caught, and the right one in the same place is not.
 *
 * @since 0.1.0
 */
import { layer } from "@effect/vitest"
import { MongoLease } from "@mongofx/backends"
import { MongoServer } from "@mongofx/testing"
import type { Arena } from "chaos-support/arena"
import { clusterTime } from "chaos-support/events"
import { provingOn } from "chaos-support/proofs"
import { type Array as Arr, Effect, type Scope } from "effect"
import { type CircuitBreaker, KeyValueStore, type Persistence, type RateLimiter } from "effect/persistence"
import { Reactivity } from "effect/reactivity"
import type * as Driver from "mongodb"
import { contested } from "../test/support/contested.ts"
import { call, circuitProblems, circuitStore, newTold } from "./support/circuits.ts"
import { siteIn } from "./support/cluster.ts"
import { entryProblems, entryStore, newWitness as newEntries, readEntries, writeEntry } from "./support/entries.ts"
import { ask, limiter, limitProblems, newAnswers } from "./support/limits.ts"
import { serviceIn } from "./support/parts.ts"
import { anotherInstance, change, queryProblems, reactivityOf, show } from "./support/queries.ts"
import { offerOne, queueProblems, workQueue } from "./support/queue.ts"
import { openStates, turnProblems, writeTurn } from "./support/turns.ts"
import { addWord, newWitness, readValue, valueProblems, valueStore } from "./support/values.ts"

type Store = Persistence.BackingPersistenceStore
type Consume = RateLimiter.RateLimiter["consume"]
type Circuits = CircuitBreaker.CircuitBreakerStore["Service"]

layer(MongoServer.layerReplicaSet({ members: 1 }), { excludeTestServices: true, timeout: 120_000 })(
  "broken variants of services",
  (it) => {
    const { broken, right } = provingOn(it)

    /** Many callers change one value at once. */
    const changed = (
      arena: Arena,
      modifyOf: (store: KeyValueStore.KeyValueStore) => KeyValueStore.KeyValueStore["modify"]
    ) =>
      Effect.gen(function*() {
        const modify = modifyOf(yield* valueStore(arena))
        const witness = newWitness()
        yield* Effect.forEach(
          Array.from({ length: 10 }, (_, n) => `w${n}`),
          (word) => addWord(witness, { modify }, "a", word),
          { concurrency: "unbounded" }
        )
        return yield* Effect.promise(() => valueProblems(arena.data, witness))
      })

    broken(
      "a value that is read, changed and written back",
      // What a store does that has nothing better.
      (arena) =>
        changed(
          arena,
          ({ clear, get, getUint8Array, keys, remove, set, size }) =>
            KeyValueStore.make({ clear, get, getUint8Array, keys, remove, set, size }).modify
        ),
      /^values: confirmed changes that are lost/
    )

    broken(
      "a change of a value that is made again after its answer",
      (arena) => changed(arena, ({ modify }) => (key, f) => Effect.andThen(modify(key, f), modify(key, f))),
      /^values: changes made twice/
    )

    right("the changes of the store hold there", (arena) => changed(arena, ({ modify }) => modify))

    broken("a store that goes back to an older value", (arena) =>
      Effect.gen(function*() {
        const store = yield* valueStore(arena)
        const witness = newWitness()
        yield* addWord(witness, store, "a", "w0")
        yield* readValue(witness, store, "a")
        yield* store.set("a", "begin")
        return yield* Effect.promise(() => valueProblems(arena.data, witness))
      }), /^values that were read and are no beginning of what is there/)

    /** Three elements, of which the last one is delayed, go through a queue. */
    const worked = (
      arena: Arena,
      variant: {
        readonly before?: (elements: Driver.Collection) => Promise<unknown>
        readonly after?: (elements: Driver.Collection, handled: Driver.Collection) => Promise<unknown>
        readonly handle?: false
        readonly delay?: number
      }
    ) =>
      Effect.gen(function*() {
        const queue = yield* workQueue(arena)
        const [elements, handled] = [arena.data.collection("effect_queue"), arena.data.collection("handled")]
        const began = yield* clusterTime(arena.data)
        const offers = yield* Effect.forEach([0, 1, 2], (n) => offerOne(queue, n, n === 2 ? 300 : 0))
        yield* Effect.promise(async () => variant.before?.(elements))
        const work = queue.take(({ n }, { attempts }) =>
          Effect.promise(async () => variant.handle ?? handled.insertOne({ n, attempts }))
        )
        yield* Effect.forEach(offers, () => work)
        yield* Effect.promise(async () => variant.after?.(elements, handled))
        const { delay } = variant
        const asked = delay === undefined ? offers : offers.map((offer) => ({ ...offer, delay }))
        return yield* Effect.promise(() => queueProblems(arena.data, { began, offers: asked }))
      })

    /** Takes an element whatever its turn is, and gives it back. */
    const taking = (id: string) => (elements: Driver.Collection) =>
      elements.updateOne({ id }, [{ $set: { lock: "x", attempts: 1, visibleAt: "$$NOW" } }])

    broken(
      "a queue that loses an element",
      (arena) => worked(arena, { after: (elements) => elements.deleteOne({ id: "0" }) }),
      /^elements that are lost: 1, such as 0/
    )

    broken(
      "a queue with an element that nobody ends",
      (arena) =>
        worked(arena, { after: (elements) => elements.updateOne({ id: "0" }, { $set: { state: "pending" } }) }),
      /^elements that are not done: 1, such as 0/
    )

    broken(
      "a worker that ends its element before the work",
      (arena) => worked(arena, { handle: false }),
      /^elements that are done without being handled: 3/
    )

    broken(
      "a worker that ends an element of somebody else",
      (arena) =>
        worked(arena, { after: (elements) => elements.updateOne({ id: "0" }, { $set: { settledAt: new Date() } }) }),
      /^elements settled twice: 1, such as 0/
    )

    broken(
      "two workers that have one attempt",
      (arena) => worked(arena, { after: (_, handled) => handled.insertOne({ n: 0, attempts: 1 }) }),
      /^attempts that two workers had: 1, such as 0 1/
    )

    broken(
      "a worker that takes an element before its turn",
      (arena) => worked(arena, { before: taking("1") }),
      /^elements taken out of their order: 1, such as 1 before 0/
    )

    broken(
      "a worker that does not wait for a delay",
      (arena) => worked(arena, { before: taking("2") }),
      /^elements taken before their time, or from somebody's hands: 1, such as 2/
    )

    broken(
      "an offerer with a clock of its own",
      (arena) =>
        worked(arena, {
          after: (elements) => {
            const at = new Date(Date.now() - 3_600_000)
            return elements.insertOne({ queue: "work", id: "3", offeredAt: at, visibleAt: at })
          }
        }),
      /^elements whose times are not the server's: 1, such as 3/
    )

    broken(
      "an offerer that forgets the delay",
      (arena) => worked(arena, { delay: 10_000 }),
      /^elements whose delay is not the one that was asked for: 3/
    )

    right("the queue holds there", (arena) => worked(arena, {}))

    /** Two entries are written, and read now and later. */
    const cached = (
      arena: Arena,
      variant: {
        readonly read?: (read: Store["getMany"]) => Store["getMany"]
        readonly after?: (entries: Driver.Collection<{ _id: string }>) => Promise<unknown>
      }
    ) =>
      Effect.gen(function*() {
        const store = yield* entryStore(arena)
        const getMany = variant.read?.(store.getMany) ?? store.getMany
        const told = newEntries()
        yield* writeEntry(told, store, "a", 0, true)
        yield* writeEntry(told, store, "b", 1, false)
        yield* readEntries(told, { getMany })
        yield* Effect.sleep("500 millis")
        yield* readEntries(told, { getMany })
        yield* Effect.promise(async () => variant.after?.(arena.data.collection("effect_persistence")))
        return yield* Effect.promise(() => entryProblems(arena.data, told))
      })

    broken("a cache that gives the entry of another key", (arena) =>
      cached(arena, {
        read: (read) => (keys) =>
          Effect.map(read(keys), ([first, second, ...rest]) => [second, first, ...rest] as Arr.NonEmptyArray<object>)
      }), /^entries that were read and never written/)

    broken("a cache that keeps what it has read", (arena) =>
      cached(arena, {
        read: (read) => {
          let last: ReturnType<Store["getMany"]> | undefined
          return (keys) => last ?? Effect.tap(read(keys), (values) => Effect.sync(() => last = Effect.succeed(values)))
        }
      }), /^entries that were read after their time: 1, such as a 0/)

    broken(
      "a cache that changes an entry",
      (arena) =>
        cached(arena, { after: (entries) => entries.updateOne({ _id: "entries:b" }, { $set: { "value.n": 7 } }) }),
      /^entries that are there and were never written: 1, such as b 7/
    )

    broken(
      "a cache that loses an entry",
      (arena) => cached(arena, { after: (entries) => entries.deleteOne({ _id: "entries:b" }) }),
      /^keys without their last confirmed entry: 1, such as b/
    )

    right("the cache holds there", (arena) => cached(arena, {}))

    /** Forty callers ask for one limit at once. */
    const limited = (
      arena: Arena,
      variant: {
        readonly consume?: (consume: Consume) => Consume
        readonly after?: (limits: Driver.Collection) => Promise<unknown>
      }
    ) =>
      Effect.gen(function*() {
        const { consume } = yield* limiter(arena)
        const answers = newAnswers("k")
        const ways = { consume: variant.consume?.(consume) ?? consume }
        yield* Effect.forEach(Array.from({ length: 40 }), () => ask(answers, ways), { concurrency: "unbounded" })
        yield* Effect.promise(async () => variant.after?.(arena.data.collection("effect_rate_limiter")))
        return yield* Effect.promise(() => limitProblems(arena.data, [answers]))
      })

    broken(
      "a limit of each process for itself",
      (arena) => {
        let calls = 0
        return limited(arena, {
          consume: (consume) => (options) => consume({ ...options, key: `${options.key}${calls++ % 2}` })
        })
      },
      /^limits that were exceeded: 1/
    )

    broken(
      "a limit that is asked again after its answer",
      (arena) =>
        limited(arena, { consume: (consume) => (options) => Effect.andThen(consume(options), consume(options)) }),
      /^limits that counted a caller twice: 1/
    )

    const setting = (count: number) => (limits: Driver.Collection) => limits.updateOne({}, { $set: { count } })

    broken("a limit that loses its count", (arena) => limited(arena, { after: setting(3) }), /^limits that forgot/)

    broken(
      "a limit that refuses too early",
      (arena) => limited(arena, { consume: (consume) => (options) => consume({ ...options, tokens: 3 }) }),
      /^limits that refused somebody before they were reached: 1/
    )

    right("the limit holds there", (arena) => limited(arena, {}))

    /** A circuit opens, is probed by two callers at once, and closes. */
    const opened = (
      arena: Arena,
      variant: {
        readonly admit?: (admit: Circuits["admit"]) => Circuits["admit"]
        readonly record?: (record: Circuits["record"]) => Circuits["record"]
        readonly isOlder?: boolean
      }
    ) =>
      Effect.gen(function*() {
        const store = yield* circuitStore(arena)
        const told = newTold()
        const ways = {
          admit: variant.admit?.(store.admit) ?? store.admit,
          record: variant.record?.(store.record) ?? store.record
        }
        const circuits = arena.data.collection("effect_circuit_breaker")
        const failing = Effect.forEach([1, 2], () => call(told, ways, "Failure"), { concurrency: "unbounded" })
        yield* failing
        const older = yield* Effect.promise(() => circuits.findOne())
        yield* Effect.sleep("100 millis")
        yield* Effect.forEach([1, 2], () => call(told, ways, "Success"), { concurrency: "unbounded" })
        yield* call(told, ways, "Success")
        if (variant.isOlder) yield* Effect.promise(() => circuits.replaceOne({}, older!))
        return yield* Effect.promise(() => circuitProblems(arena.data, told))
      })

    broken("a circuit that lets two callers probe", (arena) => {
      let probe: Effect.Success<ReturnType<Circuits["admit"]>> | undefined
      return opened(arena, {
        admit: (admit) => (key) =>
          probe !== undefined
            ? Effect.succeed(probe)
            : Effect.tap(admit(key), (admission) => Effect.sync(() => probe = admission.probe ? admission : undefined))
      })
    }, /^circuits with two probes at a time: 1/)

    broken("a circuit that tells everybody that it has opened", (arena) =>
      opened(arena, {
        record: (record) => (options) =>
          Effect.map(
            record(options),
            (transition) =>
              options.outcome === "Failure"
                ? { key: "circuit", from: "Closed", to: "Open", retryAfter: options.openFor, consecutiveOpenings: 1 }
                : transition
          )
      }), /^transitions that two callers have made: 1/)

    broken(
      "a circuit that goes back to an older state",
      (arena) => opened(arena, { isOlder: true }),
      /^circuits that went back/
    )

    right("the circuit holds there", (arena) => opened(arena, {}))

    /** One instance shows items, and another one writes: before the service of the first one is there, after that, and when its query has run. */
    const shownElsewhere = (
      arena: Arena,
      serviceOf: (write: Effect.Effect<unknown>) => Effect.Effect<Reactivity.Reactivity, never, Scope.Scope>
    ) =>
      Effect.gen(function*() {
        const other = yield* anotherInstance(arena)
        const write = Effect.orDie(change(other, 1))
        yield* write
        const shown = yield* show(arena.db, yield* serviceOf(write))
        yield* write
        return yield* Effect.promise(() => queryProblems(arena.data, [shown], 2000))
      })

    broken(
      "a query that hears only of its own process",
      (arena) => shownElsewhere(arena, () => Reactivity.make),
      /^queries that are not up to date: 1/
    )

    right("queries hold there", (arena) => shownElsewhere(arena, (write) => Effect.tap(reactivityOf(arena.db), write)))

    /** The lease of one holder runs out, and it writes after the next one has. */
    const late = (arena: Arena, variant: { readonly isForgotten?: boolean; readonly isFenced?: boolean }) =>
      Effect.gen(function*() {
        const leases = yield* serviceIn(arena, MongoLease.MongoLease, MongoLease.layer)
        yield* openStates(arena)
        const fenceOf = leases.withLease({ name: "turns" }, ({ fence }) => Effect.succeed(fence))
        const first = { holder: "first", fence: yield* fenceOf }
        if (variant.isForgotten) yield* arena.db.collection("effect_lease").deleteMany({})
        const second = { holder: "second", fence: yield* fenceOf }
        yield* writeTurn(arena, second)
        yield* variant.isFenced === false
          ? arena.db.collection("states").updateOne({}, { $push: { log: first } } as never)
          : writeTurn(arena, first)
        return yield* Effect.promise(() => turnProblems(arena.data, [first, second]))
      })

    broken("a lease that forgets its last fence", (arena) => late(arena, { isForgotten: true }), /^fences with two/)

    broken("a holder that writes without its fence", (arena) => late(arena, { isFenced: false }), /^late holders/)

    right("the holder that writes with it changes nothing there", (arena) => late(arena, {}))

    broken(
      "a runner storage that takes locks which another one has",
      (arena) => Effect.flatMap(siteIn(arena), (site) => contested(site, "steals")),
      /^shard .* had two owners/
    )

    right(
      "the runner storage that waits for them holds there",
      (arena) => Effect.flatMap(siteIn(arena), (site) => contested(site, "waits"))
    )
  }
)
