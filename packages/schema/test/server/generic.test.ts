import { assert, describe, it } from "@effect/vitest"
import { MongoDatabase, MongoError } from "@mongofx/core"
import { Bson, DocumentError, Filter, type Path, TypedCollection, TypedQuery, Update } from "@mongofx/schema"
import { MongoTest } from "@mongofx/testing"
import { Effect, Option, Schema, Stream } from "effect"
import { ObjectId } from "mongodb"

interface Versioned {
  readonly version: number
}

/** Code for all collections whose documents have a version. */
const makeRepository = <S extends Schema.Constraint & { readonly Type: Versioned }>(
  collection: TypedCollection.TypedCollection<S>
) => {
  type Id = Path.IdOf<S["Type"]>
  return {
    find: (id: Id) => collection.findById(id),
    findBy: <const P extends Path.Path<S["Type"]>>(path: P, value: Path.ValueAt<S["Type"], P>) =>
      collection.find(Filter.eq<S["Type"], P>(path, value)),
    since: (version: number, filter: Filter.Filter<S["Type"]>) =>
      collection.find(Filter.and(filter, Filter.make<Versioned>()({ version: { $gte: version } }))).sort({
        version: 1
      }),
    save: (id: Id, version: number) =>
      collection.updateOne(
        Filter.and(Filter.eq<S["Type"], "_id">("_id", id), Filter.make<Versioned>()({ version })),
        Update.make<Versioned>()({ $inc: { version: 1 } })
      ),
    touch: (id: Id) => collection.updateById(id, { $inc: { version: 1 } }),
    remove: (id: Id) => collection.deleteById(id)
  }
}

const Task = Schema.Struct({
  _id: Bson.ObjectId,
  title: Schema.String,
  due: Schema.DateTimeUtcFromDate.pipe(Schema.optionalKey),
  owner: Schema.NullOr(Schema.String),
  items: Schema.Array(Schema.Struct({ qty: Schema.Int })),
  version: Schema.Int
})

const fixture = Effect.gen(function*() {
  const db = yield* MongoDatabase.MongoDatabase
  const tasks = TypedCollection.make(db, "tasks", Task)
  const { insertedIds } = yield* tasks.insertMany(
    ["write", "test", "land"].map((title, index) => ({
      title,
      owner: index === 0 ? null : "ada",
      items: [{ qty: index }],
      version: index
    }))
  )
  return { db, tasks, ids: insertedIds }
})

const titles = <R>(query: Effect.Effect<ReadonlyArray<typeof Task.Type>, TypedQuery.Failure, R>) =>
  Effect.map(query, (found) => found.map(({ title }) => title).sort().join())

