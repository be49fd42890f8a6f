import { assert, describe, it } from "@effect/vitest"
import { GridFS, type MongoError } from "@mongofx/core"
import { Clock, Effect, Option, Sink, Stream } from "effect"
import * as Driver from "mongodb"
import { type Fixture, nothingLeft, reasonOf, setup } from "../support/utils.ts"

/** Bytes that differ from their neighbours and from those of the next chunk. */
const bytesOf = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 7 + (i >> 8)) & 255)

/** A stream of pieces of `size` bytes. */
const pieces = (bytes: Uint8Array, size: number): Stream.Stream<Uint8Array> =>
  Stream.fromIterable(
    Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size))
  )

const together = (parts: ReadonlyArray<Uint8Array>): Uint8Array => new Uint8Array(Buffer.concat(parts))

const bytesFrom = <E>(stream: Stream.Stream<Uint8Array, E>) => Effect.map(Stream.runCollect(stream), together)

const filesOf = ({ admin, db }: Fixture, name = "fs") =>
  Effect.promise(() => admin.db(db.name).collection(`${name}.files`).find().sort({ _id: 1 }).toArray())

const chunksOf = ({ admin, db }: Fixture, name = "fs") =>
  Effect.promise(() => admin.db(db.name).collection(`${name}.chunks`).find().sort({ files_id: 1, n: 1 }).toArray())

const gridFS = <A, R>(effect: Effect.Effect<A, MongoError.MongoError, R>) =>
  Effect.map(reasonOf(effect), (reason) => {
    if (reason._tag !== "GridFSError") throw new Error(`failed with ${reason._tag}: ${reason.message}`)
    return reason
  })

const invalid = <A, R>(effect: Effect.Effect<A, MongoError.MongoError, R>) =>
  Effect.map(reasonOf(effect), (reason) => {
    if (reason._tag !== "InvalidArgumentError") throw new Error(`failed with ${reason._tag}: ${reason.message}`)
    return reason.path
  })

const read = async (stream: Driver.GridFSBucketReadStream): Promise<Uint8Array> => {
  const parts: Array<Uint8Array> = []
  for await (const part of stream) parts.push(part as Uint8Array)
  return together(parts)
}

