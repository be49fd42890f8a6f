/**
 * Each check of the scenarios can fail: a variant that does one thing wrong is caught, and the right one in the same place is not.
 *
 * @since 0.1.0
 */
import { assert, layer } from "@effect/vitest"
import { ChangeStreamConsumer, MongoClient, ResumeTokenStore } from "@mongofx/core"
import { FailPoint, MongoServer, Nemesis } from "@mongofx/testing"
import { Deferred, Effect, Exit, Fiber, Redacted, Schedule, Scope } from "effect"
import * as Driver from "mongodb"
import { type Arena, caught, within } from "./support/arena.ts"
import { attempt, type Bank, bankProblems, newWitness, openBank, transferIn, type Variant } from "./support/bank.ts"
import { handledProblems, storeProblems, writeEvents } from "./support/consumers.ts"
import { clusterTime, eventProblems, type Numbered, readNumbers, writeNumbers } from "./support/events.ts"
import { fileProblems, newFiles, sumOf } from "./support/files.ts"
import { type Counted, documents, numberOf } from "./support/forms.ts"
import { insertNumber, insertProblems, newLog, numbersIn } from "./support/inserts.ts"
import { leftovers } from "./support/interruptions.ts"
import { provingOn } from "./support/proofs.ts"
import { footprint, soakProblems } from "./support/soak.ts"

const Servers = MongoServer.layerReplicaSet({ members: 3, proxied: true, durable: true })

/** The server does the write, and answers that not enough members have confirmed it in time. */
const late = { code: 64, codeName: "WriteConcernTimeout", errmsg: "late", errInfo: { wtimeout: true } }

