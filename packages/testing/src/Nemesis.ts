/**
 * Faults of servers and of the links between them, each for as long as a scope lives.
 *
 * They strike the members that `MongoServer.layerReplicaSet` and `MongoServer.layerSharded` have started.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { type Cluster, clusterOf } from "./internal/cluster/cluster.ts"
import { retransmitting, varying } from "./internal/nemesis/delays.ts"
import { runRandomly } from "./internal/nemesis/random.ts"
import * as strike from "./internal/nemesis/strike.ts"
import { describeMembers } from "./internal/nemesis/target.ts"
import type { Disturbance, End } from "./internal/network/links.ts"
import { inRealTime } from "./internal/realTime.ts"
import { type Member, Processes, type Role } from "./MongoServer.ts"

/**
 * Which member a fault strikes: a member of `MongoServer.members`, one that has a role at this moment, any, or one of which a function says yes.
 * Of several, `Random` chooses one.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Target = Member | Role | "any" | ((member: Member) => boolean)

/**
 * What a fault has struck.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Fault {
  /** The fault in words, for a log. */
  readonly description: string
  /** The members that it strikes, with the roles that they had before. */
  readonly members: ReadonlyArray<Member>
}

/**
 * Says that a fault was not made, and why.
 *
 * **Details**
 *
 * - `noTarget`: no member that runs is what the fault should strike; the message has the members and their roles
 * - `notProxied`: a fault of links needs members that were started with `proxied: true`
 * - `failed`: the server or the system has refused it
 *
 * **Example** (Going on without a fault)
 *
 * ```ts
 * import { Nemesis } from "@mongofx/testing"
 * import { Console, Effect } from "effect"
 *
 * const program = Nemesis.kill("arbiter").pipe(
 *   Effect.catchTag("NemesisError", (error) => Console.log(error.message))
 * )
 * ```
 *
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export class NemesisError extends Schema.TaggedError<NemesisError>("@mongofx/testing/NemesisError")("NemesisError", {
  /** Why the fault was not made. */
  kind: Schema.Literals(["noTarget", "notProxied", "failed"]),
  /** What happened, and what to do. */
  message: Schema.String,
  /** What was thrown. */
  cause: Schema.optional(Schema.Defect())
}) {}

const cluster = Effect.map(Processes, clusterOf)

const onOne = (
  name: string,
  fault: (
    cluster: Cluster,
    target: Target
  ) => Effect.Effect<strike.Struck, strike.NotMade, Scope.Scope>,
  target: Target
): Effect.Effect<Fault, NemesisError, Processes | Scope.Scope> =>
  Effect.flatMap(cluster, (cluster) => fault(cluster, target)).pipe(
    Effect.map(({ member }): Fault => ({ description: describeMembers([member]), members: [member] })),
    Effect.mapError((failure) => notMade(name, failure)),
    inRealTime
  )

const notMade = (name: string, { message, ...rest }: strike.NotMade): NemesisError =>
  new NemesisError({ ...rest, message: `Nemesis.${name}: ${message}` })

