import { Effect, Redacted, type Scope } from "effect"
import * as Driver from "mongodb"
import { type ChildProcess, spawn } from "node:child_process"
import { existsSync, statfsSync } from "node:fs"
import { mkdtemp, rm } from "node:fs/promises"
import { connect, createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"

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

const freePorts = async (count: number): Promise<ReadonlyArray<number>> => {
  const servers = await Promise.all(
    Array.from({ length: count }, () =>
      new Promise<ReturnType<typeof createServer>>((resolve, reject) => {
        const server = createServer().on("error", reject).listen(0, "127.0.0.1", () => resolve(server))
      }))
  )
  const ports = servers.map((server) => (server.address() as { readonly port: number }).port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}

/** Waits until a server takes connections: the driver does not retry a failed first connect. */
const listening = async (port: number): Promise<void> => {
  const deadline = Date.now() + 60_000
  while (Date.now() < deadline) {
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1", () => {
        socket.destroy()
        resolve(true)
      }).on("error", () => resolve(false))
    })
    if (isOpen) return
    await sleep(50)
  }
  throw new Error(`no server listens on port ${port}`)
}

const mongod = (dir: string, port: number): ChildProcess => {
  const binary = process.env["MONGOD_BINARY"] || "mongod"
  // dprint-ignore
  const args = [
    "--dbpath", dir, "--port", String(port), "--bind_ip", "127.0.0.1", "--replSet", "rs", "--nounixsocket",
    "--wiredTigerCacheSizeGB", "0.25", "--setParameter", "enableTestCommands=1", "--oplogSize", "256",
    // Otherwise each member lays out 200 MB of memory for its journal.
    "--wiredTigerEngineConfigString", "log=(prealloc=false,file_max=16MB)",
    "--setParameter", "diagnosticDataCollectionEnabled=false"
  ]
  const child = spawn(binary, args, { stdio: "ignore" })
  child.on("error", () => {})
  return child
}

const hello = (client: Driver.MongoClient) =>
  client.db("admin").command({ hello: 1 }).catch(() => ({}) as Driver.Document)

/** Whether there is room for data in memory: containers often have 64 MB. */
const isMemoryFree = () => {
  if (!existsSync("/dev/shm")) return false
  const { bavail, bsize } = statfsSync("/dev/shm")
  return bavail * bsize > 1024 ** 3
}

/** Three servers on loopback, which elect a primary within about two seconds. They end with the scope. */
export const startReplicaSet = (count = 3): Effect.Effect<ReplicaSet, never, Scope.Scope> =>
  Effect.gen(function*() {
    const running: Array<ChildProcess> = []
    const killAll = () => running.forEach((child) => child.kill("SIGKILL"))
    yield* Effect.acquireRelease(
      Effect.sync(() => process.on("exit", killAll)),
      () => Effect.sync(() => process.off("exit", killAll))
    )
    const parent = isMemoryFree() ? "/dev/shm" : tmpdir()
    const ports = yield* Effect.promise(() => freePorts(count))
    const members: Array<Member> = []
    for (const port of ports) {
      const dir = yield* Effect.acquireRelease(
        Effect.promise(() => mkdtemp(join(parent, "mongofx-member-"))),
        (dir) => Effect.promise(() => rm(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }))
      )
      const child = yield* Effect.acquireRelease(
        Effect.sync(() => mongod(dir, port)),
        (child) =>
          Effect.promise(async () => {
            if (child.exitCode !== null || child.signalCode !== null) return
            const exited = new Promise((resolve) => child.once("exit", resolve))
            child.kill("SIGKILL")
            await exited
          })
      )
      running.push(child)
      const direct = yield* Effect.acquireRelease(
        Effect.sync(() =>
          new Driver.MongoClient(`mongodb://127.0.0.1:${port}/?directConnection=true`, {
            serverSelectionTimeoutMS: 2000,
            connectTimeoutMS: 1000
          })
        ),
        (client) => Effect.promise(() => Promise.race([client.close().catch(() => {}), sleep(1000)]))
      )
      members.push({
        host: `127.0.0.1:${port}`,
        port,
        direct,
        freeze: () => child.kill("SIGSTOP"),
        thaw: () => child.kill("SIGCONT"),
        kill: () => child.kill("SIGKILL")
      })
    }
    const findPrimary = async (): Promise<Member> => {
      const deadline = Date.now() + 60_000
      while (Date.now() < deadline) {
        for (const member of members) {
          if ((await hello(member.direct))["isWritablePrimary"] === true) return member
        }
        await sleep(50)
      }
      throw new Error("the replica set has no primary")
    }
    const findSecondaries = async (): Promise<ReadonlyArray<Member>> => {
      const deadline = Date.now() + 60_000
      while (Date.now() < deadline) {
        const replies = await Promise.all(
          members.map(async (member) => ({ member, reply: await hello(member.direct) }))
        )
        const secondaries = replies.filter(({ reply }) => reply["secondary"] === true).map(({ member }) => member)
        if (secondaries.length === count - 1) return secondaries
        await sleep(50)
      }
      throw new Error("the replica set lacks secondaries")
    }
    yield* Effect.promise(async () => {
      await Promise.all(ports.map(listening))
      const config = {
        _id: "rs",
        writeConcernMajorityJournalDefault: false,
        settings: { electionTimeoutMillis: 1500, heartbeatIntervalMillis: 500 },
        members: members.map(({ host }, _id) => ({ _id, host }))
      }
      for (let attempt = 0;; attempt++) {
        try {
          await members[0]!.direct.db("admin").command({ replSetInitiate: config })
          break
        } catch (error) {
          if ((error as Driver.MongoServerError).codeName === "AlreadyInitialized") break
          if (attempt > 100) throw error
          await sleep(100)
        }
      }
      await findPrimary()
      await findSecondaries()
    })
    return {
      uri: Redacted.make(`mongodb://${members.map(({ host }) => host).join(",")}/?replicaSet=rs`),
      members,
      primary: Effect.promise(findPrimary),
      secondaries: Effect.promise(findSecondaries)
    }
  })
