/**
 * Finds a mongod on this machine: on the `PATH`, or among the downloads of mongodb-memory-server.
 */
import { accessSync, constants, readdirSync, statSync } from "node:fs"
import { homedir } from "node:os"
import { delimiter, join, resolve } from "node:path"

/** @internal */
export const isExecutable = (file: string): boolean => {
  try {
    accessSync(file, constants.X_OK)
    return statSync(file).isFile()
  } catch {
    return false
  }
}

const onPath = (path: string): string | undefined =>
  // An empty entry means the working folder, and nobody installs a mongod there.
  path.split(delimiter)
    .flatMap((dir) => dir === "" ? [] : [join(dir, "mongod"), join(dir, "mongod.exe")])
    .find(isExecutable)

const versionOf = (name: string): ReadonlyArray<number> => /(\d+)\.(\d+)\.(\d+)/.exec(name)?.slice(1).map(Number) ?? []

const newestFirst = (a: string, b: string): number => {
  const [left, right] = [versionOf(a), versionOf(b)]
  for (const i of [0, 1, 2]) if (left[i] !== right[i]) return (right[i] ?? 0) - (left[i] ?? 0)
  return 0
}

const entriesOf = (dir: string): ReadonlyArray<string> => {
  try {
    return readdirSync(dir)
  } catch {
    return []
  }
}

/** The folders in which mongodb-memory-server keeps its downloads. */
const downloadDirs = (env: Environment): ReadonlyArray<string> => [
  ...(env.downloadDir === undefined ? [] : [resolve(env.downloadDir)]),
  resolve("node_modules/.cache/mongodb-memory-server"),
  join(homedir(), ".cache/mongodb-binaries"),
  resolve("mongodb-binaries")
]

const downloaded = (env: Environment): string | undefined => {
  for (const dir of downloadDirs(env)) {
    const found = entriesOf(dir).filter((name) => name.startsWith("mongod-")).sort(newestFirst)
      .map((name) => join(dir, name)).find(isExecutable)
    if (found !== undefined) return found
  }
  return undefined
}

/** @internal */
export interface Environment {
  readonly path: string
  readonly downloadDir: string | undefined
}

/**
 * A `mongod` on `PATH`, or one that mongodb-memory-server has downloaded earlier.
 *
 * @internal
 */
export const findMongod = (env: Environment): string | undefined => onPath(env.path) ?? downloaded(env)
