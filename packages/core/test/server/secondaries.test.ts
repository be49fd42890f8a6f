/**
 * Three members of which two are behind: causal sessions and snapshots, interrupted reads, leases across an election.
 *
 * @since 0.1.0
 */
import { assert, describe, layer } from "@effect/vitest"
import { Integration, MongoClient, MongoDatabase, type MongoError } from "@mongofx/core"
import { MongoServer, MongoTest, Nemesis } from "@mongofx/testing"
import { Deferred, Effect, Exit, Fiber, Option, Redacted, Stream } from "effect"
import * as Driver from "mongodb"
import { interrupt, until } from "../support/utils.ts"

interface Account {
  readonly _id: number
  readonly amount: number
}

const everyMember = { writeConcern: { w: 3 } } as const

/** Acknowledged before any secondary has it. */
const weak = { writeConcern: { w: 1 } } as const

/** Clients of single members, past the proxies that delay the others. */
const direct = Effect.gen(function*() {
  const { nodes } = (yield* MongoServer.Processes)["~@mongofx/testing/Processes"]
  const members = yield* MongoServer.members
  return yield* Effect.forEach(members, ({ host, role }) =>
    Effect.gen(function*() {
      const { port } = nodes.find((node) => node.host === host)!.server
      const url = Redacted.make(`mongodb://127.0.0.1:${port}/`)
      return { role, mongo: yield* MongoClient.make({ url, directConnection: true, readPreference: "nearest" }) }
    }))
})

/** How often a member has come to the place where its replication stops. */
const stops = (mongo: MongoClient.MongoClient) =>
  Effect.map(
    mongo.db("admin").command({ getParameter: 1, "failpoint.stopReplProducer": 1 }),
    (reply) => Number(reply["failpoint.stopReplProducer"].timesEntered)
  )

/** Stops the replication to both secondaries until the scope closes or it is told to go on. */
const standingStill = Effect.gen(function*() {
  const db = yield* MongoDatabase.MongoDatabase
  const secondaries = (yield* direct).filter(({ role }) => role === "secondary")
  assert.lengthOf(secondaries, 2)
  const set = (mode: "alwaysOn" | "off") =>
    Effect.forEach(
      secondaries,
      ({ mongo }) => mongo.db("admin").command({ configureFailPoint: "stopReplProducer", mode }),
      { discard: true }
    )
  const before = yield* Effect.forEach(secondaries, ({ mongo }) => stops(mongo))
  yield* Effect.acquireRelease(set("alwaysOn"), () => Effect.orDie(set("off")))
  // They come there with the next write.
  const haveStopped = Effect.gen(function*() {
    yield* db.collection("writes").insertOne({}, weak)
    const now = yield* Effect.forEach(secondaries, ({ mongo }) => stops(mongo))
    return now.every((count, index) => count > before[index]!)
  })
  yield* until("they stand still", () => Effect.runPromise(haveStopped), 20_000)
  return { goOn: set("off") }
})

/** An account that all members have, and its amount as members of a kind show it. */
const account = Effect.gen(function*() {
  const mongo = yield* MongoClient.MongoClient
  const accounts = (yield* MongoDatabase.MongoDatabase).collection<Account>("accounts")
  yield* accounts.insertOne({ _id: 0, amount: 0 }, everyMember)
  const amount = (readPreference: "primary" | "secondary", readConcern: "local" | "majority" = "local") =>
    Effect.map(
      accounts.withOptions({ readPreference, readConcern }).findOne({ _id: 0 }),
      (found) => Option.getOrThrow(found).amount
    )
  const add = accounts.updateOne({ _id: 0 }, { $inc: { amount: 1 } }, weak)
  return { mongo, accounts, amount, add }
})

/** What two reads one after the other show: whether the second is older. */
const goesBack = (one: Effect.Effect<number, unknown>, other: Effect.Effect<number, unknown>) =>
  Effect.gen(function*() {
    const first = yield* one
    return (yield* other) < first
  })

/** Runs an effect until it gives true once, so that a machine which is busy at the wrong moment only takes longer. */
const once = <E, R>(what: string, effect: Effect.Effect<boolean, E, R>) =>
  Effect.gen(function*() {
    for (let i = 0; i < 100; i++) {
      if (yield* effect) return
    }
    assert.fail(`waited in vain: ${what}`)
  })

const slowReplication = Nemesis.slow({ latency: "400 millis", links: { from: "secondary", to: "primary" } })

