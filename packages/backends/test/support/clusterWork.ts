/**
 * Three runners of a cluster in processes of their own, and callers who use all that runs there.
 */
import { NodeClusterSocket } from "@effect/platform-node"
import { MongoMessageStorage, MongoRunnerStorage } from "@mongofx/backends"
import { MongoDatabase } from "@mongofx/core"
import { MongoServer } from "@mongofx/testing"
import { Cause, DateTime, Effect, Layer, Random, Redacted, Schedule, Scope, Stream } from "effect"
import { ClusterWorkflowEngine, ShardingConfig } from "effect/cluster"
import { DurableDeferred } from "effect/workflow"
import * as Driver from "mongodb"
import { createServer } from "node:net"
import { type Process, programOf, spawnProcess } from "test-support/processes"
import {
  Account,
  Approval,
  type Balance,
  configOf,
  Counter,
  type Deposit,
  Feed,
  Order,
  type Release,
  Reminder,
  Reminders,
  ticker,
  type Work
} from "./cluster.ts"
import {
  type Answer,
  answerProblems,
  depositProblems,
  feedProblems,
  type FeedRead,
  lockChanges,
  lockProblems,
  orderProblems,
  requestsTo,
  type Result,
  type Stop,
  workProblems
} from "./clusterLog.ts"

/** Where a cluster is: for clients of mongofx, and as a bare driver reads it. */
export interface Site {
  readonly db: MongoDatabase.MongoDatabase
  readonly data: Driver.Db
  readonly uri: string
  /** When nothing had happened. */
  readonly began: Driver.Timestamp
}

/** The site in the database of a test. */
export const openSite = Effect.gen(function*() {
  const db = yield* MongoDatabase.MongoDatabase
  const uri = Redacted.value((yield* MongoServer.MongoServer).uri)
  const bare = yield* Effect.acquireRelease(
    Effect.promise(() => Driver.MongoClient.connect(uri, { readConcernLevel: "majority" })),
    (bare) => Effect.promise(() => bare.close())
  )
  return yield* Effect.promise(() => siteOf(db, bare.db(db.name), uri))
})

/** Makes the collections that transactions write. */
export const siteOf = async (db: MongoDatabase.MongoDatabase, data: Driver.Db, uri: string): Promise<Site> => {
  await data.createCollection("balances")
  await data.createCollection("deposits")
  return { db, data, uri, began: (await data.command({ ping: 1 }))["operationTime"] as Driver.Timestamp }
}

const freePort = Effect.promise(() =>
  new Promise<number>((resolve) => {
    const server = createServer().listen(0, () => {
      const { port } = server.address() as { readonly port: number }
      server.close(() => resolve(port))
    })
  })
)

const serverTime = ({ data }: Site) =>
  Effect.tryPromise(async () => (await data.command({ hello: 1 }))["localTime"] as Date).pipe(
    Effect.retry(Schedule.spaced("100 millis")),
    Effect.orDie
  )

/** The processes of the runners. They live as long as the scope. */
export const startRunners = Effect.fnUntraced(function*(site: Site, count: number) {
  const scope = yield* Effect.scope
  const program = yield* programOf(new URL("./clusterProcess.ts", import.meta.url))
  const start = Effect.flatMap(freePort, (port) =>
    Effect.acquireRelease(
      Effect.sync(() => spawnProcess(program, [site.db.name, String(port)], site.uri)),
      ({ child }) => Effect.sync(() => child.kill("SIGKILL"))
    )).pipe(Scope.provide(scope))
  const runners: Array<Process> = yield* Effect.all(Array.from({ length: count }, () => start))
  const stops: Array<Stop> = []
  yield* Effect.forEach(runners, ({ said }) => said("ready"), { concurrency: "unbounded" })
  return {
    runners,
    stops,
    /** Kills a runner. Another one starts at the end of the scope. */
    killed: (i: number) =>
      Effect.acquireRelease(
        Effect.sync(() => {
          const { child } = runners[i]!
          child.kill("SIGKILL")
          return child.pid!
        }),
        () =>
          Effect.map(start, (next) => {
            runners[i] = next
          })
      ),
    /** Stops a runner for the time of the scope. */
    stopped: (i: number) =>
      Effect.acquireRelease(
        Effect.gen(function*() {
          const { child } = runners[i]!
          const from = yield* serverTime(site)
          child.kill("SIGSTOP")
          return { child, from }
        }),
        ({ child, from }) =>
          Effect.gen(function*() {
            child.kill("SIGCONT")
            stops.push({ process: child.pid!, from, to: yield* serverTime(site) })
          })
      ).pipe(Effect.map(({ child }) => child.pid!))
  }
})

