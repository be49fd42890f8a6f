/**
 * The rules of the server that the schema of a pipeline follows: arrays on paths, missing values, variables, and what is refused.
 */
import { assert, describe, it } from "@effect/vitest"
import { MongoDatabase, MongoError } from "@mongofx/core"
import { Acc, Bson, Expr, Pipeline, TypedCollection } from "@mongofx/schema"
import { MongoTest } from "@mongofx/testing"
import { Effect, Schema } from "effect"

const Tag = Schema.Struct({ name: Schema.String })

const Post = Schema.Struct({
  id: Schema.Number,
  author: Schema.optionalKey(
    Schema.NullOr(Schema.Struct({ name: Schema.String, age: Schema.optionalKey(Schema.Number) }))
  ),
  sections: Schema.optionalKey(Schema.Array(Schema.Struct({ title: Schema.String, tags: Schema.Array(Tag) }))),
  grid: Schema.Array(Schema.Array(Tag)),
  views: Bson.Int64
}).pipe(Schema.encodeKeys({ id: "_id" }))
type Post = typeof Post.Type

const posts: ReadonlyArray<Post> = [
  {
    id: 1,
    author: { name: "Ada", age: 36 },
    sections: [
      { title: "a", tags: [{ name: "x" }, { name: "y" }] },
      { title: "b", tags: [] }
    ],
    grid: [[{ name: "g" }], []],
    views: 9_000_000_000_000_000_000n
  },
  { id: 2, author: null, grid: [], views: 1n },
  { id: 3, sections: [], grid: [], views: 2n }
]

const Texts = Schema.Struct({ date: Schema.DateFromString, stored: Schema.Date, name: Schema.String })

const Price = Schema.Struct({ _id: Schema.Number, post: Schema.Number, tag: Schema.String, from: Schema.Number })

const fixture = Effect.gen(function*() {
  const db = yield* MongoDatabase.MongoDatabase
  const all = TypedCollection.make(db, "posts", Post)
  const prices = TypedCollection.make(db, "prices", Price)
  yield* all.insertMany(posts)
  yield* prices.insertMany([
    { _id: 1, post: 1, tag: "x", from: 1 },
    { _id: 2, post: 1, tag: "y", from: 5 },
    { _id: 3, post: 2, tag: "x", from: 0 }
  ])
  return { db, all, prices }
})
type Collections = Effect.Success<typeof fixture>

const test = <A, E>(body: (collections: Collections) => Effect.Effect<A, E>) =>
  Effect.flatMap(fixture, body).pipe(Effect.provide(MongoTest.layer))

const check = <A, E, R>(effect: Effect.Effect<A, E, R>, expected: NoInfer<A>): Effect.Effect<void, E, R> =>
  Effect.map(effect, (actual) => assert.deepStrictEqual(actual, expected))

const sorted = Pipeline.make(Post).pipe(Pipeline.sort({ id: 1 }))

