/**
 * Filters and updates of expressions on a real server, and what they refuse.
 */
import { assert, describe, it } from "@effect/vitest"
import { MongoDatabase } from "@mongofx/core"
import { Expr, Filter, Pipeline, TypedCollection, Update } from "@mongofx/schema"
import { MongoTest } from "@mongofx/testing"
import { Effect, Option, Schema } from "effect"

const Line = Schema.Struct({ price: Schema.Number, count: Schema.Number })

const Project = Schema.Struct({
  id: Schema.Number,
  name: Schema.String,
  spent: Schema.Number,
  budget: Schema.Number,
  // Stored as text.
  code: Schema.NumberFromString,
  state: Schema.Literals(["open", "closed"]),
  lines: Schema.Array(Line),
  note: Schema.optionalKey(Schema.String),
  due: Schema.optionalKey(Schema.DateTimeUtcFromDate),
  owner: Schema.optionalKey(Schema.Struct({ name: Schema.String, age: Schema.optionalKey(Schema.Number) }))
}).pipe(Schema.encodeKeys({ id: "_id", spent: "s" }))
type Project = typeof Project.Type

const over = Filter.expr<Project>(($) => Expr.gt($.spent, $.budget))

const project = (id: number, spent: number, budget: number): Project => ({
  id,
  name: `p${id}`,
  spent,
  budget,
  code: id,
  state: "open",
  lines: [{ price: id, count: 2 }, { price: 1, count: 1 }]
})

const all = [project(1, 5, 3), project(2, 1, 3), { ...project(3, 9, 3), note: "late" }]

class Counter extends Schema.Class<Counter>("Counter")({ _id: Schema.String, n: Schema.Number, twice: Schema.Number }) {
  get half(): number {
    return this.n / 2
  }
}

const Shape = Schema.Union([
  Schema.Struct({ _id: Schema.Number, kind: Schema.tag("circle"), radius: Schema.Number }),
  Schema.Struct({ _id: Schema.Number, kind: Schema.tag("square"), side: Schema.Number })
])

const fixture = Effect.gen(function*() {
  const db = yield* MongoDatabase.MongoDatabase
  const projects = TypedCollection.make(db, "projects", Project)
  const counters = TypedCollection.make(db, "counters", Counter)
  const shapes = TypedCollection.make(db, "shapes", Shape)
  yield* projects.insertMany(all)
  yield* counters.insertOne(new Counter({ _id: "a", n: 1, twice: 0 }))
  yield* shapes.insertOne({ _id: 1, kind: "circle", radius: 2 })
  return { projects, counters, shapes }
})
type Collections = Effect.Success<typeof fixture>

const test = <A, E>(body: (collections: Collections) => Effect.Effect<A, E>) =>
  Effect.flatMap(fixture, body).pipe(Effect.provide(MongoTest.layer))

const idsOf = (projects: ReadonlyArray<Project>) => projects.map(({ id }) => id)