/** A client of the cluster, which runs no entities. */
const clientOf = ({ db }: Site) => {
  const shardingConfig = configOf(undefined)
  return ClusterWorkflowEngine.layer.pipe(
    Layer.provideMerge(NodeClusterSocket.layer({ storage: "byo", clientOnly: true, shardingConfig })),
    Layer.provideMerge(MongoMessageStorage.layer),
    Layer.provide(MongoRunnerStorage.layer.pipe(Layer.provide(ShardingConfig.layer(shardingConfig)))),
    Layer.provide(Layer.succeed(MongoDatabase.MongoDatabase, db))
  )
}

/** What the callers were told. */
export interface Told {
  readonly answers: Array<Answer>
  readonly feeds: Array<FeedRead>
  readonly reminders: Map<string, number>
  readonly results: Array<Result>
  /** What has no answer yet. */
  readonly open: Set<string>
  /** Deposits to make, before any other. */
  readonly deposits: Array<string>
  /** No others are made. */
  isCalm: boolean
}

export const newTold = (): Told => ({
  answers: [],
  feeds: [],
  reminders: new Map(),
  results: [],
  open: new Set(),
  deposits: [],
  isCalm: false
})

/** Uses the cluster as long as it goes on, and waits for all answers. A caller who is refused asks again. */
export const clusterWork = (site: Site, told: Told, goesOn: () => boolean) =>
  Effect.gen(function*() {
    let next = 0
    const again = Effect.retry(Schedule.spaced("200 millis"))
    const asking = <A, E, R>(what: string, self: Effect.Effect<A, E, R>) =>
      Effect.suspend(() => {
        told.open.add(what)
        return Effect.map(again(self), (value) => {
          told.open.delete(what)
          return value
        })
      })
    const [counter, account, feed, reminders] = [
      yield* Counter.client,
      yield* Account.client,
      yield* Feed.client,
      yield* Reminders.client
    ]
    const answered = <E>(
      entityType: "Counter" | "Account",
      entity: string,
      id: string,
      ask: Effect.Effect<string, E>
    ) =>
      Effect.map(asking(`${entityType} ${id}`, ask), (value) => {
        told.answers.push({ entityType, entity, id, value })
      })
    const add = Effect.suspend(() => {
      const id = `m${next++}`
      const entity = `c${next % 12}`
      return answered("Counter", entity, id, counter(entity).add({ id }))
    })
    const deposit = Effect.suspend(() => {
      const asked = told.deposits.shift()
      if (told.isCalm && asked === undefined) return Effect.sleep("20 millis")
      const id = asked ?? `d${next++}`
      const entity = `a${next % 5}`
      return answered("Account", entity, id, account(entity).deposit({ id, amount: next % 100 }))
    })
    const list = Effect.suspend(() => {
      const [id, size, values] = [`l${next++}`, 3 + next % 5, new Array<number>()]
      const read = Stream.runForEach(feed(`f${next % 5}`).list({ id, size }), (n) => Effect.sync(() => values.push(n)))
      return Effect.map(asking(`Feed ${id}`, read), () => {
        told.feeds.push({ id, size, values })
      })
    })
    const remind = Effect.gen(function*() {
      const [id, at] = [`r${next++}`, Date.now() + (yield* Random.nextIntBetween(500, 2000))]
      const reminder = new Reminder({ id, at: DateTime.makeUnsafe(at) })
      yield* asking(`Reminder ${id}`, reminders(`r${next % 5}`).remind(reminder, { discard: true }))
      told.reminders.set(id, at)
      yield* Effect.sleep("300 millis")
    })
    const order = Effect.gen(function*() {
      const payload = { id: `o${next++}`, isDeclined: yield* Random.nextBoolean }
      const executionId = yield* Order.executionId(payload)
      const token = DurableDeferred.tokenFromExecutionId(Approval, { workflow: Order, executionId })
      const approve = Effect.andThen(
        Effect.sleep(yield* Random.nextIntBetween(0, 2000)),
        DurableDeferred.succeed(Approval, { token, value: "approved" })
      )
      // When the servers fail while the result of an activity is stored, Effect may leave the workflow suspended, and nobody wakes it.
      const wake = again(Effect.sandbox(Order.resume(executionId)))
      // The engine of a caller dies when it cannot send.
      const execute = Effect.catch(Order.execute(payload), (declined) => Effect.succeed(declined)).pipe(
        Effect.sandbox,
        Effect.retry({ times: 20, schedule: Schedule.spaced("500 millis") }),
        Effect.catch((cause) => Effect.succeed(Cause.pretty(cause))),
        Effect.raceFirst(Effect.forever(Effect.andThen(Effect.sleep("10 seconds"), wake)))
      )
      const [value] = yield* Effect.all([asking(`Order ${payload.id}`, execute), again(Effect.sandbox(approve))], {
        concurrency: 2
      })
      told.results.push({ ...payload, value })
    })
    const user = <E, R>(step: Effect.Effect<void, E, R>) =>
      Effect.whileLoop({ while: goesOn, body: () => step, step: () => {} })
    const users = [add, add, add, deposit, deposit, list, list, remind, order, order, order, order].map(user)
    yield* Effect.timeoutOption(Effect.all(users, { concurrency: "unbounded", discard: true }), "100 seconds").pipe(
      Effect.sandbox
    )
    // The same once more has the same answer.
    for (const { entity, entityType, id, value } of told.answers.slice(0, 3)) {
      const ask = entityType === "Counter" ? counter(entity).add({ id }) : account(entity).deposit({ id, amount: 0 })
      if ((yield* again(ask)) !== value) told.open.add(`${id} has another answer`)
    }
    return told
  }).pipe(Effect.scoped, Effect.provide(clientOf(site)))

