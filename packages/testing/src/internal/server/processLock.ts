/**
 * A lock among processes that share a folder. Whoever wants it puts a file of its own there. The one who then sees no other living file has the
 * lock; the others take theirs back and ask again. So nobody removes a file that another one relies on, even if somebody died.
 */
import { randomUUID } from "node:crypto"
import { mkdir, readdir, rm, stat, utimes, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { isLeftover, ownPrefix, thisSystem } from "./processes.ts"

/** How often the one who waits looks again: milliseconds. */
const lookInterval = 100

/** How often the one who has the lock says that it lives: milliseconds. */
const beatInterval = 2000

/** After how long without a sign of life a file no longer counts: milliseconds. */
const silence = 30_000

const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

const lives = async (folder: string, name: string): Promise<boolean> => {
  const dead = isLeftover(name, thisSystem()) ||
    await stat(join(folder, name)).then(({ mtimeMs }) => Date.now() - mtimeMs > silence, () => true)
  if (dead) await rm(join(folder, name), { force: true }).catch(() => undefined)
  return !dead
}

const isOtherThere = async (folder: string, own: string): Promise<boolean> => {
  for (const name of await readdir(folder)) if (name !== own && await lives(folder, name)) return true
  return false
}

const acquire = async (folder: string, own: string, signal: AbortSignal): Promise<void> => {
  await mkdir(folder, { recursive: true })
  const file = join(folder, own)
  while (true) {
    signal.throwIfAborted()
    if (!await isOtherThere(folder, own)) {
      await writeFile(file, "")
      if (!await isOtherThere(folder, own)) return
      await rm(file, { force: true })
    }
    // Those who met must not meet again and again.
    await sleep(lookInterval * (0.5 + Math.random()))
  }
}

/**
 * Runs something while no other process does it, of those that name the same folder. `signal` ends the wait for the others.
 *
 * @internal
 */
export const withProcessLock = async <A>(
  folder: string,
  signal: AbortSignal,
  use: () => Promise<A>
): Promise<A> => {
  const own = ownPrefix(thisSystem()) + randomUUID().replaceAll("-", "")
  await acquire(folder, own, signal)
  const file = join(folder, own)
  const beat = setInterval(() => void utimes(file, new Date(), new Date()).catch(() => undefined), beatInterval)
  try {
    return await use()
  } finally {
    clearInterval(beat)
    await rm(file, { force: true })
  }
}
