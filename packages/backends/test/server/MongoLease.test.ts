/**
 * Leases as a service: mutual exclusion, leaders, and fences that late writes do not pass.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { MongoLease } from "@mongofx/backends"
import { MongoError } from "@mongofx/core"
import { Deferred, Effect, Fiber, Option } from "effect"
import { type Process, startProcess } from "test-support/processes"
import { Recorder } from "test-support/recorder"
import { failCommand, type Fixture, reasonOf, setup, until } from "test-support/utils"
import { serviceOf } from "../support/backends.ts"

const leasesOf = (fixture: Fixture, options: MongoLease.Options = {}) =>
  serviceOf(MongoLease.MongoLease, MongoLease.layerWith(options), fixture)

/** Holds a lease in a fiber, and returns when it is held. */
const hold = (leases: MongoLease.MongoLease, options: MongoLease.LeaseOptions) =>
  Effect.gen(function*() {
    const taken = yield* Deferred.make<MongoLease.Held>()
    const fiber = yield* Effect.forkScoped(
      leases.withLease(options, (lease) => Effect.andThen(Deferred.succeed(taken, lease), Effect.never))
    )
    return { fiber, lease: yield* Deferred.await(taken) }
  })

describe("withLease", () => {
  it.live(
    "lets one of twenty work at a time, in two processes, each with a higher fence",
    () =>
      Effect.gen(function*() {
        const fixture = yield* setup()
        const [one, two] = [yield* leasesOf(fixture), yield* leasesOf(fixture)]
        let working = 0
        const fences: Array<number> = []
        yield* Effect.forEach(Array.from({ length: 20 }, (_, i) => i), (i) =>
          (i % 2 === 0 ? one : two).withLease({ name: "a", duration: "5 seconds" }, ({ confirm, fence }) =>
            Effect.gen(function*() {
              assert.strictEqual(++working, 1)
              fences.push(fence)
              yield* confirm
              working--
            })), { concurrency: "unbounded" })
        assert.lengthOf(fences, 20)
        assert.deepStrictEqual(
          fences,
          [...new Set(fences)].sort((a, b) =>
            a - b
          )
        )
        assert.isTrue(Option.isNone(yield* one.holder("a")))
      }),
    60_000
  )

  it.live("says who has the lease, and gives up after its time", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const leases = yield* leasesOf(fixture, { collectionName: "mine" })
      const { lease } = yield* hold(leases, { name: "a" })
      const { owner } = Option.getOrThrow(yield* leases.holder("a"))
      assert.strictEqual(owner, lease.owner)
      const error = yield* Effect.flip(leases.withLease({ name: "a", wait: "100 millis" }, () => Effect.void))
      assert.instanceOf(error, MongoLease.LeaseError)
      assert.deepInclude(error, { _tag: "LeaseError", kind: "held", lease: "a", holder: owner })
      assert.strictEqual(yield* fixture.db.collection("mine").countDocuments(), 1)
    }))

  it.live("gives the failures of the work as they are, also those that look like its own", () =>
    Effect.gen(function*() {
      const leases = yield* leasesOf(yield* setup())
      const own = new MongoLease.LeaseError({ kind: "held", lease: "a", message: "of the work" })
      for (const f of [leases.withLease, leases.tryWithLease, leases.lead]) {
        assert.strictEqual(yield* Effect.flip(f({ name: "a" }, () => Effect.fail("no"))), "no")
        assert.strictEqual(yield* Effect.flip(f({ name: "a" }, () => Effect.fail(own))), own)
      }
      assert.isTrue(Option.isNone(yield* leases.holder("a")))
    }))

  it.live("fails in a transaction", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const leases = yield* leasesOf(fixture)
      const inside = fixture.mongo.withTransaction(leases.tryWithLease({ name: "a" }, () => Effect.void))
      const error = yield* Effect.flip(inside)
      assert.isTrue(MongoError.isMongoError(error) && error.reason._tag === "TransactionError")
    }))

  it.live("makes spans for the work only", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const leases = yield* leasesOf(fixture)
      const recorder = new Recorder()
      yield* recorder.in(leases.withLease({ name: "a" }, ({ confirm }) =>
        Effect.andThen(confirm, fixture.db.collection("work").insertOne({ n: 1 }))))
      assert.deepStrictEqual(
        recorder.spans.map(({ name }) =>
          name
        ),
        ["update effect_lease", "insert work"]
      )
      const waiting = new Recorder()
      yield* hold(leases, { name: "b" })
      yield* waiting.in(Effect.flip(leases.withLease({ name: "b", wait: "200 millis" }, () => Effect.void)))
      assert.lengthOf(waiting.spans, 0)
    }))
})

