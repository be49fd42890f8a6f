/**
 * A cluster of two shards and two routers: shard keys, transactions, aggregations that write, change streams and reads with preferences.
 *
 * @since 0.1.0
 */
import { assert, describe, it, layer } from "@effect/vitest"
import { Mongo, MongoClient, type MongoError, MongoSharding } from "@mongofx/core"
import { MongoServer, Nemesis } from "@mongofx/testing"
import { Duration, Effect, Exit, Fiber, Option, Redacted } from "effect"
import * as Driver from "mongodb"
import { existsSync } from "node:fs"
import { dirname, join } from "node:path"
import { reasonOf, until, uri } from "../support/utils.ts"

const mongos = process.env["MONGOS_BINARY"] ?? join(dirname(process.env["MONGOD_BINARY"] ?? ""), "mongos")

interface Item {
  readonly _id: number
  readonly customer: number
  readonly n: number
}

const client = Effect.gen(function*() {
  const { uri } = yield* MongoServer.MongoServer
  return yield* MongoClient.make({ url: uri })
})

const itemOf = (_id: number): Item => ({ _id, customer: _id, n: 0 })

/** A collection with customers below 50 on the first shard and the others on the second. */
const sharded = (mongo: MongoClient.MongoClient, database: string, name = "items") =>
  Effect.gen(function*() {
    const items = mongo.db(database).collection<Item>(name)
    const admin = mongo.db("admin")
    yield* admin.command({ enableSharding: database, primaryShard: "shard0" })
    yield* MongoSharding.shardCollection(items, { customer: 1 })
    yield* admin.command({ split: items.fullName, middle: { customer: 50 } })
    yield* admin.command({ moveChunk: items.fullName, find: { customer: 50 }, to: "shard1", _waitForDelete: true })
    return items
  })

/** Does something on each shard, past the routers. */
const eachShard = <A, E>(
  mongo: MongoClient.MongoClient,
  f: (shard: MongoClient.MongoClient) => Effect.Effect<A, E>
) =>
  Effect.gen(function*() {
    const shards = yield* MongoSharding.listShards(mongo)
    return yield* Effect.forEach(shards, ({ host }) =>
      Effect.scoped(Effect.gen(function*() {
        const url = Redacted.make(`mongodb://${host.split("/")[1]}/`)
        return yield* f(yield* MongoClient.make({ url, directConnection: true }))
      })))
  })

/** The server's words, without those of mongofx. */
const failsWith = (
  effect: Effect.Effect<unknown, MongoError.MongoError>,
  tag: MongoError.MongoErrorReason["_tag"],
  text: string
) =>
  Effect.map(reasonOf(effect), (reason) => {
    assert.strictEqual(reason._tag, tag, `${reason.message} (${reason.code})`)
    assert.include(reason.message, text)
  })

