/**
 * Finds a mongod on this machine: on the `PATH`, or among the downloads of mongodb-memory-server. A mongos lies beside it, or on the `PATH`.
 */
import { accessSync, constants, readdirSync, realpathSync, statSync } from "node:fs"
import { homedir } from "node:os"
import { delimiter, dirname, join, resolve } from "node:path"

/** @internal */
export const isExecutable = (file: string): boolean => {
  try {
    accessSync(file, constants.X_OK)
    return statSync(file).isFile()
  } catch {
    return false
  }
}

const inFolders = (folders: ReadonlyArray<string>, name: string): string | undefined =>
  folders.flatMap((dir) => [join(dir, name), join(dir, `${name}.exe`)]).find(isExecutable)

const onPath = (path: string, name: string): string | undefined =>
  // An empty entry means the working folder, and nobody installs a server there.
  inFolders(path.split(delimiter).filter((dir) => dir !== ""), name)

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
export const findMongod = (env: Environment): string | undefined => onPath(env.path, "mongod") ?? downloaded(env)

const realFolder = (file: string): ReadonlyArray<string> => {
  try {
    return [dirname(realpathSync(file))]
  } catch {
    return []
  }
}

/**
 * The `mongos` beside a `mongod`, or one on `PATH`.
 *
 * @internal
 */
export const findMongos = (mongod: string, env: Environment): string | undefined =>
  inFolders([dirname(mongod), ...realFolder(mongod)], "mongos") ?? onPath(env.path, "mongos")
