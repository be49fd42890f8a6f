/**
 * Which members a fault strikes.
 */
import type { Member, Role } from "../../MongoServer.ts"

/** @internal */
export type Target = Member | Role | "any" | ((member: Member) => boolean)

/**
 * Says whether a target means a member.
 *
 * @internal
 */
export const means = (target: Target, member: Member): boolean => {
  if (typeof target === "function") return target(member)
  if (typeof target === "string") return target === "any" || target === member.role
  return target.host === member.host
}

/** @internal */
export const describeTarget = (target: Target): string => {
  if (typeof target === "function") return "of which the function says yes"
  if (typeof target === "string") return target === "any" ? "at all" : `that is ${target}`
  return `with the address ${target.host}`
}

const describeMember = ({ host, replicaSet, role }: Member): string =>
  `${host} (${replicaSet === undefined || role === "mongos" ? role : `${role} of ${replicaSet}`})`

/** @internal */
export const describeMembers = (members: ReadonlyArray<Member>): string =>
  members.length === 0 ? "nobody" : members.map(describeMember).join(", ")
