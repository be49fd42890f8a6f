/**
 * Which process a file belongs to: its name says so, and others can tell when that process has ended.
 */
import { createHash } from "node:crypto"
import { readFileSync, readlinkSync } from "node:fs"
import { hostname } from "node:os"

/**
 * The processes that this one can see.
 *
 * @internal
 */
export interface System {
  /** Stands for the running kernel and the container: folders can be shared between containers and machines. */
  readonly id: string
  /** When a process started. `undefined` when it does not run. */
  readonly startOf: (pid: number) => string | undefined
}

const hash = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 8)

const isRunning = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as { readonly code?: unknown }).code === "EPERM"
  }
}

const linuxStartOf = (pid: number): string | undefined => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8")
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]
  } catch {
    return undefined
  }
}

const detect = (): System => {
  try {
    const identity = readFileSync("/proc/sys/kernel/random/boot_id", "utf8") + readlinkSync("/proc/self/ns/pid")
    if (linuxStartOf(process.pid) !== undefined) return { id: hash(identity), startOf: linuxStartOf }
  } catch {
    // Not Linux.
  }
  return { id: hash(hostname()), startOf: (pid) => isRunning(pid) ? "0" : undefined }
}

let detected: System | undefined

/** @internal */
export const thisSystem = (): System => detected ??= detect()

/**
 * What the name of a file of this process begins with. A random part without a hyphen follows.
 *
 * @internal
 */
export const ownPrefix = ({ id, startOf }: System): string => `mongofx-${id}-${process.pid}-${startOf(process.pid)}-`

/**
 * Says of the name of a file whether a process of this system made it that no longer runs.
 *
 * @internal
 */
export const isLeftover = (name: string, system: System): boolean => {
  const [, id, pid, start] = /^mongofx-([0-9a-f]{8})-(\d+)-(\d+)-[^-]*$/.exec(name) ?? []
  return id === system.id && system.startOf(Number(pid)) !== start
}