/**
 * Kills the process of a member (`SIGKILL`). When the scope closes, it is started again with the data that it had, and the scope waits until it
 * has its place.
 *
 * **Details**
 *
 * What a member has confirmed with `w: "majority"` is in its journal, and survives. One that is not back within a minute ends the scope with a defect.
 *
 * Fails with a `NemesisError` when no such member runs.
 *
 * **Gotchas**
 *
 * Until the driver knows that a primary is gone, an operation can fail with a `ConnectionError` of the kind `refused`, which `isRetryable`.
 *
 * **Example** (A write while the primary is gone)
 *
 * ```ts
 * import { MongoClient } from "@mongofx/core"
 * import { MongoServer, Nemesis } from "@mongofx/testing"
 * import { Effect, Schedule } from "effect"
 *
 * const program = Effect.scoped(Effect.gen(function*() {
 *   const server = yield* MongoServer.MongoServer
 *   const mongo = yield* MongoClient.make({ url: server.uri })
 *   yield* Nemesis.kill("primary")
 *   yield* mongo.db("app").collection("orders").insertOne({ total: 1 }).pipe(
 *     Effect.retry({ while: (error) => error.isRetryable, schedule: Schedule.spaced("200 millis"), times: 50 })
 *   )
 * })).pipe(Effect.provide(MongoServer.layerReplicaSet({ members: 3 })))
 * ```
 *
 * @see {@link pause} for a process that hangs
 * @see {@link stepDown} for an election without a death
 *
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const kill = (target: Target = "any"): Effect.Effect<Fault, NemesisError, Processes | Scope.Scope> =>
  onOne("kill", strike.killed, target)

/**
 * Stops the process of a member where it is (`SIGSTOP`): its connections stay open, and it answers nothing. When the scope closes, it runs on.
 *
 * **Details**
 *
 * Fails with a `NemesisError` when no such member runs, and on Windows.
 *
 * **Gotchas**
 *
 * A primary that was paused takes itself for one when it wakes up, until it hears of the other.
 *
 * **Example** (A secondary that hangs)
 *
 * ```ts
 * import { Nemesis } from "@mongofx/testing"
 * import { Effect } from "effect"
 *
 * const program = Effect.scoped(Effect.gen(function*() {
 *   yield* Nemesis.pause("secondary")
 *   yield* Effect.sleep("1 second")
 * }))
 * ```
 *
 * @see {@link kill} for a process that ends
 *
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const pause = (target: Target = "any"): Effect.Effect<Fault, NemesisError, Processes | Scope.Scope> =>
  onOne("pause", strike.frozen, target)

/**
 * Lets a primary step down, so that the others elect another one. It does not become primary again before the scope closes.
 *
 * **Details**
 *
 * It waits up to five seconds for another member that knows all it knows. Fails with a `NemesisError` when there is no primary, and when the server
 * refuses.
 *
 * **Example** (An election)
 *
 * ```ts
 * import { Nemesis } from "@mongofx/testing"
 * import { Effect } from "effect"
 *
 * const program = Effect.scoped(Effect.gen(function*() {
 *   const { members } = yield* Nemesis.stepDown()
 *   return members[0]?.host
 * }))
 * ```
 *
 * @see {@link kill} for an election that nobody has prepared
 *
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const stepDown = (target: Target = "primary"): Effect.Effect<Fault, NemesisError, Processes | Scope.Scope> =>
  onOne("stepDown", strike.steppedDown, target)

const onLinks = (
  name: string,
  make: (cluster: Cluster) => Effect.Effect<Fault, strike.NotMade, Scope.Scope>
): Effect.Effect<Fault, NemesisError, Processes | Scope.Scope> =>
  Effect.flatMap(cluster, make).pipe(Effect.mapError((failure) => notMade(name, failure)), inRealTime)

/**
 * Cuts a member off from the other members and from the clients. When the scope closes, all is as before.
 *
 * **Details**
 *
 * Nothing passes and nothing breaks: what is sent waits, as in a network whose cable is pulled, and arrives when the fault is over, unless somebody
 * has given up by then. With `clients: "reach"` the clients still reach the member. A primary that is cut off in this way takes writes
 * that it will lose, until it notices.
 *
 * Fails with a `NemesisError` when there is no such member, and when the members were not started with `proxied: true`.
 *
 * **Gotchas**
 *
 * A driver waits for a connection that says nothing until its own time limits are over, such as `connectTimeout` and `serverSelectionTimeout`.
 *
 * **Example** (A primary that only clients reach)
 *
 * ```ts
 * import { MongoServer, Nemesis } from "@mongofx/testing"
 * import { Effect } from "effect"
 *
 * const program = Effect.scoped(Effect.gen(function*() {
 *   yield* Nemesis.isolate("primary", { clients: "reach" })
 *   // …
 * })).pipe(Effect.provide(MongoServer.layerReplicaSet({ members: 3, proxied: true })))
 * ```
 *
 * @see {@link partition} for groups of members
 *
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const isolate = (
  target: Target = "any",
  options: { readonly clients?: "cut" | "reach" | undefined } = {}
): Effect.Effect<Fault, NemesisError, Processes | Scope.Scope> =>
  onLinks("isolate", (cluster) =>
    Effect.gen(function*() {
      const struck = yield* strike.oneOf(cluster, target)
      const own = strike.portOf(struck)
      const reach = options.clients === "reach"
      yield* strike.disturbed(cluster, {
        cut: true,
        applies: (from, to) => (from === own) !== (to === own) && !(reach && from === "clients")
      })
      return { description: describeMembers([struck.member]), members: [struck.member] }
    }))

/**
 * Cuts the links between groups of members. When the scope closes, all is as before.
 *
 * **Details**
 *
 * A group is a list of targets, and takes all members that they mean. Members of no group keep all their links. `clients` is the number of the group
 * that clients reach alone; without it they reach all members. Without groups `Random` cuts a minority of one replica set off from all other
 * members and from the clients.
 *
 * Fails with a `NemesisError` when a target means no member, or no replica set has three, and when the members were not started with `proxied: true`.
 *
 * **Example** (A primary without its majority)
 *
 * ```ts
 * import { MongoServer, Nemesis } from "@mongofx/testing"
 * import { Effect } from "effect"
 *
 * const program = Effect.scoped(Effect.gen(function*() {
 *   yield* Nemesis.partition([["primary"], ["secondary"]], { clients: 1 })
 *   // …
 * })).pipe(Effect.provide(MongoServer.layerReplicaSet({ members: 3, proxied: true })))
 * ```
 *
 * @see {@link isolate} for one member
 *
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const partition = (
  groups?: ReadonlyArray<ReadonlyArray<Target>> | undefined,
  options: { readonly clients?: number | undefined } = {}
): Effect.Effect<Fault, NemesisError, Processes | Scope.Scope> =>
  onLinks("partition", (cluster) =>
    Effect.gen(function*() {
      const parts = groups === undefined
        ? yield* strike.minority(cluster)
        : yield* Effect.forEach(groups, (group) => strike.everyOneOf(cluster, group))
      const withClients = groups === undefined ? 1 : options.clients
      const ends = parts.map((part, index): ReadonlyArray<End> => [
        ...part.map(strike.portOf),
        ...(index === withClients ? ["clients" as const] : [])
      ])
      yield* strike.disturbed(cluster, { cut: true, applies: strike.between(ends) })
      const members = parts.map((part) => part.map(({ member }) => member))
      return { description: members.map(describeMembers).join(" | "), members: members.flat() }
    }))

/**
 * Which links a fault strikes: those that somebody opens to a member, and the way back on them. Without `from` and `to` it strikes all links.
 *
 * **Details**
 *
 * Members open links to each other. A secondary reads the writes of the primary on a link that it has opened.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface Links {
  /** Who opens them: all members that the target means, or the clients. */
  readonly from?: Target | "clients" | undefined
  /** Where they lead: to all members that the target means. */
  readonly to?: Target | undefined
}