describe("a filter of an expression", () => {
  it.live("compares fields with each other, alone and beside other filters", () =>
    test(({ projects }) =>
      Effect.gen(function*() {
        assert.deepStrictEqual(
          idsOf(yield* projects.find(Filter.expr(($) => Expr.gt($.spent, $.budget))).sort({ id: 1 })),
          [1, 3]
        )
        assert.deepStrictEqual(idsOf(yield* projects.find({ note: "late", $and: [over] })), [3])
        assert.deepStrictEqual(idsOf(yield* projects.find(Filter.and(over, Filter.make<Project>()({ id: 1 })))), [1])
        assert.deepStrictEqual(idsOf(yield* projects.find(Filter.not(over))), [2])
        assert.deepStrictEqual(
          idsOf(yield* projects.find(Filter.or(over, Filter.make<Project>()({ id: 2 }))).sort({ id: 1 })),
          [1, 2, 3]
        )
      })
    ))

  it.live("encodes constants by the codec of the field", () =>
    test(({ projects }) =>
      Effect.gen(function*() {
        const coded = Filter.expr<Project>(($) => Expr.eq($.code, 2))
        assert.deepStrictEqual(idsOf(yield* projects.find(coded)), [2])
        const due = Filter.expr<Project>(($) => Expr.eq($.name, "$s"))
        assert.deepStrictEqual(idsOf(yield* projects.find(due)), [])
      })
    ))

  it.live("goes wherever a filter goes", () =>
    test(({ counters, projects }) =>
      Effect.gen(function*() {
        assert.strictEqual(yield* projects.countDocuments(over), 2)
        assert.deepStrictEqual([...yield* projects.distinct("name", over)].sort(), ["p1", "p3"])
        assert.isTrue(Option.isSome(yield* projects.findOne(over)))
        assert.deepStrictEqual(
          idsOf(yield* projects.aggregate((all) => all.pipe(Pipeline.match(over), Pipeline.sort({ id: 1 })))),
          [1, 3]
        )
        yield* projects.updateMany(over, { $set: { state: "closed" } })
        assert.strictEqual(yield* projects.countDocuments({ state: "closed" }), 2)
        const result = yield* projects.bulkWrite([
          { deleteOne: { filter: { id: 1, $and: [over] } } },
          { updateOne: { filter: over, update: { $set: { name: "x" } } } }
        ])
        assert.strictEqual(result.deletedCount, 1)
        assert.strictEqual(result.modifiedCount, 1)
        assert.strictEqual((yield* projects.deleteMany(over)).deletedCount, 1)
        assert.strictEqual(yield* counters.countDocuments(Filter.expr(($) => Expr.lt($.twice, $.n))), 1)
      })
    ))

  it.live("fails with its place if it cannot be", () =>
    test(({ counters, projects }) =>
      Effect.gen(function*() {
        const failure = (filter: Filter.Filter<Project>) => Effect.flip(Effect.asVoid(projects.find(filter)))
        const error = yield* failure(
          Filter.expr<Project>(($) => ($ as unknown as { x: Expr.Expr<boolean> }).x)
        )
        assert.strictEqual(error._tag, "MongoError")
        assert.include(error.message, "$.x is not a field of the schema")
        assert.include(
          (yield* failure(Filter.expr<Project>(($) => Expr.gt($.spent, $.name as never)))).message,
          "compares what is stored as number with what is stored as string"
        )
        const getter = yield* Effect.flip(Effect.asVoid(counters.find(Filter.expr(($) => Expr.gt($.half, 1)))))
        assert.include(getter.message, "$.half is not a field")
        const nested = yield* Effect.flip(
          Effect.asVoid(projects.find({ lines: { $elemMatch: over as never } }))
        )
        assert.include(nested.message, "filter.lines.$elemMatch has expressions, which need whole documents")
      })
    ))
})

const recount = Update.pipeline((project: Pipeline.Pipeline<Project>) =>
  project.pipe(
    Pipeline.set(($) => ({
      spent: Expr.reduce($.lines, 0, (sum, line) => Expr.add(sum, Expr.multiply(line.price, line.count)))
    })),
    Pipeline.set(($) => ({
      state: Expr.cond(Expr.gt($.spent, $.budget), Expr.literal("closed"), Expr.literal("open")),
      note: Expr.missing
    }))
  )
)

const spentOf = (projects: ReadonlyArray<Project>) => projects.map(({ note, spent, state }) => [spent, state, note])

