// Counts on a replica set of three members while its primary steps down, and while the next one is killed. The driver sends a
// write again by itself when the primary goes away, and the server does it once. So no step is lost or counted twice.
import { NodeRuntime } from "@effect/platform-node"
import { MongoClient } from "@mongofx/core"
import { MongoServer, Nemesis } from "@mongofx/testing"
import { Console, Effect, Exit, Layer, Scope } from "effect"
import { type Counting, makeCounting } from "./counting.ts"
import { draw } from "./timeline.ts"

const faults = ({ mark, now, recording: { steps } }: Counting) =>
  Effect.gen(function*() {
    const quiet = Effect.sleep("700 millis")
    /** Counting goes on when a step has ended that began after this moment. */
    const counted = Effect.suspend(() => {
      const since = now()
      return Effect.repeat(Effect.sleep("50 millis"), { until: () => steps.some(({ began }) => began > since) })
    })

    yield* quiet
    yield* Effect.scoped(Effect.gen(function*() {
      const { description } = yield* Nemesis.stepDown()
      yield* mark("↓", `stepped down: ${description}`)
      yield* counted
      yield* quiet
    }))

    const scope = yield* Scope.make()
    const { description, members } = yield* Scope.provide(Nemesis.kill("primary"), scope)
    yield* mark("✕", `killed: ${description}`)
    yield* counted
    yield* quiet
    // The end of the fault: the process starts again with its data.
    yield* Scope.close(scope, Exit.void)
    yield* mark("↑", `started again: ${members[0]!.host}`)
    yield* quiet
  })

const sum = (numbers: ReadonlyArray<number>): number => numbers.reduce((total, each) => total + each, 0)

const program = Effect.gen(function*() {
  const hosts = (yield* MongoServer.members).map(({ host }) => host)
  const { confirmed, counting, end } = yield* Effect.scoped(Effect.gen(function*() {
    const counting = yield* makeCounting(hosts)
    const [confirmed] = yield* Effect.all([counting.count, Effect.andThen(faults(counting), counting.stop)], {
      concurrency: "unbounded"
    })
    return { counting, confirmed, end: counting.now() }
  }))

  const { recording, screen, stored } = counting
  yield* Console.log(`\n${draw(recording, end, screen.width).join("\n")}\n`)
  yield* Console.log("  █ primary  ░ secondary  · unknown to the client")
  yield* Console.log("  ↓ steps down  ✕ is killed  ↑ is back  2 was sent twice\n")

  const { steps } = recording
  const times = steps.map(({ began, ended }) => ended - began).sort((a, b) => a - b)
  const again = steps.filter(({ sentTo }) => sentTo.length > 1).length
  yield* Console.log(
    `${steps.length} steps: half of them took less than ${times[times.length >> 1]!.toFixed(1)} ms, the longest took ${
      (times.at(-1)! / 1000).toFixed(1)
    } s, and ${again} were sent again.`
  )
  const counted = sum(yield* stored)
  if (counted !== sum(confirmed)) {
    return yield* Effect.die(`the counters have counted ${counted}, but ${sum(confirmed)} steps were confirmed`)
  }
  yield* Console.log(`The counters have counted ${counted}: no step is lost or counted twice.`)
})

/** A set of its own, since the program makes its members fail. It is there for as long as the program runs. */
const Servers = MongoServer.layerReplicaSet({ members: 3 })

/** It looks at its servers each half second, so that the drawing shows soon who is back, and reports its commands. */
const Client = MongoClient.layerFrom(
  Effect.flatMap(MongoServer.MongoServer, (server) =>
    MongoClient.make({
      url: server.uri,
      appName: "failover",
      heartbeatFrequency: "500 millis",
      driverOptions: { monitorCommands: true }
    }))
)

NodeRuntime.runMain(Effect.provide(program, Layer.provideMerge(Client, Servers)))
