/**
 * What a server says that it is.
 */
import type { Document } from "mongodb"

/** @internal */
export type Role = "primary" | "secondary" | "arbiter" | "mongos" | "standalone" | "recovering" | "down"

/**
 * The role that an answer to `hello` tells.
 *
 * @internal
 */
export const roleOf = (hello: Document): Role => {
  if (hello["msg"] === "isdbgrid") return "mongos"
  if (hello["arbiterOnly"] === true) return "arbiter"
  if (hello["secondary"] === true) return "secondary"
  if (hello["isWritablePrimary"] === true) return hello["setName"] === undefined ? "standalone" : "primary"
  return "recovering"
}

/**
 * Says whether a member has found its place.
 *
 * @internal
 */
export const isSettled = (role: Role): boolean => role !== "down" && role !== "recovering"