describe.skipIf(!process.env["MONGOD_BINARY"])("on three members (needs MONGOD_BINARY),", () => {
  layer(
    MongoServer.layerReplicaSet({
      members: 3,
      proxied: true,
      // Nobody calls an election because of a slow link.
      electionTimeout: "5 seconds",
      tags: [{ member: "0" }, { member: "1" }, { member: "2" }]
    }),
    { excludeTestServices: true, timeout: 90_000 }
  )("", (it) => {
    it.effect("a causal session reads its own writes on secondaries that are behind", () =>
      Effect.gen(function*() {
        const { add, amount, mongo } = yield* account
        yield* slowReplication
        for (let i = 1; i <= 5; i++) {
          assert.strictEqual(yield* mongo.withSession()(Effect.andThen(add, amount("secondary"))), i)
        }
        // Without the session the write is not there yet.
        yield* once("an older state is read", goesBack(Effect.andThen(add, amount("primary")), amount("secondary")))
      }).pipe(Effect.scoped, Effect.provide(MongoTest.layer)), 90_000)

    it.effect(
      "a causal session never reads an older state than before, while others write",
      () =>
        Effect.gen(function*() {
          const { add, amount, mongo } = yield* account
          yield* Nemesis.slow({ latency: "30 millis", links: { from: "secondary", to: "primary" } })
          yield* Effect.forkScoped(Effect.forever(Effect.andThen(add, Effect.sleep(5))))
          // With `local`, a primary may show a write before the time that it answers with: the bare driver goes back as well.
          const secondary = amount("secondary", "majority")
          const both = goesBack(amount("primary", "majority"), secondary)
          yield* mongo.withSession()(Effect.gen(function*() {
            // Long enough for secondaries to take over several batches.
            while ((yield* secondary) < 50) {
              assert.isFalse(yield* both)
              assert.isFalse(yield* goesBack(secondary, secondary))
            }
          }))
          yield* once("an older state is read", both)
        }).pipe(Effect.scoped, Effect.provide(MongoTest.layer)),
      90_000
    )

    it.effect(
      "a causal session waits on a secondary for its own write, as long as that takes",
      () =>
        Effect.gen(function*() {
          const { add, amount, mongo } = yield* account
          const lag = yield* standingStill
          const reading = yield* Effect.forkChild(mongo.withSession()(Effect.andThen(add, amount("secondary"))))
          yield* until("it is written", () => Effect.runPromise(amount("primary")).then((amount) => amount === 1))
          // Several times, on either secondary.
          for (let i = 0; i < 6; i++) assert.strictEqual(yield* amount("secondary"), 0)
          assert.isUndefined(reading.pollUnsafe())
          yield* lag.goOn
          assert.strictEqual(yield* Fiber.join(reading), 1)
        }).pipe(Effect.scoped, Effect.provide(MongoTest.layer)),
      60_000
    )

    it.effect("a read that waits on a secondary ends there when it is interrupted", () =>
      Effect.gen(function*() {
        const { accounts, add, amount, mongo } = yield* account
        const members = yield* direct
        yield* standingStill
        const waiting = Effect.forEach(members, ({ mongo, role }) =>
          Effect.map(
            mongo.db("admin").aggregate([
              { $currentOp: { allUsers: true } },
              { $match: { "command.find": accounts.name, "command.$db": accounts.database.name } }
            ]),
            (found) => found.map(() => role)
          ))
        const all: Effect.Effect<unknown, MongoError.MongoError> = accounts.withOptions({ readPreference: "secondary" })
          .find()
        for (const read of [amount("secondary"), all]) {
          const reading = yield* Effect.forkChild(mongo.withSession()(Effect.andThen(add, read)))
          yield* until(
            "it waits on a secondary",
            () => Effect.runPromise(waiting).then((roles) => roles.flat().join() === "secondary"),
            20_000
          )
          assert.isBelow(yield* interrupt(reading), 5000)
          assert.isTrue(Exit.hasInterrupts(yield* Fiber.await(reading)))
          yield* MongoTest.nothingLeft
        }
      }).pipe(Effect.scoped, MongoTest.noLeaks), 60_000)

    it.effect(
      "a cursor whose reply is still on its way is closed on the secondary that has it",
      () =>
        Effect.gen(function*() {
          const { accounts, mongo } = yield* account
          yield* accounts.insertMany(Array.from({ length: 20 }, (_, i) => ({ _id: i + 1, amount: 0 })), everyMember)
          const members = yield* direct
          const all = accounts.withOptions({ readPreference: "secondary" }).find().batchSize(5)
          const open = Effect.map(
            Effect.forEach(members, ({ mongo, role }) =>
              Effect.map(
                mongo.db("admin").aggregate([
                  { $currentOp: { allUsers: true, idleCursors: true } },
                  { $match: { type: "idleCursor", ns: accounts.fullName } }
                ]),
                (found) => found.map(() => role)
              )),
            (roles) => roles.flat().join()
          )
          // A connection to each member, since making one takes long where links are slow.
          for (const member of ["0", "1", "2"]) {
            yield* accounts.withOptions({ readPreference: new Driver.ReadPreference("nearest", [{ member }]) }).findOne(
              {}
            )
          }
          let given = 0
          yield* mongo.use(async (driver) => void driver.on("connectionClosed", () => given++))
          const reading = yield* Effect.gen(function*() {
            yield* Nemesis.slow({ latency: "4 seconds", links: { from: "clients", to: "secondary" } })
            const reading = yield* Effect.forkDetach(Stream.runDrain(all.stream))
            yield* until(
              "a secondary has the cursor",
              () => Effect.runPromise(open).then((roles) => roles === "secondary"),
              40_000
            )
            // Its reply takes longer than an interruption waits for it.
            yield* Fiber.interrupt(reading)
            yield* until("its connection is given up", () => given > 0, 10_000)
            return reading
          }).pipe(Effect.scoped)
          assert.isTrue(Exit.hasInterrupts(yield* Fiber.await(reading)))
          // What has been on its way comes as late as it would have.
          yield* Effect.retry(MongoTest.nothingLeft, { times: 10 })
        }).pipe(Effect.scoped, MongoTest.noLeaks),
      60_000
    )

    it.effect("a snapshot session reads several collections of all members at one time", () =>
      Effect.gen(function*() {
        const { accounts: from, mongo } = yield* account
        const to = from.database.collection<Account>("to")
        yield* from.updateOne({ _id: 0 }, { $set: { amount: 100 } }, everyMember)
        yield* to.insertOne({ _id: 0, amount: 0 }, everyMember)
        const move = mongo.withTransaction(
          Effect.andThen(
            from.updateOne({ _id: 0 }, { $inc: { amount: -10 } }),
            to.updateOne({ _id: 0 }, { $inc: { amount: 10 } })
          ),
          everyMember
        )
        const amountOn = (member: number, accounts: typeof from) => {
          const readPreference = new Driver.ReadPreference("nearest", [{ member: `${member}` }])
          return Effect.map(
            accounts.withOptions({ readPreference }).findOne({ _id: 0 }),
            (found) => Option.getOrThrow(found).amount
          )
        }
        /** What all members show, while money moves in between. */
        const sums = (first: number) =>
          Effect.gen(function*() {
            const before = yield* amountOn(first, from)
            return yield* Effect.forEach([1, 2, 3], (next) =>
              Effect.gen(function*() {
                yield* mongo.withoutTransaction(move)
                return before + (yield* amountOn((first + next) % 3, to))
              }))
          })
        for (const first of [0, 1, 2]) {
          assert.deepStrictEqual(yield* mongo.withSession({ snapshot: true })(sums(first)), [100, 100, 100])
        }
        assert.deepStrictEqual(yield* sums(0), [110, 120, 130])
      }).pipe(Effect.scoped, Effect.provide(MongoTest.layer)), 60_000)

    it.effect("a lease stays with its holder when another member becomes primary", () =>
      Effect.gen(function*() {
        const db = yield* MongoDatabase.MongoDatabase
        const options = { name: "election", duration: "12 seconds" } as const
        const events = new Array<string>()
        const fences = new Array<number>()
        const taken = yield* Deferred.make<void>()
        const elected = yield* Deferred.make<void>()
        const owner = (name: string, work: Effect.Effect<void>) =>
          Integration.withLease(db, options, ({ confirm, fence }) =>
            Effect.gen(function*() {
              events.push(`${name} begins`)
              fences.push(fence)
              yield* work
              // The new primary says so.
              yield* confirm
              events.push(`${name} ends`)
            }))
        const first = yield* Effect.forkChild(
          owner("one", Effect.andThen(Deferred.succeed(taken, undefined), Deferred.await(elected)))
        )
        yield* Deferred.await(taken)
        const second = yield* Effect.forkChild(owner("another", Effect.void))
        const primary = Effect.map(
          MongoServer.members,
          (members) => members.find(({ role }) => role === "primary")?.host
        )
        const old = yield* primary
        const services = yield* Effect.context<MongoServer.MongoServer>()
        yield* Nemesis.stepDown("primary")
        yield* until("another member is primary", async () => {
          const now = await Effect.runPromise(Effect.provide(primary, services))
          return now !== undefined && now !== old
        }, 40_000)
        // Renewals go on with it.
        const leases = db.collection<{ readonly _id: string; readonly expiresAt: Date }>("mongofx_leases")
        const expiresAt = Effect.map(
          leases.findOne({ _id: "election" }),
          (found) => +Option.getOrThrow(found).expiresAt
        )
        const before = yield* expiresAt
        yield* until("it is renewed", () => Effect.runPromise(expiresAt).then((now) => now > before), 20_000)
        yield* Deferred.succeed(elected, undefined)
        yield* Fiber.join(first)
        yield* Fiber.join(second)
        assert.deepStrictEqual(events, ["one begins", "one ends", "another begins", "another ends"])
        assert.isAbove(fences[1]!, fences[0]!)
      }).pipe(Effect.scoped, Effect.provide(MongoTest.layer)), 90_000)
  })
})
