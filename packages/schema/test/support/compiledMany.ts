/**
 * Runs the laws of compiled codecs for very many schemas, in a program of its own:
 *
 * `COMPILED_FIRST=1 COMPILED_RUNS=50000 node --import tsx packages/schema/test/support/compiledMany.ts`
 *
 * `COMPILED_FIRST` is the first seed, `COMPILED_RUNS` the number of seeds, `COMPILED_DOCUMENTS` the number of documents for each, and
 * `COMPILED_CHANGES` the number of values that are made of each document by a change of one place.
 * It prints what it has counted, and goes on after a failure.
 *
 * @since 0.1.0
 */
import { inspect } from "node:util"
import { agree, tally } from "./compiledLaws.ts"

const setting = (name: string, otherwise: number): number => Number(process.env[name] ?? otherwise)

const first = setting("COMPILED_FIRST", 1)
const runs = setting("COMPILED_RUNS", 10_000)
const amount = { documents: setting("COMPILED_DOCUMENTS", 6), changes: setting("COMPILED_CHANGES", 3) }

const failed: Array<number> = []
const start = Date.now()
const report = (seed: number): void => {
  const minutes = ((Date.now() - start) / 60_000).toFixed(1)
  process.stdout.write(`seeds ${first} to ${seed}, ${minutes} minutes: ${JSON.stringify({ ...tally, failed })}\n`)
}
for (let seed = first; seed < first + runs; seed++) {
  try {
    agree(seed, amount)
  } catch (error) {
    failed.push(seed)
    process.stderr.write(`${inspect(error)}\n`)
  }
  if ((seed - first + 1) % 500 === 0) report(seed)
}
report(first + runs - 1)
if (failed.length > 0) process.exitCode = 1