describe("an update by a pipeline", () => {
  it.live("computes fields from fields, in every operation that updates", () =>
    test(({ projects }) =>
      Effect.gen(function*() {
        assert.strictEqual((yield* projects.updateOne({ id: 1 }, recount)).modifiedCount, 1)
        const third = yield* projects.findOneAndUpdate({ id: 3 }, recount, { returnDocument: "after" })
        assert.deepStrictEqual(
          spentOf(Option.toArray(third)),
          [[7, "closed", undefined]]
        )
        yield* projects.bulkWrite([{ updateOne: { filter: { id: 2 }, update: recount } }])
        const expected = [[3, "open", undefined], [5, "closed", undefined], [7, "closed", undefined]]
        assert.deepStrictEqual(spentOf(yield* projects.find().sort({ id: 1 })), expected)
        assert.strictEqual((yield* projects.updateMany({}, recount)).matchedCount, 3)
        assert.deepStrictEqual(spentOf(yield* projects.find().sort({ id: 1 })), expected)
      })
    ))

  it.live("encodes constants, keeps what it leaves alone, and keeps the _id", () =>
    test(({ counters, projects, shapes }) =>
      Effect.gen(function*() {
        yield* projects.updateOne(
          { id: 1 },
          Update.pipeline((project) =>
            project.pipe(
              Pipeline.set(($) => ({
                code: Expr.cond(Expr.eq($.code, 1), Expr.value(Schema.NumberFromString, 7), $.code),
                name: Expr.concat("$s ", $.name),
                owner: Expr.struct({ name: Expr.literal("Ada") })
              }))
            )
          )
        )
        const { code, name, owner } = yield* projects.find({ id: 1 }).one
        assert.deepStrictEqual({ code, name, owner }, { code: 7, name: "$s p1", owner: { name: "Ada" } })

        yield* counters.updateOne(
          { _id: "a" },
          Update.pipeline((counter) => counter.pipe(Pipeline.set(($) => ({ twice: Expr.multiply($.n, 2) }))))
        )
        const counter = yield* counters.find({ _id: "a" }).one
        assert.instanceOf(counter, Counter)
        assert.strictEqual(counter.twice, 2)

        yield* shapes.updateOne(
          { _id: 1 },
          Update.pipeline((shape) =>
            shape.pipe(Pipeline.select(() => ({ kind: Expr.literal("square"), side: Expr.literal(3) })))
          )
        )
        assert.deepStrictEqual(yield* shapes.find().one, { _id: 1, kind: "square", side: 3 })
      })
    ))

  it.live("inserts documents that can be read", () =>
    test(({ counters }) =>
      Effect.gen(function*() {
        const count = Update.pipeline((counter: Pipeline.Pipeline<Counter>) =>
          counter.pipe(
            Pipeline.set(($) => ({ n: Expr.add(Expr.ifNull($.n, 0), 1) })),
            Pipeline.set(($) => ({ twice: Expr.multiply($.n, 2) }))
          )
        )
        yield* counters.updateOne({ _id: "b" }, count, { upsert: true })
        yield* counters.updateOne({ _id: "b" }, count, { upsert: true })
        yield* counters.bulkWrite([{ updateOne: { filter: { _id: "c" }, update: count, upsert: true } }])
        const found = yield* counters.find({ _id: { $in: ["b", "c"] } }).sort({ _id: 1 })
        assert.deepStrictEqual(found.map(({ n, twice }) => [n, twice]), [[2, 4], [1, 2]])
        const careless = Update.pipeline((counter: Pipeline.Pipeline<Counter>) =>
          counter.pipe(Pipeline.set(($) => ({ twice: Expr.multiply($.n, 2) })))
        )
        const error = yield* Effect.flip(counters.updateOne({ _id: "d" }, careless, { upsert: true }))
        assert.include(error.message, "options.upsert could insert a document that cannot be read: n may be missing")
        const noId = yield* Effect.flip(counters.updateOne({ n: 5 }, count, { upsert: true }))
        assert.include(noId.message, "_id")
        yield* counters.updateOne({ _id: "e", n: 5 }, careless, { upsert: true })
        assert.strictEqual((yield* counters.find({ _id: "e" }).one).twice, 10)
      })
    ))

  type Refused = (project: Pipeline.Pipeline<any>) => Pipeline.Pipeline<any>
  const refusals: ReadonlyArray<readonly [name: string, stages: Refused, ...words: ReadonlyArray<string>]> = [
    [
      "another type",
      Pipeline.set(($) => ({ spent: $["name"]! })),
      "update.spent",
      "stored as string",
      "stored as number"
    ],
    ["null", Pipeline.set(($) => ({ spent: Expr.add($["note"]! as never, 1) as never })), "stage 1 ($set)"],
    ["nothing", Pipeline.set(($: any) => ({ spent: $.owner.age })), "update.spent", "may be missing"],
    ["no field", Pipeline.unset("budget"), "update.budget", "may be missing"],
    ["a new field", Pipeline.set(($) => ({ other: $["name"]! })), "update.other", "is not a field of the schema"],
    ["any text for a constant", Pipeline.set(($) => ({ state: $["name"]! })), "update.state", "with fewer values"],
    ["text for a codec", Pipeline.set(($) => ({ code: $["name"]! })), "update.code"],
    ["the _id", Pipeline.set(() => ({ id: Expr.literal(9) })), "update.id", "never changes"],
    ["a field in an array", Pipeline.set(() => ({ "lines.price": Expr.literal("x") })), "update.lines[].price"],
    [
      "a field in an object",
      Pipeline.set(() => ({ "owner.age": Expr.literal(1) })),
      "update.owner.name",
      "may be missing"
    ],
    ["another document", Pipeline.select(($) => ({ name: $["name"]! })), "update.spent", "may be missing"],
    ["a stage", Pipeline.limit(1), "update", "$limit", "cannot stand in an update"],
    ["an unknown field", Pipeline.set(($: any) => ({ spent: $.nothing })), "stage 1 ($set)", "$.nothing"]
  ]
  for (const [name, stages, ...words] of refusals) {
    it.live(`refuses ${name} before it sends anything`, () =>
      test(({ projects }) =>
        Effect.gen(function*() {
          const error = yield* Effect.flip(projects.updateMany({}, Update.pipeline(stages) as never))
          assert.strictEqual(error._tag, "MongoError")
          for (const word of words) assert.include(error.message, word)
          assert.deepStrictEqual(yield* projects.find().sort({ id: 1 }), all)
        })
      ))
  }

  it.live("takes dates of any codec", () =>
    test(({ projects }) =>
      Effect.gen(function*() {
        yield* projects.updateOne(
          { id: 1 },
          Update.pipeline((project: Pipeline.Pipeline<any>) =>
            project.pipe(Pipeline.set(() => ({ due: Expr.literal(new Date(5)) })))
          ) as Update.Checked<Project>
        )
        assert.strictEqual((yield* projects.find({ id: 1 }).one).due?.epochMilliseconds, 5)
      })
    ))
})
