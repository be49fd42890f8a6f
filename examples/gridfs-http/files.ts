import type { GridFS } from "@mongofx/core"
import { DateTime, Effect, Layer, Option } from "effect"
import * as Headers from "effect/http/Headers"
import * as HttpRouter from "effect/http/HttpRouter"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { isNotModified, isUnchanged, rangeOf } from "./conditions.ts"

interface Metadata {
  readonly contentType?: string
}

/** A bucket whose files know their content type. */
export type Files = GridFS.GridFSBucket<Metadata>

/** The file of an id never changes: a new upload of the name is a new file. So the id is a strong validator. */
const etagOf = (file: GridFS.GridFSFile<Metadata>) => `"${file._id.toHexString()}"`

const notFound = HttpServerResponse.text("no such file", { status: 404 })

const filename = Effect.map(HttpRouter.params, (params) => params["filename"] ?? "")

/** Sends the newest file of the name: all of it, a part, or nothing if the client has it. */
const get = (files: Files) => (request: HttpServerRequest.HttpServerRequest) =>
  Effect.gen(function*() {
    const newest = files.find({ filename: { $eq: yield* filename } }).sort({ uploadDate: -1 })
    const found = yield* newest.first
    if (Option.isNone(found)) return notFound
    const file = found.value
    const etag = etagOf(file)
    // HTTP dates have whole seconds only.
    const modified = Math.floor(file.uploadDate.getTime() / 1000) * 1000
    const headers = {
      "accept-ranges": "bytes",
      "etag": etag,
      "last-modified": Headers.formatHttpDate(DateTime.makeUnsafe(modified))
    }
    if (isNotModified(request.headers, etag, modified)) return HttpServerResponse.empty({ status: 304, headers })

    const contentType = file.metadata?.contentType ?? "application/octet-stream"
    const { length } = file
    const range = request.method === "GET" && isUnchanged(request.headers, etag)
      ? rangeOf(request.headers["range"], length)
      : undefined
    if (range === "unsatisfiable") {
      return HttpServerResponse.empty({ status: 416, headers: { ...headers, "content-range": `bytes */${length}` } })
    }
    if (range === undefined) {
      return HttpServerResponse.stream(files.download(file._id), { headers, contentType, contentLength: length })
    }
    return HttpServerResponse.stream(files.download(file._id, range), {
      status: 206,
      headers: { ...headers, "content-range": `bytes ${range.start}-${range.end - 1}/${length}` },
      contentType,
      contentLength: range.end - range.start
    })
  })

/** Stores the body as a new file of the name. A client that disconnects in the middle leaves nothing behind. */
const put = (files: Files) => (request: HttpServerRequest.HttpServerRequest) =>
  Effect.gen(function*() {
    const contentType = request.headers["content-type"]
    const file = yield* files.upload(yield* filename, request.stream, {
      metadata: contentType === undefined ? {} : { contentType }
    })
    return HttpServerResponse.empty({ status: 201, headers: { etag: etagOf(file) } })
  })

/** Deletes all files of the name. */
const remove = (files: Files) =>
  Effect.flatMap(filename, (name) => files.deleteByName(name)).pipe(
    Effect.as(HttpServerResponse.empty({ status: 204 })),
    Effect.catchReason("MongoError", "GridFSError", (reason) =>
      reason.kind === "fileNotFound" ? Effect.succeed(notFound) : Effect.fail(reason))
  )

/** `GET`, `HEAD`, `PUT` and `DELETE` of `/files/NAME`. */
export const routes = (files: Files) =>
  Layer.mergeAll(
    HttpRouter.add("GET", "/files/:filename", get(files)),
    HttpRouter.add("PUT", "/files/:filename", put(files)),
    HttpRouter.add("DELETE", "/files/:filename", remove(files))
  )
