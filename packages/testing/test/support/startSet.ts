// A program of its own: starts a replica set, kills a member and starts it again, prints the processes, and stays until somebody ends it.
import { MongoServer, Nemesis } from "@mongofx/testing"
import { Effect } from "effect"

const program = Effect.gen(function*() {
  yield* Effect.scoped(Nemesis.kill("secondary"))
  const members = yield* MongoServer.members
  process.stdout.write(JSON.stringify(members.map(({ pid }) => pid)))
  // Timers of one fiber alone do not keep a process alive.
  setInterval(() => {}, 1000)
  return yield* Effect.never
}).pipe(Effect.provide(MongoServer.layerReplicaSet({ members: 2 })))

void Effect.runPromise(program)
