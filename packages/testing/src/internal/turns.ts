import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as Driver from "mongodb"

/** After this time a turn is taken over: its owner has been killed. Milliseconds. */
const turnLasts = 60_000

const pollInterval = 20

const tryTake = (turns: Driver.Collection<Turn>, name: string): Promise<boolean> =>
  turns.updateOne(
    { _id: name, until: { $lt: new Date() } },
    { $set: { until: new Date(Date.now() + turnLasts) } },
    { upsert: true }
  ).then(
    () => true,
    (error: { readonly code?: unknown }) => {
      // Somebody else's turn has not ended, so that the upsert finds its _id taken.
      if (error.code === 11000) return false
      throw error
    }
  )

interface Turn {
  readonly _id: string
  readonly until: Date
}

/**
 * Waits for a turn that only one scope has at a time, among all processes that use the server. Real time, under TestClock too.
 *
 * @internal
 */
export const acquireTurn = (client: Driver.MongoClient, name: string): Effect.Effect<void, never, Scope.Scope> => {
  const turns = client.db("mongofx_testing").collection<Turn>("turns")
  const wait = Effect.callback<void>((resume) => {
    let timer: NodeJS.Timeout | undefined
    let stopped = false
    const attempt = () =>
      tryTake(turns, name).then(
        (taken) => {
          if (taken && stopped) void turns.deleteOne({ _id: name })
          else if (taken) resume(Effect.void)
          else if (!stopped) timer = setTimeout(attempt, pollInterval)
        },
        (cause: unknown) => resume(Effect.die(cause))
      )
    void attempt()
    return Effect.sync(() => {
      stopped = true
      clearTimeout(timer)
    })
  })
  return Effect.asVoid(Effect.acquireRelease(
    wait,
    () => Effect.promise(() => turns.deleteOne({ _id: name }).catch(() => undefined)),
    { interruptible: true }
  ))
}
