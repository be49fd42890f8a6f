import { NodeRuntime } from "@effect/platform-node"
import { GridFS, MongoClient, MongoDatabase } from "@mongofx/core"
import { Bson, TypedCollection } from "@mongofx/schema"
import { Config, Console, Effect, Layer, Schema, Stream } from "effect"
import { ObjectId } from "mongodb"

// #region program
const Song = Schema.Struct({ _id: Bson.ObjectId, title: Schema.String, seconds: Schema.Int })

class Songs extends TypedCollection.Service<Songs>()("radio/Songs", { name: "songs", schema: Song }) {}

const program = Effect.gen(function*() {
  const mongo = yield* MongoClient.MongoClient
  const db = yield* MongoDatabase.MongoDatabase
  const songs = yield* Songs

  const changes = yield* songs.watch().open
  yield* mongo.withTransaction(Effect.gen(function*() {
    yield* songs.insertOne({ _id: new ObjectId(), title: "Nocturne", seconds: 270 })
    yield* songs.insertOne({ _id: new ObjectId(), title: "Étude", seconds: 150 })
  }))
  yield* Console.log(`change stream: ${(yield* Stream.runCollect(Stream.take(changes.stream, 2))).length} events`)

  const titles = yield* songs.find().sort({ seconds: 1 }).stream.pipe(
    Stream.map(({ title }) => title),
    Stream.runCollect
  )
  yield* Console.log(`typed stream: ${titles.join(", ")}`)

  const files = GridFS.bucket(db)
  const bytes = new Uint8Array(1_000_000)
  const { _id } = yield* files.upload("silence.raw", Stream.succeed(bytes))
  const length = yield* Stream.runFold(files.download(_id), () => 0, (sum, chunk) => sum + chunk.length)
  yield* Console.log(`GridFS: ${length} bytes`)

  const error = yield* Effect.flip(songs.updateOne({ title: undefined as never }, { $set: { seconds: 1 } }))
  yield* Console.log(error.message)
}).pipe(Effect.scoped)

const Live = Songs.layer.pipe(
  Layer.provideMerge(MongoDatabase.layer("radio")),
  Layer.provideMerge(MongoClient.layerConfig({ url: Config.Redacted("MONGODB_URI") }))
)

NodeRuntime.runMain(Effect.provide(program, Live))
// #endregion program
