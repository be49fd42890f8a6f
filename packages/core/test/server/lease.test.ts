/**
 * Leases that are held while work runs.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { Integration, Mongo, MongoClient, type MongoDatabase, MongoError } from "@mongofx/core"
import { Cause, Deferred, Duration, Effect, Exit, Fiber, Option, Redacted, Scope } from "effect"
import { TestClock } from "effect/testing"
import type * as Driver from "mongodb"
import { failCommand, nothingLeft, reasonOf, setup, until, uri, waitingByTestClock } from "../support/utils.ts"

interface Stored {
  readonly _id: string
  readonly owner: string | null
  readonly fence: number
}

const leasesOf = (db: MongoDatabase.MongoDatabase) => db.collection<Stored>("mongofx_leases")

/** The failure of an effect that must fail with a `LeaseError`. */
const leaseError = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.exit(effect), (exit) => {
    if (Exit.isSuccess(exit)) throw new Error("succeeded")
    const error = Cause.findErrorOption(exit.cause)
    assert(Option.isSome(error) && error.value instanceof Integration.LeaseError, Cause.pretty(exit.cause))
    return error.value
  })

/** Takes a lease in a fiber, and returns when it is held. */
const held = (
  db: MongoDatabase.MongoDatabase,
  options: Integration.LeaseOptions,
  work: Effect.Effect<void> = Effect.never
) =>
  Effect.gen(function*() {
    const taken = yield* Deferred.make<Integration.HeldLease>()
    const fiber = yield* Effect.forkScoped(
      Integration.withLease(db, options, (lease) => Effect.andThen(Deferred.succeed(taken, lease), work))
    )
    return {
      fiber,
      lease: yield* Effect.raceFirst(
        Deferred.await(taken),
        Fiber.join(fiber) as Effect.Effect<never, Integration.LeaseError>
      )
    }
  })

