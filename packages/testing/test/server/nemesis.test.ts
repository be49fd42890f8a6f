import { assert, describe, layer } from "@effect/vitest"
import { MongoClient, MongoDatabase } from "@mongofx/core"
import { MongoServer, MongoTest, Nemesis } from "@mongofx/testing"
import { Effect, Exit, Redacted, Schedule, Scope } from "effect"
import { vi } from "vitest"
import { hasBinary, isRunning, until } from "../support/processes.ts"

const untilMembers = (what: string, condition: (members: ReadonlyArray<MongoServer.Member>) => boolean) =>
  Effect.flatMap(
    Effect.context<MongoServer.MongoServer | MongoServer.Processes>(),
    (context) =>
      until(what, () => Effect.runPromise(Effect.map(Effect.provideContext(MongoServer.members, context), condition)))
  )

const primaryOf = (members: ReadonlyArray<MongoServer.Member>) => members.find(({ role }) => role === "primary")

const client = Effect.flatMap(MongoServer.MongoServer, ({ uri }) => MongoClient.make({ url: uri }))

/** A client of one member, which gives up soon. */
const clientOf = ({ host }: MongoServer.Member) =>
  MongoClient.make({
    url: Redacted.make(`mongodb://${host}/?directConnection=true`),
    serverSelectionTimeout: "500 millis",
    connectTimeout: "500 millis"
  })

const milliseconds = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    const began = performance.now()
    return Effect.map(effect, () => performance.now() - began)
  })

/** The fault, and what heals it. */
const begin = <E, R>(fault: Effect.Effect<Nemesis.Fault, E, R>) =>
  Effect.gen(function*() {
    const scope = yield* Effect.acquireRelease(Scope.make(), (scope, exit) => Scope.close(scope, exit))
    const { members } = yield* Scope.provide(fault, scope)
    return { member: members[0]!, members, heal: Scope.close(scope, Exit.void) }
  })

/** How a member sees the others: by their addresses. */
const seenBy = (member: MongoServer.Member) =>
  Effect.gen(function*() {
    const { members } = yield* (yield* clientOf(member)).db("admin").command({ replSetGetStatus: 1 })
    const seen = members as ReadonlyArray<{ readonly name: string; readonly health: number }>
    return new Map(seen.map(({ health, name }) => [name, health === 1]))
  })

