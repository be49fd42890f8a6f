/**
 * Random walks through pages: every document once, in the order of the whole query, both ways.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { MongoDatabase } from "@mongofx/core"
import { Bson, Pagination, TypedCollection, type TypedQuery } from "@mongofx/schema"
import { MongoTest } from "@mongofx/testing"
import { Effect, Random as EffectRandom, Schema } from "effect"
import * as Driver from "mongodb"
import { seeded } from "test-support/utils"
import { Random } from "../support/compiledSchemas.ts"

/** How many walks. `PAGE_WALKS=2000` takes some minutes. */
const walks = Number(process.env["PAGE_WALKS"] ?? 60)

const perCollection = 12

interface Kind {
  readonly schema: Schema.Codec<unknown, unknown>
  readonly values: ReadonlyArray<unknown>
}

const { Decimal128, Double, Int32, Long, ObjectId } = Driver

const decimal = (text: string) => Decimal128.fromString(text)

const kind = (schema: Schema.Constraint, values: ReadonlyArray<unknown>): Kind => ({
  schema: schema as Kind["schema"],
  values
})

const numbers = [1, 2, 2.5, NaN, -0, 0, Infinity, -Infinity, new Double(2), new Int32(3), 1e300, -5]

/** What is stored in a field. */
const kinds: ReadonlyArray<Kind> = [
  kind(Schema.Number, numbers),
  kind(Schema.Number, numbers),
  kind(Bson.Int64, [0n, 1n, -1n, 2n ** 62n, 2n ** 62n + 1n].map((n) => Long.fromBigInt(n))),
  kind(Bson.Decimal128, ["NaN", "Infinity", "-Infinity", "1", "1.0", "-0", "0", "0.1", "1E+30"].map(decimal)),
  kind(Schema.String, ["a", "A", "á", "b", "B", "", "ab", "á", "10", "9", "$a", "NaN"]),
  kind(Schema.String, ["a", "A", "á", "b", ""]),
  kind(Bson.Date, [0, 5, -5, 1.7e12].map((time) => new Date(time))),
  kind(Schema.Boolean, [true, false]),
  kind(Bson.ObjectId, ["1", "2", "f"].map((digit) => new ObjectId(digit.repeat(24)))),
  kind(Bson.Binary, [[], [1], [2], [1, 2]].map((bytes) => new Driver.Binary(Uint8Array.from(bytes)))),
  kind(Bson.Timestamp, [1, 2].map((t) => new Driver.Timestamp({ t, i: 1 }))),
  kind(Schema.Struct({ x: Schema.Number, y: Schema.optionalKey(Schema.String) }), [{ x: 1 }, { x: 1, y: "a" }, {
    x: 2
  }])
]

type Style = "required" | "null" | "missing" | "both"

/** Where fields may be null, missing, or both. A field inside of another one is missing where that one is. */
const styles: ReadonlyArray<Style> = ["required", "null", "missing", "both"]

const styled = (schema: Kind["schema"], style: Style): Schema.Constraint => {
  const orNull = style === "null" || style === "both" ? Schema.NullOr(schema) : schema
  return style === "missing" || style === "both" ? Schema.optionalKey(orNull) : orNull
}

const value = (random: Random, { values }: Kind, style: Style): unknown => {
  const none = ({ required: [], null: [null], missing: [undefined], both: [null, undefined] })[style]
  return none.length > 0 && random.chance(0.4) ? random.pick(none) : random.pick(values)
}

const idKinds: ReadonlyArray<readonly [Kind["schema"], (i: number) => unknown]> = [
  [Schema.Int, (i) => i],
  [Schema.Int, (i) => i],
  [Bson.ObjectId as never, (i) => new ObjectId(i.toString(16).padStart(24, "0"))],
  [Schema.String, (i) => String.fromCharCode(97 + i % 26, 97 + i / 26) + (i % 2 === 0 ? "X" : "x")],
  [
    Schema.Struct({ tenant: Schema.Int, n: Schema.Int }) as never,
    (i) => ({ tenant: i % 3, n: i })
  ]
]

