/**
 * Validators against codecs, for random schemas and documents: the server accepts what a codec writes, and what it accepts although the codec
 * does not read it is among what is reported as lost.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { MongoDatabase, MongoError } from "@mongofx/core"
import { MongoValidator } from "@mongofx/schema"
import { lacksOf } from "@mongofx/schema/internal/bson/lacks"
import { MongoTest } from "@mongofx/testing"
import { Effect, Exit, Random as EffectRandom, Redacted, Schema } from "effect"
import * as Driver from "mongodb"
import { inspect } from "node:util"
import { seeded } from "test-support/utils"
import { type Kind, makeDocumentKind, Random } from "../support/compiledSchemas.ts"
import { makeValidated } from "../support/validatorSchemas.ts"

/** How many schemas of each kind. `VALIDATOR_RUNS=3000` takes some minutes. */
const runs = Number(process.env["VALIDATOR_RUNS"] ?? 60)

const perSchema = 12

const { BSON } = Driver

const show = (value: unknown): string => inspect(value, { depth: 40, breakLength: 120 })

/** What the driver delivers of a document, or `undefined` if BSON cannot hold it. */
const delivered = (document: Driver.Document): Driver.Document | undefined => {
  try {
    return BSON.deserialize(BSON.serialize(document, { ignoreUndefined: true }))
  } catch {
    return undefined
  }
}

type Verdict = "accepted" | "other" | Refused

class Refused {
  readonly details: unknown
  constructor(details: unknown) {
    this.details = details
  }
}

const insert = (collection: MongoDatabase.MongoDatabase, document: Driver.Document) =>
  Effect.map(
    Effect.exit(collection.collection("validated").insertOne(document)),
    (exit): Verdict => {
      if (Exit.isSuccess(exit)) return "accepted"
      const reason = exit.cause.reasons[0]
      const error = reason?._tag === "Fail" ? reason.error : undefined
      return MongoError.isMongoError(error) && error.reason._tag === "DocumentValidationError"
        ? new Refused(Redacted.value(error.reason.details as Redacted.Redacted<unknown>))
        : "other"
    }
  )

interface Tally {
  written: number
  lost: number
  exact: number
  strictOnRead: number
}

const check = (
  db: MongoDatabase.MongoDatabase,
  { sample, schema }: Kind,
  random: Random,
  tally: Tally,
  place: string
) =>
  Effect.gen(function*() {
    const { lost, validator } = MongoValidator.fromSchema(schema)
    const shown = () => `${place}\nvalidator ${show(validator)}\nlost ${show(lost)}`
    const collection = { schema, untyped: db.collection("validated") }
    yield* MongoValidator.apply(collection, { count: false }).pipe(
      Effect.catch((error) => Effect.die(new Error(`${error.message}\n${shown()}`)))
    )
    const second = yield* MongoValidator.plan(collection)
    assert.strictEqual(second.kind, "equal", shown())
    const lacks = lacksOf(schema.ast)
    const decode = Schema.decodeUnknownEffect(schema)
    const encode = Schema.encodeUnknownEffect(schema)
    for (let i = 0; i < perSchema; i++) {
      const made = sample(random)
      if (
        typeof made !== "object" || made === null || Array.isArray(made) ||
        Object.getPrototypeOf(made) !== Object.prototype
      ) continue
      const document: Driver.Document = "_id" in made ? made : { _id: new Driver.ObjectId(), ...made }
      const read = delivered(document)
      if (read === undefined) continue
      const decoded = yield* Effect.exit(decode(read))
      const verdict = yield* insert(db, document)
      if (Exit.isFailure(decoded)) {
        if (verdict === "accepted") {
          tally.lost++
          assert.isNotEmpty(lost, `accepted, and not read: ${show(document)}\n${String(decoded.cause)}\n${shown()}`)
        }
        continue
      }
      if (lost.length === 0) tally.exact++
      if (verdict instanceof Refused) {
        tally.strictOnRead++
        if (process.env["SHOW_STRICT"]) process.stdout.write(`STRICT ${show(document)}\n${shown()}\n`)
      }
      const encoded = yield* Effect.exit(encode(decoded.value))
      if (Exit.isFailure(encoded) || typeof encoded.value !== "object" || lacks?.(encoded.value) !== undefined) continue
      yield* db.collection("validated").deleteMany({})
      const again: Driver.Document = { _id: new Driver.ObjectId(), ...encoded.value as Driver.Document }
      // The driver makes an _id in its place.
      if (again["_id"] === null) continue
      const written = yield* insert(db, again)
      if (written instanceof Refused) {
        assert.fail(`written, and refused: ${show(again)}\n${show(written.details)}\n${shown()}`)
      }
      if (written === "accepted") tally.written++
    }
  })

const law = (makers: (random: Random) => Kind) =>
  seeded(
    Effect.gen(function*() {
      const db = yield* MongoDatabase.MongoDatabase
      yield* db.createCollection("validated")
      const tally: Tally = { written: 0, lost: 0, exact: 0, strictOnRead: 0 }
      for (let i = 0; i < runs; i++) {
        const seed = yield* EffectRandom.nextIntBetween(0, 2 ** 31)
        const random = new Random(seed)
        yield* check(db, makers(random), random, tally, `schema ${seed}`)
      }
      if (runs > 60) process.stdout.write(`${show(tally)}\n`)
      assert.isAbove(tally.written, runs)
      assert.isAbove(tally.lost, 0)
      assert.isAbove(tally.exact, 0)
    })
  ).pipe(Effect.provide(MongoTest.layer))

describe(`a validator of ${runs} random schemas`, () => {
  it.live(
    "accepts what the codec writes, reports what it cannot refuse, and is the same the second time",
    () => law(makeValidated),
    600_000
  )

  it.live("does so for the schemas of the tests of codecs", () => law(makeDocumentKind), 600_000)
})
