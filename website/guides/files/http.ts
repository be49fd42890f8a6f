import { NodeHttpServer, NodeRuntime } from "@effect/platform-node"
import { GridFS, MongoClient } from "@mongofx/core"
import { Config, Console, Effect, Layer, Option } from "effect"
import { HttpClient, HttpClientRequest, HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"

const files = Effect.map(MongoClient.MongoClient, (mongo) => GridFS.bucket(mongo.db("archive")))
const filename = Effect.map(HttpRouter.params, ({ filename = "" }) => filename)

// #region put
/** The body goes to the server as it comes in. A client that goes away in the middle leaves nothing behind. */
const put = Effect.gen(function*() {
  const request = yield* HttpServerRequest.HttpServerRequest
  const file = yield* (yield* files).upload(yield* filename, request.stream)
  return HttpServerResponse.empty({ status: 201, headers: { etag: `"${file._id.toHexString()}"` } })
})
// #endregion put

// #region get
/** The bytes that a header such as `bytes=100-199` asks for; none for other forms, which get the whole file. */
const rangeOf = (header: string | undefined, length: number) => {
  const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(header ?? "") ?? []
  if (first === undefined) return undefined
  const end = Math.min(length, last === "" ? length : Number(last) + 1)
  return Number(first) < end ? { start: Number(first), end } : undefined
}

const get = Effect.gen(function*() {
  const request = yield* HttpServerRequest.HttpServerRequest
  const bucket = yield* files
  const newest = yield* bucket.find({ filename: yield* filename }).sort({ uploadDate: -1 }).first
  if (Option.isNone(newest)) return HttpServerResponse.empty({ status: 404 })
  const { _id, length } = newest.value
  // A file of an id never changes, so the id is its tag.
  const headers = { "accept-ranges": "bytes", "etag": `"${_id.toHexString()}"` }
  if (request.headers["if-none-match"] === headers.etag) return HttpServerResponse.empty({ status: 304, headers })

  const range = rangeOf(request.headers["range"], length)
  if (range === undefined) {
    return HttpServerResponse.stream(bucket.download(_id), { headers, contentLength: length })
  }
  return HttpServerResponse.stream(bucket.download(_id, range), {
    status: 206,
    headers: { ...headers, "content-range": `bytes ${range.start}-${range.end - 1}/${length}` },
    contentLength: range.end - range.start
  })
})
// #endregion get

// #region routes
const Routes = Layer.mergeAll(
  HttpRouter.add("PUT", "/files/:filename", put),
  HttpRouter.add("GET", "/files/:filename", get)
)
// #endregion routes

const visit = Effect.gen(function*() {
  const stored = yield* HttpClient.execute(
    HttpClientRequest.bodyText(HttpClientRequest.put("/files/a.txt"), "abcdefghij")
  )
  yield* Console.log(`PUT ${stored.status}`)
  const ask = Effect.fnUntraced(function*(path: string, headers: Record<string, string> = {}) {
    const response = yield* HttpClient.get(path, { headers })
    const range = response.headers["content-range"] ?? ""
    yield* Console.log(["GET", response.status, yield* response.text, range].join(" ").trimEnd())
  })
  yield* ask("/files/a.txt")
  yield* ask("/files/a.txt", { range: "bytes=2-4" })
  yield* ask("/files/a.txt", { range: "bytes=7-" })
  yield* ask("/files/a.txt", { "if-none-match": stored.headers["etag"] ?? "" })
  yield* ask("/files/b.txt")
})

// The test layer serves on a free port, and has a client for it.
const Server = HttpRouter.serve(Routes, { disableLogger: true, disableListenLog: true }).pipe(
  Layer.provideMerge(NodeHttpServer.layerTest),
  Layer.provide(MongoClient.layerConfig({ url: Config.Redacted("MONGODB_URI") }))
)

NodeRuntime.runMain(Effect.provide(visit, Server))