describe("a path", () => {
  it.live("goes through arrays, and skips the arrays of an array, as in the server", () =>
    test(({ all }) =>
      check(
        all.aggregate((posts) =>
          posts.pipe(
            Pipeline.sort({ id: 1 }),
            Pipeline.select(($) => ({
              titles: $.sections.title,
              tags: $.sections.tags,
              names: $.sections.tags.name,
              author: $.author.name,
              age: $.author.age
            }))
          )
        ),
        [
          {
            titles: ["a", "b"],
            tags: [[{ name: "x" }, { name: "y" }], []],
            names: [["x", "y"], []],
            author: "Ada",
            age: 36
          },
          {},
          { titles: [], tags: [], names: [] }
        ]
      )
    ))

  it.live("is no field where the schema has an array of arrays", () =>
    test(({ all }) =>
      Effect.gen(function*() {
        const raw = yield* all.untyped.aggregate([{ $project: { _id: 0, x: "$grid.name" } }, { $limit: 1 }])
        assert.deepStrictEqual(raw, [{ x: [] }])
        assert.throws(
          () => sorted.pipe(Pipeline.select(($) => ({ x: ($.grid as unknown as { name: Expr.Expr<string> }).name }))),
          /stage 2 \(\$replaceWith\): \$\.grid\.name is not a field/
        )
      })
    ))

  it.live("of set makes objects where there are none, and changes the elements of arrays", () =>
    test(({ all }) =>
      check(
        all.aggregate((posts) =>
          posts.pipe(
            Pipeline.sort({ id: 1 }),
            Pipeline.set(($) => ({
              "author.name": Expr.literal("?"),
              "sections.tags.name": Expr.literal("z"),
              "sections.first": $.id,
              "extra.deep": $.author.age
            })),
            Pipeline.unset("views", "grid")
          )
        ),
        [
          {
            id: 1,
            author: { age: 36, name: "?" },
            sections: [
              { title: "a", tags: [{ name: "z" }, { name: "z" }], first: 1 },
              { title: "b", tags: [], first: 1 }
            ],
            extra: { deep: 36 }
          },
          { id: 2, author: { name: "?" }, sections: { tags: { name: "z" }, first: 2 }, extra: {} },
          { id: 3, author: { name: "?" }, sections: [], extra: {} }
        ]
      )
    ))

  it.live("of set takes an object in the place of the one that is there", () =>
    test(({ all }) =>
      check(
        all.aggregate((posts) =>
          posts.pipe(
            Pipeline.match({ id: 1 }),
            Pipeline.set(($) => ({ author: Expr.struct({ name: $.author.name }) })),
            // Decoding would leave out what is left of the other object.
            Pipeline.stage(Schema.Struct({ author: Schema.Record(Schema.String, Schema.Unknown) }), { $limit: 1 })
          )
        ),
        [{ author: { name: "Ada" } }]
      )
    ))

  it.live("of unset and unwind goes into objects", () =>
    test(({ db }) =>
      Effect.gen(function*() {
        const Box = Schema.Struct({
          _id: Schema.Number,
          box: Schema.optionalKey(
            Schema.NullOr(Schema.Struct({ items: Schema.NullOr(Schema.Array(Schema.Number)), n: Schema.Number }))
          )
        })
        const boxes = TypedCollection.make(db, "boxes", Box)
        yield* boxes.insertMany([
          { _id: 1, box: { items: [7, 8], n: 1 } },
          { _id: 2, box: { items: [], n: 2 } },
          { _id: 3, box: { items: null, n: 3 } },
          { _id: 4, box: null },
          { _id: 5 }
        ])
        yield* check(
          boxes.aggregate((boxes) =>
            boxes.pipe(
              Pipeline.sort({ _id: 1 }),
              Pipeline.unwind("box.items", { includeArrayIndex: "at" }),
              Pipeline.unset("box.n")
            )
          ),
          [{ _id: 1, box: { items: 7 }, at: 0 }, { _id: 1, box: { items: 8 }, at: 1 }]
        )
        // What the path goes through is there now.
        yield* check(
          boxes.aggregate((boxes) =>
            boxes.pipe(Pipeline.unwind("box.items"), Pipeline.replaceRoot(($) => $.box), Pipeline.limit(1))
          ),
          [{ items: 7, n: 1 }]
        )
        yield* check(
          boxes.aggregate((boxes) =>
            boxes.pipe(
              Pipeline.sort({ _id: 1 }),
              Pipeline.unwind("box.items", { preserveNullAndEmptyArrays: true, includeArrayIndex: "at" }),
              Pipeline.skip(2)
            )
          ),
          [
            { _id: 2, box: { n: 2 }, at: null },
            { _id: 3, box: { items: null, n: 3 }, at: null },
            { _id: 4, box: null, at: null },
            { _id: 5, at: null }
          ]
        )
      })
    ))
})

it("one of two values of the same schema has that schema", () => {
  const { schema } = Pipeline.make(Texts).pipe(
    Pipeline.select(($) => ({ name: Expr.cond(Expr.eq($.name, ""), $.name, Expr.toUpper($.name)) }))
  )
  assert.deepStrictEqual(schema.ast, Schema.Struct({ name: Schema.String }).ast)
})

describe("a key of a group", () => {
  it.live("is null where there is none; in an object it is null or missing", () =>
    test(({ all }) =>
      Effect.gen(function*() {
        yield* check(
          all.aggregate((posts) =>
            posts.pipe(
              Pipeline.group(($) => $.author.name, () => ({ n: Acc.count })),
              Pipeline.sort({ _id: 1 })
            )
          ),
          [{ _id: null, n: 2 }, { _id: "Ada", n: 1 }]
        )
        yield* check(
          all.aggregate((posts) =>
            posts.pipe(
              Pipeline.match({ id: { $ne: 2 } }),
              Pipeline.group(($) => ({ name: $.author.name }), () => ({ n: Acc.count })),
              Pipeline.sort({ "_id.name": 1 })
            )
          ),
          [{ _id: { name: null }, n: 1 }, { _id: { name: "Ada" }, n: 1 }]
        )
        yield* check(
          all.aggregate((posts) => posts.pipe(Pipeline.group(() => null, ($) => ({ ids: Acc.sum($.id) })))),
          [{ _id: null, ids: 6 }]
        )
      })
    ))
})

