/**
 * Where a server keeps its data: in memory where there is enough of it, otherwise in the system's temporary folder. The folder's name says
 * which process made it, so that a later run removes what a process left that ended with its watchdog.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { readdirSync, readFileSync } from "node:fs"
import { mkdtemp, rm, statfs } from "node:fs/promises"
import { freemem, tmpdir } from "node:os"
import { join } from "node:path"
import { isLeftover, ownPrefix, thisSystem } from "./processes.ts"

const memoryFolder = "/dev/shm"

/** How much must be free for data in memory: bytes. */
const leastFree = 1024 ** 3

/**
 * The space for data in memory: bytes.
 *
 * @internal
 */
export interface Memory {
  /** What the file system in memory still takes. */
  readonly free: number
  /** What this process may still use of the machine's memory. A file system in memory promises more than that. */
  readonly available: number
}

/**
 * Says whether the data has its place in memory.
 *
 * @internal
 */
export const isInMemory = (durable: boolean, memory: Memory | undefined): boolean =>
  !durable && memory !== undefined && Math.min(memory.free, memory.available) >= leastFree

const memory = async (): Promise<Memory | undefined> => {
  if (process.platform !== "linux") return undefined
  const system = await statfs(memoryFolder).catch(() => undefined)
  return system && { free: system.bavail * system.bsize, available: process.availableMemory?.() ?? freemem() }
}

/** On a slow system a killed server may still hold a file for a moment. */
const remove = (dir: string): Promise<void> =>
  rm(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }).catch(() => undefined)

/**
 * The file of a folder that has the number of the process of its server. A `mongod` writes it by itself.
 *
 * @internal
 */
export const pidFile = (dir: string): string => join(dir, "mongod.lock")

/** Kills the server that still uses a folder, on Linux. */
const killServerOf = (dir: string): void => {
  try {
    const pid = Number(readFileSync(pidFile(dir), "utf8").trim())
    const args = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0")
    if (args.includes(dir) || args.includes(pidFile(dir))) process.kill(pid, "SIGKILL")
  } catch {
    // There is none.
  }
}

const namesIn = (dir: string): ReadonlyArray<string> => {
  try {
    return readdirSync(dir)
  } catch {
    return []
  }
}

const removeLeftovers = async (): Promise<void> => {
  const system = thisSystem()
  for (const parent of [memoryFolder, tmpdir()]) {
    for (const name of namesIn(parent).filter((name) => isLeftover(name, system))) {
      const dir = join(parent, name)
      killServerOf(dir)
      await remove(dir)
    }
  }
}

/**
 * A folder for the data of a server.
 *
 * @internal
 */
export interface DataFolder {
  readonly dir: string
  readonly inMemory: boolean
}

const makeIn = async (parent: string, prefix: string): Promise<DataFolder> => ({
  dir: await mkdtemp(join(parent, prefix)),
  inMemory: parent === memoryFolder
})

/** Once for each process: later ones in this process find nothing more. */
let leftovers: Promise<void> | undefined

/**
 * A new folder for the data of a server, removed when the scope closes. Removes what processes left that have ended before.
 *
 * @internal
 */
export const dataFolder = <E>(
  durable: boolean,
  onError: (cause: unknown) => E
): Effect.Effect<DataFolder, E, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.tryPromise({
      try: async () => {
        await (leftovers ??= removeLeftovers())
        const prefix = ownPrefix(thisSystem())
        const onDisk = () => makeIn(tmpdir(), prefix)
        // The folder in memory may be closed to this user.
        return isInMemory(durable, await memory()) ? makeIn(memoryFolder, prefix).catch(onDisk) : onDisk()
      },
      catch: onError
    }),
    ({ dir }) => Effect.promise(() => remove(dir))
  )