describe("tryWithLease", () => {
  it.live("does the work if the lease is free, and nothing if another one has it", () =>
    Effect.gen(function*() {
      const leases = yield* leasesOf(yield* setup())
      const attempt = leases.tryWithLease({ name: "a" }, ({ fence }) => Effect.succeed(fence))
      assert.deepStrictEqual(yield* attempt, Option.some(1))
      const { fiber } = yield* hold(leases, { name: "a" })
      assert.deepStrictEqual(yield* attempt, Option.none())
      yield* Fiber.interrupt(fiber)
      assert.isTrue(Option.isSome(yield* attempt))
    }))
})

describe("lead", () => {
  it.live("runs the work again after the lease was lost, and ends with its result", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const leases = yield* leasesOf(fixture)
      const fences: Array<number> = []
      let interrupted = 0
      const result = yield* leases.lead({ name: "a", duration: "1500 millis" }, ({ fence }) =>
        Effect.gen(function*() {
          fences.push(fence)
          if (fences.length > 1) return "done"
          // Somebody ends the turn.
          yield* fixture.db.collection<{ _id: string }>("effect_lease").updateOne({ _id: "a" }, { $inc: { fence: 5 } })
          return yield* Effect.never
        }).pipe(Effect.onInterrupt(() => Effect.sync(() => interrupted++))))
      assert.strictEqual(result, "done")
      assert.strictEqual(interrupted, 1)
      assert.isAbove(fences[1]!, fences[0]! + 5)
    }))

  it.live("waits out an outage, and fails with what does not pass", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const leases = yield* leasesOf(fixture)
      yield* Effect.scoped(Effect.gen(function*() {
        yield* failCommand(fixture, { times: 3 }, { failCommands: ["update"], closeConnection: true })
        assert.strictEqual(yield* leases.lead({ name: "a" }, () => Effect.succeed("led")), "led")
      }))
      yield* failCommand(fixture, "alwaysOn", { failCommands: ["update"], errorCode: 13 })
      const reason = yield* reasonOf(leases.lead({ name: "a" }, () => Effect.void))
      assert.strictEqual(reason._tag, "AuthorizationError")
    }), 60_000)

  it.live(
    "has one leader of three processes, whom another one follows when it is killed or stopped, and whose late writes change nothing",
    () =>
      Effect.gen(function*() {
        const { db } = yield* setup()
        interface State {
          readonly _id: string
          readonly fence: number
          readonly log: ReadonlyArray<{ readonly fence: number; readonly process: number }>
        }
        const states = db.collection<State>("states")
        yield* states.insertOne({ _id: "state", fence: 0, log: [] })
        const start = startProcess(new URL("../support/leaderProcess.ts", import.meta.url), db.name)
        const processes: Array<Process> = []
        for (let i = 0; i < 3; i++) processes.push(yield* start)
        yield* Effect.forEach(processes, ({ said }) => said("ready"))

        const state = Effect.map(states.findOne({ _id: "state" }), Option.getOrThrow)
        /** Waits for a leader other than these, which has written. */
        const leader = Effect.fnUntraced(function*(before: ReadonlyArray<Process>) {
          const pids = before.map(({ child }) => child.pid)
          let found: Process | undefined
          yield* until("another process leads", async () => {
            const last = (await Effect.runPromise(state)).log.at(-1)
            found = pids.includes(last?.process)
              ? undefined
              : processes.find(({ child }) => child.pid === last?.process)
            return found !== undefined
          }, 60_000)
          return found!
        })

        const first = yield* leader([])
        first.child.kill("SIGSTOP")
        const second = yield* leader([first])
        // It wakes up while another one leads, in the middle of its work.
        first.child.kill("SIGCONT")
        yield* Effect.sleep("500 millis")
        second.child.kill("SIGKILL")
        yield* leader([second])

        const { log } = yield* state
        const fences = log.map(({ fence }) => fence)
        assert.deepStrictEqual(fences, [...fences].sort((a, b) => a - b))
        for (const fence of new Set(fences)) {
          assert.strictEqual(new Set(log.filter((each) => each.fence === fence).map(({ process }) => process)).size, 1)
        }
        assert.isAtLeast(new Set(fences).size, 3)
      }),
    200_000
  )
})
