/**
 * Files from GridFS over HTTP: with ETag, Last-Modified and byte ranges, as browsers and video players ask for them.
 *
 * With `PORT` the program serves on that port of this machine until you stop it. Without `PORT` it sends itself the requests of
 * a client, shows the answers, and fails if one is wrong.
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeStream from "@effect/platform-node/NodeStream"
import { GridFS, MongoClient } from "@mongofx/core"
import { MongoServer } from "@mongofx/testing"
import { Config, Effect, Layer, Option } from "effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import { createReadStream } from "node:fs"
import { createServer } from "node:http"
import { type Files, routes } from "./files.ts"
import { visit } from "./visit.ts"

/** A file of two megabytes with lines of text, from the npm package `vega-datasets`. */
const zipcodes = NodeStream.fromReadable({
  evaluate: () => createReadStream(new URL("../data/zipcodes.csv", import.meta.resolve("vega-datasets"))),
  onError: (cause) => new Error("zipcodes.csv cannot be read", { cause })
})

/** Uploads the file unless the bucket has it. */
const upload = (files: Files) =>
  Effect.gen(function*() {
    const found = yield* files.findOne({ filename: "zipcodes.csv" })
    if (Option.isSome(found)) return
    yield* files.upload("zipcodes.csv", zipcodes, { metadata: { contentType: "text/csv" } })
  })

const program = Effect.gen(function*() {
  const mongo = yield* MongoClient.MongoClient
  const db = mongo.db("mongofx_gridfs_http")
  const files: Files = GridFS.bucket(db)
  const port = yield* Config.option(Config.Int("PORT"))
  const server = NodeHttpServer.layer(createServer, { host: "127.0.0.1", port: Option.getOrElse(port, () => 0) })

  yield* upload(files)
  if (Option.isSome(port)) {
    return yield* Layer.launch(Layer.provide(HttpRouter.serve(routes(files)), server))
  }
  const app = HttpRouter.serve(routes(files), { disableLogger: true, disableListenLog: true })
  const chunks = db.collection("fs.chunks").countDocuments()
  yield* Effect.provide(
    Effect.flatMap(
      HttpServer.HttpServer,
      ({ address }) => visit(`${HttpServer.formatAddress(address)}/files/`, chunks)
    ),
    Layer.provideMerge(app, server)
  )
})

/** A client of the server that `MongoServer` finds: the one in `MONGODB_URI`, or a mongod started for this program. */
const Client = MongoClient.layerFrom(
  Effect.flatMap(MongoServer.MongoServer, (server) => MongoClient.make({ url: server.uri, appName: "gridfs-http" }))
).pipe(Layer.provide(MongoServer.layer))

NodeRuntime.runMain(Effect.provide(program, Client))
