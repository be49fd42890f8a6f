import { assert, describe, it } from "@effect/vitest"
import { type ChangeStreamConsumer, MongoError, type ResumeTokenStore } from "@mongofx/core"
import { Cause, Deferred, Duration, Effect, Exit, Fiber, Metric, Option, type Scope } from "effect"
import { TestClock } from "effect/testing"
import * as Driver from "mongodb"
import { collect, idOf, insert, type Item, outbox, range, store, withMemory } from "../support/consumers.ts"
import { type Event, holders, partsOf, pause, sorted, start, untilShares, withStoreOf } from "../support/parts.ts"
import { startProcess } from "../support/processes.ts"
import { failCommand, nothingLeft, reasonOf, setup, until, waitingByTestClock } from "../support/utils.ts"

describe("part of a change stream", () => {
  it.effect("has all events of its documents, and the events without a document", () =>
    Effect.gen(function*() {
      const fixture = yield* outbox()
      const parts = 4
      const streams = yield* Effect.forEach(range(0, parts), (i) => fixture.db.watch().part(i, parts).open)
      const ids: Array<unknown> = [
        ...range(0, 80),
        ...range(0, 80).map(() => new Driver.ObjectId()),
        ...range(0, 40).map((i) => `text ${i}`),
        null,
        new Date(0),
        { a: 1, b: [2] }
      ]
      const items = fixture.db.collection<{ _id: unknown; n?: number }>("items")
      yield* items.insertMany(ids.map((_id) => ({ _id })))
      yield* items.updateMany({}, { $set: { n: 1 } })
      yield* items.deleteMany({})
      yield* fixture.items.drop()
      const keys = new Map<string, Set<number>>()
      const counts: Array<number> = []
      for (const [i, { next }] of streams.entries()) {
        let count = 0
        for (let dropped = false; !dropped;) {
          for (const event of (yield* next).events as ReadonlyArray<Driver.Document>) {
            if (event["operationType"] === "drop") {
              dropped = true
              continue
            }
            if (event["documentKey"] === undefined) continue
            count++
            const key = JSON.stringify(event["documentKey"])
            keys.set(key, (keys.get(key) ?? new Set()).add(i))
          }
        }
        counts.push(count)
      }
      assert.strictEqual(counts.reduce((a, b) => a + b), 3 * ids.length)
      assert.strictEqual(keys.size, ids.length)
      assert.isTrue([...keys.values()].every(({ size }) => size === 1))
      for (const count of counts) assert.isAbove(count, ids.length * 3 / parts / 2)
    }).pipe(Effect.scoped))

  it.effect("takes the least hash, which has no absolute value", () =>
    Effect.gen(function*() {
      const fixture = yield* outbox()
      // No id is known whose hash it is, so the expression of the stage gets it instead of one.
      yield* Effect.scoped(fixture.items.watch().part(1, 7).open)
      const pipeline = fixture.commands.flatMap(({ command }) => command["pipeline"] ?? []) as ReadonlyArray<
        Driver.Document
      >
      const stage = pipeline.find((stage) => "$match" in stage)!
      const text = Driver.BSON.EJSON.stringify(stage["$match"].$or[1].$expr)
      const of = (hash: string) =>
        Effect.promise(() =>
          fixture.admin.db(fixture.db.name).aggregate([
            { $documents: [{}] },
            {
              $set: {
                isIn: Driver.BSON.EJSON.parse(
                  text.replace("{\"$toHashedIndexKey\":\"$documentKey._id\"}", `{"$numberLong":"${hash}"}`),
                  // Otherwise it is a double, whose absolute value is no problem.
                  { relaxed: false }
                )
              }
            }
          ], { promoteLongs: false }).next()
        )
      assert.strictEqual(2n ** 63n % 7n, 1n)
      assert.isTrue((yield* of("-9223372036854775808"))?.["isIn"])
      assert.isTrue((yield* of("8"))?.["isIn"])
      assert.isTrue((yield* of("-8"))?.["isIn"])
      assert.isFalse((yield* of("9"))?.["isIn"])
    }))

  it.effect("is refused if there is none", () =>
    Effect.gen(function*() {
      const { items } = yield* outbox()
      for (const [index, of, path] of [[4, 4, "index"], [-1, 4, "index"], [0, 0, "of"], [0, 1.5, "of"]] as const) {
        const reason = yield* reasonOf(Effect.scoped(items.watch().part(index, of).open))
        assert.strictEqual((reason as MongoError.InvalidArgumentError).path, path)
      }
    }))
})

