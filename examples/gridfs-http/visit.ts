import { Console, Effect, Fiber } from "effect"
import assert from "node:assert/strict"
import { request } from "node:http"
import { setTimeout } from "node:timers/promises"

interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: string
}

const ask = (url: string, init: RequestInit = {}): Effect.Effect<Answer> =>
  Effect.promise(async () => {
    const response = await fetch(url, init)
    return { status: response.status, headers: response.headers, body: await response.text() }
  })

const shown = ["content-type", "content-length", "content-range", "etag", "last-modified"]

/** Sends a request, prints it with its answer, and checks the status. */
const show = (url: string, status: number, init: RequestInit = {}) =>
  Effect.gen(function*() {
    const answer = yield* ask(url, init)
    const asked = Object.entries(init.headers ?? {}).map(([name, value]) => `  ${name}: ${value}`)
    yield* Console.log([`\n${init.method ?? "GET"} ${new URL(url).pathname}`, ...asked].join("\n"))
    const headers = shown.flatMap((name) => {
      const value = answer.headers.get(name)
      return value === null ? [] : [`  ${name}: ${value}`]
    })
    yield* Console.log([`→ ${answer.status}`, ...headers].join("\n"))
    if (answer.body !== "") {
      const [line = "", next] = answer.body.slice(0, 60).split("\n")
      yield* Console.log(`  ${line}${next === undefined && answer.body.length <= 60 ? "" : " …"}`)
    }
    assert.equal(answer.status, status)
    return answer
  })

/** Starts an endless upload, and closes the connection in the middle of it. */
const goAway = (url: string) =>
  Effect.promise(async () => {
    const upload = request(url, { method: "PUT" })
    upload.on("error", () => undefined)
    for (let i = 0; i < 100; i++) {
      upload.write(new Uint8Array(1_000_000))
      await setTimeout(5)
    }
    upload.destroy()
  })

/** Sends the requests of a client, one after the other. Dies if an answer is wrong. */
export const visit = <E>(base: string, chunks: Effect.Effect<number, E>): Effect.Effect<void, E> =>
  Effect.gen(function*() {
    const url = `${base}zipcodes.csv`
    const whole = yield* show(url, 200)
    const length = Number(whole.headers.get("content-length"))
    const etag = whole.headers.get("etag") ?? ""
    const modified = whole.headers.get("last-modified") ?? ""
    assert.equal(whole.body.length, length)
    assert.equal(whole.headers.get("content-type"), "text/csv")

    const head = yield* show(url, 200, { method: "HEAD" })
    assert.deepEqual([head.headers.get("content-length"), head.headers.get("etag")], [String(length), etag])

    for (
      const headers of [{ "If-None-Match": etag }, { "If-None-Match": `"other", W/${etag}` }, {
        "If-Modified-Since": modified
      }]
    ) {
      const answer = yield* show(url, 304, { headers })
      assert.deepEqual([answer.body, answer.headers.get("etag")], ["", etag])
    }
    // With both conditions the tag decides.
    yield* show(url, 200, { headers: { "If-None-Match": "\"other\"", "If-Modified-Since": modified } })
    yield* show(url, 200, { headers: { "If-Modified-Since": "Thu, 01 Jan 1970 00:00:00 GMT" } })

    for (
      const [range, start, end] of [
        ["bytes=0-49", 0, 50],
        // Across the border between the first chunk and the second.
        ["bytes=261000-261200", 261_000, 261_201],
        [`bytes=${length - 20}-`, length - 20, length],
        ["bytes=-20", length - 20, length],
        [`bytes=${length - 5}-${length + 5}`, length - 5, length],
        [`bytes=-${length + 5}`, 0, length]
      ] as const
    ) {
      const part = yield* show(url, 206, { headers: { Range: range } })
      assert.equal(part.headers.get("content-range"), `bytes ${start}-${end - 1}/${length}`)
      assert.equal(part.headers.get("content-length"), String(end - start))
      assert.equal(part.body, whole.body.slice(start, end))
    }
    for (const range of [`bytes=${length}-`, "bytes=-0"]) {
      const none = yield* show(url, 416, { headers: { Range: range } })
      assert.equal(none.headers.get("content-range"), `bytes */${length}`)
    }
    for (const range of ["bytes=9-5", "bytes=0-4,10-14", "lines=0-4", "bytes=-"]) {
      yield* show(url, 200, { headers: { Range: range } })
    }
    for (const [condition, status] of [[etag, 206], [modified, 200], ["\"other\"", 200]] as const) {
      yield* show(url, status, { headers: { "Range": "bytes=0-9", "If-Range": condition } })
    }

    const note = `${base}note%20of%20the%20day.txt`
    const headers = { "Content-Type": "text/plain" }
    yield* show(note, 201, { method: "PUT", headers, body: "first" })
    yield* Effect.sleep(5)
    const put = yield* show(note, 201, { method: "PUT", headers, body: "second" })
    const read = yield* show(note, 200)
    assert.deepEqual([read.body, read.headers.get("etag")], ["second", put.headers.get("etag")])
    yield* show(note, 204, { method: "DELETE" })
    yield* show(note, 404)
    yield* show(note, 404, { method: "DELETE" })

    const before = yield* chunks
    const stored = yield* Effect.forkChild(Effect.repeat(Effect.andThen(Effect.sleep(20), chunks), {
      until: (now) => now > before
    }))
    yield* goAway(`${base}endless`)
    assert.ok((yield* Fiber.join(stored)) > before)
    // The server notices a little later.
    const left = yield* Effect.repeat(Effect.andThen(Effect.sleep(50), chunks), {
      times: 100,
      until: (now) => now === before
    })
    assert.equal(left, before)
    yield* Console.log("\nPUT /files/endless\n→ the client disconnected, and the server removed the chunks")
    yield* Console.log("\nEvery answer was right.")
  })
