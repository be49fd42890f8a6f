import { NodeRuntime } from "@effect/platform-node"
import { GridFS, MongoClient } from "@mongofx/core"
import { Config, Console, Effect, Stream } from "effect"

const text = (bytes: Stream.Stream<Uint8Array, unknown>) => bytes.pipe(Stream.decodeText(), Stream.mkString)
const bytes = (text: string) => Stream.make(new TextEncoder().encode(text))

const program = Effect.gen(function*() {
  const mongo = yield* MongoClient.MongoClient

  // #region bucket
  const reports = GridFS.bucket<{ readonly contentType: string }>(mongo.db("archive"), { bucketName: "reports" })
  // #endregion bucket

  // #region upload
  const lines = Stream.range(1, 200_000).pipe(
    Stream.map((n) => `line ${n}\n`),
    Stream.encodeText
  )
  const file = yield* reports.upload("numbers.txt", lines, { metadata: { contentType: "text/plain" } })
  yield* Console.log(`${file.filename}: ${file.length} bytes in chunks of ${file.chunkSize}`)
  // #endregion upload

  // #region download
  const count = yield* reports.download(file._id).pipe(
    Stream.decodeText(),
    Stream.splitLines,
    Stream.runCount
  )
  yield* Console.log(`${count} lines`)
  // #endregion download

  // #region range
  const last = reports.download(file._id, { start: file.length - 12 })
  yield* Console.log(`the last bytes: ${JSON.stringify(yield* text(last))}`)
  // #endregion range

  // #region revisions
  yield* reports.upload("plan.txt", bytes("the first plan"))
  yield* Effect.sleep("5 millis")
  yield* reports.upload("plan.txt", bytes("the second plan"))
  yield* Console.log(yield* text(reports.downloadByName("plan.txt")))
  yield* Console.log(yield* text(reports.downloadByName("plan.txt", { revision: 0 })))
  // #endregion revisions

  // #region find
  const large = yield* reports.find({ length: { $gt: 1000 } }).sort({ uploadDate: -1 })
  yield* Console.log(large.map(({ filename, metadata }) => ({ filename, metadata })))
  // #endregion find

  // #region missing
  const missing = yield* reports.deleteByName("nothing.txt").pipe(
    Effect.as("deleted"),
    Effect.catchReason("MongoError", "GridFSError", (reason) => Effect.succeed(reason.kind))
  )
  yield* Console.log(missing)
  // #endregion missing
})

const Mongo = MongoClient.layerConfig({ url: Config.Redacted("MONGODB_URI") })

NodeRuntime.runMain(Effect.provide(program, Mongo))
