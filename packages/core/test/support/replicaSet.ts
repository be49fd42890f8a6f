import { MongoServer } from "@mongofx/testing"
import { Context, Effect, Layer, type Redacted, type Scope } from "effect"
import * as Driver from "mongodb"

/** One server of a replica set that a test has started. */
interface Member {
  readonly host: string
  readonly port: number
  /** SIGSTOP: it holds its connections and answers nothing. */
  readonly freeze: () => void
  /** SIGCONT. */
  readonly thaw: () => void
  /** SIGKILL: its connections are reset, and new ones refused. */
  readonly kill: () => void
  /** A connection only to this member, whatever its role is. It closes with the scope of the set. */
  readonly direct: Driver.MongoClient
}

export interface ReplicaSet {
  readonly uri: Redacted.Redacted<string>
  readonly members: ReadonlyArray<Member>
  /** Which member is the primary now; waits for one. */
  readonly primary: Effect.Effect<Member>
  readonly secondaries: Effect.Effect<ReadonlyArray<Member>>
}

const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

const clientOf = (host: string) =>
  Effect.acquireRelease(
    Effect.sync(() =>
      new Driver.MongoClient(`mongodb://${host}/?directConnection=true`, {
        serverSelectionTimeoutMS: 2000,
        connectTimeoutMS: 1000
      })
    ),
    (client) => Effect.promise(() => Promise.race([client.close().catch(() => {}), sleep(1000)]))
  )

/** Three servers of `MongoServer`, for tests that strike one at a moment of their own. They end with the scope. */
export const startReplicaSet = (count = 3): Effect.Effect<ReplicaSet, never, Scope.Scope> =>
  Effect.gen(function*() {
    const servers = yield* Layer.build(MongoServer.layerReplicaSet({ members: count, electionTimeout: "1500 millis" }))
    const states = Effect.provideContext(MongoServer.members, servers)
    const { nodes } = Context.get(servers, MongoServer.Processes)["~@mongofx/testing/Processes"]
    const members = yield* Effect.forEach(nodes, ({ host, server: { process } }) =>
      Effect.map(clientOf(host), (direct): Member => ({
        host,
        port: Number(host.split(":")[1]),
        direct,
        freeze: () =>
          process.freeze(),
        thaw: () => process.thaw(),
        kill: () => void process.kill()
      })))
    /** Waits until as many members have a role. */
    const find = (role: MongoServer.Role, least: number) =>
      Effect.promise(async () => {
        const deadline = Date.now() + 60_000
        while (Date.now() < deadline) {
          const now = await Effect.runPromise(states)
          const found = members.filter((_, index) =>
            now[index]!.role === role
          )
          if (found.length >= least) return found
          await sleep(50)
        }
        throw new Error(`the replica set has fewer than ${least} members that are ${role}`)
      })
    return {
      uri: Context.get(servers, MongoServer.MongoServer).uri,
      members,
      primary: Effect.map(find("primary", 1), ([first]) => first!),
      secondaries: find("secondary", count - 1)
    }
  }).pipe(Effect.orDie)