describe("a file", () => {
  it.live("comes back as it was uploaded, with any sizes of pieces and chunks", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const bucket = GridFS.bucket(fixture.db, { chunkSize: 16 })
      const legacy = new Driver.GridFSBucket(fixture.driver.db(fixture.db.name))
      for (const length of [0, 1, 15, 16, 17, 31, 32, 33, 100]) {
        for (const size of [1, 7, 16, 40, 1000]) {
          const bytes = bytesOf(length)
          const file = yield* bucket.upload("a", pieces(bytes, size))
          assert.strictEqual(file.length, length)
          assert.deepStrictEqual(yield* bytesFrom(bucket.download(file._id)), bytes)
          const byDriver = yield* Effect.promise(() => read(legacy.openDownloadStream(file._id)))
          assert.deepStrictEqual(byDriver, bytes)
        }
      }
    }))

  it.live("is stored as the driver stores it, including the types", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const bucket = GridFS.bucket<{ readonly type: string }>(fixture.db, { chunkSize: 4 })
      const before = yield* Clock.currentTimeMillis
      const file = yield* bucket.upload("a.txt", pieces(bytesOf(10), 3), { metadata: { type: "text" } })
      const [stored, ...others] = yield* Effect.promise(() =>
        fixture.admin.db(fixture.db.name).collection("fs.files").find({}, { promoteValues: false }).toArray()
      )
      assert.deepStrictEqual(others, [])
      assert.deepStrictEqual<unknown>(stored, {
        _id: file._id,
        length: Driver.Long.fromNumber(10),
        chunkSize: new Driver.Int32(4),
        uploadDate: file.uploadDate,
        filename: "a.txt",
        metadata: { type: "text" }
      })
      assert.deepStrictEqual(file, {
        _id: file._id,
        length: 10,
        chunkSize: 4,
        uploadDate: file.uploadDate,
        filename: "a.txt",
        metadata: { type: "text" }
      })
      assert.isAtLeast(file.uploadDate.getTime(), before)
      assert.isAtMost(file.uploadDate.getTime(), yield* Clock.currentTimeMillis)
      const chunks = yield* chunksOf(fixture)
      assert.deepStrictEqual(
        chunks.map(({ _id, ...chunk }) => {
          assert.instanceOf(_id, Driver.ObjectId)
          return { ...chunk, data: [...chunk["data"].buffer], subType: chunk["data"].sub_type }
        }),
        [[0, 0, 4], [1, 4, 8], [2, 8, 10]].map(([n, from, to]) => ({
          files_id: file._id,
          n,
          data: [...bytesOf(10).subarray(from, to)],
          subType: 0
        }))
      )
    }))

  it.live("that the driver has stored can be read", () =>
    Effect.gen(function*() {
      const { db, driver } = yield* setup()
      const legacy = new Driver.GridFSBucket(driver.db(db.name), { chunkSizeBytes: 16 })
      const bytes = bytesOf(50)
      const id = yield* Effect.promise(() =>
        new Promise<Driver.ObjectId>((resolve, reject) => {
          const upload = legacy.openUploadStream("theirs")
          upload.on("finish", () => resolve(upload.id)).on("error", reject)
          upload.end(bytes)
        })
      )
      assert.deepStrictEqual(yield* bytesFrom(GridFS.bucket(db).download(id)), bytes)
    }))

  it.live("has chunks of 255 KiB in fs by default, or others on request", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const byDefault = GridFS.bucket(fixture.db)
      assert.deepInclude(yield* byDefault.upload("a", pieces(bytesOf(300_000), 10_000)), { chunkSize: 255 * 1024 })
      assert.strictEqual((yield* chunksOf(fixture)).length, 2)
      const images = GridFS.bucket(fixture.db, { bucketName: "images", chunkSize: 10 })
      yield* images.upload("a", pieces(bytesOf(20), 20))
      yield* images.upload("b", pieces(bytesOf(20), 20), { chunkSize: 5 })
      assert.deepStrictEqual((yield* filesOf(fixture, "images")).map(({ chunkSize }) => chunkSize), [10, 5])
      assert.strictEqual((yield* chunksOf(fixture, "images")).length, 6)
      assert.strictEqual((yield* filesOf(fixture)).length, 1)
    }))

  it.live("is sent in batches of about 4 MiB, and comes in batches of about 2 MiB", () =>
    Effect.gen(function*() {
      const { commands, db } = yield* setup()
      const bucket = GridFS.bucket(db)
      const file = yield* bucket.upload("a", Stream.make(new Uint8Array(255 * 1024 * 33)))
      const inserts = commands.filter(({ commandName }) => commandName === "insert").map(({ command }) =>
        [command["insert"], command["documents"].length] as const
      )
      assert.deepStrictEqual(inserts, [["fs.chunks", 16], ["fs.chunks", 16], ["fs.chunks", 1], ["fs.files", 1]])
      const arrays = yield* Stream.runCollect(Stream.chunks(bucket.download(file._id)))
      assert.deepStrictEqual(arrays.map(({ length }) => length), [8, 8, 8, 8, 1])
    }))

  it.live("keeps the bytes that a producer overwrites afterwards", () =>
    Effect.gen(function*() {
      const { db } = yield* setup()
      const bucket = GridFS.bucket(db, { chunkSize: 4 })
      const buffer = new Uint8Array(4)
      const reused = Stream.fromIterable([1, 2, 3]).pipe(Stream.rechunk(1), Stream.map((n) => buffer.fill(n)))
      const file = yield* bucket.upload("a", reused)
      assert.deepStrictEqual([...yield* bytesFrom(bucket.download(file._id))], [1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3])
    }))

  it.live("gets a new id for every run, or the id of the caller", () =>
    Effect.gen(function*() {
      const { db } = yield* setup()
      const bucket = GridFS.bucket(db)
      const upload = bucket.upload("a", Stream.make(bytesOf(3)))
      assert.notDeepEqual((yield* upload)._id, (yield* upload)._id)
      const named = GridFS.bucket<Driver.Document, string>(db, { bucketName: "named" })
      const file = yield* named.upload("a", Stream.make(bytesOf(3)), { id: "mine" })
      assert.strictEqual(file._id, "mine")
      assert.deepStrictEqual(yield* bytesFrom(named.download("mine")), bytesOf(3))
      yield* named.delete("mine")
      assert.deepStrictEqual(yield* named.find(), [])
    }))

  it.live("can be uploaded through a sink, which can be run twice", () =>
    Effect.gen(function*() {
      const { db } = yield* setup()
      const bucket = GridFS.bucket(db, { chunkSize: 4 })
      const sink = bucket.uploadSink("a", { metadata: { x: 1 } }).pipe(Sink.map(({ _id }) => _id))
      const first = yield* Stream.run(pieces(bytesOf(9), 2), sink)
      const second = yield* Stream.run(pieces(bytesOf(5), 2), sink)
      assert.deepStrictEqual(yield* bytesFrom(bucket.download(first)), bytesOf(9))
      assert.deepStrictEqual(yield* bytesFrom(bucket.download(second)), bytesOf(5))
      assert.deepStrictEqual((yield* bucket.find()).map(({ metadata }) => metadata), [{ x: 1 }, { x: 1 }])
    }))

  it.live("can be copied from one bucket to another while it is read", () =>
    Effect.gen(function*() {
      const { db, mongo } = yield* setup()
      const [from, to] = [GridFS.bucket(db, { chunkSize: 7 }), GridFS.bucket(db, { bucketName: "copies" })]
      const file = yield* from.upload("a", pieces(bytesOf(1000), 100))
      const copy = yield* mongo.withTransaction(to.upload("a", from.download(file._id), { chunkSize: 11 }))
      assert.deepStrictEqual(yield* bytesFrom(to.download(copy._id)), bytesOf(1000))
    }))

  it.live("is refused if its stream has strings or other values that are not a Uint8Array", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const bucket = GridFS.bucket(fixture.db)
      const upload = (stream: Stream.Stream<unknown>, options?: object, name: unknown = "a") =>
        invalid(bucket.upload(name as string, stream as Stream.Stream<Uint8Array>, options))
      const fine = Stream.make(bytesOf(3))
      assert.strictEqual(yield* upload(Stream.make("text")), "stream")
      assert.strictEqual(yield* upload(fine, {}, { $ne: null }), "filename")
      for (const chunkSize of [0, -1, 1.5, Number.NaN]) {
        assert.strictEqual(yield* upload(fine, { chunkSize }), "chunkSize")
      }
      assert.strictEqual(
        yield* upload(fine, { metadata: { a: { b: () => 1 } } }),
        "metadata.a.b"
      )
      assert.strictEqual(yield* upload(fine, { id: { a: undefined } }), "id.a")
      assert.notInclude(fixture.sent(), "insert")
    }))
})

