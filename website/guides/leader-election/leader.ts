import { NodeRuntime } from "@effect/platform-node"
import { MongoLease } from "@mongofx/backends"
import { MongoClient, MongoDatabase } from "@mongofx/core"
import { Config, Console, Effect, Fiber, Layer, Option, Queue } from "effect"

interface Report {
  readonly _id: string
  readonly fence: number
  readonly total: number
}

const program = Effect.gen(function*() {
  const reports = (yield* MongoDatabase.MongoDatabase).collection<Report>("reports")
  yield* reports.insertOne({ _id: "today", fence: 0, total: 0 })
  const leases = yield* MongoLease.MongoLease

  const leaders = yield* Queue.unbounded<string>()
  const mailer = (name: string) => Effect.andThen(Queue.offer(leaders, name), Effect.never)

  // #region lead
  const instance = (name: string) => leases.lead({ name: "mailer", duration: "10 seconds" }, () => mailer(name))

  const first = yield* Effect.forkScoped(instance("the first"))
  yield* Console.log(`${yield* Queue.take(leaders)} leads`)
  yield* Effect.forkScoped(instance("the second"))
  yield* Fiber.interrupt(first)
  yield* Console.log(`${yield* Queue.take(leaders)} leads`)
  // #endregion lead

  // #region try
  const skipped = yield* leases.withLease(
    { name: "report" },
    () => leases.tryWithLease({ name: "report" }, () => Effect.succeed("written"))
  )
  yield* Console.log(`while another one writes: ${Option.getOrElse(skipped, () => "nothing to do")}`)
  // #endregion try

  // #region fence
  const save = ({ fence }: MongoLease.Held, total: number) =>
    reports.updateOne({ _id: "today", fence: { $lte: fence } }, { $set: { fence, total } })
  // #endregion fence
  const stopped = yield* leases.withLease({ name: "report" }, Effect.succeed)
  yield* leases.withLease({ name: "report" }, (lease) => save(lease, 7))
  const late = yield* save(stopped, 5)
  yield* Console.log(`changed by the late write: ${late.matchedCount}`)
}).pipe(Effect.scoped)

const Live = MongoLease.layer.pipe(
  Layer.provideMerge(MongoDatabase.layer("shop")),
  Layer.provide(MongoClient.layerConfig({ url: Config.Redacted("MONGODB_URI") }))
)

NodeRuntime.runMain(Effect.provide(program, Live))