/** Waits until what nobody asks for goes on, and delayed messages have come. */
const settled = async ({ data }: Site, { reminders }: Told) => {
  const works = data.collection<Work>("work")
  const since = (await data.command({ hello: 1 }))["localTime"] as Date
  const latest = Date.now() + 60_000
  for (;;) {
    const [ticks, crons, reminded] = await Promise.all([
      works.countDocuments({ entity: ticker, from: { $gt: since } }),
      works.countDocuments({ id: "cron", from: { $gt: since } }),
      data.collection("cluster_messages").countDocuments({ entityType: "Reminders", processed: true })
    ])
    if (ticks > 0 && crons > 0 && reminded >= reminders.size) return []
    if (Date.now() > latest) {
      return [`after a minute ${ticks} ticks, ${crons} runs of cron, ${reminded} of ${reminders.size} reminders`]
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** What is wrong with what the callers were told, and with what is written down, as the bare driver reads it. */
export const clusterProblems = async (
  site: Site,
  told: Told,
  stops: ReadonlyArray<Stop>
): Promise<ReadonlyArray<string>> => {
  const { data } = site
  const unsettled = await settled(site, told)
  const works = await data.collection<Work>("work").find().toArray()
  const requests = await requestsTo(data, ["Counter", "Account", "Feed", "Reminders"])
  const [deposits, balances, releases] = await Promise.all([
    data.collection<Deposit>("deposits").find().toArray(),
    data.collection<Balance>("balances").find().toArray(),
    data.collection<Release>("releases").find().toArray()
  ])
  const crons = works.filter(({ id }) => id === "cron")
  return [
    ...unsettled,
    ...[...told.open].map((what) => `${what} has no answer`),
    ...lockProblems(await lockChanges(site)),
    ...workProblems(works, stops),
    ...answerProblems(told.answers, requests),
    ...depositProblems(told.answers, deposits, balances),
    ...orderProblems(told.results, works, releases),
    ...feedProblems(told.feeds),
    ...works.filter(({ from, id }) => from.getTime() < (told.reminders.get(id) ?? 0)).map(({ id }) =>
      `${id} came early`
    ),
    ...crons.filter(({ entity, from }) => from < new Date(entity)).map(({ entity }) => `cron of ${entity} came early`)
  ]
}
