import { assert, it } from "@effect/vitest"
import { ChangeStreamConsumer, type MongoError, type ResumeTokenStore } from "@mongofx/core"
import { Effect, Exit, Random, Ref, Scope } from "effect"
import type * as Driver from "mongodb"
import { outbox, range, store } from "../support/consumers.ts"
import { pause, withStoreOf } from "../support/parts.ts"
import { seeded, until } from "../support/utils.ts"

const parts = 4
const lease = 3000
const documents = range(0, 16)

/** A store that does not answer any more when `isCut` says so, as behind a broken network. */
const cutOff = (real: ResumeTokenStore.ResumeTokenStore, isCut: () => boolean): ResumeTokenStore.ResumeTokenStore => {
  const cut = <A>(self: Effect.Effect<A, MongoError.MongoError>) => Effect.suspend(() => isCut() ? Effect.never : self)
  return {
    acquire: (name, owner, duration) => cut(real.acquire(name, owner, duration)),
    renew: (turn, duration) => cut(real.renew(turn, duration)),
    release: (turn) => cut(real.release(turn)),
    load: (name) => cut(real.load(name)),
    save: (turn, position, checkpoint) => cut(real.save(turn, position, checkpoint)),
    clear: (name) => cut(real.clear(name)),
    members: {
      join: (group, member, duration) => cut(real.members!.join(group, member, duration)),
      leave: (group, member) => cut(real.members!.leave(group, member))
    }
  }
}

interface Instance {
  readonly number: number
  readonly end: Effect.Effect<void>
  isCut: boolean
}

/** When an instance began to handle an event, and when it had done so: milliseconds. */
interface Work {
  readonly by: Instance
  readonly document: number
  readonly from: number
  to: number
}

it.effect(
  "whoever comes, ends and is cut off: parts have one owner each, and soon again one",
  () =>
    Effect.gen(function*() {
      const fixture = yield* outbox()
      const { admin, db, mongo } = fixture
      yield* db.createCollection("handled")
      const handled = db.collection<{ readonly document: number; readonly n: number }>("handled")
      const items = db.collection<{ readonly _id: number; readonly n: number }>("items")
      const work: Array<Work> = []
      const living = new Set<Instance>()
      let number = 0

      const join = Effect.gen(function*() {
        const scope = yield* Scope.fork(yield* Effect.scope)
        const instance: Instance = { number: number++, isCut: false, end: Scope.close(scope, Exit.void) }
        const real = yield* store
        yield* ChangeStreamConsumer.make({
          name: "test",
          partitions: parts,
          lease: { duration: lease },
          watch: (position) =>
            items.watch([{ $match: { operationType: "replace" } }], {
              maxAwaitTime: "50 millis",
              fullDocument: "whenAvailable",
              ...position
            }),
          handler: (event, checkpoint) =>
            Effect.suspend(() => {
              if (event.operationType !== "replace") return Effect.void
              const { _id: document, n } = event.fullDocument
              const own: Work = { by: instance, document, from: performance.now(), to: Infinity }
              work.push(own)
              return mongo.withTransaction(Effect.andThen(
                handled.insertOne({ document, n }),
                Effect.andThen(pause(3), checkpoint)
              )).pipe(Effect.ensuring(Effect.sync(() => void (own.to = performance.now()))))
            })
        }).pipe(
          Effect.provideService(store, cutOff(real, () => instance.isCut)),
          Effect.provideService(Scope.Scope, scope)
        )
        living.add(instance)
      })

      const leave = Effect.flatMap(Random.nextIntBetween(0, 1_000_000), (at) => {
        const instance = [...living][at % living.size]!
        living.delete(instance)
        return instance.end
      })

      const cut = Effect.flatMap(Random.nextIntBetween(0, 1_000_000), (at) =>
        Effect.sync(() => {
          const instance = [...living][at % living.size]!
          living.delete(instance)
          instance.isCut = true
        }))

      // Who has which part, by the server's clock.
      const gaps: Array<number> = []
      const ownerless = new Map<string, number>()
      const look = Effect.promise(async () => {
        const all = await admin.db(db.name).collection<Driver.Document>("mongofx_resume_tokens").aggregate([
          { $match: { _id: { $regex: "^test/[0-9]+of" } } },
          {
            $project: {
              now: { $toLong: "$$NOW" },
              isOwned: { $and: [{ $ne: ["$owner", null] }, { $gt: ["$expiresAt", "$$NOW"] }] }
            }
          }
        ]).toArray()
        for (const { _id, isOwned, now } of all) {
          const since = ownerless.get(_id as string)
          if (since !== undefined) gaps.push(Number(now) - since)
          if (isOwned === true) ownerless.delete(_id as string)
          else if (since === undefined) ownerless.set(_id as string, Number(now))
        }
      })

      const written = yield* Ref.make(0)
      const write = Effect.gen(function*() {
        const n = yield* Ref.get(written)
        yield* Effect.forEach(documents, (_id) => items.replaceOne({ _id }, { n }), { concurrency: 4, discard: true })
        yield* Ref.set(written, n + 1)
      })

      yield* items.insertMany(documents.map((_id) => ({ _id, n: -1 })))
      yield* Effect.gen(function*() {
        yield* join
        yield* join
        yield* Effect.forkScoped(Effect.forever(Effect.andThen(look, pause(25))))
        for (const _ of range(0, 10)) {
          yield* write
          const dice = yield* Random.nextIntBetween(0, 4)
          yield* living.size <= 1 || dice === 0 && living.size < 5
            ? join
            : dice === 1
            ? leave
            : dice === 2
            ? cut
            : write
          yield* pause(yield* Random.nextIntBetween(100, 900))
        }
        yield* write
        const count = (yield* Ref.get(written)) * documents.length
        yield* until("all are handled", async () => await Effect.runPromise(handled.countDocuments()) >= count, 30_000)
        const all = yield* handled.find()
        for (const document of documents) {
          // In transactions each comes once, and in order.
          const own = all.filter((one) => one.document === document).map(({ n }) => n)
          assert.deepStrictEqual(own, range(0, count / documents.length), `of ${document}`)
          const sorted = work.filter((one) => one.document === document && !one.by.isCut).sort((a, b) =>
            a.from - b.from
          )
          for (const [i, { from }] of sorted.entries()) {
            if (i > 0) assert.isAtLeast(from, sorted[i - 1]!.to, `two instances had document ${document} at once`)
          }
        }
        // Mostly it is less than half a lease. Who is cut off while it takes parts keeps the others from taking them for a lease.
        assert.isBelow(Math.max(0, ...gaps), 2 * lease, "milliseconds without an owner")
      }).pipe(Effect.scoped, withStoreOf(fixture))
    }).pipe(seeded),
  120_000
)
