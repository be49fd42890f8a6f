/**
 * Faults of processes and links, each until its scope closes.
 */
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import type { Member } from "../../MongoServer.ts"
import { type Cluster, membersOf, type Node, setsOf, untilSettled } from "../cluster/cluster.ts"
import type { Disturbance, End } from "../network/links.ts"
import { inRealTime } from "../realTime.ts"
import { withAdmin } from "../server/ask.ts"
import { relaunch } from "../server/launch.ts"
import { describeMembers, describeTarget, means, type Target } from "./target.ts"

/**
 * Why a fault was not made.
 *
 * @internal
 */
export interface NotMade {
  readonly kind: "noTarget" | "notProxied" | "failed"
  readonly message: string
  readonly cause?: unknown
}

/**
 * A member and its process.
 *
 * @internal
 */
export interface Struck {
  readonly member: Member
  readonly node: Node
}

const all = (cluster: Cluster): Effect.Effect<ReadonlyArray<Struck>> =>
  Effect.map(
    membersOf(cluster),
    (members) => members.map((member, index) => ({ member, node: cluster.nodes[index]! }))
  )

/**
 * All members that a target means.
 *
 * @internal
 */
export const everyOne = (cluster: Cluster, target: Target): Effect.Effect<ReadonlyArray<Struck>, NotMade> =>
  Effect.flatMap(all(cluster), (struck) => {
    const found = struck.filter(({ member }) => means(target, member))
    return found.length > 0 ? Effect.succeed(found) : Effect.fail(noTarget(target, struck))
  })

const noTarget = (target: Target, struck: ReadonlyArray<Struck>): NotMade => ({
  kind: "noTarget",
  message: `there is no member ${describeTarget(target)}, but ${describeMembers(struck.map(({ member }) => member))}`
})

/**
 * All members that some targets mean, each once.
 *
 * @internal
 */
export const everyOneOf = (
  cluster: Cluster,
  targets: ReadonlyArray<Target>
): Effect.Effect<ReadonlyArray<Struck>, NotMade> =>
  Effect.map(Effect.forEach(targets, (target) => everyOne(cluster, target)), (found) => [
    ...new Map(found.flat().map((struck) => [struck.node, struck])).values()
  ])

/** The least members of a set of which a minority can be cut off. */
const leastForMinority = 3

/**
 * A minority of one replica set, by `Random`, and all others.
 *
 * @internal
 */
export const minority = (cluster: Cluster): Effect.Effect<ReadonlyArray<ReadonlyArray<Struck>>, NotMade> =>
  Effect.gen(function*() {
    const struck = yield* all(cluster)
    const sets = setsOf(cluster.nodes).filter((set) => set.length >= leastForMinority)
    if (sets.length === 0) {
      return yield* Effect.fail<NotMade>({
        kind: "noTarget",
        message: "no replica set has the three members that a minority needs"
      })
    }
    const set = yield* Random.shuffle(sets[yield* Random.nextIntBetween(0, sets.length, { halfOpen: true })]!)
    const few = new Set(set.slice(0, Math.floor((set.length - 1) / 2)))
    return [struck.filter(({ node }) => few.has(node)), struck.filter(({ node }) => !few.has(node))]
  })

/**
 * Random numbers from 0 up to 1 for what happens outside of fibers. They do not disturb the choices of the fiber.
 *
 * @internal
 */
export const draws: Effect.Effect<() => number> = Effect.flatMap(Random.nextInt, (seed) =>
  Random.withSeed(
    Effect.map(Random.Random, (random) => () => random.nextDoubleUnsafe()),
    seed
  ))

/**
 * One of the members that a target means and that run, by `Random`.
 *
 * @internal
 */
export const oneOf = (cluster: Cluster, target: Target): Effect.Effect<Struck, NotMade> =>
  Effect.gen(function*() {
    const struck = yield* all(cluster)
    const found = struck.filter(({ member, node }) =>
      means(target, member) && node.server.process.pid !== undefined && !node.server.process.isFrozen
    )
    if (found.length === 0) return yield* Effect.fail(noTarget(target, struck))
    return found[yield* Random.nextIntBetween(0, found.length, { halfOpen: true })]!
  })

/** A member whose process cannot be started again makes everything that follows meaningless. */
const revive = (node: Node): Effect.Effect<void> =>
  relaunch(node.server).pipe(
    Effect.andThen(untilSettled(node)),
    Effect.mapError(({ message }) => new Error(`a member that was killed does not come back: ${message}`)),
    Effect.orDie,
    inRealTime
  )

/** @internal */
export const killed = (cluster: Cluster, target: Target): Effect.Effect<Struck, NotMade, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.tap(oneOf(cluster, target), ({ node }) => Effect.promise(() => node.server.process.kill())),
    ({ node }) => revive(node)
  )

/** @internal */
export const frozen = (cluster: Cluster, target: Target): Effect.Effect<Struck, NotMade, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.tap(oneOf(cluster, target), ({ member, node }) =>
      node.server.process.freeze()
        ? Effect.void
        : Effect.fail<NotMade>({ kind: "failed", message: `this system cannot stop the process of ${member.host}` })),
    ({ node }) => Effect.sync(() => node.server.process.thaw())
  )

/** Longer than any fault lasts: seconds. */
const stepDownFor = 3600

/** How long a member that steps down waits for another one to know everything: seconds. */
const catchUpFor = 5

/** @internal */
export const steppedDown = (cluster: Cluster, target: Target): Effect.Effect<Struck, NotMade, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.tap(oneOf(cluster, target), ({ member, node }) =>
      Effect.tryPromise({
        try: () =>
          withAdmin(node.server.port, (admin) =>
            admin.command({
              replSetStepDown: stepDownFor,
              secondaryCatchUpPeriodSecs: catchUpFor,
              force: true
            })),
        catch: (cause): NotMade => ({
          kind: "failed",
          message: `${member.host} does not step down: ${cause instanceof Error ? cause.message : String(cause)}`,
          cause
        })
      })),
    // A member that is down forgets by itself that it has stepped down.
    ({ node }) =>
      Effect.promise(() =>
        withAdmin(node.server.port, (admin) => admin.command({ replSetFreeze: 0 })).catch(() => undefined)
      )
  )

/** @internal */
export const portOf = ({ node }: Struck): number => node.server.port

/**
 * Disturbs the links of a cluster until the scope closes.
 *
 * @internal
 */
export const disturbed = (
  cluster: Cluster,
  disturbance: Disturbance,
  resetsFirst = false
): Effect.Effect<void, NotMade, Scope.Scope> => {
  const { links } = cluster
  if (links === undefined) {
    return Effect.fail({
      kind: "notProxied",
      message: "the members are connected directly, so their links cannot be disturbed: start them with proxied: true"
    })
  }
  return Effect.asVoid(Effect.acquireRelease(
    Effect.sync(() => {
      const heal = links.disturb(disturbance)
      if (resetsFirst) links.reset(disturbance.applies)
      return heal
    }),
    (heal) => Effect.sync(heal)
  ))
}

/**
 * The links between members of different groups. Members of no group keep theirs.
 *
 * @internal
 */
export const between = (groups: ReadonlyArray<ReadonlyArray<End>>) => {
  const groupOf = new Map(groups.flatMap((ends, group) => ends.map((end) => [end, group] as const)))
  return (from: End, to: End): boolean => {
    const [left, right] = [groupOf.get(from), groupOf.get(to)]
    return left !== undefined && right !== undefined && left !== right
  }
}