describe("by _id", () => {
  it.live("documents are found, replaced, updated and deleted", () =>
    Effect.gen(function*() {
      const { ids, tasks } = yield* fixture
      const [first, second, third] = ids as [ObjectId, ObjectId, ObjectId]
      assert.strictEqual(Option.getOrThrow(yield* tasks.findById(first)).title, "write")
      assert.deepStrictEqual(
        yield* tasks.findById(first, { projection: { title: 1, _id: 0 } }),
        Option.some({ title: "write" })
      )
      assert.isTrue(Option.isNone(yield* tasks.findById(new ObjectId())))
      assert.strictEqual(yield* titles(tasks.findByIds([third, first, new ObjectId()])), "land,write")
      assert.deepStrictEqual(yield* tasks.findByIds([]), [])
      assert.strictEqual((yield* tasks.findByIds(ids).sort({ version: -1 }).limit(1).one).title, "land")
      assert.strictEqual((yield* tasks.updateById(second, { $set: { title: "check" } })).modifiedCount, 1)
      assert.strictEqual(Option.getOrThrow(yield* tasks.findById(second)).title, "check")
      const { _id, ...others } = Option.getOrThrow(yield* tasks.findById(third))
      assert.strictEqual((yield* tasks.replaceById(third, { ...others, title: "ship" })).modifiedCount, 1)
      assert.strictEqual(Option.getOrThrow(yield* tasks.findById(third)).title, "ship")
      assert.strictEqual((yield* tasks.deleteById(first)).deletedCount, 1)
      assert.strictEqual(yield* tasks.countDocuments(), 2)
    }).pipe(Effect.provide(MongoTest.layer)))

  it.live("a value that is not a key is refused, and never read as a filter", () =>
    Effect.gen(function*() {
      const { ids, tasks } = yield* fixture
      for (const id of [undefined, { $exists: true }, { $ne: null }, "x", {}]) {
        const bad = id as unknown as ObjectId
        for (
          const operation of [
            Effect.asVoid(tasks.findById(bad)),
            Effect.asVoid(tasks.findByIds([ids[0]!, bad])),
            Effect.asVoid(tasks.updateById(bad, { $set: { title: "x" } })),
            Effect.asVoid(tasks.replaceById(bad, { title: "x", owner: null, items: [], version: 1 })),
            Effect.asVoid(tasks.deleteById(bad))
          ]
        ) {
          const failure = yield* Effect.flip(operation)
          if (failure instanceof DocumentError.DocumentError) assert.match(failure.path, /^filter\._id/)
          else assert.strictEqual(failure.reason._tag, "InvalidArgumentError")
        }
      }
      assert.strictEqual(yield* tasks.countDocuments({ title: "x" }), 0)
      assert.strictEqual(yield* tasks.countDocuments(), 3)
    }).pipe(Effect.provide(MongoTest.layer)))

  it.live("the key may have another name in the schema", () =>
    Effect.gen(function*() {
      const { db } = yield* fixture
      const Renamed = Schema.Struct({ id: Bson.ObjectId, n: Schema.Int }).pipe(Schema.encodeKeys({ id: "_id" }))
      const renamed = TypedCollection.make(db, "renamed", Renamed)
      const id = new ObjectId()
      yield* renamed.insertOne({ id, n: 1 })
      assert.deepStrictEqual(yield* renamed.findById(id), Option.some({ id, n: 1 }))
      assert.strictEqual((yield* renamed.deleteById(id)).deletedCount, 1)
    }).pipe(Effect.provide(MongoTest.layer)))
})

describe("generic code for collections with versions", () => {
  it.live("compiles, reads and writes", () =>
    Effect.gen(function*() {
      const { ids, tasks } = yield* fixture
      const repository = makeRepository(tasks)
      const [first, , third] = ids as [ObjectId, ObjectId, ObjectId]
      assert.strictEqual(Option.getOrThrow(yield* repository.find(first)).title, "write")
      assert.strictEqual(yield* titles(repository.findBy("title", "test")), "test")
      assert.strictEqual(yield* titles(repository.findBy("items.qty", 2)), "land")
      assert.strictEqual(yield* titles(repository.findBy("owner", null)), "write")
      assert.strictEqual(yield* titles(repository.since(1, { owner: "ada" })), "land,test")
      assert.strictEqual((yield* repository.save(third, 1)).matchedCount, 0)
      assert.strictEqual((yield* repository.save(third, 2)).modifiedCount, 1)
      yield* repository.touch(third)
      assert.strictEqual(Option.getOrThrow(yield* repository.find(third)).version, 4)
      assert.strictEqual((yield* repository.remove(third)).deletedCount, 1)
    }).pipe(Effect.provide(MongoTest.layer)))
})

