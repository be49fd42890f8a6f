import { assert, describe, it } from "@effect/vitest"
import { GridFS, MongoDatabase } from "@mongofx/core"
import { MongoTest } from "@mongofx/testing"
import { Effect, Stream } from "effect"
import { createHash } from "node:crypto"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"

const mib = 1024 * 1024

const collectGarbage = (() => {
  setFlagsFromString("--expose-gc")
  return runInNewContext("gc") as () => void
})()

/** What the process holds: objects, and the bytes of arrays, which are not on the heap. */
const held = () => {
  collectGarbage()
  const { arrayBuffers, heapUsed } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

/** Counts and hashes what passes, and looks at the memory every 8 MiB. */
const watched = <E>(stream: Stream.Stream<Uint8Array, E>) => {
  const seen = { bytes: 0, held: [] as Array<number>, hash: createHash("sha1") }
  let next = 8 * mib
  const passing = Stream.map(stream, (bytes) => {
    seen.bytes += bytes.length
    seen.hash.update(bytes)
    if (seen.bytes >= next) {
      next += 8 * mib
      seen.held.push(held())
    }
    return bytes
  })
  return { seen, passing }
}

const median = (values: ReadonlyArray<number>) => [...values].sort((a, b) => a - b)[values.length >> 1]!

/** Memory does not grow with the file, and is never near to its size. */
const assertFlat = (held: ReadonlyArray<number>, before: number, what: string) => {
  assert.strictEqual(held.length, 32)
  assert.isBelow(Math.max(...held) - before, 80 * mib, `${what}: the most that is held`)
  assert.isBelow(
    median(held.slice(16)) - median(held.slice(0, 16)),
    16 * mib,
    `${what}: growth from one half to the other`
  )
}

describe("a file of 256 MiB", () => {
  it.live("goes up and down with flat memory", () =>
    Effect.gen(function*() {
      // Nothing logs the commands here: they would be the file.
      const bucket = GridFS.bucket(yield* MongoDatabase.MongoDatabase)
      const up = watched(
        Stream.map(Stream.rechunk(Stream.range(0, 255), 1), (n) => new Uint8Array(mib).fill(n))
      )
      const before = held()
      const file = yield* bucket.upload("large", up.passing)
      assert.strictEqual(file.length, 256 * mib)
      const down = watched(bucket.download(file._id))
      yield* Stream.runDrain(down.passing)
      assert.strictEqual(down.seen.bytes, 256 * mib)
      assert.strictEqual(down.seen.hash.digest("hex"), up.seen.hash.digest("hex"))
      assertFlat(up.seen.held, before, "upload")
      assertFlat(down.seen.held, before, "download")
      yield* MongoTest.nothingLeft
    }).pipe(Effect.provide(MongoTest.layer)), 60_000)
})