/** A collection of documents whose fields have random types, styles and few different values. */
const randomCollection = (random: Random, db: MongoDatabase.MongoDatabase, name: string) => {
  const fields = ["a", "b", "c", "d"].map((name) => {
    const style = random.pick(styles)
    return { name, style, kind: random.pick(kinds) }
  })
  const inner = { style: random.pick(styles), kind: random.pick(kinds), outer: random.pick(styles) }
  const [idSchema, id] = random.pick(idKinds)
  const schema = Schema.Struct({
    _id: idSchema,
    group: Schema.Int,
    n: Schema.Int,
    ...Object.fromEntries(fields.map(({ kind, name, style }) => [name, styled(kind.schema, style)])),
    outer: styled(
      Schema.Struct({ inner: styled(inner.kind.schema, inner.style), other: Schema.Int }) as never,
      inner.outer
    )
  })
  const documents = random.shuffle(Array.from({ length: 20 + random.int(50) }, (_, i) => {
    const document: Record<string, unknown> = { _id: id(i), group: random.int(3), n: random.int(4) }
    for (const { kind, name, style } of fields) {
      const stored = value(random, kind, style)
      if (stored !== undefined) document[name] = stored
    }
    const stored = value(random, inner.kind, inner.style)
    const outer = value(
      random,
      kind(Schema.Unknown, [{ other: 1, ...(stored === undefined ? {} : { inner: stored }) }]),
      inner.outer
    )
    if (outer !== undefined) document["outer"] = outer
    return document
  }))
  return {
    collection: TypedCollection.make(db, name, schema),
    documents,
    paths: [...fields.map(({ name }) => name), "outer.inner"],
    hasTextIds: idSchema === Schema.String || (idSchema as { readonly fields?: unknown }).fields !== undefined
  }
}

const collations: ReadonlyArray<Driver.CollationOptions | undefined> = [
  undefined,
  undefined,
  { locale: "en", strength: 1 },
  { locale: "de", strength: 2 },
  { locale: "en", numericOrdering: true },
  { locale: "sv" },
  { locale: "simple" }
]

const filters = [
  {},
  {},
  { group: 1 },
  { group: { $in: [0, 2] } },
  { group: { $in: [0, 2] }, n: { $gt: 0 } },
  { $or: [{ group: 0 }, { group: 1 }] },
  { $or: [{ group: 0, n: { $gt: 0 } }, { group: 1, n: { $lt: 3 } }] },
  { $and: [{ $or: [{ group: 0, n: { $gt: 0 } }, { group: 2 }] }, { $nor: [{ n: 2 }] }] }
]

const show = (value: unknown): string => Driver.BSON.EJSON.stringify(value as Driver.Document, { relaxed: false })

