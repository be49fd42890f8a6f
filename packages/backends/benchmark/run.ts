/**
 * Measures `PersistedQueue` on MongoDB beside Effect's stores on Redis and in memory: see README.md.
 *
 * @since 0.1.0
 */
import type * as Testing from "@mongofx/testing"
import { Context, Deferred, Effect, Fiber, Layer, Redacted, Scope } from "effect"
import * as Driver from "mongodb"
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { createServer } from "node:net"
import { loadavg, tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { ascending, quantile } from "../../core/benchmark/measure.ts"
import { build, environment, markdown } from "../../core/benchmark/report.ts"
import type { Kind, Queue } from "./stores.ts"

const elements = Number(process.env["BENCH_ELEMENTS"] ?? 1000)
const wakes = Number(process.env["BENCH_WAKES"] ?? 30)
const rounds = Number(process.env["BENCH_ROUNDS"] ?? 3)
const only = process.argv.slice(2)

const folder = new URL("..", import.meta.url)
build(folder)
const { layerOf, mail, queueOf } = await import("./stores.ts")
const { MongoServer } = await import("@mongofx/testing") as typeof Testing

// A server of tests keeps its data in memory if there is enough of it. This benchmark wants it on disk.
process.availableMemory = () => 0

const scope = Scope.makeUnsafe()
const server = Context.get(
  await Effect.runPromise(Layer.buildWithScope(MongoServer.layer, scope)),
  MongoServer.MongoServer
)
const mongoUrl = Redacted.value(server.uri)

// ---- a server of Redis

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as { readonly port: number }
      probe.close(() => resolve(port))
    })
  })

const children: Array<ChildProcess> = []
const data = mkdtempSync(join(tmpdir(), "bench-redis-"))
process.once("exit", () => {
  for (const child of children) child.kill("SIGKILL")
  rmSync(data, { recursive: true, force: true })
})

/** Starts a server of Redis that writes each change to its file, and waits for the disk as `appendfsync` says. */
const startRedis = async (appendfsync: "always" | "everysec"): Promise<string> => {
  const port = await freePort()
  const args = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--dir", data]
  const names = ["--appendonly", "yes", "--appendfsync", appendfsync, "--appenddirname", appendfsync]
  const child = spawn("redis-server", [...args, ...names], { stdio: ["ignore", "pipe", "inherit"] })
  children.push(child)
  await new Promise<void>((resolve) =>
    child.stdout.on("data", (text) => String(text).includes("Ready to accept") && resolve())
  )
  return `redis://127.0.0.1:${port}`
}

const { error, stdout } = spawnSync("redis-server", ["--version"], { encoding: "utf8" })
const redisVersion = error === undefined ? /v=(\S+)/.exec(stdout)?.[1] : undefined
if (redisVersion === undefined) console.log("without Redis: there is no redis-server on PATH")

interface Side {
  readonly name: string
  readonly kind: Kind
  readonly url: string
}

const sides = ([
  { name: "MongoDB", kind: "mongo", url: mongoUrl },
  ...redisVersion === undefined ? [] : [
    { name: "Redis, synced", kind: "redis", url: await startRedis("always") },
    { name: "Redis", kind: "redis", url: await startRedis("everysec") }
  ],
  { name: "memory", kind: "memory", url: "" }
] as ReadonlyArray<Side>).filter(({ name }) => only.length === 0 || only.some((word) => name.includes(word)))

// ---- what is measured

/** How many of something a second has. */
const perSecond = async (count: number, work: Effect.Effect<unknown, unknown>): Promise<number> => {
  const start = performance.now()
  await Effect.runPromise(work)
  return count / (performance.now() - start) * 1000
}

const offering = (queue: Queue, count: number, offerers: number) =>
  Effect.forEach(Array.from({ length: count }, (_, n) => n), (n) => queue.offer(mail(n)), {
    concurrency: offerers,
    discard: true
  })

const taking = (queue: Queue, count: number, takers: number) =>
  Effect.forEach(Array.from({ length: count }), () => queue.take(() => Effect.void), {
    concurrency: takers,
    discard: true
  })

/** How long it takes from the offer to the work of a taker that has waited for a while: milliseconds. */
const waking = (offerer: Queue, worker: Queue) =>
  Effect.gen(function*() {
    const times: Array<number> = []
    for (let n = 0; n < wakes; n++) {
      const woken = yield* Deferred.make<number>()
      const fiber = yield* Effect.forkChild(
        worker.take(() => Effect.suspend(() => Deferred.succeed(woken, performance.now())))
      )
      // Not in step with what polls.
      yield* Effect.sleep(100 + (n * 37) % 200)
      const start = performance.now()
      yield* offerer.offer(mail(n))
      times.push((yield* Deferred.await(woken)) - start)
      yield* Fiber.join(fiber)
    }
    return times
  })

