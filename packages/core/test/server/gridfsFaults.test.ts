import { assert, describe, it } from "@effect/vitest"
import { GridFS, Mongo } from "@mongofx/core"
import { Data, Deferred, Effect, Exit, Fiber, Random, Scope, Stream } from "effect"
import type * as Driver from "mongodb"
import {
  failCommand,
  type Fixture,
  interrupt,
  leftOnServer,
  nothingLeft,
  reasonOf,
  seeded,
  setup,
  timed,
  until
} from "../support/utils.ts"

class Broken extends Data.TaggedError("Broken")<{}> {}

const kib = 1024
const chunkSize = 255 * kib

/** Endless bytes, chunk by chunk. */
const endless = Stream.fromEffectRepeat(Effect.sync(() => new Uint8Array(chunkSize)))

const stored = ({ admin, db }: Fixture) =>
  Effect.promise(async () => {
    const { name } = db
    const [files, chunks] = await Promise.all([
      admin.db(name).collection("fs.files").countDocuments(),
      admin.db(name).collection("fs.chunks").countDocuments()
    ])
    return { files, chunks }
  })

const nothing = { files: 0, chunks: 0 }

const inserted = (fixture: Fixture, times: number) =>
  until(
    `${times} inserts`,
    () => fixture.commands.filter(({ command }) => command["insert"] === "fs.chunks").length >= times
  )

describe("an upload that fails", () => {
  it.live("with its stream leaves nothing, and fails with the stream's failure", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const bucket = GridFS.bucket(fixture.db)
      for (const chunks of [0, 1, 16, 17, 40]) {
        const stream = Stream.concat(Stream.take(endless, chunks), Stream.fail(new Broken()))
        const failed = yield* Effect.flip(bucket.upload("a", stream))
        assert.strictEqual(failed._tag, "Broken")
        const bySink = yield* Effect.flip(Stream.run(stream, bucket.uploadSink("a")))
        assert.strictEqual(bySink._tag, "Broken")
        const died = yield* Effect.exit(
          bucket.upload("a", Stream.concat(Stream.take(endless, chunks), Stream.die("no")))
        )
        assert.isTrue(Exit.hasDies(died))
        assert.deepStrictEqual(yield* stored(fixture), nothing)
      }
      assert.isAbove(fixture.sent().filter((name) => name === "insert").length, 0)
    }))

  for (const skip of [0, 1, 2, 3]) {
    it.live(`with its insert ${skip} leaves nothing`, () =>
      Effect.scoped(Effect.gen(function*() {
        const fixture = yield* setup()
        const bucket = GridFS.bucket(fixture.db)
        // 0, 1 and 2 are batches of chunks, 3 is the file's document.
        const upload = bucket.upload("a", Stream.take(endless, 40))
        yield* bucket.upload("other", Stream.take(endless, 1))
        yield* failCommand(fixture, { skip }, { failCommands: ["insert"], errorCode: 8000 })
        const reason = yield* reasonOf(upload)
        assert.strictEqual(reason.code, 8000)
        assert.deepStrictEqual(yield* stored(fixture), { files: 1, chunks: 1 })
      })))
  }

  it.live("because its connection closes is still removed, with retries", () =>
    Effect.scoped(Effect.gen(function*() {
      const fixture = yield* setup()
      const bucket = GridFS.bucket(fixture.db)
      yield* bucket.upload("other", Stream.take(endless, 1))
      const scope = yield* Effect.scope
      const breaks = Effect.andThen(
        until("a batch is stored", () => Effect.runPromise(Effect.map(stored(fixture), ({ chunks }) => chunks === 17))),
        failCommand(fixture, { times: 4 }, { failCommands: ["insert", "delete"], closeConnection: true })
      ).pipe(Scope.provide(scope))
      // The second batch is sent twice, and the first deleted at the third attempt.
      const stream = Stream.concat(Stream.take(endless, 16), Stream.drain(Stream.fromEffect(breaks))).pipe(
        Stream.concat(Stream.take(endless, 20))
      )
      const reason = yield* reasonOf(bucket.upload("a", stream))
      assert.strictEqual(reason._tag, "ConnectionError")
      assert.deepStrictEqual(yield* stored(fixture), { files: 1, chunks: 1 })
    })))

  it.live("with a write concern leaves nothing", () =>
    Effect.scoped(Effect.gen(function*() {
      const fixture = yield* setup()
      const bucket = GridFS.bucket(fixture.db)
      yield* failCommand(fixture, { times: 1 }, {
        failCommands: ["insert"],
        writeConcernError: { code: 64, errmsg: "too slow" }
      })
      assert.strictEqual((yield* reasonOf(bucket.upload("a", Stream.take(endless, 3))))._tag, "WriteConcernError")
      assert.deepStrictEqual(yield* stored(fixture), nothing)
    })))

  for (const chunks of [0, 1, 3]) {
    it.live(`because its id is taken leaves that file, of ${chunks} chunks, as it was`, () =>
      Effect.gen(function*() {
        const fixture = yield* setup()
        const bucket = GridFS.bucket<Driver.Document, string>(fixture.db, { chunkSize: 4 })
        const bytes = (length: number) => Stream.make(new Uint8Array(length * 4).fill(length))
        const file = yield* bucket.upload("first", bytes(chunks), { id: "mine" })
        for (const more of [0, 1, 5]) {
          const again = bucket.upload("first", bytes(more), { id: "mine" })
          assert.strictEqual((yield* reasonOf(again))._tag, "DuplicateKeyError", `${more} chunks`)
          assert.deepStrictEqual(yield* bucket.find(), [file])
          assert.strictEqual((yield* Stream.runCollect(bucket.download("mine"))).length, chunks)
          assert.strictEqual((yield* stored(fixture)).chunks, chunks)
        }
      }))
  }

  // By this clock both files have the same time, so only the server's answer tells them apart.
  it.effect("with a duplicate id does not remove the other file's document", () =>
    Effect.gen(function*() {
      const bucket = GridFS.bucket<Driver.Document, string>((yield* setup()).db)
      const upload = bucket.upload("a", Stream.empty, { id: "mine" })
      const file = yield* upload
      assert.strictEqual((yield* reasonOf(upload))._tag, "DuplicateKeyError")
      assert.deepStrictEqual(yield* bucket.find(), [file])
    }))
})