/** Walks through a collection in a random order, and compares with one query. */
const walk = (random: Random, { collection, hasTextIds, paths }: ReturnType<typeof randomCollection>) =>
  Effect.gen(function*() {
    const sort: Record<string, 1 | -1> = {}
    for (const path of random.shuffle(paths).slice(0, 1 + random.int(3))) sort[path] = random.pick([1, -1])
    const last = Object.values(sort).at(-1)!
    const total: Record<string, 1 | -1> = { ...sort, _id: last }
    if (random.chance(0.3)) sort["_id"] = total["_id"] = random.pick([1, -1])
    const collation = random.pick(
      collations.filter((collation) =>
        !hasTextIds || collation === undefined || collation.locale === "sv" || collation.locale === "simple"
      )
    )
    const filter = random.pick<Driver.Document>(filters)
    const reverse = Object.fromEntries(Object.entries(total).map(([name, direction]) => [name, -direction as 1 | -1]))
    const indexes = random.shuffle<Driver.IndexDescription>([
      { key: total },
      { key: { group: 1, ...total } },
      { key: { group: 1, ...reverse } },
      { key: { group: 1, n: 1 } },
      ...(Object.keys(total).length > 2 ? [{ key: { [Object.keys(sort)[0]!]: 1, _id: 1 } as const }] : []),
      { key: { [Object.keys(sort)[0]!]: -1 }, sparse: true }
    ]).slice(0, random.pick([0, 0, 1, 1, 2, 4])).map((index, i) => ({
      ...index,
      name: String(i),
      ...(collation === undefined ? {} : { collation })
    }))
    if (indexes.length > 0) yield* collection.untyped.createIndexes(indexes)
    const collated = <Q extends { readonly collation: (collation: Driver.CollationOptions) => Q }>(query: Q) =>
      collation === undefined ? query : query.collation(collation)
    const projection = random.pick([undefined, undefined, { group: 1 }, { _id: 0, group: 1 }, {
      a: 0,
      outer: 0,
      _id: 0
    }])
    const sorted = collated(collection.find(filter as never).sort(sort as never))
    const query = (projection === undefined ? sorted : sorted.project(projection as never)) as TypedQuery.FindQuery<
      unknown
    >
    // Without an index, whose order may be wrong where null and missing both occur.
    const expected = yield* collated(collection.untyped.find(filter).hint({ $natural: 1 }).sort(total))
    const first = 1 + random.int(12)
    const place = () => show({ sort, collation, filter, indexes, projection, first, documents: expected })
    const decoded = yield* query
    const identify = (documents: ReadonlyArray<unknown>) => documents.map((document) => show({ document }))
    const backward = random.chance(0.5)
    const bothEnds = random.chance(0.3)
    const options = backward ? { last: first } : { first }
    const cursors: Array<string> = []
    const seen: Array<unknown> = []
    let cursor: string | undefined
    for (let pages = 0;; pages++) {
      assert.isBelow(pages, expected.length + 2, `never ends: ${place()}`)
      const page: Pagination.Page<unknown> = yield* Pagination.page(query, {
        ...options,
        ...(cursor === undefined ? {} : backward ? { before: cursor } : { after: cursor }),
        bothEnds
      } as Pagination.PageOptions)
      assert.strictEqual(backward ? page.hasNextPage : page.hasPreviousPage, cursor !== undefined, place())
      const more = backward ? page.hasPreviousPage : page.hasNextPage
      if (more) assert.strictEqual(page.items.length, first, place())
      if (backward) {
        seen.unshift(...page.items)
        cursors.unshift(...page.edges.map(({ cursor }) => cursor))
      } else {
        seen.push(...page.items)
        cursors.push(...page.edges.map(({ cursor }) => cursor))
      }
      if (!more) break
      cursor = backward ? page.startCursor : page.endCursor
    }
    assert.strictEqual(seen.length, expected.length, place())
    // A projection may leave out the `_id`. The cursors have it.
    assert.deepStrictEqual(cursors.map(idIn), expected.map(({ _id }) => show({ _id })), place())
    assert.deepStrictEqual(identify(seen).sort(), identify(decoded).sort(), place())
    if (projection === undefined) {
      const idsOf = (documents: ReadonlyArray<unknown>) =>
        documents.map((document) => show({ _id: (document as { readonly _id: unknown })._id }))
      assert.deepStrictEqual(idsOf(seen), idsOf(expected), place())
    }
    // The cursor of any document leads to the documents before it and after it.
    if (cursors.length > 0) {
      const at = random.int(cursors.length)
      const after = yield* Pagination.page(query, { first, after: cursors[at] })
      const before = yield* Pagination.page(query, { last: first, before: cursors[at] })
      assert.deepStrictEqual(after.edges.map(({ cursor }) => cursor), cursors.slice(at + 1, at + 1 + first), place())
      assert.deepStrictEqual(
        before.edges.map(({ cursor }) => cursor),
        cursors.slice(Math.max(0, at - first), at),
        place()
      )
    }
    yield* collection.untyped.dropIndexes()
  })

/** The `_id` in a cursor, which is the last of its values. */
const idIn = (cursor: string): string => {
  const values = Object.values(
    Driver.BSON.deserialize(Buffer.from(cursor, "base64url").subarray(17), { promoteValues: false })
  )
  return show({ _id: Driver.BSON.deserialize(Driver.BSON.serialize({ _id: values.at(-1) }))["_id"] })
}

describe("a random walk", () => {
  it.live(
    `sees each document once, in order, ${walks} times`,
    () =>
      seeded(
        Effect.gen(function*() {
          const db = yield* MongoDatabase.MongoDatabase
          for (let done = 0; done < walks; done += perCollection) {
            const random = new Random(yield* EffectRandom.nextIntBetween(0, 2 ** 31 - 1))
            const target = randomCollection(random, db, `walk_${done}`)
            yield* target.collection.untyped.insertMany(target.documents)
            for (let i = 0; i < Math.min(perCollection, walks - done); i++) yield* walk(random, target)
            yield* target.collection.untyped.drop()
          }
        })
      ).pipe(Effect.provide(MongoTest.layer)),
    { timeout: 60_000 + walks * 400 }
  )
})
