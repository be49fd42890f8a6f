/**
 * Files in GridFS, of which each has a checksum, and what must be true of them whatever happens.
 */
import { GridFS } from "@mongofx/core"
import { Effect, Exit, Fiber, Random, Stream } from "effect"
import * as Driver from "mongodb"
import { createHash, randomBytes } from "node:crypto"
import { type Arena, repeatedly } from "./arena.ts"

const chunkSize = 64 * 1024
const largest = 8 * chunkSize

interface Files {
  /** The checksums of all files that somebody wanted to store, by id. */
  readonly sums: Map<string, string>
  readonly confirmed: Set<string>
  /** Downloads that ended well, and those among them whose bytes are wrong. */
  readonly downloads: { good: number; readonly wrong: Array<string> }
}

export const newFiles = (): Files => ({ sums: new Map(), confirmed: new Set(), downloads: { good: 0, wrong: [] } })

export const sumOf = (parts: Iterable<Uint8Array>): string => {
  const hash = createHash("sha256")
  for (const part of parts) hash.update(part)
  return hash.digest("hex")
}

/** Four fibers store files, of which a fifth is interrupted, and read back what they have stored. */
export const fileWork = ({ db }: Arena) =>
  Effect.gen(function*() {
    const bucket = GridFS.bucket(db, { chunkSize, writeConcern: { w: "majority" } })
    const files = newFiles()
    yield* repeatedly(4, () =>
      Effect.gen(function*() {
        const id = new Driver.ObjectId()
        const bytes = randomBytes(yield* Random.nextIntBetween(0, largest))
        files.sums.set(id.toHexString(), sumOf([bytes]))
        const upload = yield* Effect.forkChild(Effect.exit(bucket.upload("file", Stream.make(bytes), { id })))
        if ((yield* Random.nextIntBetween(0, 5, { halfOpen: true })) === 0) {
          yield* Effect.sleep(yield* Random.nextIntBetween(0, 20))
          yield* Fiber.interrupt(upload)
        }
        const exit = yield* Fiber.await(upload)
        if (Exit.isFailure(exit) || Exit.isFailure(exit.value)) return
        files.confirmed.add(id.toHexString())
        const read = yield* Effect.exit(Stream.runCollect(bucket.download(id)))
        if (Exit.isFailure(read)) return
        if (sumOf(read.value) === sumOf([bytes])) files.downloads.good++
        else files.downloads.wrong.push(id.toHexString())
      }), { confirmed: () => files.confirmed.size })
    return files
  })

/** What is wrong with the files, as the bare driver reads them. */
export const fileProblems = async (
  data: Driver.Db,
  { confirmed, downloads, sums }: Files
): Promise<ReadonlyArray<string>> => {
  const bucket = new Driver.GridFSBucket(data)
  const found = new Set<string>()
  const damaged: Array<string> = []
  for await (const { _id } of bucket.find()) {
    const id = String(_id)
    found.add(id)
    const parts: Array<Uint8Array> = []
    try {
      for await (const part of bucket.openDownloadStream(_id)) parts.push(part as Uint8Array)
      if (sumOf(parts) !== sums.get(id)) damaged.push(id)
    } catch {
      damaged.push(id)
    }
  }
  const list = (what: string, of: ReadonlyArray<string>) => of.length === 0 ? [] : [`${what}: ${of.length}`]
  return [
    ...list("confirmed files that are lost", [...confirmed].filter((id) => !found.has(id))),
    ...list("files whose bytes are not those that were stored", damaged),
    ...list("downloads that ended well with wrong bytes", downloads.wrong)
  ]
}

export const fileFigures = ({ confirmed, downloads, sums }: Files): string =>
  `${confirmed.size} of ${sums.size} files stored, ${downloads.good} read back`