describe("a range", () => {
  it.live("is every part of a file, and reads only the chunks it needs", () =>
    Effect.gen(function*() {
      const { clear, commands, db } = yield* setup()
      const bucket = GridFS.bucket(db, { chunkSize: 4 })
      const bytes = bytesOf(10)
      const file = yield* bucket.upload("a", Stream.make(bytes))
      for (let start = 0; start <= 10; start++) {
        for (let end = start; end <= 10; end++) {
          clear()
          const part = yield* Stream.runCollect(bucket.download(file._id, { start, end }))
          assert.deepStrictEqual(together(part), bytes.slice(start, end), `${start} to ${end}`)
          const needed = start === end ? 0 : Math.ceil(end / 4) - Math.floor(start / 4)
          assert.strictEqual(part.length, needed, `${start} to ${end}`)
          const asked = commands.filter(({ command }) => command["find"] === "fs.chunks")
          assert.strictEqual(asked.length, needed === 0 ? 0 : 1)
        }
        assert.deepStrictEqual(yield* bytesFrom(bucket.download(file._id, { start })), bytes.slice(start))
        assert.deepStrictEqual(yield* bytesFrom(bucket.download(file._id, { end: start })), bytes.slice(0, start))
      }
      clear()
      yield* Stream.runDrain(bucket.download(file._id, { start: 5, end: 7 }))
      assert.deepStrictEqual(commands.find(({ command }) => command["find"] === "fs.chunks")?.command["filter"], {
        files_id: file._id,
        n: { $gte: 1, $lt: 2 }
      })
    }))

  it.live("is found by the literal name or id, never by operators in it", () =>
    Effect.gen(function*() {
      const { clear, commands, db } = yield* setup()
      const bucket = GridFS.bucket<Driver.Document, unknown>(db)
      const filters = () => {
        const found = commands.flatMap(({ command }) => {
          const statements = [command, ...(command["updates"] ?? []), ...(command["deletes"] ?? [])] as Array<
            Driver.Document
          >
          const filters = statements.map((statement) => statement["q"] ?? statement["filter"])
          return filters.filter((filter) => filter !== undefined && Object.keys(filter).length > 0)
        })
        clear()
        return found
      }
      const looksFor = (effect: Effect.Effect<unknown, MongoError.MongoError>) =>
        Effect.map(Effect.exit(effect), filters)
      const { _id } = yield* bucket.upload("a", Stream.make(bytesOf(10)))
      filters()
      for (const id of [_id, "text", 7]) {
        assert.deepInclude(yield* looksFor(Stream.runDrain(bucket.download(id))), { _id: id })
        assert.deepInclude(yield* looksFor(bucket.rename(id, "a")), { _id: id })
      }
      assert.deepStrictEqual(yield* looksFor(bucket.delete("text")), [{ _id: "text" }, { files_id: "text" }])
      assert.deepInclude(yield* looksFor(Stream.runDrain(bucket.downloadByName("a"))), { filename: "a" })
      assert.deepInclude(yield* looksFor(bucket.renameByName("a", "a")), { filename: "a" })
      assert.deepInclude(yield* looksFor(bucket.deleteByName("b")), { filename: "b" })
      for (const id of [{ $ne: null }, /./, null]) {
        assert.deepInclude(yield* looksFor(bucket.delete(id)), { _id: { $eq: id } })
        // From code without TypeScript's types.
        const name = id as unknown as string
        assert.deepInclude(yield* looksFor(Stream.runDrain(bucket.downloadByName(name))), { filename: { $eq: id } })
      }
      assert.strictEqual(yield* db.collection("fs.files").countDocuments(), 1)
    }))

  it.live("that is not within the file is refused", () =>
    Effect.gen(function*() {
      const { db } = yield* setup()
      const bucket = GridFS.bucket(db, { chunkSize: 4 })
      const { _id } = yield* bucket.upload("a", Stream.make(bytesOf(10)))
      const refused = (options: GridFS.DownloadOptions) => invalid(Stream.runDrain(bucket.download(_id, options)))
      for (const start of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 11]) {
        assert.strictEqual(yield* refused({ start }), "start")
      }
      for (const end of [-1, 0.5, Number.NaN, 11]) assert.strictEqual(yield* refused({ end }), "end")
      assert.strictEqual(yield* refused({ start: 6, end: 5 }), "start")
      assert.strictEqual(yield* refused({ start: "1" as never }), "start")
    }))
})