describe("an upload that is interrupted", () => {
  const leavesNothing = (fixture: Fixture, effect: Effect.Effect<unknown, unknown>, batches: number) =>
    Effect.gen(function*() {
      const fiber = yield* Effect.forkChild(effect, { startImmediately: true })
      yield* inserted(fixture, batches)
      assert.isUndefined(fiber.pollUnsafe())
      assert.isBelow(yield* interrupt(fiber), 2000)
      assert.isTrue(Exit.hasInterrupts(fiber.pollUnsafe()!))
      assert.deepStrictEqual(yield* stored(fixture), nothing)
      yield* nothingLeft(fixture)
    })

  it.live("leaves nothing while chunks are on their way", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const bucket = GridFS.bucket(fixture.db)
      yield* leavesNothing(fixture, bucket.upload("a", endless), 1)
      yield* leavesNothing(fixture, bucket.upload("a", endless), 5)
      yield* leavesNothing(fixture, Stream.run(endless, bucket.uploadSink("a")), 3)
      for (const policy of ["await", "detach"] as const) {
        yield* leavesNothing(fixture, Mongo.withInterruptionPolicy(bucket.upload("a", endless), policy), 3)
      }
    }))

  it.live("leaves nothing while its stream is idle", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const stream = Stream.concat(Stream.take(endless, 40), Stream.never)
      yield* leavesNothing(fixture, GridFS.bucket(fixture.db).upload("a", stream), 2)
    }))

  it.effect("leaves nothing under a TestClock", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      yield* leavesNothing(fixture, GridFS.bucket(fixture.db).upload("a", endless), 3)
    }))

  it.live("leaves nothing at random points", () =>
    seeded(Effect.gen(function*() {
      const fixture = yield* setup()
      const bucket = GridFS.bucket(fixture.db)
      const upload = bucket.upload("a", Stream.take(endless, 60))
      yield* upload
      const [, whole] = yield* timed(upload)
      yield* bucket.deleteByName("a")
      let complete = 0
      for (let i = 0; i < 30; i++) {
        const fiber = yield* Effect.forkChild(upload)
        yield* Effect.sleep((yield* Random.next) * whole * 1.2)
        yield* Fiber.interrupt(fiber)
        if (Exit.isSuccess(fiber.pollUnsafe()!)) complete++
        const { chunks, files } = yield* stored(fixture)
        assert.strictEqual(files, complete)
        assert.strictEqual(chunks, complete * 60)
      }
      yield* nothingLeft(fixture)
    })), 120_000)

  it.live("leaves nothing when the file's document is on its way", () =>
    Effect.scoped(Effect.gen(function*() {
      const fixture = yield* setup()
      const bucket = GridFS.bucket(fixture.db)
      yield* failCommand(fixture, { skip: 1 }, { failCommands: ["insert"], blockConnection: true, blockTimeMS: 300 })
      const fiber = yield* Effect.forkChild(bucket.upload("a", Stream.take(endless, 2)))
      yield* until(
        "the document is sent",
        () => fixture.commands.some(({ command }) => command["insert"] === "fs.files")
      )
      const elapsed = yield* interrupt(fiber)
      assert.isAbove(elapsed, 100)
      assert.isTrue(Exit.hasInterrupts(fiber.pollUnsafe()!))
      assert.deepStrictEqual(yield* stored(fixture), nothing)
    })))

  it.live(
    "ends in time when the server does not answer, and is removed when it answers",
    () =>
      Effect.scoped(Effect.gen(function*() {
        const fixture = yield* setup()
        const bucket = GridFS.bucket(fixture.db)
        yield* failCommand(fixture, { times: 1 }, {
          failCommands: ["insert"],
          blockConnection: true,
          blockTimeMS: 6000
        })
        const fiber = yield* Effect.forkChild(bucket.upload("a", endless))
        yield* inserted(fixture, 1)
        const elapsed = yield* interrupt(fiber)
        assert.isAbove(elapsed, 4500)
        assert.isBelow(elapsed, 5500)
        yield* until("the chunks are deleted", () => fixture.sent().includes("delete"))
        yield* until(
          "nothing is left",
          () => Effect.runPromise(Effect.map(stored(fixture), ({ chunks }) => chunks === 0))
        )
      })),
    15_000
  )

  it.live("removes only its own chunks if another file has its id", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const bucket = GridFS.bucket<Driver.Document, string>(fixture.db)
      // Neither finds a file; the first chunk decides, and the other upload does not know yet.
      const gate = yield* Deferred.make<void>()
      const late = Stream.concat(Stream.drain(Stream.fromEffect(Deferred.await(gate))), Stream.take(endless, 20))
      const loser = yield* Effect.forkChild(
        bucket.upload("a", Stream.concat(late, Stream.never), { id: "mine" }),
        { startImmediately: true }
      )
      const file = yield* bucket.upload("a", Stream.take(endless, 20), { id: "mine" })
      yield* Deferred.succeed(gate, undefined)
      yield* inserted(fixture, 3)
      yield* Effect.sleep(100)
      yield* Fiber.interrupt(loser)
      assert.deepStrictEqual(yield* bucket.find(), [file])
      assert.deepStrictEqual(yield* stored(fixture), { files: 1, chunks: 20 })
    }))
})