const onSomeLinks = (
  name: string,
  links: Links | undefined,
  description: string,
  disturbance: (draw: () => number) => Omit<Disturbance, "applies">,
  resetsFirst = false
): Effect.Effect<Fault, NemesisError, Processes | Scope.Scope> =>
  onLinks(name, (cluster) =>
    Effect.gen(function*() {
      const from = links?.from === undefined || links.from === "clients"
        ? []
        : yield* strike.everyOne(cluster, links.from)
      const to = links?.to === undefined ? [] : yield* strike.everyOne(cluster, links.to)
      const openers: ReadonlySet<End> = new Set<End>(links?.from === "clients" ? ["clients"] : from.map(strike.portOf))
      const ends: ReadonlySet<End> = new Set(to.map(strike.portOf))
      yield* strike.disturbed(cluster, {
        ...disturbance(yield* strike.draws),
        applies: (opener, end) =>
          (links?.from === undefined || openers.has(opener)) && (links?.to === undefined || ends.has(end))
      }, resetsFirst)
      const members = [...from, ...to].map(({ member }) => member)
      const where = [
        ...(links?.from === undefined ? [] : [`from ${links.from === "clients" ? "clients" : named(from)}`]),
        ...(links?.to === undefined ? [] : [`to ${named(to)}`])
      ]
      return { description: [description, ...where].join(" "), members }
    }))

const named = (struck: ReadonlyArray<strike.Struck>): string => describeMembers(struck.map(({ member }) => member))

