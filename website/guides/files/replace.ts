import { NodeRuntime } from "@effect/platform-node"
import { GridFS, MongoClient } from "@mongofx/core"
import { Config, Console, Data, Effect, Stream } from "effect"

class Unreadable extends Data.TaggedError("Unreadable")<{}> {}

const bytes = (text: string) => Stream.make(new TextEncoder().encode(text))

const program = Effect.gen(function*() {
  const mongo = yield* MongoClient.MongoClient
  const db = mongo.db("archive")
  const files = GridFS.bucket(db)
  const chunks = db.collection("fs.chunks")

  // #region fails
  const broken = Stream.concat(bytes("x".repeat(5_000_000)), Stream.fail(new Unreadable()))
  const error = yield* Effect.flip(files.upload("broken.bin", broken))
  yield* Console.log(`${error._tag}: ${yield* chunks.countDocuments()} chunks are left`)
  // #endregion fails

  // #region replace
  const old = yield* files.upload("logo.svg", bytes("<svg>old</svg>"))
  yield* mongo.withTransaction(Effect.gen(function*() {
    yield* files.upload("logo.svg", bytes("<svg>new</svg>"))
    yield* files.delete(old._id)
  }))
  const revisions = yield* files.find({ filename: "logo.svg" })
  yield* Console.log(`${revisions.length} file, and ${yield* chunks.countDocuments()} chunk`)
  // #endregion replace
})

const Mongo = MongoClient.layerConfig({ url: Config.Redacted("MONGODB_URI") })

NodeRuntime.runMain(Effect.provide(program, Mongo))