describe("joined filters", () => {
  it.live("mean and, or, not", () =>
    Effect.gen(function*() {
      const { tasks } = yield* fixture
      const of = Filter.make<typeof Task.Type>()
      const ada = of({ owner: "ada" })
      const late = of({ version: { $gte: 2 } })
      assert.strictEqual(yield* titles(tasks.find(Filter.and(ada, late))), "land")
      assert.strictEqual(yield* titles(tasks.find(Filter.or(late, of({ owner: null })))), "land,write")
      assert.strictEqual(yield* titles(tasks.find(Filter.not(ada))), "write")
      assert.strictEqual(yield* titles(tasks.find(Filter.not(Filter.or(ada, late)))), "write")
      assert.strictEqual(yield* titles(tasks.find(Filter.and(Filter.values({ owner: "ada" }), late))), "land")
      assert.strictEqual(
        yield* titles(tasks.find(Filter.or(Filter.unsafe({ $expr: { $eq: ["$version", 0] } })))),
        "write"
      )
      assert.strictEqual(yield* titles(tasks.find(Filter.at<typeof Task.Type>()(`items.${0}.qty`, { $gt: 1 }))), "land")
    }).pipe(Effect.provide(MongoTest.layer)))

  it.live("match all documents with an empty `and`, and none with an empty `or`", () =>
    Effect.gen(function*() {
      const { tasks } = yield* fixture
      assert.strictEqual(yield* titles(tasks.find(Filter.and<typeof Task.Type>())), "land,test,write")
      assert.strictEqual(yield* titles(tasks.find(Filter.or<typeof Task.Type>())), "")
      assert.strictEqual((yield* tasks.deleteMany(Filter.or<typeof Task.Type>())).deletedCount, 0)
    }).pipe(Effect.provide(MongoTest.layer)))

  it.live("take an object of operators in `eq` as a value", () =>
    Effect.gen(function*() {
      const { tasks } = yield* fixture
      const input = JSON.parse(`{ "$gt": "" }`)
      const failure = yield* Effect.flip(tasks.deleteMany(Filter.eq<typeof Task.Type, "title">("title", input)))
      assert.strictEqual(failure._tag, "DocumentError")
      assert.strictEqual(yield* tasks.countDocuments(), 3)
    }).pipe(Effect.provide(MongoTest.layer)))
})

describe("text that a person typed", () => {
  const words = [
    "Ada",
    "adam",
    "a.da",
    "a*b",
    "(a)",
    "É",
    "é",
    "x\nAda",
    "Ada\n",
    "[ada]",
    "a/b",
    "^Ada$",
    "a\\b",
    "\0a",
    ""
  ]

  it("stands for itself with any characters", () => {
    for (const sign of "\\^$.*+?()[]{}|/-,=!<>:#&~") {
      const found = Filter.contains(`a${sign}b`)
      assert.isTrue(found.test(`x a${sign}b x`), sign)
      for (const other of ["a", "b", "ab", "aab", "axb", ""]) {
        assert.isFalse(found.test(other), `${sign} finds ${other}`)
      }
    }
  })

  it.live("finds the same text, and is never a pattern", () =>
    Effect.gen(function*() {
      const { db } = yield* fixture
      const Word = Schema.Struct({ _id: Schema.Int, word: Schema.String })
      const collection = TypedCollection.make(db, "words", Word)
      yield* collection.insertMany(words.map((word, _id) => ({ _id, word })))
      const fold = (text: string, ignoreCase: boolean) => ignoreCase ? text.toLowerCase() : text
      const parts = [...words, "da", ".", "*", "\n", "a", "A", "$", "ADA"]
      for (const typed of parts) {
        for (const ignoreCase of [false, true]) {
          const expected = (holds: (word: string, typed: string) => boolean) =>
            words.filter((word) => holds(fold(word, ignoreCase), fold(typed, ignoreCase)))
          const found = (word: RegExp) =>
            Effect.map(collection.find({ word }).sort({ _id: 1 }), (found) => found.map(({ word }) => word))
          const options = { ignoreCase }
          const at = JSON.stringify([typed, ignoreCase])
          assert.deepStrictEqual(
            yield* found(Filter.startsWith(typed, options)),
            expected((word, typed) => word.startsWith(typed)),
            at
          )
          assert.deepStrictEqual(
            yield* found(Filter.endsWith(typed, options)),
            expected((word, typed) => word.endsWith(typed)),
            at
          )
          assert.deepStrictEqual(
            yield* found(Filter.contains(typed, options)),
            expected((word, typed) => word.includes(typed)),
            at
          )
          if (ignoreCase) {
            assert.deepStrictEqual(
              yield* found(Filter.equalsIgnoreCase(typed)),
              expected((word, typed) => word === typed)
            )
          }
        }
      }
    }).pipe(Effect.provide(MongoTest.layer)))

  it.live("uses an index at the start of the text", () =>
    Effect.gen(function*() {
      const { tasks } = yield* fixture
      yield* tasks.createIndex({ title: 1 })
      const plan = yield* tasks.find({ title: Filter.startsWith("l.") }).explain()
      assert.include(JSON.stringify(plan.raw), "[\\\"l.\\\", \\\"l/\\\")")
    }).pipe(Effect.provide(MongoTest.layer)))
})

