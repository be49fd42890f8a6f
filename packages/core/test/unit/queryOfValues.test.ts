import { assert, it } from "@effect/vitest"
import { Query } from "@mongofx/core"
import { Effect, Exit, Option, Stream } from "effect"
import { BSON } from "mongodb"

const people = [{ name: "Ada" }, { name: "Grace" }, { name: "Alan" }]

it.effect("a query of values returns them in all of its views, as often as it runs", () =>
  Effect.gen(function*() {
    const query: Query.AggregateQuery<{ name: string }> = Query.fromIterable(people)
    for (let run = 0; run < 2; run++) {
      assert.deepStrictEqual(yield* query, people)
      assert.deepStrictEqual(yield* Stream.runCollect(query.stream), people)
      assert.deepStrictEqual(yield* Stream.runCollect(query.batches), [people])
      assert.deepStrictEqual(yield* query.first, Option.some({ name: "Ada" }))
      assert.deepStrictEqual(yield* query.one, { name: "Ada" })
      assert.deepStrictEqual((yield* Stream.runCollect(query.raw)).map((bytes) => BSON.deserialize(bytes)), people)
    }
    const { next, stream } = yield* query.open
    assert.deepStrictEqual(yield* next, people)
    assert.deepStrictEqual(yield* next, [])
    assert.deepStrictEqual(yield* Stream.runCollect(stream), [])
    assert.isTrue(Query.isQuery(query))
  }).pipe(Effect.scoped))

it.effect("limit and skip apply, with any other settings", () =>
  Effect.gen(function*() {
    const query = Query.fromIterable(new Set(people)).sort({ name: 1 }).hint("name").comment("why").batchSize(1)
    assert.deepStrictEqual(yield* query.skip(1).limit(1), [{ name: "Grace" }])
    assert.deepStrictEqual(yield* query.limit(2).skip(2), [{ name: "Alan" }])
    assert.deepStrictEqual(yield* query.limit(0), people)
    assert.deepStrictEqual(yield* query.limit(-2), people.slice(0, 2))
    assert.deepStrictEqual(yield* query.limit(1).first, Option.some({ name: "Ada" }))
    assert.deepStrictEqual(yield* query.skip(3).first, Option.none())
    assert.strictEqual((yield* Effect.flip(query.skip(3).one))._tag, "NoSuchElementError")
    assert.deepStrictEqual(yield* Stream.runCollect(query.skip(3).batches), [])
  }))

it.effect("a query of values fails for bytes if they are not documents, and always for a plan", () =>
  Effect.gen(function*() {
    const error = yield* Effect.flip(Stream.runDrain(Query.fromIterable([3]).raw))
    assert.strictEqual(error.reason._tag, "BsonError")
    const exit = yield* Effect.exit(Query.fromIterable(people).explain())
    assert.isTrue(Exit.isFailure(exit))
  }))
