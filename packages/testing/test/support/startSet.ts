// A program of its own: starts a replica set, prints its processes, and stays until somebody ends it.
import { MongoServer } from "@mongofx/testing"
import { Effect } from "effect"

const program = Effect.gen(function*() {
  const members = yield* MongoServer.members
  process.stdout.write(JSON.stringify(members.map(({ pid }) => pid)))
  // Timers of one fiber alone do not keep a process alive.
  setInterval(() => {}, 1000)
  return yield* Effect.never
}).pipe(Effect.provide(MongoServer.layerReplicaSet({ members: 2 })))

void Effect.runPromise(program)