describe("partitions", () => {
  it.effect("are shared evenly, given up when others come, and taken over when they end", () =>
    Effect.gen(function*() {
      const fixture = yield* outbox()
      const seen: Array<number> = []
      yield* Effect.gen(function*() {
        const a = yield* start(fixture, 8, collect(seen))
        yield* untilShares(fixture, "8")
        const b = yield* start(fixture, 8, collect(seen))
        yield* untilShares(fixture, "4 4")
        yield* insert(fixture, 0, 50)
        const c = yield* start(fixture, 8, collect(seen))
        yield* untilShares(fixture, "3 3 2")
        yield* insert(fixture, 50, 100)
        yield* until("all are handled", () => new Set(seen).size === 100, 15_000)
        yield* a.end
        yield* untilShares(fixture, "4 4")
        yield* b.end
        yield* untilShares(fixture, "8")
        yield* insert(fixture, 100, 150)
        yield* until("the rest is handled", () => new Set(seen).size === 150, 15_000)
        yield* c.end
        // Parts end after what they were handling, so that nothing comes twice.
        assert.deepStrictEqual(sorted(seen), range(0, 150))
      }).pipe(Effect.scoped, withStoreOf(fixture))
    }), 90_000)

  it.effect(
    "keep an instance waiting that finds none free, and let it take them when they are",
    () =>
      Effect.gen(function*() {
        const fixture = yield* outbox()
        const seen: Array<string> = []
        const by = (name: string) => (event: Event) => Effect.sync(() => void seen.push(`${name}${idOf(event)}`))
        yield* Effect.gen(function*() {
          const [a, b, c] = [
            yield* start(fixture, 2, by("a")),
            yield* start(fixture, 2, by("b")),
            yield* start(fixture, 2, by("c"))
          ]
          yield* untilShares(fixture, "1 1")
          const before = new Set((yield* holders(fixture)).map(([, owner]) => owner))
          for (const one of [a, b, c]) {
            yield* one.end
            if (one !== c) yield* untilShares(fixture, one === a ? "1 1" : "2")
          }
          assert.strictEqual(before.size, 2)
          assert.deepStrictEqual(yield* holders(fixture), [])
        }).pipe(Effect.scoped, withStoreOf(fixture))
      }),
    60_000
  )

  it.effect("hand over to another number when the old ones have ended, without loss", () =>
    Effect.gen(function*() {
      const fixture = yield* outbox()
      const seen: Array<number> = []
      const counts = [1, 4, 3, 4, 1]
      let next = 0
      yield* Effect.gen(function*() {
        let old = yield* start(fixture, counts[0]!, collect(seen))
        for (const parts of counts.slice(1)) {
          yield* insert(fixture, next, next += 20)
          yield* until("all are handled", () => new Set(seen).size >= next, 15_000)
          const waiting: Array<number> = []
          const young = yield* start(fixture, parts, (event) =>
            Effect.andThen(collect(waiting)(event), collect(seen)(event)))
          yield* insert(fixture, next, next += 20)
          yield* until("the old ones go on", () =>
            new Set(seen).size >= next, 15_000)
          assert.deepStrictEqual(waiting, [])
          // Nobody handles these before the new parts are there.
          yield* old.end
          yield* insert(fixture, next, next += 20)
          yield* until("the new ones go on", () =>
            new Set(seen).size >= next, 20_000)
          assert.isAtLeast(waiting.length, 20)
          old = young
        }
        assert.deepStrictEqual(sorted(new Set(seen)), range(0, next))
      }).pipe(Effect.scoped, withStoreOf(fixture))
    }), 120_000)

  it.effect("let handlers end when they are given up", () =>
    Effect.gen(function*() {
      const fixture = yield* outbox()
      const seen: Array<number> = []
      let begun = 0
      const slowly = (event: Event) =>
        Effect.andThen(Effect.sync(() => void begun++), Effect.andThen(pause(400), collect(seen)(event)))
      yield* Effect.gen(function*() {
        yield* start(fixture, 4, slowly)
        yield* untilShares(fixture, "4")
        yield* insert(fixture, 0, 16)
        yield* until("each part is at work", () => begun >= 4, 15_000)
        yield* start(fixture, 4, slowly)
        yield* untilShares(fixture, "2 2")
        yield* until("all are handled", () => new Set(seen).size === 16, 20_000)
        assert.deepStrictEqual(sorted(seen), range(0, 16))
        assert.strictEqual(begun, 16)
      }).pipe(Effect.scoped, withStoreOf(fixture))
    }), 60_000)

  it.effect(
    "are not kept free for long for an instance that dies before it has taken them",
    () =>
      Effect.gen(function*() {
        const fixture = yield* outbox()
        const lease = 4000
        yield* Effect.gen(function*() {
          const real = yield* store
          const given = { lease: { duration: lease } }
          yield* start(fixture, 4, () => Effect.void, given)
          yield* untilShares(fixture, "4")
          // It joins once, and never takes a part.
          let joined = 0
          const dead: ResumeTokenStore.ResumeTokenStore = {
            ...real,
            acquire: () => Effect.never,
            members: {
              ...real.members!,
              join: (...args) => joined++ === 0 ? real.members!.join(...args) : Effect.never
            }
          }
          yield* Effect.forkScoped(Effect.provideService(start(fixture, 4, () => Effect.void, given), store, dead))
          yield* untilShares(fixture, "2")
          const free = performance.now()
          yield* untilShares(fixture, "4")
          assert.isBelow(performance.now() - free, lease)
        }).pipe(Effect.scoped, withStoreOf(fixture))
      }),
    60_000
  )

  it.effect("are shared without an instance that has ended while it said that it lives", () =>
    Effect.gen(function*() {
      const fixture = yield* outbox()
      yield* Effect.gen(function*() {
        const { end } = yield* start(fixture, 2, () => Effect.void)
        yield* untilShares(fixture, "2")
        // It has all parts, so it only joins. The server does that after the instance has gone.
        yield* Effect.scoped(Effect.gen(function*() {
          yield* failCommand(fixture, "alwaysOn", {
            failCommands: ["findAndModify"],
            blockConnection: true,
            blockTimeMS: 700
          })
          const joins = () => fixture.sent().filter((name) => name === "findAndModify").length
          const before = joins()
          yield* until("it joins once more", () => joins() > before)
          yield* end
        }))
        yield* nothingLeft(fixture)
        const stored = yield* Effect.promise(() =>
          fixture.admin.db(fixture.db.name).collection<{ _id: string }>("mongofx_resume_tokens").findOne({
            _id: "test/2"
          })
        )
        assert.deepStrictEqual((stored as Driver.Document | null)?.["members"], [])
      }).pipe(Effect.scoped, withStoreOf(fixture))
    }), 30_000)

  it.effect("do not begin if the lease for taking them was lost meanwhile", () =>
    Effect.gen(function*() {
      const fixture = yield* outbox()
      const real = yield* store
      const acquired: Array<string> = []
      let taking: ResumeTokenStore.Turn | undefined
      const acquire: typeof real.acquire = (name, owner, duration) =>
        Effect.tap(real.acquire(name, owner, duration), (turn) => {
          acquired.push(name)
          if (name === "test") taking = Option.getOrThrow(turn)
          // Others could change the number of parts now.
          return acquired.length === 3 ? real.release(taking!) : Effect.void
        })
      const seen: Array<number> = []
      yield* Effect.provideService(start(fixture, 2, collect(seen)), store, { ...real, acquire })
      yield* insert(fixture, 0, 10)
      yield* until("all are handled", () => seen.length === 10, 15_000)
      const once = ["test", "test/0of2", "test/1of2"]
      assert.deepStrictEqual(acquired, [...once, ...once])
      assert.deepStrictEqual(sorted(seen), range(0, 10))
    }).pipe(Effect.scoped, withMemory), 30_000)

  it.effect("are free if they have not begun when the consumer ends, also if the release of one fails", () =>
    Effect.gen(function*() {
      const fixture = yield* outbox()
      const real = yield* store
      const asked = yield* Deferred.make<void>()
      const a = yield* Effect.provideService(
        start(fixture, 3, () => Effect.void, { lease: { duration: "1 minute" } }),
        store,
        {
          ...real,
          acquire: (name, owner, duration) =>
            name === "test/2of3"
              ? Effect.andThen(Deferred.succeed(asked, undefined), Effect.never)
              : real.acquire(name, owner, duration),
          release: (turn) => turn.name === "test/0of3" ? Effect.die("no") : real.release(turn)
        }
      )
      yield* Deferred.await(asked)
      yield* a.end
      const isFree = (name: string) => Effect.map(real.acquire(name, "another", Duration.minutes(1)), Option.isSome)
      assert.deepStrictEqual(
        yield* Effect.forEach(["test", "test/0of3", "test/1of3"], isFree),
        [true, false, true]
      )
    }).pipe(Effect.scoped, withMemory))

  it.effect("go on where each was, and repeat nothing of the others", () =>
    Effect.gen(function*() {
      const fixture = yield* outbox()
      const seen: Array<number> = []
      const stuck = new Set<string>()
      yield* Effect.gen(function*() {
        const [hung, of] = [yield* Deferred.make<void>(), partsOf(fixture, 4)]
        const parts = yield* of(range(0, 60))
        // One part hangs at its first event. All others end theirs.
        const first = range(0, 60).find((id) => parts.get(id) === 2)!
        const a = yield* start(fixture, 4, (event) =>
          idOf(event) === first
            ? Effect.andThen(Effect.sync(() => void stuck.add(`${first}`)), Deferred.await(hung))
            : collect(seen)(event))
        yield* untilShares(fixture, "4")
        yield* Effect.forEach(range(0, 60), (_id) => fixture.items.insertOne({ _id }), { discard: true })
        const others = range(0, 60).filter((id) => parts.get(id) !== 2)
        yield* until("the other parts are done", () => stuck.size === 1 && seen.length === others.length, 15_000)
        yield* a.end
        assert.deepStrictEqual(sorted(seen), others)
        yield* start(fixture, 4, collect(seen))
        yield* until("all are handled", () => new Set(seen).size === 60, 15_000)
        assert.deepStrictEqual(sorted(seen), range(0, 60))
      }).pipe(Effect.scoped, withStoreOf(fixture))
    }), 60_000)

  it.effect(
    "refuse the checkpoint of a handler whose part has another owner, and what it wrote with it",
    () =>
      Effect.gen(function*() {
        const fixture = yield* outbox()
        yield* fixture.db.createCollection("handled")
        const handled = fixture.db.collection<{ event: number }>("handled")
        const refused: Array<string> = []
        let isTaken = false
        yield* Effect.gen(function*() {
          yield* start<MongoError.MongoError>(fixture, 3, (event, checkpoint) =>
            fixture.mongo.withTransaction(Effect.gen(function*() {
              yield* handled.insertOne({ event: idOf(event) })
              if (!isTaken) {
                isTaken = true
                // As if others had taken all parts, and had given them back.
                yield* Effect.promise(() =>
                  fixture.admin.db(fixture.db.name).collection<{ _id: string }>("mongofx_resume_tokens").updateMany(
                    { _id: { $regex: "^test/[0-9]+of" } },
                    { $set: { owner: null }, $inc: { fence: 1 } }
                  )
                )
              }
              yield* Effect.tapError(checkpoint, ({ reason }) =>
                Effect.sync(() => {
                  if (reason._tag === "ChangeStreamError") {
                    refused.push(reason.kind)
                  }
                }))
            })))
          yield* insert(fixture, 0, 10)
          yield* until("all are handled", async () =>
            await Effect.runPromise(handled.countDocuments()) >= 10, 20_000)
          assert.include(refused, "leaseLost")
          assert.deepStrictEqual(
            sorted((yield* handled.find()).map(({ event }) =>
              event
            )),
            range(0, 10)
          )
        }).pipe(Effect.scoped, withStoreOf(fixture))
      }),
    60_000
  )

  it.effect("go on from the earliest position of the old ones", () =>
    Effect.gen(function*() {
      const fixture = yield* outbox()
      const first = new Set<number>()
      const stuck = yield* Deferred.make<void>()
      yield* Effect.gen(function*() {
        // One of the parts does not get anywhere.
        const a = yield* start(fixture, 4, (event) =>
          Effect.suspend(() => {
            if (first.size === 0) first.add(-1)
            return idOf(event) === 0 ? Deferred.await(stuck) : Effect.sync(() => void first.add(idOf(event)))
          }))
        yield* untilShares(fixture, "4")
        // The inserts of one command have one time.
        yield* Effect.forEach(range(0, 40), (_id) => fixture.items.insertOne({ _id }), { discard: true })
        yield* until("the other parts are done", () => first.size > 15, 15_000)
        yield* a.end
        const again = new Set<number>()
        yield* start(fixture, 3, (event) => Effect.sync(() => void again.add(idOf(event))))
        yield* until("all that was left is handled", () =>
          range(0, 40).every((id) => first.has(id) || again.has(id)), 20_000)
        assert.isTrue(again.has(0))
      }).pipe(Effect.scoped, withStoreOf(fixture))
    }), 60_000)

  it.effect(
    "handle each event once in transactions, while instances come, end and are believed dead",
    () =>
      Effect.gen(function*() {
        const fixture = yield* outbox()
        yield* fixture.db.createCollection("handled")
        const handled = fixture.db.collection<{ event: number; n: number }>("handled")
        let n = 0
        const inTransaction = (event: Event, checkpoint: Effect.Effect<void, MongoError.MongoError>) =>
          fixture.mongo.withTransaction(Effect.andThen(
            Effect.suspend(() => handled.insertOne({ event: idOf(event), n: n++ })),
            checkpoint
          ))
        yield* Effect.gen(function*() {
          const begin = start<MongoError.MongoError>(fixture, 4, inTransaction, {
            checkpoint: { events: 1000, interval: "1 hour" }
          })
          const a = yield* begin
          yield* untilShares(fixture, "4")
          yield* insert(fixture, 0, 40)
          const b = yield* begin
          yield* untilShares(fixture, "2 2")
          yield* insert(fixture, 40, 80)
          // The leases of all parts are lost at once.
          yield* Effect.promise(() =>
            fixture.admin.db(fixture.db.name).collection<{ _id: string }>("mongofx_resume_tokens").updateMany(
              { _id: { $regex: "^test/[0-9]+of" } },
              { $set: { owner: null }, $inc: { fence: 1 } }
            )
          )
          yield* insert(fixture, 80, 120)
          yield* a.end
          const all = Effect.map(handled.find(), (all) => sorted(all.map(({ event }) => event)))
          yield* until("all are handled", async () => new Set(await Effect.runPromise(all)).size === 120, 30_000)
          yield* b.end
          assert.deepStrictEqual(yield* all, range(0, 120))
        }).pipe(Effect.scoped, withStoreOf(fixture))
      }),
    90_000
  )

  it.effect(
    "go from a killed process and from a stopped one to others, each event once in transactions",
    () =>
      Effect.gen(function*() {
        const fixture = yield* outbox()
        yield* fixture.db.createCollection("handled")
        const handled = fixture.db.collection<{ event: number; instance: string }>("handled")
        const counted = (filter: { instance?: string } = {}) => Effect.runPromise(handled.countDocuments(filter))
        const program = new URL("../support/consumerProcess.ts", import.meta.url)
        const begin = (name: string) =>
          Effect.map(startProcess(program, name, fixture.db.name, "parts"), ({ child }) => child)
        const [a, b] = yield* Effect.all([begin("a"), begin("b"), begin("c")])
        const owners = async () => new Set((await Effect.runPromise(holders(fixture))).map(([, owner]) => owner)).size
        yield* until("three have parts", async () => await owners() === 3, 60_000)
        yield* insert(fixture, 0, 60)
        yield* until("all are handled", async () => await counted() === 60, 40_000)
        for (const name of ["a", "b", "c"]) assert.isAbove(yield* handled.countDocuments({ instance: name }), 0)

        a.kill("SIGKILL")
        b.kill("SIGSTOP")
        yield* insert(fixture, 60, 120)
        yield* until("the third has all parts", async () => await counted() === 120, 40_000)
        b.kill("SIGCONT")
        yield* until("two share them", async () => await owners() === 2, 40_000)
        const before = yield* handled.countDocuments({ instance: "b" })
        yield* insert(fixture, 120, 180)
        yield* until("all are handled again", async () => await counted() >= 180, 40_000)
        assert.isAbove(yield* handled.countDocuments({ instance: "b" }), before)
        const all = yield* handled.find()
        assert.deepStrictEqual(sorted(all.map(({ event }) => event)), range(0, 180))
      }).pipe(Effect.scoped),
    180_000
  )

  it.effect("begin although a dead process has left a transaction open on one of them", () =>
    Effect.gen(function*() {
      const fixture = yield* outbox()
      const seen: Array<number> = []
      yield* Effect.gen(function*() {
        const first = yield* start(fixture, 4, collect(seen))
        yield* untilShares(fixture, "4")
        yield* first.end
        // It has run its checkpoint, and will never commit.
        const session = yield* Effect.acquireRelease(
          Effect.sync(() => fixture.admin.startSession()),
          (session) => Effect.promise(() => session.endSession())
        )
        yield* Effect.promise(async () => {
          session.startTransaction()
          await fixture.admin.db(fixture.db.name).collection<{ _id: string }>("mongofx_resume_tokens")
            .updateOne({ _id: "test/1of4" }, { $set: { position: 1 } }, { session })
        })
        yield* start(fixture, 4, collect(seen))
        yield* untilShares(fixture, "3")
        yield* insert(fixture, 0, 40)
        yield* until("the events of the other parts are handled", () => seen.length >= 20, 15_000)
        yield* Effect.promise(() => session.abortTransaction())
        yield* until("all are handled", () => seen.length === 40, 15_000)
        assert.deepStrictEqual(sorted(seen), range(0, 40))
      }).pipe(Effect.scoped, withStoreOf(fixture))
    }), 60_000)

  it.effect("run onFirstStart once, before any event", () =>
    Effect.gen(function*() {
      const fixture = yield* outbox()
      yield* insert(fixture, 0, 5)
      const seen: Array<number | string> = []
      const onFirstStart = Effect.gen(function*() {
        seen.push("first start")
        yield* insert(fixture, 5, 10)
        yield* pause(100)
        seen.push("started")
      })
      const begin = start(fixture, 4, (event) => Effect.sync(() => void seen.push(idOf(event))), { onFirstStart })
      yield* Effect.all([begin, begin], { concurrency: 2 })
      yield* until("the changes meanwhile are handled", () => seen.length >= 7, 15_000)
      assert.deepStrictEqual(seen.slice(0, 2), ["first start", "started"])
      assert.deepStrictEqual(sorted(seen.slice(2) as Array<number>), range(5, 10))
    }).pipe(Effect.scoped, withMemory))

  it.effect("run onHistoryLost once for all, and go on after it", () =>
    Effect.gen(function*() {
      const fixture = yield* outbox()
      const seen: Array<number> = []
      let repaired = 0
      const begin = start(fixture, 4, collect(seen), {
        onHistoryLost: Effect.andThen(pause(200), Effect.sync(() => void repaired++))
      })
      yield* Effect.gen(function*() {
        const a = yield* begin
        yield* untilShares(fixture, "4")
        yield* insert(fixture, 0, 20)
        yield* until("all are handled", () => seen.length === 20, 15_000)
        yield* a.end
        // The parts resume by an aggregate; the position of now is asked for by one, too.
        yield* failCommand(fixture, { times: 4 }, { failCommands: ["aggregate"], errorCode: 286 })
        yield* begin
        yield* until("everything is up to date", () => repaired > 0, 15_000)
        yield* untilShares(fixture, "4")
        yield* pause(300)
        yield* insert(fixture, 20, 40)
        yield* until("the rest is handled", () => seen.length >= 40, 15_000)
        assert.strictEqual(repaired, 1)
        assert.deepStrictEqual(sorted(seen), range(0, 40))
      }).pipe(Effect.scoped, withStoreOf(fixture))
    }), 60_000)

  it.effect("begin anew when the store forgets the consumer", () =>
    Effect.gen(function*() {
      const fixture = yield* outbox()
      const seen: Array<number> = []
      yield* Effect.gen(function*() {
        const a = yield* start(fixture, 4, collect(seen))
        yield* insert(fixture, 0, 20)
        yield* until("all are handled", () => seen.length === 20, 15_000)
        yield* a.end
        const real = yield* store
        yield* real.clear("test")
        assert.isTrue(Option.isNone(yield* real.load("test")))
        for (const i of range(0, 4)) assert.isTrue(Option.isNone(yield* real.load(`test/${i}of4`)))

        yield* insert(fixture, 20, 40)
        let starts = 0
        yield* start(fixture, 4, collect(seen), { onFirstStart: Effect.sync(() => void starts++) })
        yield* insert(fixture, 40, 60)
        yield* until("the changes from then on are handled", () => seen.length >= 40, 15_000)
        assert.strictEqual(starts, 1)
        assert.deepStrictEqual(sorted(seen), [...range(0, 20), ...range(40, 60)])
      }).pipe(Effect.scoped, withStoreOf(fixture))
    }), 60_000)

  it.effect("end the consumer when a handler fails, and free all parts", () =>
    Effect.gen(function*() {
      const fixture = yield* outbox()
      yield* Effect.gen(function*() {
        const { join } = yield* start(fixture, 4, (event) =>
          idOf(event) === 7 ? Effect.fail("mine" as const) : Effect.void)
        yield* untilShares(fixture, "4")
        yield* insert(fixture, 0, 10)
        assert.strictEqual(yield* Effect.flip(join), "mine")
        assert.deepStrictEqual(yield* holders(fixture), [])
      }).pipe(Effect.scoped, withStoreOf(fixture))
    }), 30_000)

  it.effect("end the consumer when a handler interrupts itself, as without them", () =>
    Effect.gen(function*() {
      const fixture = yield* outbox()
      for (const partitions of [1, 2]) {
        const { join } = yield* start(fixture, partitions, (event) =>
          idOf(event) % 10 === 7 ? Effect.interrupt : Effect.void, { name: `test ${partitions}` })
        yield* insert(fixture, 10 * partitions, 10 * partitions + 10)
        const exit = yield* Effect.exit(join)
        assert.isTrue(Exit.isFailure(exit) && Cause.hasInterrupts(exit.cause), `${partitions}`)
      }
    }).pipe(Effect.scoped, withMemory), 30_000)

  it.effect("are lost while the store does not answer, and go on when it comes back", () =>
    Effect.gen(function*() {
      // The store has a client of its own, so that it can fail without the change streams.
      const [fixture, other] = [yield* outbox(), yield* setup()]
      const seen: Array<number> = []
      yield* Effect.gen(function*() {
        const { join } = yield* start(fixture, 3, collect(seen))
        const ended = yield* Effect.forkChild(join)
        yield* untilShares(other, "3")
        yield* Effect.scoped(Effect.gen(function*() {
          yield* failCommand(other, "alwaysOn", { failCommands: ["findAndModify", "update"], closeConnection: true })
          yield* until("all leases have run out", async () =>
            (await Effect.runPromise(holders(other))).length === 0, 20_000)
        }))
        yield* insert(fixture, 0, 20)
        yield* until("all are handled", () =>
          new Set(seen).size === 20, 20_000)
        yield* untilShares(other, "3")
        assert.isUndefined(ended.pollUnsafe())
      }).pipe(Effect.scoped, withStoreOf(other))
    }), 60_000)

  it.effect("end the consumer when the store has not answered for two minutes", () =>
    Effect.gen(function*() {
      const fixture = yield* outbox()
      const real = yield* store
      const away = new MongoError.MongoError({
        reason: new MongoError.UnknownError({ operation: "update", message: "the store is away", cause: undefined })
      })
      let joined = 0
      const members = {
        leave: real.members!.leave,
        join: (...args: Parameters<ResumeTokenStore.Members["join"]>) =>
          joined++ === 0 ? real.members!.join(...args) : Effect.fail(away)
      }
      const consuming = waitingByTestClock(Effect.flatMap(start(fixture, 2, () => Effect.void), ({ join }) => join))
      const fiber = yield* Effect.forkChild(
        Effect.flip(Effect.provideService(Effect.scoped(consuming), store, { ...real, members }))
      )
      yield* until("it has begun", () => joined === 1)
      let seconds = 0
      for (; fiber.pollUnsafe() === undefined && seconds < 200; seconds++) {
        yield* pause(2)
        yield* TestClock.adjust("1 second")
      }
      assert.strictEqual(yield* Fiber.join(fiber), away)
      assert.isAtLeast(seconds, 120)
      assert.isBelow(seconds, 135)
    }).pipe(withMemory), 60_000)

  it.effect("need a store with members, a source with parts, and a number", () =>
    Effect.gen(function*() {
      const fixture = yield* outbox()
      const { members: _, ...withoutMembers } = yield* store
      const pathOf = (
        self: Effect.Effect<unknown, MongoError.MongoError, ResumeTokenStore.ResumeTokenStore | Scope.Scope>
      ) => Effect.map(reasonOf(self), (reason) => (reason as MongoError.InvalidArgumentError).path)
      const begin = start(fixture, 4, () => Effect.void)
      assert.strictEqual(yield* pathOf(Effect.provideService(begin, store, withoutMembers)), "options.partitions")
      const watch = (position: ChangeStreamConsumer.StartPosition) =>
        ({ open: fixture.items.watch([], position).open }) as never
      const { join } = yield* start(fixture, 4, () => Effect.void, { name: "other", watch })
      assert.strictEqual(yield* pathOf(join), "options.partitions")
      for (const partitions of [0, -1, 1.5, 2000]) {
        assert.strictEqual(yield* pathOf(start(fixture, partitions, () => Effect.void)), "options.partitions")
      }
    }).pipe(Effect.scoped, withMemory))

  it.effect("make a handler that waits faster, nearly as many times as there are parts", () =>
    Effect.gen(function*() {
      const fixture = yield* outbox()
      const each = 40
      // As many documents in each of four parts.
      const parts = yield* partsOf(fixture, 4)(range(0, 1000))
      const ids = range(0, 4).flatMap((part) =>
        [...parts].flatMap(([id, of]) => of === part ? [id] : []).slice(0, each)
      )
      assert.lengthOf(ids, 4 * each)
      const timeOf = (partitions: number) =>
        Effect.gen(function*() {
          let handled = 0
          let begun = 0
          const consumer = yield* start(fixture, partitions, () =>
            Effect.sync(() => {
              if (begun === 0) begun = performance.now()
            }).pipe(
              Effect.andThen(pause(20)),
              Effect.andThen(Effect.sync(() => void handled++))
            ), { name: `test ${partitions}`, checkpoint: { events: 1000, interval: "1 hour" } })
          yield* fixture.items.deleteMany({})
          yield* fixture.items.insertMany(ids.map((_id) => ({ _id })))
          yield* until("all are handled", () => handled === 4 * each, 30_000)
          const time = performance.now() - begun
          yield* consumer.end
          return time
        })
      const [one, four] = [yield* timeOf(1), yield* timeOf(4)]
      assert.isAbove(one / four, 2.5)
    }).pipe(Effect.scoped, withMemory), 90_000)

  it.effect("give an event without a document to the handler once for each of them", () =>
    Effect.gen(function*() {
      const fixture = yield* outbox()
      const seen: Array<string> = []
      yield* start(fixture, 3, (event) =>
        Effect.sync(() => {
          if ("documentKey" in event) seen.push(`${event.operationType} ${idOf(event)}`)
          else seen.push(String(event.operationType))
        }), {
        // A change stream of the database goes on after the drop.
        watch: (position) => fixture.db.watch<Item>([], { maxAwaitTime: "50 millis", ...position }),
        concurrency: 2 as 1
      })
      yield* insert(fixture, 0, 20)
      yield* fixture.items.drop()
      yield* until(
        "each part has handled the drop",
        () => seen.filter((event) => event === "drop").length === 3,
        15_000
      )
      yield* insert(fixture, 20, 30)
      yield* until(
        "the events after it come",
        () => seen.filter((event) => event.startsWith("insert")).length >= 30,
        15_000
      )
      assert.deepStrictEqual(
        seen.filter((event) => event !== "create").sort(),
        [...range(0, 30).map((id) => `insert ${id}`), "drop", "drop", "drop"].sort()
      )
    }).pipe(Effect.scoped, withMemory), 60_000)

  it.effect("have metrics of their own, by the number of the part", () =>
    Effect.gen(function*() {
      const fixture = yield* outbox()
      const name = `metrics of ${fixture.db.name}`
      let handled = 0
      yield* start(fixture, 3, () => Effect.sync(() => void handled++), { name })
      yield* insert(fixture, 0, 60)
      const states = (id: string) =>
        Effect.map(Metric.snapshot, (all) =>
          all.filter((metric) =>
            metric.id === id && metric.attributes?.["mongofx.consumer.name"] === name
          ).map((
            { attributes, state }
          ) =>
            [
              attributes?.["mongofx.consumer.part"],
              state as { readonly count?: number; readonly value?: number }
            ] as const
          ))
      yield* until("all are handled", () => handled === 60, 15_000)
      const counted = () =>
        Effect.runPromise(states("mongofx.consumer.events")).then((all) =>
          all.reduce((sum, [, { count }]) => sum + (count ?? 0), 0)
        )
      yield* until("all are counted", async () => await counted() === 60)
      for (const id of ["mongofx.consumer.events", "mongofx.consumer.lag", "mongofx.consumer.checkpoint.age"]) {
        assert.deepStrictEqual((yield* states(id)).map(([part]) => part).sort(), ["0of3", "1of3", "2of3"], id)
      }
      for (const [part, { count }] of yield* states("mongofx.consumer.events")) assert.isAbove(count ?? 0, 5, part)
    }).pipe(Effect.scoped, withMemory), 30_000)
})