describe("a name", () => {
  const revised = Effect.gen(function*() {
    const fixture = yield* setup()
    const bucket = GridFS.bucket(fixture.db, { chunkSize: 4 })
    const ids: Array<Driver.ObjectId> = []
    for (const n of [1, 2, 3]) {
      ids.push((yield* bucket.upload("a", Stream.make(Uint8Array.of(n, n, n, n, n))))._id)
      yield* Effect.sleep(5)
    }
    yield* bucket.upload("b", Stream.make(Uint8Array.of(9)))
    return { ...fixture, bucket, ids }
  })

  it.live("has revisions", () =>
    Effect.gen(function*() {
      const { bucket } = yield* revised
      const first = (options?: GridFS.DownloadByNameOptions) =>
        Effect.map(bytesFrom(bucket.downloadByName("a", options)), (bytes) => bytes[0])
      assert.strictEqual(yield* first(), 3)
      for (const [revision, n] of [[0, 1], [1, 2], [2, 3], [-1, 3], [-2, 2], [-3, 1]] as const) {
        assert.strictEqual(yield* first({ revision }), n)
      }
      assert.deepStrictEqual([...yield* bytesFrom(bucket.downloadByName("a", { revision: 1, start: 3, end: 5 }))], [
        2,
        2
      ])
      for (const revision of [3, -4]) assert.strictEqual((yield* gridFS(first({ revision }))).kind, "fileNotFound")
      assert.strictEqual(yield* invalid(first({ revision: 0.5 })), "revision")
    }))

  it.live("can be changed for all revisions", () =>
    Effect.gen(function*() {
      const { bucket } = yield* revised
      yield* bucket.renameByName("a", "c")
      assert.deepStrictEqual((yield* bucket.find()).map(({ filename }) => filename), ["c", "c", "c", "b"])
    }))

  it.live("can be deleted with all revisions", () =>
    Effect.gen(function*() {
      const { bucket, ...fixture } = yield* revised
      yield* bucket.deleteByName("a")
      assert.deepStrictEqual((yield* bucket.find()).map(({ filename }) => filename), ["b"])
      assert.strictEqual((yield* chunksOf(fixture)).length, 1)
    }))
})