describe("withLease", () => {
  it.live("lets one of many work at a time, each with a higher fence, and leaves the lease free", () =>
    Effect.gen(function*() {
      const { db } = yield* setup()
      let working = 0
      const fences: Array<number> = []
      yield* Effect.forEach(
        Array.from({ length: 10 }, (_, i) => i),
        () =>
          Integration.withLease(
            db,
            { name: "a", duration: "2 seconds" },
            ({ confirm, fence }) =>
              Effect.gen(function*() {
                assert.strictEqual(++working, 1)
                fences.push(fence)
                yield* confirm
                yield* db.collection("work").insertOne({ fence })
                working--
              })
          ),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(fences.length, 10)
      assert.deepStrictEqual(fences, [...new Set(fences)].sort((a, b) => a - b))
      assert.isTrue(Option.isNone(yield* Integration.leases(db).holder("a")))
    }))

  it.live("renews the lease for as long as the work takes, under a transaction and a deadline of the work too", () =>
    Effect.gen(function*() {
      const { db, mongo } = yield* setup()
      const work = db.collection("work")
      yield* db.createCollection("work")
      const name = "long"
      const result = yield* Integration.withLease(
        db,
        { name, duration: "1500 millis" },
        ({ confirm, fence, owner }) =>
          mongo.withTransaction(Effect.gen(function*() {
            yield* work.insertOne({ fence })
            // In the transaction it would hold up the renewals.
            yield* confirm
            yield* Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 2500)))
            const holder = Option.getOrThrow(yield* mongo.withoutTransaction(Integration.leases(db).holder(name)))
            assert.strictEqual(holder.owner, owner)
            assert.isAtMost(Duration.toMillis(holder.expiresIn), 1500)
            return fence
          }))
      ).pipe(Mongo.withDeadline("20 seconds"))
      assert.strictEqual(result, 1)
      assert.strictEqual(yield* work.countDocuments({ fence: 1 }), 1)
    }))

  it.live("waits for the holder, and takes over when the lease of a dead one runs out", () =>
    Effect.gen(function*() {
      const { db } = yield* setup()
      // Somebody who never renews it and never gives it back.
      yield* Integration.leases(db).acquire("a", "dead", "1500 millis")
      const start = performance.now()
      const fence = yield* Integration.withLease(db, { name: "a", duration: "1 minute" }, ({ fence }) =>
        Effect.succeed(fence))
      assert.strictEqual(fence, 2)
      assert.isAtLeast(performance.now() - start, 1400)
    }))

  it.live("ends the waiting when there is nothing left to do", () =>
    Effect.gen(function*() {
      const { db } = yield* setup()
      const { fiber } = yield* held(db, { name: "a", duration: "1 minute" })
      let looked = 0
      const result = yield* Integration.withLease(
        db,
        {
          name: "a",
          duration: "600 millis",
          unless: Effect.sync(() => ++looked === 3 ? Option.some("done") : Option.none())
        },
        () => Effect.die("another owner has the lease")
      )
      assert.strictEqual(result, "done")
      assert.strictEqual(looked, 3)
      yield* Fiber.interrupt(fiber)
    }))

  it.live("waits no longer than it may, and names the holder", () =>
    Effect.gen(function*() {
      const { db } = yield* setup()
      const { lease } = yield* held(db, { name: "a", duration: "1 minute" })
      for (const wait of ["0 millis", "200 millis"] as const) {
        const error = yield* leaseError(Integration.withLease(db, { name: "a", wait }, () => Effect.void))
        assert.strictEqual(error.kind, "held")
        assert.strictEqual(error.lease, "a")
        assert.strictEqual(error.holder, lease.owner)
        assert.include(error.message, `/${process.pid}/`)
      }
    }))

  it.live("waits no longer than it may for a server that has answered before", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const { db } = fixture
      yield* held(db, { name: "a", duration: "1 minute" })
      fixture.clear()
      const waiting = yield* Effect.forkScoped(Effect.flip(
        Integration.withLease(db, { name: "a", wait: "2 seconds" }, () => Effect.die("another owner has the lease"))
      ))
      yield* until("it has seen who has the lease", () => fixture.sent().includes("aggregate"))
      yield* failCommand(fixture, "alwaysOn", { failCommands: ["findAndModify"], errorCode: 262 })
      yield* until("it has given up", () => waiting.pollUnsafe() !== undefined, 8000)
      const error = yield* Fiber.join(waiting)
      assert(MongoError.isMongoError(error), error.message)
      assert.strictEqual(error.reason._tag, "MaxTimeExpiredError")
    }).pipe(Effect.scoped))

  it.effect("waits by the server clock, which may be the clock of a test", () =>
    Effect.gen(function*() {
      const { db } = yield* setup()
      yield* Integration.leases(db).acquire("a", "another", "1 hour")
      const wait = (clock: <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>, wait: Duration.Input) =>
        leaseError(clock(Integration.withLease(db, { name: "a", wait }, () => Effect.void)))
      assert.strictEqual((yield* wait((self) => self, "200 millis")).kind, "held")
      const waiting = yield* Effect.forkScoped(wait(waitingByTestClock, "10 hours"))
      // It asks each second of its clock.
      while (waiting.pollUnsafe() === undefined) {
        yield* TestClock.adjust("2 hours")
        yield* Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 5)))
      }
      assert.strictEqual((yield* Fiber.join(waiting)).kind, "held")
    }))

  it.live("looks whether there is something left to do for as long as it waits, whatever deadline the work has", () =>
    Effect.gen(function*() {
      const { db } = yield* setup()
      yield* held(db, { name: "a", duration: "1 minute" })
      let looked = 0
      const unless = Effect.tap(db.collection("done").findOne(), () => Effect.sync(() => looked++))
      const waiting = yield* Effect.forkScoped(
        leaseError(
          Integration.withLease(db, { name: "a", duration: "600 millis", wait: "2 seconds", unless }, () => Effect.void)
            .pipe(Mongo.withDeadline("300 millis"))
        )
      )
      yield* until("it has given up", () => waiting.pollUnsafe() !== undefined, 8000)
      assert.strictEqual((yield* Fiber.join(waiting)).kind, "held")
      assert.isAbove(looked, 2)
    }))

  it.live("interrupts the work when the lease is lost, and does not take it from the next holder", () =>
    Effect.gen(function*() {
      const { db } = yield* setup()
      let interrupted = false
      const work = Effect.onInterrupt(Effect.never, () =>
        Effect.sync(() => {
          interrupted = true
        }))
      const { fiber, lease } = yield* held(db, { name: "a", duration: "300 millis" }, work)
      yield* leasesOf(db).updateOne({ _id: "a" }, {
        $set: { owner: "another", fence: 7, expiresAt: new Date(Date.now() + 60_000) }
      } as Driver.Document)
      const error = yield* leaseError(Fiber.join(fiber))
      assert.strictEqual(error.kind, "lost")
      assert.isTrue(interrupted)
      assert.strictEqual((yield* leaseError(lease.confirm)).kind, "lost")
      const stored = Option.getOrThrow(yield* leasesOf(db).findOne({ _id: "a" }))
      assert.deepInclude(stored, { owner: "another", fence: 7 })
    }))

  it.live("interrupts the work when no renewal succeeds in time", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const { fiber } = yield* held(fixture.db, { name: "a", duration: "400 millis" })
      yield* failCommand(fixture, "alwaysOn", { failCommands: ["update"], errorCode: 11600, closeConnection: false })
      assert.strictEqual((yield* leaseError(Fiber.join(fiber))).kind, "lost")
    }).pipe(Effect.scoped))

  it.live("gives the lease back when the work fails, dies or is interrupted", () =>
    Effect.gen(function*() {
      const { db } = yield* setup()
      const free = Effect.map(Integration.leases(db).holder("a"), Option.isNone)
      const options = { name: "a", duration: "1 minute" } as const
      assert.strictEqual(yield* Effect.flip(Integration.withLease(db, options, () => Effect.fail("no"))), "no")
      assert.isTrue(yield* free)
      assert.isTrue(Exit.isFailure(yield* Effect.exit(Integration.withLease(db, options, () => Effect.die("no")))))
      assert.isTrue(yield* free)
      const { fiber } = yield* held(db, options)
      assert.isFalse(yield* free)
      yield* Fiber.interrupt(fiber)
      assert.isTrue(yield* free)
    }))

  it.live("ends when the client closes, while it waits and while the work runs", () =>
    Effect.gen(function*() {
      const { db } = yield* setup()
      const scope = yield* Scope.make()
      yield* Effect.addFinalizer((exit) => Scope.close(scope, exit))
      const appName = `${db.name}-closing`
      const mongo = yield* Scope.provide(MongoClient.make({ url: Redacted.make(uri), appName }), scope)
      const closing = mongo.db(db.name)
      const { fiber: working } = yield* held(closing, { name: "b", duration: "600 millis" })
      yield* held(db, { name: "a", duration: "1 minute" })
      let looked = 0
      const unless = Effect.sync(() => {
        looked++
        return Option.none()
      })
      const waiting = yield* Effect.forkScoped(
        reasonOf(Effect.catchTag(
          Integration.withLease(closing, { name: "a", duration: "600 millis", unless }, () => Effect.void),
          "LeaseError",
          Effect.die
        ))
      )
      yield* until("it waits", () => looked > 1)
      yield* Scope.close(scope, Exit.void)
      yield* until("both have ended", () =>
        working.pollUnsafe() !== undefined && waiting.pollUnsafe() !== undefined, 8000)
      assert.strictEqual((yield* Fiber.join(waiting))._tag, "ClientClosedError")
      assert.strictEqual((yield* leaseError(Fiber.join(working))).kind, "lost")
    }))

  it.live("leaves nothing behind when the waiting is interrupted", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const { db } = fixture
      // The server takes the lease only after the caller has gone.
      yield* Effect.scoped(Effect.gen(function*() {
        yield* failCommand(fixture, "alwaysOn", {
          failCommands: ["findAndModify"],
          blockConnection: true,
          blockTimeMS: 300
        })
        const waiting = yield* Effect.forkScoped(
          Integration.withLease(db, { name: "a", duration: "1 minute" }, () => Effect.never)
        )
        yield* until("the lease is asked for", () => fixture.sent().includes("findAndModify"))
        yield* Fiber.interrupt(waiting)
      }))
      yield* nothingLeft(fixture)
      const stored = yield* leasesOf(db).find()
      assert.deepStrictEqual(stored.map(({ owner }) => owner), [null])
    }))

  it.live("leaves nothing behind when it fails to take the lease, which the server may have given", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const { db } = fixture
      yield* Effect.scoped(Effect.gen(function*() {
        yield* failCommand(fixture, { times: 1 }, {
          failCommands: ["findAndModify"],
          writeConcernError: { code: 100, errmsg: "no" }
        })
        const error = yield* Effect.flip(
          Integration.withLease(db, { name: "a", duration: "1 minute" }, () => Effect.die("it was not told"))
        )
        assert(MongoError.isMongoError(error), error.message)
      }))
      const stored = yield* leasesOf(db).find()
      assert.deepStrictEqual(stored.map(({ owner }) => owner), [null])
      // It was given: the turn is used up.
      assert.isAbove(stored[0]!.fence, 0)
    }))

  it.live("is refused in a transaction, which would end later, and with durations that are none", () =>
    Effect.gen(function*() {
      const { db, mongo } = yield* setup()
      const take = Integration.withLease(db, { name: "a" }, () => Effect.void)
      const reason = yield* reasonOf(
        mongo.withTransaction(Effect.catchTag(take, "LeaseError", Effect.die))
      )
      assert(reason._tag === "TransactionError")
      assert.strictEqual(reason.kind, "misused")
      for (const options of [{ duration: 0 }, { duration: Infinity }, { wait: -1 }]) {
        const reason = yield* reasonOf(
          Effect.catchTag(
            Integration.withLease(db, { name: "a", ...options }, () => Effect.void),
            "LeaseError",
            Effect.die
          )
        )
        assert(reason._tag === "InvalidArgumentError")
        assert.strictEqual(reason.path, `options.${Object.keys(options)[0]}`)
      }
      assert.strictEqual(yield* leasesOf(db).countDocuments(), 0)
    }))
})