describe("a search in a text index", () => {
  const Plain = Schema.Struct({ _id: Schema.Int, title: Schema.String, note: Schema.optionalKey(Schema.String) })
  class Instance extends Schema.Class<Instance>("test/Instance")(Plain.fields) {}
  const Renamed = Plain.pipe(Schema.encodeKeys({ note: "n" }))
  const Either = Schema.Union([
    Schema.Struct({ ...Plain.fields, kind: Schema.Literal("a") }),
    Schema.Struct({ ...Plain.fields, kind: Schema.optionalKey(Schema.Literal("b")) })
  ])

  it.live("sorts and projects by how well documents match", () =>
    Effect.gen(function*() {
      const { db } = yield* fixture
      for (const [name, schema] of Object.entries({ Plain, Instance, Renamed, Either })) {
        const texts = TypedCollection.make(db, name, schema as unknown as typeof Plain)
        yield* texts.createIndex({ title: "text" })
        yield* texts.insertMany([
          { _id: 1, title: "tea and a long text about other things" },
          { _id: 2, title: "tea tea tea", note: "x" },
          { _id: 3, title: "coffee" }
        ])
        const found = texts.find({ $text: { $search: "tea" } }).sort({ score: { $meta: "textScore" } })
        assert.deepStrictEqual((yield* found).map(({ _id }) => _id), [2, 1], name)
        const scored: ReadonlyArray<{ readonly _id: number; readonly title: string; readonly score: number }> =
          yield* found.project({ title: 1, score: { $meta: "textScore" } })
        assert.deepStrictEqual(scored.map(({ _id, title }) => [_id, title.length]), [[2, 11], [1, 38]], name)
        assert.isAbove(scored[0]!.score, scored[1]!.score)
        const whole = yield* found.project({ score: { $meta: "textScore" } }).first
        assert.deepInclude(Option.getOrThrow(whole), { _id: 2, title: "tea tea tea", note: "x" }, name)
        assert.isNumber(Option.getOrThrow(whole).score)
        const { score } = Option.getOrThrow(whole)
        assert.deepStrictEqual(
          yield* found.project({ rank: { $meta: "textScore" }, title: 1, _id: 0 }).first,
          Option.some({ title: "tea tea tea", rank: score })
        )
        // The same without the computed value needs another codec.
        assert.deepStrictEqual(
          yield* found.project({ title: 1, _id: 0 }).first,
          Option.some({ title: "tea tea tea" }),
          name
        )
        const one = yield* texts.findOne({ $text: { $search: "tea" } }, {
          projection: { title: 0, score: { $meta: "textScore" } },
          sort: { _id: 1 }
        })
        assert.hasAllKeys(Option.getOrThrow(one), ["_id", "score"])
      }
    }).pipe(Effect.provide(MongoTest.layer)))

  it.live("refuses other names and other values in sort orders and projections", () =>
    Effect.gen(function*() {
      const { tasks } = yield* fixture
      const meta = { $meta: "textScore" } as never
      const path = <A>(operation: Effect.Effect<A, TypedQuery.Failure>) =>
        Effect.map(Effect.flip(operation), (failure) =>
          "path" in failure
            ? failure.path
            : failure.reason._tag + (failure.reason as MongoError.InvalidArgumentError).path)
      for (const name of ["title", "_id", "a.b", "$x", ""]) {
        assert.strictEqual(
          yield* path(tasks.find().project({ [name]: meta } as never)),
          `InvalidArgumentErrorprojection.${name}`
        )
      }
      assert.strictEqual(
        yield* path(tasks.find().project({ s: { $meta: "x" } } as never)),
        "InvalidArgumentErrorprojection.s"
      )
      assert.strictEqual(yield* path(tasks.find().sort({ s: { $meta: "x" } } as never)), "InvalidArgumentErrorsort.s")
      assert.strictEqual(yield* path(tasks.find().sort({ "a.b": meta } as never)), "InvalidArgumentErrorsort.a.b")
      const { db } = yield* fixture
      const Renamed = Schema.Struct({ _id: Schema.Int, note: Schema.String }).pipe(Schema.encodeKeys({ note: "n" }))
      const renamed = TypedCollection.make(db, "renamed", Renamed)
      for (const name of ["note", "n"]) {
        assert.strictEqual(
          yield* path(renamed.find().project({ [name]: meta } as never)),
          `InvalidArgumentErrorprojection.${name}`
        )
      }
      const push = { $push: { items: { $each: [], $sort: { qty: meta } } } } as never
      assert.strictEqual(yield* path(tasks.updateOne({}, push)), "InvalidArgumentErrorupdate.$push.items.$sort.qty")
    }).pipe(Effect.provide(MongoTest.layer)))
})

