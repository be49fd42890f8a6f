/**
 * Each check of the scenarios can fail: a variant that does one thing wrong is caught, and the right one in the same place is not.
 *
 * @since 0.1.0
 */
import { layer } from "@effect/vitest"
import { MongoLease } from "@mongofx/backends"
import { MongoServer } from "@mongofx/testing"
import type { Arena } from "chaos-support/arena"
import { provingOn } from "chaos-support/proofs"
import { Effect } from "effect"
import { KeyValueStore } from "effect/persistence"
import { serviceIn } from "./support/parts.ts"
import { openStates, turnProblems, writeTurn } from "./support/turns.ts"
import { addWord, newWitness, readValue, valueProblems, valueStore } from "./support/values.ts"

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
  }
)
