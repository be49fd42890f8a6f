/**
 * A worker in a process of its own: `worker.ts KIND URL QUEUE`. Prints how many elements it has done.
 *
 * @since 0.1.0
 */
import { Effect } from "effect"
import { type Kind, layerOf, queueOf } from "./stores.ts"

const [kind, url, name] = process.argv.slice(2) as [Kind, string, string]

let done = 0
let told = 0
setInterval(() => {
  if (done > told) process.stdout.write(`${told = done}\n`)
}, 10)

const program = Effect.gen(function*() {
  const queue = yield* queueOf(name)
  process.stdout.write("0\n")
  yield* Effect.forever(Effect.map(queue.take(() => Effect.void), () => done++))
})

// No longer than the benchmark.
process.stdin.resume().once("end", () => process.exit(1))
await Effect.runPromise(Effect.provide(program, layerOf(kind, url)))