describe("a download", () => {
  const filled = Effect.gen(function*() {
    const fixture = yield* setup()
    const bucket = GridFS.bucket(fixture.db)
    const file = yield* bucket.upload("a", Stream.take(endless, 80))
    return { ...fixture, bucket, file }
  })

  const cursors = (fixture: Fixture) =>
    Effect.map(leftOnServer(fixture), (left) => left.filter(({ type }) => type === "idleCursor").length)

  it.live("that is interrupted leaves no cursor", () =>
    Effect.gen(function*() {
      const { bucket, file, ...fixture } = yield* filled
      const opened = yield* Deferred.make<void>()
      const fiber = yield* Effect.forkChild(
        Stream.runForEach(bucket.download(file._id), () =>
          Effect.andThen(Deferred.succeed(opened, undefined), Effect.never))
      )
      yield* Deferred.await(opened)
      assert.strictEqual(yield* cursors(fixture), 1)
      assert.isBelow(yield* interrupt(fiber), 1000)
      yield* nothingLeft(fixture)
    }))

  it.live("that is not read to its end leaves no cursor", () =>
    Effect.gen(function*() {
      const { bucket, file, ...fixture } = yield* filled
      yield* Stream.runDrain(Stream.take(bucket.download(file._id), 1))
      assert.strictEqual(yield* cursors(fixture), 0)
      yield* nothingLeft(fixture)
    }))

  it.live("that fails gives a part, and leaves no cursor", () =>
    Effect.scoped(Effect.gen(function*() {
      const { bucket, file, ...fixture } = yield* filled
      yield* failCommand(fixture, { times: 1 }, { failCommands: ["getMore"], errorCode: 8000 })
      let read = 0
      const reason = yield* reasonOf(
        Stream.runForEach(bucket.download(file._id), () => Effect.sync(() => read++))
      )
      assert.strictEqual(reason.code, 8000)
      assert.strictEqual(read, 8)
      yield* nothingLeft(fixture)
    })))

  it.live("that is interrupted at random points leaves no cursor", () =>
    seeded(Effect.gen(function*() {
      const { bucket, file, ...fixture } = yield* filled
      const download = Stream.runDrain(bucket.download(file._id))
      const [, whole] = yield* timed(download)
      for (let i = 0; i < 30; i++) {
        const fiber = yield* Effect.forkChild(download)
        yield* Effect.sleep((yield* Random.next) * whole)
        yield* Fiber.interrupt(fiber)
      }
      yield* nothingLeft(fixture)
    })), 120_000)
})