describe("files", () => {
  it.live("are found, renamed, deleted and dropped", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const bucket = GridFS.bucket<{ readonly n: number }>(fixture.db, { chunkSize: 4 })
      const upload = (n: number) => bucket.upload(`file ${n}`, Stream.make(bytesOf(n * 4)), { metadata: { n } })
      const [one, two, three] = [yield* upload(1), yield* upload(2), yield* upload(3)]
      assert.deepStrictEqual(yield* bucket.find(), [one, two, three])
      assert.deepStrictEqual(yield* bucket.find({ "metadata.n": { $gt: 1 } }).sort({ length: -1 }), [three, two])
      assert.deepStrictEqual(yield* bucket.findOne({ filename: "file 2" }), Option.some(two))
      assert.deepStrictEqual(yield* bucket.findOne({ filename: "file 9" }), Option.none())

      yield* bucket.rename(two._id, "two")
      assert.deepStrictEqual(yield* bucket.findOne({ _id: two._id }), Option.some({ ...two, filename: "two" }))

      yield* bucket.delete(two._id)
      assert.deepStrictEqual(yield* bucket.find(), [one, three])
      assert.deepStrictEqual(
        (yield* chunksOf(fixture)).map(({ files_id }) => files_id),
        [one._id, three._id, three._id, three._id]
      )

      yield* bucket.drop()
      assert.deepStrictEqual(yield* fixture.db.listCollectionNames(), [])
      assert.deepStrictEqual(yield* bucket.find(), [])
    }))

  it.live("that do not exist are a separate error", () =>
    Effect.gen(function*() {
      const { db } = yield* setup()
      const bucket = GridFS.bucket(db)
      const id = new Driver.ObjectId()
      const operations = {
        download: Stream.runDrain(bucket.download(id)),
        downloadByName: Stream.runDrain(bucket.downloadByName("a")),
        rename: bucket.rename(id, "b"),
        renameByName: bucket.renameByName("a", "b"),
        delete: bucket.delete(id),
        deleteByName: bucket.deleteByName("a")
      }
      for (const [name, operation] of Object.entries(operations)) {
        const { kind, message, namespace, operation: failed } = yield* gridFS(operation)
        assert.deepStrictEqual([kind, failed, namespace], ["fileNotFound", name, `${db.name}.fs.files`])
        assert.strictEqual(message, `${name} on ${db.name}.fs.files: the file does not exist`)
      }
    }))

  it.live("that do not exist may have left chunks, which delete removes", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const bucket = GridFS.bucket(fixture.db, { chunkSize: 4 })
      const file = yield* bucket.upload("a", Stream.make(bytesOf(10)))
      yield* fixture.db.collection("fs.files").deleteOne({ _id: file._id })
      assert.strictEqual((yield* gridFS(bucket.delete(file._id))).kind, "fileNotFound")
      assert.deepStrictEqual(yield* chunksOf(fixture), [])
    }))

  it.live("are not found by an operator instead of a name or an id", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const bucket = GridFS.bucket(fixture.db)
      yield* bucket.upload("a", Stream.make(bytesOf(3)))
      const every = { $ne: null } as never
      const byName = [
        bucket.deleteByName(every),
        bucket.renameByName(every, "b"),
        Stream.runDrain(bucket.downloadByName(every))
      ]
      for (const operation of byName) assert.strictEqual((yield* gridFS(operation)).kind, "fileNotFound")
      // The server refuses some of them.
      const byId = [bucket.delete(every), bucket.rename(every, "b"), Stream.runDrain(bucket.download(every))]
      for (const operation of byId) assert.include(["GridFSError", "ServerError"], (yield* reasonOf(operation))._tag)
      assert.strictEqual((yield* filesOf(fixture))[0]?.["filename"], "a")
      assert.strictEqual((yield* chunksOf(fixture)).length, 1)
    }))

  it.live("have numbers even for a client that reads int64 as bigint, or promotes nothing", () =>
    Effect.gen(function*() {
      for (const driverOptions of [{ useBigInt64: true }, { promoteValues: false }, { promoteLongs: false }]) {
        const { db } = yield* setup({ driverOptions })
        const bucket = GridFS.bucket(db, { chunkSize: 4 })
        const file = yield* bucket.upload("a", Stream.make(bytesOf(10)))
        assert.deepStrictEqual(yield* bucket.find(), [file])
        assert.deepStrictEqual(yield* bytesFrom(bucket.download(file._id, { start: 3 })), bytesOf(10).slice(3))
      }
    }))
})

