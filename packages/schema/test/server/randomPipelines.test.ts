/**
 * Random pipelines over random documents of random schemas: what the server sends decodes by the schema that follows.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { MongoDatabase } from "@mongofx/core"
import { TypedCollection } from "@mongofx/schema"
import { MongoTest } from "@mongofx/testing"
import { Effect, Exit, Random as EffectRandom, Schema } from "effect"
import { seeded } from "test-support/utils"
import { Random } from "../support/compiledSchemas.ts"
import { randomDocuments, randomPipeline } from "../support/randomPipelines.ts"

/** How many pipelines. `PIPELINE_RUNS=20000` takes some minutes. */
const runs = Number(process.env["PIPELINE_RUNS"] ?? 500)

const perSchema = 50

type Outcome = "decoded" | "unwritten" | "refused" | "overflows"

type Tally = Record<Outcome, number>

const show = (value: unknown): string =>
  JSON.stringify(value, (_, each) => typeof each === "bigint" ? `${each}n` : each)

const none = (): Tally => ({ decoded: 0, unwritten: 0, refused: 0, overflows: 0 })

/** Groups have no order, so a limit after them takes others in each run, and a filter after that finds another number of them. */
const choosesByChance = (stages: ReadonlyArray<object>): boolean => {
  const names = stages.flatMap((stage) => Object.keys(stage))
  const groups = names.findIndex((name) => ["$group", "$sortByCount", "$bucket", "$bucketAuto"].includes(name))
  return groups >= 0 && names.slice(groups).some((name) => name === "$limit" || name === "$skip")
}

/** Runs the pipelines of a seed on the documents of one schema. */
const check = (db: MongoDatabase.MongoDatabase, seed: number) =>
  Effect.gen(function*() {
    const random = new Random(seed)
    const first = randomDocuments(random)
    const second = randomDocuments(random)
    const collection = TypedCollection.make(db, `random_${seed}`, first.schema)
    const other = TypedCollection.make(db, `other_${seed}`, second.schema)
    yield* collection.insertMany(first.documents as never)
    yield* other.insertMany(second.documents as never)
    const tally = none()
    for (let i = 0; i < perSchema; i++) {
      const pipeline = randomPipeline(new Random(seed + i), first.schema, other)
      const written = yield* Effect.exit(pipeline.stages)
      // A constant that the codec beside it refuses.
      if (Exit.isFailure(written)) {
        tally.unwritten++
        continue
      }
      const stages = written.value
      const raw = yield* Effect.exit(collection.untyped.aggregate(stages))
      const place = () => `schema ${seed}, pipeline ${i}: ${show(stages)}`
      if (Exit.isFailure(raw)) {
        // The server refuses some values: a division by zero, a logarithm of nothing, text that is no date.
        tally.refused++
        continue
      }
      const decoded = yield* Effect.exit(collection.aggregate(() => pipeline))
      if (Exit.isFailure(decoded)) {
        const failure = show(decoded.cause)
        assert.include(failure, "overflows", `${place()}\nsent ${show(raw.value)}\n`)
        tally.overflows++
        continue
      }
      if (!choosesByChance(stages)) assert.strictEqual(decoded.value.length, raw.value.length, place())
      // Nothing is left out: every field that the server sends is one of the schema.
      const strict = Schema.decodeUnknownExit(pipeline.schema as Schema.Codec<unknown>, { onExcessProperty: "error" })
      for (const document of raw.value) {
        const exit = strict(document)
        if (Exit.isFailure(exit)) assert.fail(`${place()}\nsent ${show(document)}\n${String(exit.cause)}`)
      }
      tally.decoded++
    }
    yield* collection.untyped.drop()
    yield* other.untyped.drop()
    return tally
  })

describe("a random pipeline", () => {
  it.live(
    `decodes what the server sends, ${runs} times`,
    () =>
      seeded(
        Effect.gen(function*() {
          const db = yield* MongoDatabase.MongoDatabase
          const total = none()
          for (let done = 0; done < runs; done += perSchema) {
            const seed = Number(process.env["PIPELINE_SEED"] ?? (yield* EffectRandom.nextIntBetween(0, 2 ** 31 - 1)))
            const tally = yield* check(db, seed)
            for (const outcome of Object.keys(total) as Array<Outcome>) total[outcome] += tally[outcome]
          }
          // Most of them say something.
          assert.isAbove(total.decoded, runs / 2)
          if (runs > 500) process.stderr.write(`${JSON.stringify(total)}\n`)
        })
      ).pipe(Effect.provide(MongoTest.layer)),
    { timeout: 60_000 + runs * 60 }
  )
})
