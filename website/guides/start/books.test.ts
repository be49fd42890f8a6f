import { assert, it } from "@effect/vitest"
import { MongoIndex } from "@mongofx/schema"
import { MongoTest } from "@mongofx/testing"
import { Effect, Layer } from "effect"
import { add, Books, longerThan } from "./books.ts"

// A client and an empty database for each test, on a real server.
const Test = Layer.provideMerge(Books.layer, MongoTest.layer)

it.effect("finds books that are longer than asked", () =>
  Effect.gen(function*() {
    yield* add("Emma", 474)
    yield* add("Walden", 352)
    const titles = (yield* longerThan(400)).map(({ title }) => title)
    assert.deepStrictEqual(titles, ["Emma"])
  }).pipe(Effect.provide(Test)))

it.effect("refuses a title that is taken", () =>
  Effect.gen(function*() {
    yield* MongoIndex.ensure(yield* Books)
    yield* add("Emma", 474)
    const error = yield* Effect.flip(add("Emma", 500))
    assert.strictEqual(error._tag, "TitleTaken")
  }).pipe(Effect.provide(Test)))

it.effect("refuses a book without pages before anything is sent", () =>
  Effect.gen(function*() {
    const error = yield* Effect.flip(add("Nothing", 0))
    assert.strictEqual(error._tag, "DocumentError")
  }).pipe(Effect.provide(Test)))