describe("queries of values", () => {
  class Tasks extends TypedCollection.Service<Tasks>()("test/Tasks", { name: "tasks", schema: Task }) {}

  const task = (version: number): typeof Task.Type => ({
    _id: new ObjectId(),
    title: `task ${version}`,
    owner: null,
    items: [],
    version
  })

  const newest = Effect.gen(function*() {
    const tasks = yield* Tasks
    return yield* tasks.find({ owner: null }).sort({ version: -1 }).limit(1)
  })

  it.effect("replace the queries of a collection, without a server", () =>
    Effect.gen(function*() {
      const values = [task(2), task(1)]
      const mock = Tasks.mock({
        find: () => TypedQuery.fromIterable(values),
        countDocuments: () => Effect.succeed(2)
      })
      assert.deepStrictEqual(yield* Effect.provide(newest, mock), [values[0]!])
      assert.strictEqual(yield* Effect.provide(Tasks.use((tasks) => tasks.countDocuments({ version: 1 })), mock), 2)
      assert.strictEqual(
        yield* Effect.provide(Tasks.useSync(({ name, schema }) => [name, schema === Task].join()), mock),
        "tasks,true"
      )
      const exit = yield* Effect.exit(Effect.provide(Tasks.use((tasks) => tasks.deleteMany({})), mock))
      assert.strictEqual(exit._tag, "Failure")
    }))

  it.effect("answer in all views", () =>
    Effect.gen(function*() {
      const values = [task(1), task(2), task(3)]
      const query = TypedQuery.fromIterable(values)
      assert.deepStrictEqual(yield* query, values)
      assert.deepStrictEqual(yield* Stream.runCollect(query.skip(1).stream), values.slice(1))
      assert.deepStrictEqual(yield* Stream.runCollect(query.batches), [values])
      assert.deepStrictEqual(yield* query.first, Option.some(values[0]!))
      assert.deepStrictEqual(yield* query.skip(2).one, values[2])
      const collected = yield* query.limit(2).onInvalid("collect")
      assert.deepStrictEqual(collected.map((result) => result._tag), ["Success", "Success"])
      assert.strictEqual((yield* query.onInvalid("skip").limit(1)).length, 1)
      assert.strictEqual((yield* Effect.flip(Stream.runDrain(query.raw)))._tag, "MongoError")
      assert.strictEqual((yield* Effect.flip(query.explain()))._tag, "MongoError")
    }))
})

describe("failures", () => {
  it.live("are caught by their tags, and tell whether they are transient", () =>
    Effect.gen(function*() {
      const { tasks } = yield* fixture
      const failures = [
        tasks.find({ title: 3 as never }),
        tasks.find({ nope: 3 } as never)
      ]
      for (const failing of failures) {
        const caught = failing.pipe(
          Effect.as(undefined),
          Effect.catchTag(TypedQuery.failureTags, (failure) =>
            Effect.succeed([failure.isTransient, failure.isRetryable, TypedQuery.isFailure(failure)]))
        )
        assert.deepStrictEqual(yield* caught, [false, false, true])
      }
      assert.isFalse(TypedQuery.isFailure(new Error()))
      assert.isTrue(MongoError.isMongoError(yield* Effect.flip(tasks.find({ nope: 3 } as never))))
    }).pipe(Effect.provide(MongoTest.layer)))
})