/** Elements per second of eight processes, each with one taker. */
const processesTaking = async ({ kind, url }: Side, queue: Queue, name: string, count: number): Promise<number> => {
  const program = fileURLToPath(new URL("./worker.ts", import.meta.url))
  const done = new Map<ChildProcess, number>()
  const workers = Array.from(
    { length: 8 },
    () => spawn(process.execPath, ["--import", "tsx", program, kind, url, name], { stdio: ["pipe", "pipe", "inherit"] })
  )
  children.push(...workers)
  let changed = () => {}
  for (const worker of workers) {
    worker.stdout.setEncoding("utf8").on("data", (text: string) => {
      done.set(worker, Number(text.trim().split("\n").at(-1)))
      changed()
    })
  }
  const until = (holds: () => boolean) =>
    new Promise<void>((resolve) => {
      changed = () => holds() && resolve()
      changed()
    })
  await until(() => done.size === workers.length)
  await Effect.runPromise(offering(queue, 1, 1))
  const sum = () => [...done.values()].reduce((sum, count) => sum + count, 0)
  await until(() => sum() === 1)
  // Nobody takes until all are offered.
  for (const worker of workers) worker.kill("SIGSTOP")
  await Effect.runPromise(offering(queue, count, 8))
  const start = performance.now()
  for (const worker of workers) worker.kill("SIGCONT")
  await until(() => sum() === count + 1)
  const took = performance.now() - start
  for (const worker of workers) worker.kill("SIGKILL")
  return count / took * 1000
}

const measures = [
  "offers per second, 1 fiber",
  "offers per second, 8 fibers",
  "elements per second, 1 worker",
  "elements per second, 8 workers",
  "elements per second, 8 processes",
  "wake-up, same client, median ms",
  "wake-up, same client, p95 ms",
  "wake-up, another client, median ms",
  "wake-up, another client, p95 ms"
] as const

type Figures = Partial<Record<typeof measures[number], number>>

const measure = async (side: Side, round: number): Promise<Figures> => {
  const inner = Scope.makeUnsafe()
  const context = () => Effect.runPromise(Layer.buildWithScope(Layer.fresh(layerOf(side.kind, side.url)), inner))
  const one = await context()
  const queueIn = (services: typeof one, name: string) =>
    Effect.runPromise(Effect.provideContext(queueOf(`${name}${round}`), services))
  const queue = await queueIn(one, "work")
  const figures: Figures = {}
  // Warm.
  await Effect.runPromise(Effect.andThen(offering(queue, 100, 8), taking(queue, 100, 8)))
  const half = elements / 2
  figures["offers per second, 1 fiber"] = await perSecond(half, offering(queue, half, 1))
  figures["elements per second, 1 worker"] = await perSecond(half, taking(queue, half, 1))
  figures["offers per second, 8 fibers"] = await perSecond(elements, offering(queue, elements, 8))
  figures["elements per second, 8 workers"] = await perSecond(elements, taking(queue, elements, 8))
  const wakeOf = async (offerer: Queue, worker: Queue, client: "same" | "another") => {
    const times = ascending(await Effect.runPromise(waking(offerer, worker)))
    figures[`wake-up, ${client} client, median ms`] = quantile(times, 0.5)
    figures[`wake-up, ${client} client, p95 ms`] = quantile(times, 0.95)
  }
  const waits = await queueIn(one, "wait")
  await wakeOf(waits, waits, "same")
  if (side.kind !== "memory") {
    await wakeOf(await queueIn(await context(), "other"), await queueIn(one, "other"), "another")
    const name = `processes${round}`
    figures["elements per second, 8 processes"] = await processesTaking(
      side,
      await queueIn(one, "processes"),
      name,
      elements
    )
  }
  await Effect.runPromise(Scope.close(inner, Effect.runSyncExit(Effect.void)))
  return figures
}

const measured = sides.map((): Array<Figures> => [])
for (let round = 0; round < rounds; round++) {
  for (const [i, side] of sides.entries()) measured[i]!.push(await measure(side, round))
}

// ---- the table

const client = await Driver.MongoClient.connect(mongoUrl)
const info = await client.db("admin").admin().serverInfo()
await client.close()
console.log(environment(["mongodb", "effect"], folder, `${info["version"]}, Redis ${redisVersion ?? "none"}`))
console.log(`load ${loadavg()[0]!.toFixed(1)}; medians of ${rounds} rounds; in brackets the ratio to MongoDB\n`)
const shown = (figure: number) => figure >= 100 ? figure.toFixed(0) : figure.toPrecision(2)
const medianOf = (i: number, what: typeof measures[number]): number | undefined => {
  const all = measured[i]!.flatMap((figures) => figures[what] ?? [])
  return all.length === 0 ? undefined : quantile(ascending(all), 0.5)
}
const rows = measures.map((what) => {
  const first = medianOf(0, what)
  return [
    what,
    ...sides.map((_, i) => {
      const figure = medianOf(i, what)
      if (figure === undefined) return "–"
      return i === 0 || first === undefined ? shown(figure) : `${shown(figure)} (${(figure / first).toFixed(2)})`
    })
  ]
})
console.log(markdown(["", ...sides.map(({ name }) => name)], rows))

await Effect.runPromise(Scope.close(scope, Effect.runSyncExit(Effect.void)))
process.exit(0)