layer(Servers, { excludeTestServices: true, timeout: 120_000 })("broken variants", (it) => {
  const { broken, right } = provingOn(it)

  /** Two transfers from one account: the second one reads before the first one commits, and writes afterwards. */
  const overlapping = (
    arena: Arena,
    variant: (bank: Bank) => Variant
  ) =>
    Effect.gen(function*() {
      const bank = yield* openBank(arena)
      const witness = newWitness()
      const hasRead = yield* Deferred.make<void>()
      const isDone = yield* Deferred.make<void>()
      const between = Effect.andThen(Deferred.succeed(hasRead, undefined), Deferred.await(isDone))
      const second = transferIn(bank, witness, { ...variant(bank), between })
      const fiber = yield* Effect.forkChild(attempt(witness, "b", second({ id: "b", from: 0, to: 1, amount: 20 })))
      yield* Deferred.await(hasRead)
      const first = transferIn(bank, witness)
      yield* attempt(witness, "a", first({ id: "a", from: 0, to: 2, amount: 10 }))
      yield* Deferred.succeed(isDone, undefined)
      yield* Fiber.join(fiber)
      return yield* Effect.promise(() => bankProblems(arena.data, witness))
    })

  broken(
    "a bank that reads outside of its transaction",
    (arena) =>
      overlapping(arena, ({ balanceOf, mongo }) => ({ balanceOf: (id) => mongo.withoutTransaction(balanceOf(id)) })),
    /^the sum of the balances is \d+, not \d+/
  )

  right("the bank that is right holds there", (arena) => overlapping(arena, () => ({})))

  it.effect("a bank that makes a transfer again when its commit has no answer", (context) =>
    within(context, (arena) =>
      Effect.gen(function*() {
        const bank = yield* openBank(arena)
        const witness = newWitness()
        const transfer = transferIn(bank, witness, { maxDuration: "200 millis" })({
          id: "a",
          from: 0,
          to: 1,
          amount: 10
        })
        yield* Effect.scoped(Effect.gen(function*() {
          yield* FailPoint.failCommand({ failCommands: ["commitTransaction"], writeConcernError: late })
          yield* attempt(witness, "a", Effect.retry(transfer, { times: 1 }))
        }))
        caught(
          context,
          yield* Effect.promise(() => bankProblems(arena.data, witness)),
          /^transfers that took place twice/
        )
      })))

  it.effect("a bank that tells of a transfer before its commit", (context) =>
    within(context, (arena) =>
      Effect.gen(function*() {
        const bank = yield* openBank(arena)
        const witness = newWitness()
        const transfer = transferIn(bank, witness, { notify: (effect) => effect })
        yield* attempt(witness, "a", transfer({ id: "a", from: 0, to: 1, amount: 1_000_000 }))
        const problems = yield* Effect.promise(() => bankProblems(arena.data, witness))
        caught(context, problems, /^effects after a commit that ran without one/)
      })))

  it.effect("inserts that are retried without the same _id", (context) =>
    within(context, (arena) =>
      Effect.gen(function*() {
        const log = newLog()
        const insert = numbersIn(arena).insertOne({ n: 1 })
        yield* Effect.scoped(Effect.gen(function*() {
          yield* FailPoint.failCommand({ failCommands: ["insert"], mode: { times: 1 }, writeConcernError: late })
          yield* insertNumber(log, 1, Effect.retry(insert, { times: 3 }))
        }))
        assert.deepStrictEqual([...log.confirmed], [1])
        caught(context, yield* Effect.promise(() => insertProblems(arena.data, log)), /^numbers that are there twice/)
      })))

  it.effect("inserts that one member alone confirms", (context) =>
    within(context, (arena) =>
      Effect.gen(function*() {
        const log = newLog()
        const cut = yield* Effect.acquireRelease(Scope.make(), (scope, exit) => Scope.close(scope, exit))
        const { members: [old] } = yield* Scope.provide(Nemesis.isolate("primary", { clients: "reach" }), cut)
        const direct = yield* MongoClient.make({ url: Redacted.make(`mongodb://${old!.host}/?directConnection=true`) })
        const numbers = direct.db(arena.db.name).collection<{ readonly n: number }>("numbers")
        yield* insertNumber(log, 1, numbers.insertOne({ n: 1 }, { writeConcern: { w: 1 } }))
        yield* insertNumber(log, 2, numbers.insertOne({ n: 2 }, { writeConcern: { w: "majority", wtimeoutMS: 300 } }))
        assert.deepStrictEqual([...log.confirmed], [1])
        yield* MongoServer.members.pipe(
          Effect.map((members) => members.some(({ host, role }) => role === "primary" && host !== old!.host)),
          Effect.repeat({ until: (isElected) => isElected })
        )
        yield* Scope.close(cut, Exit.void)
        yield* MongoServer.ready
        const problems = yield* Effect.promise(() => insertProblems(arena.data, log))
        // The second number was lost as well, but nobody was told that it is there.
        caught(context, problems, /^confirmed numbers that are lost: 1, such as 1/)
      })))

  it.effect("a watcher that goes on from now", (context) =>
    within(context, (arena) =>
      Effect.gen(function*() {
        const items = arena.db.collection<Numbered>("events")
        const began = yield* clusterTime(arena.data)
        yield* writeNumbers(items, 0, 10)
        const first = yield* readNumbers(items, { startAtOperationTime: began }, 5)
        const now = yield* clusterTime(arena.data)
        const again = yield* Effect.forkChild(
          readNumbers(items, { startAtOperationTime: new Driver.Timestamp({ t: now.high, i: now.low + 1 }) }, 5)
        )
        yield* writeNumbers(items, 10, 15)
        const numbers = [...first, ...yield* Fiber.join(again)].map(({ n }) => n)
        const problems = yield* Effect.promise(() => eventProblems(arena.data, { began, size: 15, numbers }))
        caught(context, problems, /^events that were lost: 5, such as 5/)
      })))

  it.effect("a watcher that goes on from an older token", (context) =>
    within(context, (arena) =>
      Effect.gen(function*() {
        const items = arena.db.collection<Numbered>("events")
        const began = yield* clusterTime(arena.data)
        yield* writeNumbers(items, 0, 10)
        const first = yield* readNumbers(items, { startAtOperationTime: began }, 5)
        const again = yield* readNumbers(items, { startAfter: first[2]!.token }, 7)
        const numbers = [...first, ...again].map(({ n }) => n)
        const problems = yield* Effect.promise(() => eventProblems(arena.data, { began, size: 10, numbers }))
        caught(context, problems, /^events that came twice: 2/)
      })))

  /** One instance hangs in its handler for longer than its lease, does not notice, and saves its token when another one is ahead. */
  const overtaken = (arena: Arena, isFenced: boolean) =>
    Effect.gen(function*() {
      const items = arena.db.collection<Numbered>("items")
      const tokens = arena.db.collection<Driver.Document & { readonly _id: string }>("mongofx_resume_tokens")
      const began = yield* clusterTime(arena.data)
      const real = yield* ResumeTokenStore.ResumeTokenStore
      const broken: ResumeTokenStore.ResumeTokenStore = {
        ...real,
        renew: () => Effect.succeed(true),
        save: (turn, position, checkpoint) =>
          isFenced
            ? real.save(turn, position, checkpoint)
            : Effect.as(tokens.updateOne({ _id: turn.name }, { $set: { ...checkpoint, position } }), true)
      }
      const hangs = yield* Deferred.make<void>()
      const isAhead = yield* Deferred.make<void>()
      const consume = (instance: string) =>
        ChangeStreamConsumer.make({
          name: "test",
          watch: (position) => items.watch([], { maxAwaitTime: "50 millis", ...position }),
          lease: { duration: "1 second" },
          checkpoint: { events: 1 },
          handler: (event) => {
            const n = event.operationType === "insert" ? event.documentKey._id : -1
            if (instance === "a" && n === 3) {
              return Effect.andThen(Deferred.succeed(hangs, undefined), Deferred.await(isAhead))
            }
            return instance === "b" && n === 9 ? Effect.asVoid(Deferred.succeed(isAhead, undefined)) : Effect.void
          }
        }).pipe(Effect.provideService(ResumeTokenStore.ResumeTokenStore, broken))
      yield* consume("a")
      yield* writeNumbers(items, 0, 10)
      yield* Deferred.await(hangs)
      yield* consume("b")
      yield* Deferred.await(isAhead)
      yield* Effect.sleep("500 millis")
      return yield* Effect.promise(() => storeProblems(arena.data, { began }))
    }).pipe(Effect.scoped, Effect.provide(ResumeTokenStore.layerMongo()))

  broken("a consumer without a fence", (arena) => overtaken(arena, false), /^the token of test went backwards/)

  right("the consumer with a fence goes forwards there", (arena) => overtaken(arena, true))

  /** The handler fails once after its transaction has committed, and the consumer starts again. */
  const consumedTwice = (arena: Arena, isCheckpointed: boolean) =>
    Effect.gen(function*() {
      const items = arena.db.collection<Numbered>("items")
      const handled = arena.db.collection<{ readonly n: number }>("transaction")
      yield* arena.db.createCollection("items")
      const began = yield* clusterTime(arena.data)
      const all = yield* Deferred.make<void>()
      let hasFailed = false
      const consumer = ChangeStreamConsumer.make({
        name: "transaction",
        watch: (position) => items.watch([], { maxAwaitTime: "50 millis", ...position }),
        handler: (event, checkpoint) =>
          Effect.gen(function*() {
            const n = event.operationType === "insert" ? event.documentKey._id : -1
            yield* arena.mongo.withTransaction(
              Effect.andThen(handled.insertOne({ n }), isCheckpointed ? checkpoint : Effect.void)
            )
            if (n === 1 && !hasFailed) {
              hasFailed = true
              return yield* Effect.fail("the process ends here")
            }
            if (n === 2) yield* Deferred.succeed(all, undefined)
          })
      })
      yield* Effect.scoped(Effect.gen(function*() {
        const { join } = yield* consumer
        yield* writeNumbers(items, 0, 3)
        yield* Effect.exit(join)
      }))
      yield* Effect.scoped(Effect.andThen(consumer, Deferred.await(all)))
      return yield* Effect.promise(() => handledProblems(arena.data, "transaction", { began, size: 3 }))
    }).pipe(Effect.provide(ResumeTokenStore.layerMongo()))

  broken(
    "a consumer whose checkpoint is not in its transaction",
    (arena) => consumedTwice(arena, false),
    /^transaction: events that came twice: 1/
  )

  right("the consumer with its checkpoint there handles each event once", (arena) => consumedTwice(arena, true))

  /** The first event of a document is handled late, and its second one comes meanwhile. */
  const partsInOrder = (arena: Arena, isByDocument: boolean) =>
    Effect.gen(function*() {
      const items = arena.db.collection<Counted>("items")
      const handled = arena.db.collection<{ readonly n: number }>("parts")
      yield* arena.db.createCollection("items")
      const began = yield* clusterTime(arena.data)
      const size = 2 * documents
      const isOvertaken = yield* Deferred.make<void>()
      const all = yield* Deferred.make<void>()
      let done = 0
      const n = { $ifNull: ["$fullDocument.n", "$updateDescription.updatedFields.n"] }
      yield* ChangeStreamConsumer.make({
        name: "parts",
        partitions: 2,
        watch: (position) => {
          const source = items.watch([], { maxAwaitTime: "50 millis", ...position })
          const ofEvents = (index: number) => {
            const first = { $lt: [n, documents] }
            return items.watch([{ $match: { $expr: index === 0 ? first : { $not: first } } }], {
              maxAwaitTime: "50 millis",
              ...position
            })
          }
          return { open: source.open, tokenForParts: source.tokenForParts, part: isByDocument ? source.part : ofEvents }
        },
        handler: (event) =>
          Effect.gen(function*() {
            const number = numberOf(event)
            if (number === undefined) return
            if (number === 0) yield* Effect.timeoutOption(Deferred.await(isOvertaken), "1 second")
            yield* handled.insertOne({ n: number })
            if (number === documents) yield* Deferred.succeed(isOvertaken, undefined)
            if (++done === size) yield* Deferred.succeed(all, undefined)
          })
      })
      yield* writeEvents(items, 0, size)
      yield* Deferred.await(all)
      return yield* Effect.promise(() => handledProblems(arena.data, "parts", { began, size }))
    }).pipe(Effect.scoped, Effect.provide(ResumeTokenStore.layerMongo()))

  broken(
    "partitions by events instead of documents",
    (arena) => partsInOrder(arena, false),
    /^parts, document 0: the event at 0 is 24/
  )

  right("partitions by documents keep the order there", (arena) => partsInOrder(arena, true))

  /** A second instance comes while the first one works on all parts. */
  const joined = (arena: Arena, asksFirst: boolean) =>
    Effect.gen(function*() {
      const items = arena.db.collection<Counted>("items")
      const tokens = arena.db.collection<Driver.Document & { readonly _id: string }>("mongofx_resume_tokens")
      const began = yield* clusterTime(arena.data)
      const real = yield* ResumeTokenStore.ResumeTokenStore
      const greedy: ResumeTokenStore.ResumeTokenStore = {
        ...real,
        acquire: (name, owner, duration) =>
          Effect.andThen(
            tokens.updateOne({ _id: name, owner: { $type: "string" } }, {
              $set: { owner, expiresAt: new Date(Date.now() + 1000) },
              $inc: { fence: 1 }
            }),
            real.acquire(name, owner, duration)
          )
      }
      const consumer = (store: ResumeTokenStore.ResumeTokenStore) =>
        ChangeStreamConsumer.make({
          name: "test",
          partitions: 2,
          watch: (position) => items.watch([], { maxAwaitTime: "50 millis", ...position }),
          lease: { duration: "1 second" },
          handler: () => Effect.void
        }).pipe(Effect.provideService(ResumeTokenStore.ResumeTokenStore, store))
      const owners = Effect.promise(() => arena.data.collection("mongofx_resume_tokens").distinct("owner"))
      const shared = (count: number) =>
        Effect.repeat(owners, {
          until: (owners) => owners.filter((owner) => typeof owner === "string").length >= count,
          schedule: Schedule.spaced("50 millis")
        })
      yield* arena.db.createCollection("items")
      yield* consumer(real)
      yield* shared(1)
      yield* consumer(asksFirst ? real : greedy)
      yield* shared(2)
      return yield* Effect.promise(() => storeProblems(arena.data, { began }))
    }).pipe(Effect.scoped, Effect.provide(ResumeTokenStore.layerMongo()))

  broken(
    "an instance that takes parts which another one has",
    (arena) => joined(arena, false),
    /^the lease of test.* had two owners/
  )

  right("the instance that waits for its share does not", (arena) => joined(arena, true))

  it.effect("an upload that overlooks a failed write", (context) =>
    within(context, (arena) =>
      Effect.gen(function*() {
        const files = newFiles()
        const id = new Driver.ObjectId()
        const bytes = new Uint8Array(1000)
        files.sums.set(id.toHexString(), sumOf([bytes]))
        yield* Effect.scoped(Effect.gen(function*() {
          yield* FailPoint.failCommand({ failCommands: ["insert"], mode: { times: 1 }, errorCode: 2, clients: "any" })
          yield* Effect.promise(() =>
            arena.data.collection("fs.chunks").insertOne({ files_id: id, n: 0, data: bytes }).catch(() => {})
          )
        }))
        yield* Effect.promise(() =>
          arena.data.collection("fs.files").insertOne({
            _id: id,
            filename: "file",
            length: bytes.length,
            chunkSize: 65536,
            uploadDate: new Date()
          })
        )
        files.confirmed.add(id.toHexString())
        const problems = yield* Effect.promise(() => fileProblems(arena.data, files))
        caught(context, problems, /^files whose bytes are not those that were stored: 1/)
      })))

  it.effect("an interruption that leaves its cursor", (context) =>
    within(context, (arena) =>
      Effect.gen(function*() {
        yield* arena.db.collection("items").insertMany([{}, {}, {}])
        let hasRead = false
        const careless = arena.mongo.use(async (driver) => {
          await driver.db(arena.db.name).collection("items").find({}, { batchSize: 1 }).next()
          hasRead = true
          await new Promise(() => {})
        })
        const fiber = yield* Effect.forkChild(careless)
        yield* Effect.repeat(Effect.sleep("10 millis"), { until: () => hasRead })
        yield* Fiber.interrupt(fiber)
        caught(context, yield* leftovers(arena), /^an open cursor/)
      })))

  it.effect("two writes that should be a transaction and are none", (context) =>
    within(context, (arena) =>
      Effect.gen(function*() {
        const [left, right] = ["left", "right"].map((name) => arena.db.collection<{ readonly n: number }>(name))
        const hasWritten = yield* Deferred.make<void>()
        const fiber = yield* Effect.forkChild(
          left!.insertOne({ n: 1 }).pipe(
            Effect.tap(Deferred.succeed(hasWritten, undefined)),
            Effect.andThen(Effect.sleep("5 seconds")),
            Effect.andThen(right!.insertOne({ n: 1 }))
          )
        )
        yield* Deferred.await(hasWritten)
        yield* Fiber.interrupt(fiber)
        caught(context, yield* leftovers(arena), /^transactions that were done by half: 1/)
      })))

  it.effect("a program that keeps what it reads", (context) =>
    within(context, () =>
      Effect.gen(function*() {
        const before = yield* footprint
        const kept = Array.from({ length: 1_000_000 }, (_, n) => ({ n }))
        const after = yield* footprint
        caught(context, soakProblems({ before, after }), /^the heap has grown by/)
        assert.lengthOf(kept, 1_000_000)
      })))

  it.effect("a program that does not close its clients", (context) =>
    within(context, (arena) =>
      Effect.gen(function*() {
        const before = yield* footprint
        const clients = yield* Effect.promise(() =>
          Promise.all(Array.from({ length: 8 }, () => Driver.MongoClient.connect(arena.uri, { minPoolSize: 2 })))
        )
        const after = yield* footprint
        yield* Effect.promise(() => Promise.all(clients.map((client) => client.close())))
        caught(context, soakProblems({ before, after }), /handles are left/)
      })))
})