const milliseconds = (duration: Duration.Input): number => Duration.toMillis(Duration.fromInputUnsafe(duration))

/**
 * Makes links slow: each direction takes its time, and the order stays. When the scope closes, they are as before.
 *
 * **Details**
 *
 * `latency` is the time of one direction, 100 milliseconds by default, and varies by up to `jitter`.
 *
 * Fails with a `NemesisError` when a target means no member, and when the members were not started with `proxied: true`.
 *
 * **Gotchas**
 *
 * Heartbeats are late, too. More than a quarter of `electionTimeout` between members can lead to elections.
 *
 * **Example** (A secondary that is behind)
 *
 * ```ts
 * import { Nemesis } from "@mongofx/testing"
 * import { Effect } from "effect"
 *
 * const program = Effect.scoped(Effect.gen(function*() {
 *   yield* Nemesis.slow({ latency: "200 millis", links: { from: "secondary", to: "primary" } })
 *   // …
 * }))
 * ```
 *
 * @see {@link lossy} for delays that are rare and long
 *
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const slow = (
  options: {
    readonly latency?: Duration.Input | undefined
    readonly jitter?: Duration.Input | undefined
    readonly links?: Links | undefined
  } = {}
): Effect.Effect<Fault, NemesisError, Processes | Scope.Scope> => {
  const latency = milliseconds(options.latency ?? "100 millis")
  const jitter = milliseconds(options.jitter ?? 0)
  return onSomeLinks("slow", options.links, `${latency} ms${jitter === 0 ? "" : ` ± ${jitter} ms`}`, (draw) => ({
    delay: varying(latency, jitter, draw)
  }))
}

/**
 * Makes links lose packets. When the scope closes, they are as before.
 *
 * **Details**
 *
 * TCP hides losses: the sender sends again after 200 milliseconds, then after twice the time, and what comes behind waits. That is what this fault does
 * with each piece of data, with the probability `loss`, a tenth by default.
 *
 * Fails with a `NemesisError` when a target means no member, and when the members were not started with `proxied: true`.
 *
 * **Example** (A bad network between clients and servers)
 *
 * ```ts
 * import { Nemesis } from "@mongofx/testing"
 * import { Effect } from "effect"
 *
 * const program = Effect.scoped(Effect.gen(function*() {
 *   yield* Nemesis.lossy({ loss: 0.2, links: { from: "clients" } })
 *   // …
 * }))
 * ```
 *
 * @see {@link slow} for delays of everything
 * @see {@link resetting} for connections that break
 *
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const lossy = (
  options: { readonly loss?: number | undefined; readonly links?: Links | undefined } = {}
): Effect.Effect<Fault, NemesisError, Processes | Scope.Scope> => {
  const loss = options.loss ?? 0.1
  return onSomeLinks("lossy", options.links, `${loss} lost`, (draw) => ({ delay: retransmitting(loss, draw) }))
}

/**
 * Breaks connections (`RST`): at first all that are open on the links, then one with each piece of data, with a probability. When the scope closes,
 * new connections stay.
 *
 * **Details**
 *
 * `probability` is a fiftieth by default; 0 breaks only those that are open at first.
 *
 * Fails with a `NemesisError` when a target means no member, and when the members were not started with `proxied: true`.
 *
 * **Example** (Every connection of the clients breaks once)
 *
 * ```ts
 * import { Nemesis } from "@mongofx/testing"
 * import { Effect } from "effect"
 *
 * const program = Effect.scoped(Nemesis.resetting({ probability: 0, links: { from: "clients" } }))
 * ```
 *
 * @see {@link lossy} for connections that only become slow
 *
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const resetting = (
  options: { readonly probability?: number | undefined; readonly links?: Links | undefined } = {}
): Effect.Effect<Fault, NemesisError, Processes | Scope.Scope> => {
  const probability = options.probability ?? 0.02
  return onSomeLinks("resetting", options.links, `${probability} broken`, (draw) => ({
    breaks: () => draw() < probability
  }), true)
}

/**
 * Faults for `random`: one of each kind, of any member that it can strike.
 *
 * **Example** (Kills and elections only)
 *
 * ```ts
 * import { Nemesis } from "@mongofx/testing"
 *
 * const { kill, stepDown } = Nemesis.faults
 * const some = { kill, stepDown, killPrimary: Nemesis.kill("primary") }
 * ```
 *
 * @see {@link random} which makes them
 *
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const faults: Readonly<
  Record<
    "kill" | "pause" | "stepDown" | "isolate" | "partition" | "slow" | "lossy" | "resetting",
    Effect.Effect<Fault, NemesisError, Processes | Scope.Scope>
  >
> = {
  kill: kill(),
  pause: pause(),
  stepDown: stepDown(),
  isolate: isolate(),
  partition: partition(),
  slow: slow(),
  lossy: lossy(),
  resetting: resetting()
}

/**
 * A line of the log of `random`.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Entry {
  /** When it happened: milliseconds since the beginning. */
  readonly at: number
  /** A fault begins, it is over and healed, or it could not be made or healed. */
  readonly event: "begins" | "ends" | "skipped"
  /** The name of the fault. */
  readonly kind: string
  /** What it strikes, or why it could not be made or healed. */
  readonly description: string
}