describe.skipIf(!existsSync(mongos))("on a sharded cluster (needs mongos),", () => {
  layer(
    MongoServer.layerSharded({
      shards: 2,
      members: 1,
      routers: 2,
      // They wait less than in production: until a collection is resharded, and until an idle shard says how far it is.
      args: [
        "reshardingMinimumOperationDurationMillis=0",
        "reshardingDelayBeforeRemainingOperationTimeQueryMillis=0",
        "periodicNoopIntervalSecs=1"
      ].flatMap((parameter) => ["--setParameter", parameter])
    }),
    { excludeTestServices: true, timeout: 90_000 }
  )("", (it) => {
    it.effect("a collection is sharded, asked for its key and for its documents", () =>
      Effect.gen(function*() {
        const mongo = yield* client
        const items = yield* sharded(mongo, "keys")
        assert.deepStrictEqual(yield* MongoSharding.distribution(items), [
          { shard: "shard0", documents: 0, bytes: 0, orphanedDocuments: 0 },
          { shard: "shard1", documents: 0, bytes: 0, orphanedDocuments: 0 }
        ])
        yield* items.insertMany(Array.from({ length: 60 }, (_, _id) => itemOf(_id)))
        const shares = yield* MongoSharding.distribution(items)
        assert.deepStrictEqual(shares.map(({ documents, shard }) => [shard, documents]), [["shard0", 50], [
          "shard1",
          10
        ]])
        assert.isTrue(shares.every(({ bytes, documents }) => bytes >= documents * 30))
        assert.deepStrictEqual(
          yield* MongoSharding.shardKeyOf(items),
          Option.some({ key: { customer: 1 } as const, isUnique: false })
        )
        // Once more.
        yield* MongoSharding.shardCollection(items, { customer: 1 })
        yield* failsWith(
          MongoSharding.shardCollection(items, { n: "hashed" }),
          "InvalidCommandError",
          "shardCollection on keys.items: "
        )
        const unsharded = mongo.db("keys").collection("others")
        yield* unsharded.insertOne({})
        // Then the cluster knows it as a collection of one shard.
        yield* mongo.db("admin").command({ moveCollection: unsharded.fullName, toShard: "shard1" })
        assert.deepStrictEqual(yield* MongoSharding.distribution(unsharded), [])
        assert.deepStrictEqual(yield* MongoSharding.shardKeyOf(unsharded), Option.none())
        // The documents are on both shards, and not on either one alone.
        const shards = yield* MongoSharding.listShards(mongo)
        assert.deepStrictEqual(shards.map(({ isDraining, name, zones }) => ({ isDraining, name, zones })), [
          { isDraining: false, name: "shard0", zones: [] },
          { isDraining: false, name: "shard1", zones: [] }
        ])
        const counts = eachShard(mongo, (shard) => shard.db("keys").collection("items").countDocuments())
        assert.deepStrictEqual(yield* counts, [50, 10])
      }), 60_000)

    it.effect("malformed keys and ranges are refused before anything is sent", () =>
      Effect.gen(function*() {
        const mongo = yield* client
        const items = mongo.db("malformed").collection("items")
        for (
          const [key, text] of [
            [{}, "key has no fields"],
            [null, "key is null"],
            ["customer", "key is a string"],
            [{ customer: -1 }, "key.customer is not 1 or \"hashed\""]
          ] as const
        ) yield* failsWith(MongoSharding.shardCollection(items, key as never), "InvalidArgumentError", text)
        yield* failsWith(
          MongoSharding.shardCollection(mongo.db("malformed").collection(""), { customer: 1 }),
          "InvalidArgumentError",
          "the name of the collection is empty"
        )
        yield* failsWith(
          MongoSharding.updateZoneKeyRange(items, { min: { a: undefined }, max: { a: 1 }, zone: null }),
          "InvalidArgumentError",
          "command.min.a"
        )
        for (
          const [range, text] of [
            [undefined, "range.min has no fields"],
            [{ max: { customer: 1 }, zone: "low" }, "range.min has no fields"],
            [{ min: { customer: 1 }, max: {}, zone: "low" }, "range.max has no fields"],
            ["low", "range is a string"]
          ] as const
        ) yield* failsWith(MongoSharding.updateZoneKeyRange(items, range as never), "InvalidArgumentError", text)
      }))

    it.effect("a zone takes its documents to its shard", () =>
      Effect.gen(function*() {
        const mongo = yield* client
        const items = mongo.db("zones").collection<Item>("items")
        yield* MongoSharding.addShardToZone(mongo, "shard0", "low")
        yield* MongoSharding.addShardToZone(mongo, "shard1", "high")
        const low = { min: { customer: new Driver.MinKey() }, max: { customer: 10 }, zone: "low" }
        const high = { min: { customer: 10 }, max: { customer: new Driver.MaxKey() }, zone: "high" }
        yield* MongoSharding.updateZoneKeyRange(items, low)
        yield* MongoSharding.updateZoneKeyRange(items, high)
        yield* MongoSharding.shardCollection(items, { customer: 1 })
        yield* items.insertMany(Array.from({ length: 15 }, (_, _id) => itemOf(_id)))
        assert.deepStrictEqual(
          (yield* MongoSharding.distribution(items)).map(({ documents, shard }) => [shard, documents]),
          [["shard0", 10], ["shard1", 5]]
        )
        assert.deepStrictEqual(
          (yield* MongoSharding.listShards(mongo)).map(({ name, zones }) => [name, zones]),
          [["shard0", ["low"]], ["shard1", ["high"]]]
        )
        const range = (min: Driver.Document, max: Driver.Document, zone = "low") =>
          MongoSharding.updateZoneKeyRange(items, { min, max, zone })
        for (
          const [refused, text] of [
            [range({ customer: 5 }, { customer: 15 }), "overlaps an existing one"],
            [range({ customer: 9 }, { customer: 8 }), "min must be less than max"],
            [range({ n: 1 }, { n: 2 }), "min and max must have the first fields of the shard key"],
            [range({ customer: 1 }, { customer: 2 }, "nowhere"), "nowhere"],
            [MongoSharding.addShardToZone(mongo, "nowhere", "low"), "nowhere"],
            [MongoSharding.removeShardFromZone(mongo, "shard0", "low"), "cannot remove"]
          ] as const
        ) yield* failsWith(refused, "InvalidCommandError", text)
        yield* MongoSharding.updateZoneKeyRange(items, { ...low, zone: null })
        yield* MongoSharding.updateZoneKeyRange(items, { ...high, zone: null })
        yield* MongoSharding.removeShardFromZone(mongo, "shard0", "low")
        yield* MongoSharding.removeShardFromZone(mongo, "shard1", "high")
        assert.isTrue((yield* MongoSharding.listShards(mongo)).every(({ zones }) => zones.length === 0))
      }), 60_000)

    it.effect("a key is refined, then replaced with a progress to see", () =>
      Effect.gen(function*() {
        const mongo = yield* client
        const items = yield* sharded(mongo, "resharded")
        yield* items.insertMany(Array.from({ length: 100 }, (_, _id) => itemOf(_id)))
        yield* failsWith(
          MongoSharding.refineCollectionShardKey(items, { customer: 1, _id: 1 }),
          "InvalidCommandError",
          "create an index"
        )
        yield* items.createIndex({ customer: 1, _id: 1 })
        yield* failsWith(
          MongoSharding.refineCollectionShardKey(items, { _id: 1, customer: 1 }),
          "InvalidCommandError",
          "the new key must begin with the fields of the current one"
        )
        const whole = mongo.db("resharded").collection("whole")
        yield* whole.insertOne({})
        yield* failsWith(
          MongoSharding.refineCollectionShardKey(whole, { customer: 1 }),
          "InvalidCommandError",
          "unsharded"
        )
        for (
          const refused of [
            MongoSharding.reshardCollection(whole, { n: 1 }),
            MongoSharding.abortReshardCollection(whole)
          ]
        ) {
          yield* failsWith(refused, "NamespaceNotFoundError", "resharded.whole")
        }
        yield* MongoSharding.refineCollectionShardKey(items, { customer: 1, _id: 1 })
        const keyOf = Effect.map(MongoSharding.shardKeyOf(items), (found) => Option.getOrThrow(found).key)
        assert.deepStrictEqual(yield* keyOf, { customer: 1, _id: 1 })

        assert.deepStrictEqual(yield* MongoSharding.reshardingProgress(items), Option.none())
        yield* failsWith(MongoSharding.abortReshardCollection(items), "InvalidCommandError", "abortReshardCollection")
        // The recipients stand still, so that there is something to see.
        const pause = (mode: "alwaysOn" | "off") =>
          eachShard(
            mongo,
            (shard) => shard.db("admin").command({ configureFailPoint: "reshardingPauseRecipientBeforeCloning", mode })
          )
        const isSeen = Effect.promise(() =>
          Effect.runPromise(MongoSharding.reshardingProgress(items)).then((progress) =>
            Option.match(progress, {
              onNone: () => undefined,
              onSome: (progress) => progress.states.length === 4 ? progress : undefined
            })
          )
        )
        const seen = Effect.gen(function*() {
          yield* until(
            "both shards give and take",
            () => Effect.runPromise(Effect.map(isSeen, (progress) => progress !== undefined)),
            90_000
          )
          return (yield* isSeen)!
        })
        const reshard = MongoSharding.reshardCollection(items, { _id: "hashed" }, { numInitialChunks: 4 })
        yield* pause("alwaysOn")
        const refused = yield* Effect.forkChild(reasonOf(reshard))
        const progress = yield* seen
        assert.deepStrictEqual(
          progress.states.map(({ role, shard }) => `${shard} ${role}`).sort(),
          ["shard0 donor", "shard0 recipient", "shard1 donor", "shard1 recipient"]
        )
        assert.strictEqual(progress.documents, 0)
        assert.isBelow(Duration.toMillis(progress.elapsed), 60_000)
        yield* MongoSharding.abortReshardCollection(items)
        assert.strictEqual((yield* Fiber.join(refused)).code, 341)
        assert.deepStrictEqual(yield* keyOf, { customer: 1, _id: 1 })

        // The cluster goes on without the one who is interrupted, and the same call waits for the rest.
        const interrupted = yield* Effect.forkChild(reshard)
        yield* seen
        yield* Fiber.interrupt(interrupted)
        assert.isTrue(Option.isSome(yield* MongoSharding.reshardingProgress(items)))
        yield* pause("off")
        yield* reshard
        assert.deepStrictEqual(yield* keyOf, { _id: "hashed" })
        const shares = yield* MongoSharding.distribution(items)
        assert.isTrue(shares.length === 2 && shares.every(({ documents }) => documents > 0), JSON.stringify(shares))
        assert.strictEqual(yield* items.countDocuments(), 100)
      }), 200_000)

    it.effect("a transaction over both shards is committed whole, or not at all", () =>
      Effect.gen(function*() {
        const mongo = yield* client
        const items = yield* sharded(mongo, "transactions")
        const both = items.insertMany([itemOf(1), itemOf(60)])
        const aborted = yield* Effect.exit(mongo.withTransaction(Effect.andThen(both, Effect.fail("no"))))
        assert.deepStrictEqual(aborted, Exit.fail("no"))
        assert.strictEqual(yield* items.countDocuments(), 0)
        yield* mongo.withTransaction(both)
        assert.deepStrictEqual(
          (yield* MongoSharding.distribution(items)).map(({ documents }) => documents),
          [1, 1]
        )
      }), 60_000)

    it.effect(
      "all operations of a transaction go to one router, and its commit can be recovered by another one",
      () =>
        Effect.gen(function*() {
          const { uri } = yield* MongoServer.MongoServer
          const mongo = yield* MongoClient.make({
            url: uri,
            localThreshold: "1 minute",
            driverOptions: { monitorCommands: true }
          })
          const items = yield* sharded(mongo, "pinning")
          interface Sent {
            readonly address: string
            readonly transaction: string
            readonly name: string
            readonly recoveryToken: unknown
          }
          const sent = new Array<Sent>()
          yield* mongo.use(async (driver) => {
            driver.on("commandStarted", ({ address, command, commandName: name }) => {
              if (command["autocommit"] !== false) return
              const transaction = `${command["lsid"].id.toString("hex")} ${command["txnNumber"]}`
              sent.push({ address, name, transaction, recoveryToken: command["recoveryToken"] })
            })
          })
          const routers = new Set<string>()
          // The driver chooses a router anew for each transaction: one of two, forty times, however slow one of them is at the moment.
          for (let i = 0; i < 40; i++) {
            yield* mongo.withTransaction(Effect.gen(function*() {
              yield* items.updateOne({ customer: i }, { $set: { n: i } }, { upsert: true })
              yield* items.updateOne({ customer: 50 + i }, { $set: { n: i } }, { upsert: true })
              yield* items.find({ customer: { $gte: i } }).batchSize(1)
            }))
          }
          // After a transient error the driver forgets the router, and sends the abort to any.
          const pinned = sent.filter(({ name }) => name !== "abortTransaction")
          for (const { transaction } of pinned) {
            const operations = pinned.filter((each) => each.transaction === transaction)
            const addresses = new Set(operations.map(({ address }) => address))
            assert.strictEqual(addresses.size, 1, operations.map(({ address, name }) => `${name} on ${address}`).join())
            for (const address of addresses) routers.add(address)
          }
          assert.strictEqual(routers.size, 2)
          assert.isTrue(sent.some(({ name }) => name === "getMore"), "no batch was asked for")

          // One router commits, and says each time that nobody knows whether it did.
          const commitOn = (address: string, mode: unknown) =>
            Effect.scoped(Effect.gen(function*() {
              const url = Redacted.make(`mongodb://${address}/`)
              const direct = yield* MongoClient.make({ url, directConnection: true })
              yield* direct.db("admin").command({
                configureFailPoint: "failCommand",
                mode,
                data: {
                  failCommands: ["commitTransaction"],
                  writeConcernError: { code: 91, errmsg: "a test", errorLabels: ["RetryableWriteError"] }
                }
              })
            }))
          sent.length = 0
          let runs = 0
          let address = ""
          yield* mongo.withTransaction(Effect.gen(function*() {
            runs++
            yield* items.updateOne({ customer: 1 }, { $inc: { n: 100 } })
            yield* items.updateOne({ customer: 51 }, { $inc: { n: 100 } })
            address = sent.at(-1)!.address
            yield* mongo.withoutTransaction(Effect.acquireRelease(
              commitOn(address, "alwaysOn"),
              () => Effect.orDie(commitOn(address, "off"))
            ))
          }))
          const commits = sent.filter(({ name }) => name === "commitTransaction")
          assert.strictEqual(commits[0]!.address, address)
          assert.notStrictEqual(commits.at(-1)!.address, address)
          assert.isTrue(commits.every(({ recoveryToken }) => recoveryToken !== undefined))
          assert.strictEqual(runs, 1)
          const amounts = yield* items.find({ customer: { $in: [1, 51] } }).sort({ customer: 1 })
          assert.deepStrictEqual(amounts.map(({ n }) => n), [101, 101])
        }).pipe(Effect.scoped),
      60_000
    )

    it.effect(
      "a shard's primary that steps down in the middle runs the transaction again, once in all",
      () =>
        Effect.gen(function*() {
          const mongo = yield* client
          const items = yield* sharded(mongo, "stepDown")
          yield* items.insertMany([itemOf(1), itemOf(60)])
          let runs = 0
          let commits = 0
          yield* mongo.withTransaction(Effect.gen(function*() {
            runs++
            yield* items.updateOne({ customer: 1 }, { $inc: { n: 1 } })
            yield* items.updateOne({ customer: 60 }, { $inc: { n: 1 } })
            if (runs === 1) {
              yield* mongo.withoutTransaction(
                Effect.scoped(Nemesis.stepDown(({ replicaSet, role }) => replicaSet === "shard1" && role === "primary"))
              )
            }
            yield* items.updateOne({ customer: 60 }, { $inc: { n: 1 } })
            yield* mongo.afterCommit(Effect.sync(() => commits++))
          }))
          yield* MongoServer.ready
          assert.isAtLeast(runs, 2)
          assert.strictEqual(commits, 1)
          assert.deepStrictEqual(
            (yield* items.find().sort({ _id: 1 })).map(({ _id, n }) => [_id, n]),
            [[1, 1], [60, 2]]
          )
        }),
      90_000
    )

    it.effect("$merge and $out write what both shards have", () =>
      Effect.gen(function*() {
        const mongo = yield* client
        const items = yield* sharded(mongo, "writing")
        const merged = yield* sharded(mongo, "writing", "merged")
        yield* items.insertMany(Array.from({ length: 60 }, (_, _id) => itemOf(_id)))
        const into = { into: "merged", on: ["_id", "customer"] }
        yield* failsWith(
          items.aggregate([{ $merge: into }]),
          "InvalidCommandError",
          "Cannot find index to verify that join fields will be unique"
        )
        yield* merged.createIndex({ customer: 1, _id: 1 }, { unique: true })
        for (let i = 0; i < 2; i++) yield* items.aggregate([{ $match: { n: 0 } }, { $merge: into }])
        assert.deepStrictEqual(
          (yield* MongoSharding.distribution(merged)).map(({ documents }) => documents),
          [50, 10]
        )
        yield* items.aggregate([{ $group: { _id: { $mod: ["$customer", 3] }, count: { $sum: 1 } } }, {
          $out: "counts"
        }])
        assert.deepStrictEqual(
          yield* mongo.db("writing").collection<{ readonly _id: number; readonly count: number }>("counts").find().sort(
            { _id: 1 }
          ),
          [0, 1, 2].map((_id) => ({ _id, count: 20 }))
        )
        // The server cannot replace a sharded collection.
        yield* failsWith(items.aggregate([{ $out: "merged" }]), "InvalidCommandError", "$out to a sharded collection")
      }), 60_000)

    it.effect(
      "a change stream sees both shards in the order of their time, and goes on after any event",
      () =>
        Effect.gen(function*() {
          const mongo = yield* client
          const items = yield* sharded(mongo, "watched")
          const count = 200
          type Opened = Effect.Success<ReturnType<typeof items.watch>["open"]>
          const take = ({ next }: Opened, count: number) =>
            Effect.gen(function*() {
              const events = new Array<{ id: unknown; token: Driver.ResumeToken; time: bigint }>()
              while (events.length < count) {
                for (const event of (yield* next).events) {
                  assert(event.operationType === "insert")
                  events.push({ id: event.documentKey._id, token: event._id, time: event.clusterTime!.toBigInt() })
                }
              }
              return events
            })
          const watched = yield* items.watch().open
          /** Writes from shard to shard, one after the other, by either router, and gives the events. */
          const seen = (
            first: number,
            wrapped: (writes: Effect.Effect<void, MongoError.MongoError>) => typeof writes
          ) =>
            Effect.gen(function*() {
              yield* wrapped(Effect.gen(function*() {
                for (let i = 0; i < count; i++) {
                  yield* items.insertOne({ _id: first + i, customer: i % 2 === 0 ? 0 : 50, n: 0 })
                }
              }))
              return yield* take(watched, count)
            })
          const all = (first: number) => Array.from({ length: count }, (_, i) => first + i)
          // In a session each write comes after the one before. Without one, the routers do not know of each other's time.
          const events = yield* seen(0, mongo.withSession())
          assert.deepStrictEqual(events.map(({ id }) => id), all(0))
          const others = yield* seen(1000, (writes) => writes)
          assert.deepStrictEqual(new Set(others.map(({ id }) => id)), new Set(all(1000)))
          for (const [index, { time }] of others.entries()) {
            assert.isTrue(index === 0 || time >= others[index - 1]!.time)
          }
          for (const at of [0, 17, 150]) {
            const rest = yield* items.watch([], { resumeAfter: events[at]!.token }).open
            const ids = (yield* take(rest, count - at - 1)).map(({ id }) => id)
            assert.deepStrictEqual(ids.slice(0, count - at - 1), all(0).slice(at + 1))
          }
        }).pipe(Effect.scoped),
      90_000
    )

    it.effect(
      "read preferences reach the router with their tags, and it chooses members of the shards by them",
      () =>
        Effect.gen(function*() {
          const { uri } = yield* MongoServer.MongoServer
          const mongo = yield* MongoClient.make({ url: uri, driverOptions: { monitorCommands: true } })
          const items = yield* sharded(mongo, "preferences")
          yield* items.insertMany([itemOf(1), itemOf(60)])
          const sent = new Array<Driver.Document>()
          yield* mongo.use(async (driver) => {
            driver.on("commandStarted", ({ command, commandName }) => {
              if (commandName === "find") sent.push(command["$readPreference"])
            })
          })
          const reading = (readPreference: Driver.ReadPreference) => items.withOptions({ readPreference }).find()
          const tagged = (use: string) => reading(new Driver.ReadPreference("nearest", [{ use }]))
          // Deprecated since MongoDB 8.0: the router does it and logs a warning.
          assert.lengthOf(
            yield* reading(new Driver.ReadPreference("nearest", undefined, { hedge: { enabled: true } })),
            2
          )
          assert.lengthOf(
            yield* reading(new Driver.ReadPreference("secondaryPreferred", undefined, { maxStalenessSeconds: 90 })),
            2
          )
          yield* eachShard(mongo, (shard) =>
            Effect.gen(function*() {
              const { config } = yield* shard.db("admin").command({ replSetGetConfig: 1 })
              config.version++
              config.members[0].tags = { use: "reports" }
              yield* shard.db("admin").command({ replSetReconfig: config })
            }))
          const found = tagged("reports").pipe(Mongo.withDeadline("2 seconds"), Effect.option)
          yield* until(
            "the router knows the tags",
            () => Effect.runPromise(found).then((found) => Option.isSome(found) && found.value.length === 2),
            60_000
          )
          // No member has this one.
          const { _tag, message } = yield* reasonOf(tagged("nothing").pipe(Mongo.withDeadline("1 second")))
          assert.strictEqual(_tag, "MaxTimeExpiredError", message)
          assert.deepStrictEqual(sent.slice(0, 3), [
            { mode: "nearest", hedge: { enabled: true } },
            { mode: "secondaryPreferred", maxStalenessSeconds: 90 },
            { mode: "nearest", tags: [{ use: "reports" }] }
          ])
          assert.deepStrictEqual(sent.at(-1), { mode: "nearest", tags: [{ use: "nothing" }] })
        }).pipe(Effect.scoped),
      120_000
    )
  })
})

describe("on a server that is not a router,", () => {
  it.live("operations on shards fail and name what they need", () =>
    Effect.gen(function*() {
      const mongo = yield* MongoClient.make({ url: Redacted.make(uri) })
      const items = mongo.db("noRouter").collection("items")
      for (
        const refused of [
          MongoSharding.shardCollection(items, { customer: 1 }),
          MongoSharding.refineCollectionShardKey(items, { customer: 1 }),
          MongoSharding.reshardCollection(items, { customer: 1 }),
          MongoSharding.abortReshardCollection(items),
          MongoSharding.distribution(items),
          MongoSharding.listShards(mongo),
          MongoSharding.addShardToZone(mongo, "shard0", "zone"),
          MongoSharding.removeShardFromZone(mongo, "shard0", "zone"),
          MongoSharding.updateZoneKeyRange(items, { min: { customer: 0 }, max: { customer: 1 }, zone: "zone" })
        ]
      ) yield* failsWith(refused, "InvalidCommandError", "this server is not a router: connect to a mongos")
      assert.deepStrictEqual(yield* MongoSharding.shardKeyOf(items), Option.none())
      assert.deepStrictEqual(yield* MongoSharding.reshardingProgress(items), Option.none())
    }))
})