describe("a variable", () => {
  it.live("is another one in each function, however deep", () =>
    test(({ all }) =>
      check(
        all.aggregate((posts) =>
          posts.pipe(
            Pipeline.match({ id: 1 }),
            Pipeline.select(($) => ({
              names: Expr.map(Expr.ifNull($.sections, []), (section) =>
                Expr.map(section.tags, (tag) =>
                  Expr.let(Expr.concat(section.title, tag.name), (both) =>
                    Expr.concat(both, "/", Expr.ifNull($.author.name, "?"))))),
              kept: Expr.filter($.grid, (row) =>
                Expr.gt(
                  Expr.size(Expr.filter(row, (tag) =>
                    Expr.eq(tag.name, "g"))),
                  0
                ))
            }))
          )
        ),
        [{ names: [["ax/Ada", "ay/Ada"], []], kept: [[{ name: "g" }]] }]
      )
    ))

  it("is refused outside of its function", () => {
    let escaped: Expr.Expr<string> | undefined
    const pipeline = sorted.pipe(
      Pipeline.select(($) => ({
        a: Expr.map($.grid, (row) => {
          escaped = Expr.arrayElemAt(row.name, 0) as Expr.Expr<string>
          return escaped
        })
      })),
      Pipeline.select(() => ({ b: escaped! }))
    )
    const error = Effect.runSync(Effect.flip(pipeline.stages))
    assert.include(error.message, "pipeline[2].$replaceWith.b")
    assert.include(error.message, "the variable element")
  })

  it("is refused if it is the document of another stage", () => {
    let other: Expr.Expr<number> | undefined
    const pipeline = sorted.pipe(
      Pipeline.set(($) => ({ x: other = $.id })),
      Pipeline.select(() => ({ y: other! }))
    )
    assert.include(Effect.runSync(Effect.flip(pipeline.stages)).message, "the document of another stage")
  })
})

describe("a lookup", () => {
  it.live("by a pipeline sees the document, and so does one inside of it", () =>
    test(({ all, prices }) =>
      check(
        all.aggregate((posts) =>
          posts.pipe(
            Pipeline.match({ id: { $lte: 2 } }),
            Pipeline.sort({ id: 1 }),
            Pipeline.lookup({
              from: prices,
              as: "prices",
              pipeline: (prices, post) =>
                prices.pipe(
                  Pipeline.matchExpr(($) => Expr.and(Expr.eq($.post, post.id), Expr.gte($.from, post.id))),
                  Pipeline.lookup({
                    from: all,
                    as: "same",
                    pipeline: (others, price) =>
                      others.pipe(
                        Pipeline.matchExpr(($) => Expr.and(Expr.eq($.id, price.post), Expr.eq($.id, post.id))),
                        Pipeline.select(($) => ({ of: $.id }))
                      )
                  }),
                  Pipeline.sort({ _id: 1 }),
                  Pipeline.select(($) => ({ tag: $.tag, of: post.author.name, same: $.same }))
                )
            }),
            Pipeline.project({ id: 1, prices: 1 })
          )
        ),
        [
          {
            id: 1,
            prices: [{ tag: "x", of: "Ada", same: [{ of: 1 }] }, { tag: "y", of: "Ada", same: [{ of: 1 }] }]
          },
          { id: 2, prices: [] }
        ]
      )
    ))

  it.live("by fields and a pipeline does both", () =>
    test(({ all, prices }) =>
      Effect.gen(function*() {
        const pipeline = Pipeline.make(Post).pipe(
          Pipeline.sort({ id: 1 }),
          Pipeline.lookup({
            from: prices,
            localField: "id",
            foreignField: "post",
            as: "prices",
            pipeline: (prices, post) =>
              prices.pipe(
                Pipeline.matchExpr(($) => Expr.gt($.from, post.id)),
                Pipeline.project({ from: 1 })
              )
          }),
          Pipeline.select(($) => ({ id: $.id, from: $.prices.from }))
        )
        yield* check(all.aggregate(() => pipeline), [
          { id: 1, from: [5] },
          { id: 2, from: [] },
          { id: 3, from: [] }
        ])
        assert.deepStrictEqual((yield* pipeline.stages)[1], {
          $lookup: {
            from: "prices",
            localField: "_id",
            foreignField: "post",
            as: "prices",
            let: { v1_0: "$_id" },
            pipeline: [{ $match: { $expr: { $gt: ["$from", "$$v1_0"] } } }, { $project: { from: 1 } }]
          }
        })
      })
    ))

  it.live("refuses fields that are never stored alike", () =>
    test(({ db }) =>
      Effect.sync(() => {
        const Ref = Schema.Struct({ _id: Bson.ObjectId, key: Bson.ObjectIdFromHex, text: Schema.NumberFromString })
        const refs = TypedCollection.make(db, "refs", Ref)
        assert.throws(
          () => sorted.pipe(Pipeline.lookup({ from: refs, localField: "id", foreignField: "text", as: "x" })),
          /id is stored as number, and text of refs as string/
        )
      })
    ))
})