describe("a damaged file", () => {
  const damaged = (length: number, damage: (chunks: Driver.Collection, id: Driver.ObjectId) => Promise<unknown>) =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const { _id } = yield* GridFS.bucket(fixture.db, { chunkSize: 4 }).upload("a", Stream.make(bytesOf(length)))
      const chunks = fixture.admin.db(fixture.db.name).collection("fs.chunks")
      yield* Effect.promise(() => damage(chunks, _id))
      return { ...fixture, bucket: GridFS.bucket(fixture.db), _id }
    })

  const data = (...bytes: Array<number>) => new Driver.Binary(Uint8Array.from(bytes))

  for (
    const [what, damage, message] of [
      ["first chunk is missing", (chunks) => chunks.deleteOne({ n: 0 }), "chunk 0 is missing"],
      ["middle chunk is missing", (chunks) => chunks.deleteOne({ n: 1 }), "chunk 1 is missing"],
      // Here the driver's stream ends as if nothing were wrong.
      ["last chunk is missing", (chunks) => chunks.deleteOne({ n: 2 }), "chunk 2 is missing"],
      ["end is missing", (chunks) => chunks.deleteMany({ n: { $gt: 0 } }), "chunk 1 is missing"],
      ["chunks are all missing", (chunks) => chunks.deleteMany({}), "chunk 0 is missing"],
      [
        "middle chunk is too short",
        (chunks) => chunks.updateOne({ n: 1 }, { $set: { data: data(1, 2, 3) } }),
        "chunk 1 has 3 bytes instead of 4"
      ],
      [
        "last chunk is too short",
        (chunks) => chunks.updateOne({ n: 2 }, { $set: { data: data(1) } }),
        "chunk 2 has 1 bytes instead of 2"
      ],
      [
        "last chunk is too long",
        (chunks) => chunks.updateOne({ n: 2 }, { $set: { data: data(1, 2, 3) } }),
        "chunk 2 has 3 bytes instead of 2"
      ],
      [
        "chunk is one too many",
        (chunks, files_id) => chunks.insertOne({ files_id, n: 3, data: data(1) }),
        "chunk 3 is past the end of the file"
      ],
      [
        "chunk is there twice",
        (chunks, files_id) =>
          chunks.dropIndexes().then(() => chunks.insertOne({ files_id, n: 1, data: data(1, 2, 3, 4) })),
        "chunk 1 is there twice"
      ],
      ["chunk has no bytes", (chunks) => chunks.updateOne({ n: 1 }, { $set: { data: "text" } }), "chunk 1 has no bytes"]
    ] as ReadonlyArray<
      [string, (chunks: Driver.Collection, id: Driver.ObjectId) => Promise<unknown>, string]
    >
  ) {
    it.live(`is an error: its ${what}`, () =>
      Effect.gen(function*() {
        const fixture = yield* damaged(10, damage)
        const { bucket, _id, db } = fixture
        const reason = yield* gridFS(Stream.runDrain(bucket.download(_id)))
        assert.strictEqual(reason.kind, "corrupt")
        assert.strictEqual(reason.message, `download on ${db.name}.fs.chunks: ${message}`)
        yield* nothingLeft(fixture)
      }))
  }

  it.live("can still be read in its intact parts", () =>
    Effect.gen(function*() {
      const { bucket, _id } = yield* damaged(10, (chunks) => chunks.deleteOne({ n: 1 }))
      assert.deepStrictEqual(yield* bytesFrom(bucket.download(_id, { end: 4 })), bytesOf(10).slice(0, 4))
      assert.deepStrictEqual(yield* bytesFrom(bucket.download(_id, { start: 8 })), bytesOf(10).slice(8))
      assert.strictEqual((yield* gridFS(Stream.runDrain(bucket.download(_id, { start: 3, end: 5 })))).kind, "corrupt")
    }))

  it.live("is intact if it ends with an empty chunk", () =>
    Effect.gen(function*() {
      const append = (n: number) => (chunks: Driver.Collection, files_id: Driver.ObjectId) =>
        chunks.insertOne({ files_id, n, data: data() })
      const full = yield* damaged(8, append(2))
      assert.deepStrictEqual(yield* bytesFrom(full.bucket.download(full._id)), bytesOf(8))
      const empty = yield* damaged(0, append(0))
      assert.deepStrictEqual(yield* bytesFrom(empty.bucket.download(empty._id)), bytesOf(0))
    }))

  it.live("is an error if the length in its document is invalid", () =>
    Effect.gen(function*() {
      const { bucket, _id, db } = yield* damaged(10, () => Promise.resolve())
      for (const wrong of [{ length: -1 }, { length: "10" }, { length: 10, chunkSize: 0 }, { chunkSize: 2.5 }]) {
        yield* db.collection("fs.files").updateOne({ _id }, { $set: wrong })
        assert.strictEqual((yield* gridFS(Stream.runDrain(bucket.download(_id)))).kind, "corrupt")
      }
    }))
})

