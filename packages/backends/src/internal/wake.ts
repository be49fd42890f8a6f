/**
 * Wakes the runner of a process when a message for one of its shards has come, or when the time of a delayed one has.
 */
import type { MongoDatabase } from "@mongofx/core"
import * as Clock from "effect/Clock"
import * as ShardId from "effect/cluster/ShardId"
import type * as Sharding from "effect/cluster/Sharding"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { messagesOf } from "./mailbox.ts"
import { wakes } from "./messages.ts"
import { serverSleep } from "./store.ts"

/** How long to wait after a failure. */
const pause = Duration.seconds(5)

/** How long a timer waits at most, in milliseconds: no longer than timers of the platform can. */
const longest = 24 * 3600 * 1000

/**
 * Hears what is sent, and keeps a timer for the next delayed message, for as long as the fiber runs.
 *
 * @internal
 */
export const waking = Effect.fnUntraced(function*(
  database: MongoDatabase.MongoDatabase,
  prefix: string | undefined,
  sharding: Sharding.Sharding["Service"]
) {
  const { collection: messages, run } = messagesOf(database, prefix)
  const news = Latch.makeUnsafe(false)

  const hearing = Effect.scoped(Effect.gen(function*() {
    const { stream } = yield* messages.watch([...wakes]).open
    // What came before it was open.
    news.openUnsafe()
    yield* sharding.pollStorage
    yield* Stream.runForEach(stream, (event) => {
      const message = event.operationType === "insert" ? event.fullDocument : undefined
      if (typeof message?.deliverAt === "number") news.openUnsafe()
      return message === undefined || sharding.hasShardId(ShardId.fromString(message.shardId))
        ? sharding.pollStorage
        : Effect.void
    })
  })).pipe(
    Effect.catch((error) => Effect.logDebug("A cluster polls for messages, since it has no change stream", error)),
    Effect.andThen(serverSleep(pause)),
    Effect.forever
  )

  /** Delays are those of the program's clock, so it measures them. */
  const waiting = Effect.gen(function*() {
    news.closeUnsafe()
    const now = yield* Clock.currentTimeMillis
    const next = yield* run(messages.findOne(
      { processed: false, deliverAt: { $gt: Math.max(0, now) } },
      { sort: { deliverAt: 1 }, projection: { deliverAt: 1 } }
    ))
    if (Option.isNone(next)) return yield* news.await
    const left = next.value.deliverAt! - now
    yield* Effect.raceFirst(
      news.await,
      Effect.andThen(Effect.sleep(Math.min(longest, left)), sharding.pollStorage)
    )
  }).pipe(
    Effect.catch((error) =>
      Effect.andThen(Effect.logDebug("A cluster could not look for delayed messages", error), serverSleep(pause))
    ),
    Effect.forever
  )

  yield* Effect.all([hearing, waiting], { concurrency: 2, discard: true })
}, Effect.withTracerEnabled(false))