describe("a pipeline of documents of its own", () => {
  it.live("runs in a database, with encoded documents", () =>
    test(({ db }) => {
      const Day = Schema.Struct({ day: Schema.DateTimeUtcFromDate, text: Schema.String, big: Bson.Int64 })
      const day = { day: Schema.decodeSync(Schema.DateTimeUtcFromDate)(new Date(0)), text: "$text", big: 5n }
      return Effect.gen(function*() {
        yield* check(Pipeline.documents(Day, [day]).pipe(Pipeline.aggregate(db)), [day])
        yield* check(
          Pipeline.aggregate(
            Pipeline.documents(Day, [day, day]).pipe(
              Pipeline.select(($) => ({ text: $.text, sum: Expr.add($.big, 1n) }))
            ),
            db
          ),
          [{ text: "$text", sum: 6n }, { text: "$text", sum: 6n }]
        )
      })
    }))
})

describe("what cannot be", () => {
  it.live("fails to decode and says so, if int64 overflows", () =>
    test(({ all }) =>
      Effect.gen(function*() {
        const sum = all.aggregate((posts) =>
          posts.pipe(Pipeline.match({ id: 1 }), Pipeline.select(($) => ({ sum: Expr.add($.views, $.views) })))
        )
        const error = yield* Effect.flip(sum)
        assert.strictEqual(error._tag, "DocumentError")
        assert.include(error.message, "sum")
        assert.include(error.message, "overflows")
        const group = all.aggregate((posts) =>
          posts.pipe(
            Pipeline.match({ id: 1 }),
            Pipeline.group(
              ($) => ({ of: $.id, name: $.author.name }),
              ($) => ({ sum: Acc.sum(Expr.add($.views, $.views)) })
            )
          )
        )
        assert.include((yield* Effect.flip(group)).message, `document {"of":1,"name":"Ada"}: sum: `)
      })
    ))

  it("is refused with the stages and the field", () => {
    const refused = (f: () => unknown): string => {
      try {
        f()
      } catch (error) {
        assert.isTrue(MongoError.isMongoError(error))
        return (error as Error).message
      }
      return "nothing was refused"
    }
    const unknown = { $out: "x" } as const
    const cases: ReadonlyArray<readonly [() => unknown, ...ReadonlyArray<string>]> = [
      [() => sorted.pipe(Pipeline.stage(Post, unknown), Pipeline.limit(1)), "stage 3 ($limit)", "after $out"],
      [
        () => sorted.pipe(Pipeline.stage(Post, { $geoNear: {} })),
        "stage 2 ($geoNear)",
        "after $sort",
        "only be the first stage"
      ],
      [
        () => sorted.pipe(Pipeline.facet((all) => ({ x: all.pipe(Pipeline.stage(Post, unknown)) }))),
        "stage 2 ($facet)",
        "$out"
      ],
      [
        () => sorted.pipe(Pipeline.facet((all) => ({ x: all.pipe(Pipeline.limit(0)) }))),
        "stage 2 ($facet), stage 1 ($limit)",
        "positive integer"
      ],
      [
        () => Pipeline.make(Texts).pipe(Pipeline.select(($) => ({ x: Expr.year($.date) }))),
        "stage 1 ($replaceWith)",
        "takes a date, not what is stored as string"
      ],
      [
        () => Pipeline.make(Texts).pipe(Pipeline.matchExpr(($) => Expr.eq($.date, $.stored))),
        "stage 1 ($match)",
        "$eq compares"
      ],
      [() => sorted.pipe(Pipeline.set(() => ({ "a..b": Expr.literal(1) }))), "stage 2 ($set)", "a..b"],
      [() => sorted.pipe(Pipeline.set(() => ({ _id: Expr.literal(1) }))), "stage 2 ($set)", "_id"],
      [() => sorted.pipe(Pipeline.select(() => ({ "a.b": Expr.literal(1) }))), "stage 2 ($replaceWith)", "a.b"],
      [() => sorted.pipe(Pipeline.unwind("author.name" as never)), "stage 2 ($unwind)", "author.name", "not an array"],
      [
        () => sorted.pipe(Pipeline.unwind("sections.tags")),
        "stage 2 ($unwind)",
        "sections.tags",
        "through an array"
      ]
    ]
    for (const [f, ...words] of cases) {
      const message = refused(f)
      for (const word of words) assert.include(message, word)
    }
  })

  it.live("names the collection where a query makes the pipeline", () =>
    test(({ db }) =>
      Effect.gen(function*() {
        const posts = TypedCollection.make(db, "posts", Post)
        const query = posts.aggregate((posts) => posts.pipe(Pipeline.unwind("author.name" as never)))
        const error = yield* Effect.flip(query)
        assert(error._tag === "MongoError" && error.reason._tag === "InvalidArgumentError")
        assert.strictEqual(error.reason.namespace, posts.fullName)
        assert.match(error.message, new RegExp(`^aggregate on ${posts.fullName}: stage 1 \\(\\$unwind\\): `))
      })
    ))
})