describe("a bucket", () => {
  it.live("is a value that prints itself", () =>
    Effect.gen(function*() {
      const { db, sent } = yield* setup()
      const bucket = GridFS.bucket(db, { bucketName: "images" })
      assert.isTrue(GridFS.isBucket(bucket))
      assert.isFalse(GridFS.isBucket({}))
      assert.deepStrictEqual(bucket.toString(), `{"_id":"GridFSBucket","name":"${db.name}.images"}`)
      assert.deepStrictEqual([bucket.name, bucket.chunkSize, bucket.database], ["images", 255 * 1024, db])
      assert.deepStrictEqual(sent(), [])
    }))

  it.live("takes its settings to its operations", () =>
    Effect.gen(function*() {
      const { clear, commands, db } = yield* setup()
      const bucket = GridFS.bucket(db, {
        writeConcern: { w: 1, j: true },
        readConcern: { level: "majority" },
        readPreference: "primaryPreferred"
      })
      const file = yield* bucket.upload("a", Stream.make(bytesOf(3)))
      clear()
      const again = yield* bucket.upload("b", Stream.make(bytesOf(3)))
      yield* Stream.runDrain(bucket.download(file._id))
      yield* bucket.rename(file._id, "c")
      yield* bucket.delete(again._id)
      for (const { command, commandName } of commands) {
        if (commandName === "find") {
          assert.deepStrictEqual(command["readConcern"], { level: "majority" })
          assert.deepStrictEqual(command["$readPreference"], { mode: "primaryPreferred" })
        } else assert.deepStrictEqual(command["writeConcern"], { w: 1, j: true }, commandName)
      }
      assert.deepStrictEqual(
        commands.map(({ commandName }) => commandName),
        ["insert", "insert", "find", "find", "update", "delete", "delete"]
      )
    }))

  it.live("with an unacknowledged write concern does not know whether a file exists", () =>
    Effect.gen(function*() {
      const { db } = yield* setup()
      const bucket = GridFS.bucket(db, { writeConcern: { w: 0 } })
      yield* bucket.rename(new Driver.ObjectId(), "a")
      yield* bucket.delete(new Driver.ObjectId())
    }))

  it.live("with a bad name fails when it is used", () =>
    Effect.gen(function*() {
      const { db } = yield* setup()
      const bucket = GridFS.bucket(db, { bucketName: "a\0" })
      assert.strictEqual((yield* reasonOf(bucket.find()))._tag, "InvalidCommandError")
    }))
})