/**
 * Settings of `random`.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface RandomOptions {
  /** How long a fault stays: a random time between these two, half a second to three seconds by default. */
  readonly lasts?: readonly [Duration.Input, Duration.Input] | undefined
  /** Repeats the choices of the run whose log has this seed. By default `Random` makes one. */
  readonly seed?: string | undefined
}

/**
 * Faults that come in the background.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Running {
  /** What repeats the choices. */
  readonly seed: string
  /** What has happened so far. */
  readonly log: Effect.Effect<ReadonlyArray<Entry>>
  /** Heals the fault of this moment and makes no others. */
  readonly stop: Effect.Effect<void>
}

/**
 * Makes faults in the background until the scope closes: it waits as the schedule says, chooses one of the kinds, keeps it for a random time, heals it, and
 * waits again. When the scope closes with a failure, the log of what it did goes to the standard error output, with the seed.
 *
 * **When to use**
 *
 * Use it in a test of a service under load, and look afterwards whether its data is as it should be. The names of the kinds are yours, and every
 * effect that heals with its scope can be one, such as a `FailPoint`.
 *
 * **Details**
 *
 * `Random` makes the choices, by a generator with the seed of the log; the option `seed` repeats them. They are the choices of kinds, times and
 * members. What a choice meets still depends on the servers, such as which of them is primary at the moment.
 *
 * A kind that fails is skipped, and the log says why. A kind that can never succeed, since the members were not started with `proxied: true`, and a member
 * that does not come back end the run, and the scope ends with a defect. Everything waits in real time, also under `TestClock`.
 *
 * **Example** (Bank transfers under faults)
 *
 * ```ts
 * import { MongoServer, Nemesis } from "@mongofx/testing"
 * import { Effect, Schedule } from "effect"
 *
 * declare const transfers: Effect.Effect<void, Error, MongoServer.MongoServer>
 *
 * const program = Effect.scoped(Effect.gen(function*() {
 *   const nemesis = yield* Nemesis.random(Schedule.spaced("1 second"), Nemesis.faults)
 *   yield* transfers
 *   yield* nemesis.stop
 *   yield* MongoServer.ready
 *   // … the sum of all accounts is as before …
 * })).pipe(Effect.provide(MongoServer.layerReplicaSet({ members: 3, proxied: true })))
 * ```
 *
 * @see {@link faults} for one of each kind
 *
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const random = <Output, E, R, Kinds extends Readonly<Record<string, Effect.Effect<unknown, unknown, unknown>>>>(
  schedule: Schedule.Schedule<Output, unknown, E, R>,
  kinds: Kinds,
  options: RandomOptions = {}
): Effect.Effect<Running, never, R | Exclude<Effect.Services<Kinds[keyof Kinds]>, Scope.Scope> | Scope.Scope> =>
  runRandomly(
    schedule,
    kinds as Readonly<Record<string, Effect.Effect<unknown, unknown, Effect.Services<Kinds[keyof Kinds]>>>>,
    {
      lasts: [milliseconds(options.lasts?.[0] ?? "500 millis"), milliseconds(options.lasts?.[1] ?? "3 seconds")],
      seed: options.seed
    }
  )