describe.skipIf(!hasBinary)("Nemesis (needs MONGOD_BINARY)", () => {
  layer(MongoServer.layerReplicaSet({ members: 3, proxied: true }), { excludeTestServices: true, timeout: 60_000 })(
    "on three members",
    (it) => {
      it.effect("kill ends a process, and its member comes back with its data", () =>
        Effect.gen(function*() {
          const items = (yield* client).db("app").collection<{ readonly _id: string }>("kill")
          yield* items.insertOne({ _id: "before" }, { writeConcern: { w: 3 } })
          const { heal, member } = yield* begin(Nemesis.kill("secondary"))
          assert.strictEqual(member.role, "secondary")
          assert.isFalse(isRunning(member.pid!))
          const now = (yield* MongoServer.members).find(({ host }) => host === member.host)!
          assert.deepStrictEqual([now.role, now.pid], ["down", undefined])
          yield* items.insertOne({ _id: "meanwhile" }, { writeConcern: { w: "majority" } })
          const refused = yield* Effect.flip(Nemesis.kill(member))
          assert.strictEqual(refused.kind, "noTarget")
          yield* heal
          yield* MongoServer.ready
          const again = (yield* MongoServer.members).find(({ host }) => host === member.host)!
          assert.strictEqual(again.role, "secondary")
          assert.notStrictEqual(again.pid, member.pid)
          yield* items.insertOne({ _id: "after" }, { writeConcern: { w: 3 } })
          const own = (yield* clientOf(member)).db("app").collection("kill")
          assert.strictEqual(yield* own.countDocuments(), 3)
        }), 60_000)

      it.effect(
        "kill of the primary leads to another one, which has all that was confirmed",
        () =>
          Effect.gen(function*() {
            const items = (yield* client).db("app").collection<{ readonly _id: number }>("killPrimary")
            yield* items.insertMany(Array.from({ length: 50 }, (_, _id) => ({ _id })), {
              writeConcern: { w: "majority" }
            })
            const { heal, member } = yield* begin(Nemesis.kill("primary"))
            yield* untilMembers("another primary", (members) => primaryOf(members) !== undefined)
            assert.notStrictEqual(primaryOf(yield* MongoServer.members)!.host, member.host)
            assert.strictEqual(yield* items.countDocuments(), 50)
            yield* heal
            yield* MongoServer.ready
          }),
        60_000
      )

      it.effect("pause stops a process with its connections, and lets it run on", () =>
        Effect.gen(function*() {
          const items = (yield* client).db("app").collection<{ readonly _id: string }>("pause")
          yield* items.insertOne({ _id: "before" }, { writeConcern: { w: 3 } })
          const { heal, member } = yield* begin(Nemesis.pause("secondary"))
          assert.isTrue(isRunning(member.pid!))
          const now = (yield* MongoServer.members).find(({ host }) => host === member.host)!
          assert.deepStrictEqual([now.role, now.pid], ["down", member.pid])
          const late = yield* Effect.flip(
            items.insertOne({ _id: "meanwhile" }, { writeConcern: { w: 3, wtimeoutMS: 300 } })
          )
          assert.strictEqual(late.reason._tag, "WriteConcernError")
          yield* heal
          yield* items.insertOne({ _id: "after" }, { writeConcern: { w: 3 } })
          yield* MongoServer.ready
        }), 60_000)

      it.effect("stepDown keeps a primary from its place until it is over", () =>
        Effect.gen(function*() {
          const { heal, member } = yield* begin(Nemesis.stepDown())
          yield* untilMembers("another primary", (members) => primaryOf(members) !== undefined)
          assert.notStrictEqual(primaryOf(yield* MongoServer.members)!.host, member.host)
          const admin = (yield* clientOf(member)).db("admin")
          assert.isTrue(Exit.isFailure(yield* Effect.exit(admin.command({ replSetStepUp: 1 }))))
          yield* heal
          yield* Effect.retry(admin.command({ replSetStepUp: 1 }), {
            times: 50,
            schedule: Schedule.spaced("100 millis")
          })
          yield* MongoServer.ready
          assert.strictEqual(primaryOf(yield* MongoServer.members)!.host, member.host)
        }), 60_000)

      it.effect("partition cuts the links between two members and no others", () =>
        Effect.gen(function*() {
          const [primary, left, right] = [...yield* MongoServer.members].sort((a, b) => a.role.localeCompare(b.role))
          const { heal } = yield* begin(Nemesis.partition([[left!], [right!]]))
          const sees = (who: MongoServer.Member, whom: MongoServer.Member) =>
            Effect.map(Effect.scoped(seenBy(who)), (seen) => seen.get(whom.host)!)
          const lost = (who: MongoServer.Member, whom: MongoServer.Member) =>
            until("a member misses another one", () => Effect.runPromise(Effect.map(sees(who, whom), (seen) => !seen)))
          yield* lost(left!, right!)
          yield* lost(right!, left!)
          for (const member of [left!, right!]) {
            assert.isTrue(yield* sees(primary!, member))
            assert.isTrue(yield* sees(member, primary!))
          }
          // All of them still take part: each reads from the primary.
          const items = (yield* client).db("app").collection("partition")
          yield* items.insertOne({}, { writeConcern: { w: 3 } })
          yield* heal
          yield* until("the members see each other", () => Effect.runPromise(sees(left!, right!)))
        }), 60_000)

      it.effect(
        "isolate cuts a primary off, so that the others elect one, until it is over",
        () =>
          Effect.gen(function*() {
            const { heal, member } = yield* begin(Nemesis.isolate("primary"))
            const hidden = yield* Effect.exit(Effect.flatMap(clientOf(member), (mongo) => mongo.ping))
            assert.isTrue(Exit.isFailure(hidden))
            yield* untilMembers("the other primary alone", (members) => {
              const primaries = members.filter(({ role }) => role === "primary")
              return primaries.length === 1 && primaries[0]!.host !== member.host
            })
            yield* (yield* client).db("app").collection("isolate").insertOne({}, { writeConcern: { w: "majority" } })
            yield* heal
            yield* MongoServer.ready
            yield* Effect.flatMap(clientOf(member), (mongo) => mongo.ping)
          }),
        60_000
      )

      it.effect("isolate with clients that reach the member lets them in", () =>
        Effect.gen(function*() {
          const { heal, member } = yield* begin(Nemesis.isolate("secondary", { clients: "reach" }))
          yield* Effect.flatMap(clientOf(member), (mongo) => mongo.ping)
          yield* until("it is alone", () =>
            Effect.runPromise(
              Effect.map(
                Effect.scoped(seenBy(member)),
                (seen) => [...seen].every(([host, healthy]) => healthy === (host === member.host))
              )
            ))
          yield* heal
          yield* MongoServer.ready
        }), 60_000)

      it.effect("slow links take their time in each direction, and others do not", () =>
        Effect.gen(function*() {
          const mongo = yield* client
          yield* mongo.ping
          // A busy machine may be late once.
          const fastest = Effect.map(
            Effect.all(Array.from({ length: 5 }, () => milliseconds(mongo.ping))),
            (times) => Math.min(...times)
          )
          yield* Effect.scoped(Effect.gen(function*() {
            yield* Nemesis.slow({ latency: "200 millis", links: { from: "secondary" } })
            assert.isBelow(yield* fastest, 200)
          }))
          const { heal } = yield* begin(
            Nemesis.slow({ latency: "100 millis", links: { from: "clients", to: "primary" } })
          )
          assert.isAtLeast(yield* milliseconds(mongo.ping), 200)
          yield* heal
          assert.isBelow(yield* fastest, 200)
        }), 60_000)

      it.effect("lossy links are late at times", () =>
        Effect.gen(function*() {
          const mongo = yield* client
          yield* mongo.ping
          const { heal } = yield* begin(Nemesis.lossy({ loss: 0.2, links: { from: "clients" } }))
          const pings = yield* Effect.forEach(Array.from({ length: 24 }), () => milliseconds(mongo.ping), {
            concurrency: 8
          })
          assert.isTrue(pings.some((time) => time >= 200), `${pings}`)
          yield* heal
        }), 60_000)

      it.effect("resetting breaks the connections that are open, and new ones stay", () =>
        Effect.gen(function*() {
          const mongo = yield* client
          yield* mongo.ping
          let closed = 0
          yield* mongo.use(async (driver) => driver.on("connectionClosed", () => closed++))
          const { heal } = yield* begin(Nemesis.resetting({ probability: 0, links: { from: "clients" } }))
          yield* until("the connections break", () => closed > 0)
          yield* heal
          yield* mongo.ping
        }), 60_000)

      it.effect("random strikes and heals, says so in its log, and the data stays", () =>
        Effect.gen(function*() {
          const { isolate, kill, pause, resetting, stepDown } = Nemesis.faults
          const items = (yield* client).db("app").collection<{ readonly _id: number }>("random")
          const nemesis = yield* Nemesis.random(
            Schedule.spaced("200 millis"),
            { kill, pause, stepDown, isolate, resetting },
            { lasts: ["100 millis", "500 millis"] }
          )
          const confirmed: Array<number> = []
          let next = 0
          const write = Effect.suspend(() => {
            const _id = next++
            return Effect.map(
              items.insertOne({ _id }, { writeConcern: { w: "majority" } }),
              () => void confirmed.push(_id)
            )
          })
          yield* Effect.race(
            Effect.forever(Effect.timeoutOption(Effect.exit(write), "2 seconds")),
            until("five faults", () =>
              Effect.runPromise(Effect.map(nemesis.log, (log) =>
                log.filter(({ event }) =>
                  event === "ends"
                ).length >= 5)))
          )
          yield* nemesis.stop
          const log = yield* nemesis.log
          for (
            const [index, { event }] of log.filter(({ event }) =>
              event !== "skipped"
            ).entries()
          ) {
            assert.strictEqual(event, index % 2 === 0 ? "begins" : "ends")
          }
          yield* MongoServer.ready
          assert.isAbove(confirmed.length, 1)
          const stored = new Set((yield* items.find()).map(({ _id }) => _id))
          assert.deepStrictEqual(confirmed.filter((_id) => !stored.has(_id)), [])
        }), 60_000)

      it.effect(
        "nothingLeft looks past a member that hangs, also on a connection that is open",
        () =>
          Effect.gen(function*() {
            // The clients of the outer one stay open.
            yield* MongoTest.noLeaks(Effect.gen(function*() {
              yield* MongoTest.nothingLeft
              const { heal } = yield* begin(Nemesis.pause("secondary"))
              // Without a limit the driver notices after 40 seconds.
              assert.isBelow(yield* milliseconds(MongoTest.nothingLeft), 20_000)
              yield* heal
            }))
            yield* MongoServer.ready
          }),
        60_000
      )

      /** Runs a test without leaks that stops both secondaries. The server itself would wait for ten minutes until it drops the database. */
      const endsWithout = <E, R>(
        stopped: (secondaries: ReadonlyArray<MongoServer.Member>) => Effect.Effect<unknown, E, R>
      ) =>
        Effect.gen(function*() {
          const secondaries = (yield* MongoServer.members).filter(({ role }) => role === "secondary")
          let text = ""
          yield* Effect.acquireRelease(
            Effect.sync(() =>
              vi.spyOn(process.stderr, "write").mockImplementation((chunk) => (text += String(chunk)) !== "")
            ),
            (output) => Effect.sync(() => output.mockRestore())
          )
          const name = MongoTest.noLeaks(Effect.gen(function*() {
            const db = yield* MongoDatabase.MongoDatabase
            yield* db.collection("items").insertOne({})
            yield* stopped(secondaries)
            return db.name
          }))
          const took = yield* milliseconds(Effect.tap(name, (name) =>
            Effect.sync(() => {
              assert.include(text, `The database ${name} of a test was not dropped within 10 seconds`)
            })))
          assert.isBelow(took, 60_000)
        })

      it.effect("noLeaks ends while nobody confirms what the primary does", () =>
        Effect.gen(function*() {
          const set = (mode: "alwaysOn" | "off") => (secondaries: ReadonlyArray<MongoServer.Member>) =>
            Effect.scoped(Effect.forEach(secondaries, (member) =>
              Effect.flatMap(
                clientOf(member),
                (mongo) => mongo.db("admin").command({ configureFailPoint: "stopReplProducer", mode })
              )))
          yield* endsWithout((secondaries) =>
            Effect.gen(function*() {
              const db = yield* MongoDatabase.MongoDatabase
              yield* Effect.addFinalizer(() => Effect.orDie(set("off")(secondaries)))
              yield* set("alwaysOn")(secondaries)
              // The first write may still come through.
              yield* Effect.repeat(
                Effect.exit(db.collection("items").insertOne({}, { writeConcern: { w: "majority", wtimeoutMS: 500 } })),
                { until: Exit.isFailure }
              )
            })
          ).pipe(Effect.scoped)
          yield* MongoServer.ready
        }), 120_000)

      it.effect("noLeaks looks at those who answer while there is no primary", () =>
        Effect.gen(function*() {
          yield* endsWithout((secondaries) =>
            Effect.andThen(
              Effect.forEach(secondaries, (member) => Nemesis.pause(member)),
              untilMembers("no primary", (members) => primaryOf(members) === undefined)
            )
          ).pipe(Effect.scoped)
          yield* MongoServer.ready
        }), 120_000)
    }
  )

  layer(MongoServer.layerReplicaSet({ members: 1 }), { excludeTestServices: true, timeout: 60_000 })(
    "on members that are connected directly",
    (it) => {
      it.effect("faults of links fail with words", () =>
        Effect.gen(function*() {
          const error = yield* Effect.flip(Effect.scoped(Nemesis.isolate()))
          assert.strictEqual(error.kind, "notProxied")
          assert.include(error.message, "Nemesis.isolate: the members are connected directly")
          assert.include(error.message, "proxied: true")
          const absent = yield* Effect.flip(Effect.scoped(Nemesis.pause("secondary")))
          assert.strictEqual(absent.kind, "noTarget")
          assert.match(absent.message, /there is no member that is secondary, but 127\.0\.0\.1:\d+ \(primary of rs\)/)
          const few = yield* Effect.flip(Effect.scoped(Nemesis.partition()))
          assert.strictEqual(few.kind, "noTarget")
        }))

      it.effect("a killed member that stands alone is primary again", () =>
        Effect.gen(function*() {
          const items = (yield* client).db("app").collection<{ readonly _id: number }>("alone")
          yield* items.insertMany(Array.from({ length: 50 }, (_, _id) => ({ _id })), {
            writeConcern: { w: "majority" }
          })
          yield* Effect.scoped(Nemesis.kill())
          yield* MongoServer.ready
          assert.strictEqual(yield* items.countDocuments(), 50)
        }), 60_000)
    }
  )
})