describe("a delete that fails", () => {
  for (const skip of [0, 1]) {
    it.live(`at its command ${skip + 1} is finished when it runs again`, () =>
      Effect.gen(function*() {
        const fixture = yield* setup()
        const bucket = GridFS.bucket(fixture.db)
        for (const length of [1, 2]) yield* bucket.upload("a", Stream.take(endless, length))
        yield* bucket.upload("other", Stream.take(endless, 3))
        const remove = bucket.deleteByName("a")
        yield* Effect.scoped(Effect.gen(function*() {
          yield* failCommand(fixture, { skip }, { failCommands: ["delete"], errorCode: 8000 })
          assert.strictEqual((yield* reasonOf(remove)).code, 8000)
        }))
        yield* remove
        assert.deepStrictEqual(yield* stored(fixture), { files: 1, chunks: 3 })
        assert.strictEqual((yield* reasonOf(remove))._tag, "GridFSError")
      }))
  }
})

describe("a delete that is interrupted", () => {
  it.live("is finished, and leaves no chunks without a file", () =>
    Effect.scoped(Effect.gen(function*() {
      const fixture = yield* setup()
      const bucket = GridFS.bucket(fixture.db)
      const upload = bucket.upload("a", Stream.take(endless, 2))
      yield* failCommand(fixture, "alwaysOn", { failCommands: ["delete"], blockConnection: true, blockTimeMS: 100 })
      for (
        const remove of [
          Effect.flatMap(upload, ({ _id }) => bucket.delete(_id)),
          Effect.andThen(upload, bucket.deleteByName("a"))
        ]
      ) {
        fixture.clear()
        const fiber = yield* Effect.forkChild(remove)
        yield* until("the document is deleted", () => fixture.sent().includes("delete"))
        yield* Fiber.interrupt(fiber)
        assert.isTrue(Exit.hasInterrupts(fiber.pollUnsafe()!))
        assert.deepStrictEqual(yield* stored(fixture), nothing)
      }
    })))
})