describe("a field with another name in the database", () => {
  const Inner = Schema.Struct({ a: Schema.Number, b: Schema.Number }).pipe(Schema.encodeKeys({ a: "x" }))
  const Outer = Schema.Struct({ _id: Schema.Number, inner: Schema.optionalKey(Inner), plain: Schema.Number }).pipe(
    Schema.encodeKeys({ inner: "i" })
  )

  it.live("keeps it in an object that a stage makes, and after a projection", () =>
    test(({ db }) =>
      Effect.gen(function*() {
        const outers = TypedCollection.make(db, "outers", Outer)
        yield* outers.insertMany([{ _id: 1, plain: 1 }, { _id: 2, plain: 2, inner: { a: 1, b: 2 } }])
        yield* check(
          outers.aggregate((outers) =>
            outers.pipe(
              Pipeline.sort({ _id: 1 }),
              Pipeline.set(($) => ({ "inner.a": $.plain })),
              Pipeline.select(($) => ({ inner: $.inner }))
            )
          ),
          [{ inner: { a: 1 } }, { inner: { a: 2, b: 2 } }]
        )
        yield* check(
          outers.aggregate((outers) =>
            outers.pipe(
              Pipeline.sort({ _id: 1 }),
              Pipeline.project({ plain: 1 }),
              Pipeline.select(($) => ({ plain: $.plain }))
            )
          ),
          [{ plain: 1 }, { plain: 2 }]
        )
      })
    ))

  it("is refused where the members of a union differ, and so is a path through an object or an array", () => {
    const Other = Schema.Struct({ _id: Schema.Number, inner: Schema.Array(Schema.String), plain: Schema.Number })
    const both = Pipeline.make(Schema.Union([Outer, Other]))
    assert.throws(() => both.pipe(Pipeline.set(($) => ({ inner: $.plain }))), /inner has different names/)
    const Mixed = Schema.Struct({ _id: Schema.Number, at: Schema.Union([Inner, Schema.Array(Schema.String)]) })
    assert.throws(
      () => Pipeline.make(Mixed).pipe(Pipeline.select(($) => ({ x: ($.at as unknown as { b: Expr.Expr<number> }).b }))),
      /\$\.at\.b is a field of an object, and an array may stand/
    )
  })

  it.live("is left of an _id that a projection takes a part of", () =>
    test(({ db }) =>
      Effect.gen(function*() {
        const Keyed = Schema.Struct({ _id: Inner, n: Schema.Number })
        const keyed = TypedCollection.make(db, "keyed", Keyed)
        yield* keyed.insertOne({ _id: { a: 1, b: 2 }, n: 3 })
        yield* check(keyed.aggregate((keyed) => keyed.pipe(Pipeline.project({ "_id.b": 1 }))), [{ _id: { b: 2 } }])
        yield* check(keyed.find().project({ "_id.b": 1, n: 1 }), [{ _id: { b: 2 }, n: 3 }])
      })
    ))
})
