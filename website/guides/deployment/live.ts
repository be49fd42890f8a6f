import { NodeHttpServer, NodeRuntime } from "@effect/platform-node"
import { MongoClient } from "@mongofx/core"
import { Config, Console, Effect, Fiber, Latch, Layer, PubSub, Stream } from "effect"
import { HttpClient, HttpRouter, HttpServerResponse } from "effect/http"

interface Score {
  readonly _id: string
  readonly points: number
}

const scores = Effect.map(MongoClient.MongoClient, (mongo) => mongo.db("game").collection<Score>("scores"))

const beats = Stream.tick("15 seconds").pipe(Stream.drop(1), Stream.map(() => ": still here\n\n"))

// #region events
/** One change stream for all browsers of this process: each of them gets what is published from then on. */
const Live = HttpRouter.use(Effect.fnUntraced(function*(router) {
  const { stream } = yield* (yield* scores).watch([{ $match: { operationType: "insert" } }]).open
  const events = yield* PubSub.sliding<string>(1000)
  yield* stream.pipe(
    Stream.runForEach((event) =>
      event.operationType === "insert"
        ? PubSub.publish(events, `id: ${event.documentKey._id}\ndata: ${JSON.stringify(event.fullDocument)}\n\n`)
        : Effect.void
    ),
    Effect.forkScoped
  )

  yield* router.add("GET", "/live", () =>
    Effect.succeed(HttpServerResponse.stream(
      PubSub.subscribe(events).pipe(
        Effect.map((subscription) =>
          // The first line says that from now on nothing is missed. Later ones keep proxies from closing a silent connection.
          Stream.succeed(": open\n\n").pipe(
            Stream.concat(Stream.merge(Stream.fromSubscription(subscription), beats))
          )
        ),
        Stream.unwrap,
        Stream.encodeText
      ),
      { contentType: "text/event-stream" }
    )))
}))
// #endregion events

/** Reads two lines, and says when it has the first one. */
const browser = (name: string, open: Latch.Latch) =>
  HttpClient.get("/live").pipe(
    Effect.map((response) => response.stream),
    Stream.unwrap,
    Stream.decodeText(),
    Stream.splitLines,
    Stream.filter((line) => line !== ""),
    Stream.tap(() => open.open),
    Stream.takeUntil((line) => line.startsWith("data:")),
    Stream.runCollect,
    Effect.flatMap((lines) => Console.log(`${name}:\n  ${lines.join("\n  ")}`))
  )

const program = Effect.gen(function*() {
  const [one, two] = [yield* Latch.make(), yield* Latch.make()]
  const first = yield* Effect.forkChild(browser("one", one))
  const second = yield* Effect.forkChild(browser("two", two))
  yield* Effect.all([one.await, two.await])
  yield* (yield* scores).insertOne({ _id: "ada", points: 7 })
  yield* Fiber.join(first)
  yield* Fiber.join(second)
})

const Server = HttpRouter.serve(Live, { disableLogger: true, disableListenLog: true }).pipe(
  Layer.provideMerge(NodeHttpServer.layerTest),
  Layer.provideMerge(MongoClient.layerConfig({ url: Config.Redacted("MONGODB_URI") }))
)

NodeRuntime.runMain(Effect.provide(program, Server))
