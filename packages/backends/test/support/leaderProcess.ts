// A program that leads in a process of its own, and writes as long as it leads: `leaderProcess.ts DATABASE`.
import { MongoLease } from "@mongofx/backends"
import { MongoClient, MongoDatabase } from "@mongofx/core"
import { Effect, Layer, Redacted } from "effect"

const [database] = process.argv.slice(2) as [string]

interface State {
  readonly _id: string
  readonly fence: number
  readonly log: ReadonlyArray<{ readonly fence: number; readonly process: number }>
}

const tell = (text: string) => Effect.sync(() => process.stdout.write(`${text}\n`))

const program = Effect.gen(function*() {
  const states = (yield* MongoDatabase.MongoDatabase).collection<State>("states")
  const leases = yield* MongoLease.MongoLease
  yield* tell("ready")
  yield* leases.lead({ name: "leader", duration: "1500 millis" }, ({ fence }) =>
    Effect.gen(function*() {
      yield* tell("leads")
      for (;;) {
        const { matchedCount } = yield* states.updateOne(
          { _id: "state", fence: { $lte: fence } },
          { $set: { fence }, $push: { log: { fence, process: process.pid } } }
        )
        if (matchedCount === 0) yield* tell("late")
        yield* Effect.sleep("10 millis")
      }
    }))
})

const Live = MongoLease.layer.pipe(
  Layer.provideMerge(MongoDatabase.layer(database)),
  Layer.provide(MongoClient.layer({ url: Redacted.make(process.env["MONGODB_URI"]!) }))
)

// No longer than the test.
process.stdin.resume().once("end", () => process.exit(1))
await Effect.runPromise(Effect.provide(program, Live))
