/**
 * Plans of indexes, made of what was declared and what the server lists. The tests on a server show that its lists look like this.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { MongoIndex } from "@mongofx/schema"
import { filterText, valueText } from "@mongofx/schema/internal/index/canonical"
import { duplicatesPipeline } from "@mongofx/schema/internal/index/duplicates"
import { planOf, type State } from "@mongofx/schema/internal/index/plan"
import { Refusal } from "@mongofx/schema/internal/refusal"
import * as Driver from "mongodb"

type Index = Driver.IndexDescription

const id: Index = { key: { _id: 1 }, name: "_id_" }

const planned = (declared: ReadonlyArray<Index>, listed: ReadonlyArray<Index>, others: Partial<State> = {}) =>
  planOf(declared, {
    collection: "app.users",
    indexes: [id, ...listed] as ReadonlyArray<Driver.IndexDescriptionInfo>,
    building: new Set(),
    ...others
  })

const shown = (...args: Parameters<typeof planned>) =>
  planned(...args).steps.map((step) =>
    step.kind === "replace" || step.kind === "rename"
      ? `${step.kind} ${step.replaced.name} by ${step.index.name}`
      : `${step.kind} ${step.index.name}`
  )

const a: Index = { key: { a: 1 }, name: "a_1" }

describe("a plan", () => {
  it("pairs each declared index with the closest one that is listed", () => {
    assert.deepStrictEqual(
      shown(
        [{ key: { a: 1 } }, { key: { a: 1 }, unique: true, name: "unique" }],
        [{ ...a, name: "unique", unique: true }, { ...a, name: "by hand" }]
      ),
      ["equal by hand", "equal unique"]
    )
    // The index that becomes unique is the one that is not declared otherwise.
    assert.deepStrictEqual(
      shown([{ key: { a: 1 } }, { key: { a: 1 }, unique: true, name: "unique" }], [a]),
      ["equal a_1", "create unique"]
    )
    assert.deepStrictEqual(shown([{ key: { a: 1 }, unique: true }], [a]), ["collMod a_1"])
    assert.deepStrictEqual(shown([{ key: { a: 1 }, unique: true, name: "other" }], [a]), ["create other", "extra a_1"])
  })

  it("takes names that are free", () => {
    assert.deepStrictEqual(
      shown([{ key: { a: 1 }, sparse: true }], [{ ...a, name: "a_1~2" }, { key: { b: 1 }, name: "a_1" }]),
      ["replace a_1~2 by a_1~3", "extra a_1"]
    )
    assert.deepStrictEqual(
      shown([{ key: { a: 1 }, name: "x" }, { key: { b: 1 }, name: "y" }], [{ key: { a: 1 }, name: "y" }, {
        key: { b: 1 },
        name: "x"
      }]),
      ["rename y by x~2", "rename x by y~2"]
    )
    assert.deepStrictEqual(shown([{ key: { a: 1 }, name: "x" }], [{ ...a, name: "x~2" }]), ["equal x~2"])
    assert.deepStrictEqual(shown([{ key: { a: 1 }, name: "x" }], [{ ...a, name: "x~y" }]), ["rename x~y by x"])
  })

  it("never has what the server makes by itself as extra", () => {
    assert.deepStrictEqual(
      shown([], [
        { key: { __safeContent__: 1 }, name: "__safeContent___1" },
        { key: { m: 1, t: 1 }, name: "m_1_t_1" }
      ], { timeseries: { timeField: "t", metaField: "m" } }),
      []
    )
    assert.deepStrictEqual(shown([], [{ key: { m: 1, t: 1 }, name: "m_1_t_1" }]), ["extra m_1_t_1"])
    assert.deepStrictEqual(shown([{ key: { _id: 1 } }], []), ["equal _id_"])
  })

  it("waits for what is being built, and does nothing without being asked that leaves a query without an index", () => {
    const plan = planned(
      [{ key: { a: 1 } }, { key: { b: 1 } }, { key: { t: "text" } }, { key: { c: 1 }, name: "named" }],
      [
        a,
        { key: { _fts: "text", _ftsx: 1 }, name: "old", weights: { u: 1 } },
        { key: { c: 1 }, name: "c_1" },
        { key: { d: 1 }, name: "d_1" }
      ],
      { building: new Set(["a_1"]) }
    )
    assert.deepStrictEqual(plan.steps.map(({ kind }) => kind), ["equal", "create", "replace", "rename", "extra"])
    const names = (steps: ReadonlyArray<MongoIndex.Step>) => steps.map(({ index }) => index.name)
    assert.deepStrictEqual(names(MongoIndex.pending(plan)), ["a_1", "b_1"])
    assert.deepStrictEqual(names(MongoIndex.pending(plan, { allowDrop: true })), [
      "a_1",
      "b_1",
      "t_text",
      "named",
      "d_1"
    ])
  })

  it("is the same for what was stored by another version of the server", () => {
    const collation = { locale: "de", strength: 2, version: "153.80", caseLevel: false } as Driver.CollationOptions
    assert.deepStrictEqual(
      shown([{ key: { a: 1 }, collation: { locale: "de", strength: 2 } }], [{ ...a, collation }]),
      ["equal a_1"]
    )
    assert.deepStrictEqual(
      shown([{ key: { a: 1 } }], [{ ...a, textIndexVersion: 9, "2dsphereIndexVersion": 4, unknown: 1 } as Index]),
      ["equal a_1"]
    )
  })

  it("is refused before anything is compared", () => {
    const refused = (declared: ReadonlyArray<Index>, others?: Partial<State>) => {
      try {
        planned(declared, [], others)
        return undefined
      } catch (error) {
        return error instanceof Refusal ? error.path : error
      }
    }
    assert.strictEqual(refused([{ key: { a: 1 } }, { key: { _id: 1 }, sparse: true }]), "indexes[1].sparse")
    assert.strictEqual(refused([{ key: { _id: 1 }, sparse: false }]), undefined)
    assert.strictEqual(refused([{ key: { a: 1 }, expireAfterSeconds: -1 }]), "indexes[0].expireAfterSeconds")
    assert.strictEqual(refused([{ key: { a: 1 }, expireAfterSeconds: 2 ** 31 }]), "indexes[0].expireAfterSeconds")
    assert.strictEqual(refused([a], { viewOn: "app.people" }), "indexes")
    assert.strictEqual(refused([], { viewOn: "app.people" }), undefined)
  })
})

describe("the text of", () => {
  it("a plan has a line for each step", () => {
    const plan = planned(
      [
        { key: { a: 1 }, unique: true, partialFilterExpression: { deletedAt: null } },
        { key: { b: 1 }, sparse: true },
        { key: { c: 1 }, expireAfterSeconds: 5 },
        { key: { d: 1, e: -1 }, name: "d", sparse: false }
      ],
      [
        { key: { b: 1 }, name: "b_1" },
        { key: { c: 1 }, name: "c_1" },
        { key: { d: 1, e: -1 }, name: "old" },
        { key: { f: "2dsphere" }, name: "f_2dsphere", v: 2 } as Index
      ]
    )
    assert.strictEqual(
      MongoIndex.format(plan),
      `app.users
  create   a_1 on a: 1 (unique, partial: {"deletedAt":null})
  replace  b_1~2 on b: 1 (sparse), differs in sparse: drops b_1 when it is ready
  collMod  c_1: expireAfterSeconds: 5
  rename   d on d: 1, e: -1: drops old first, needs allowDrop
  extra    f_2dsphere on f: 2dsphere, not declared: stays, unless allowDrop`
    )
    assert.strictEqual(MongoIndex.format(planned([], [])), "app.users\n  no indexes are declared, and there are none")
    const building = planned([{ key: { a: 1 } }], [a], { building: new Set(["a_1"]) })
    assert.strictEqual(MongoIndex.format(building), "app.users\n  equal    a_1 on a: 1, which the server is building")
  })

  it.each<readonly [object, object]>([
    [{ a: 1, b: 2 }, { $and: [{ b: { $eq: Driver.Long.fromNumber(2) } }, { a: new Driver.Double(1) }] }],
    [{ a: { $gt: 1, $lt: 3 } }, { $and: [{ a: { $lt: 3 } }, { a: { $gt: 1 } }] }],
    [{ a: { $in: [2, 1, 2] } }, { $or: [{ a: 1 }, { a: { $in: [2] } }] }],
    [{ $or: [{ a: 1 }] }, { a: 1 }],
    [{ $or: [{ a: 1, b: 1 }, { c: { $gt: 1 } }] }, {
      $or: [{ c: { $gt: Driver.Decimal128.fromString("1.0") } }, { b: 1, a: 1 }]
    }],
    [{ a: { $type: "number" } }, { a: { $type: [19, "int", "double", 18] } }],
    [{ a: { $exists: true } }, { a: { $exists: 1 } }],
    [{ a: { $eq: { x: 1 } } }, { a: { x: 1 } }],
    [{}, { $and: [{}] }]
  ])("two filters that mean the same is the same: %j", (one, other) => {
    assert.strictEqual(filterText(one), filterText(other))
  })

  it.each<readonly [object, object]>([
    [{ a: 1 }, { a: "1" }],
    [{ a: null }, { a: { $exists: true } }],
    [{ a: { $gt: 1 } }, { a: { $gte: 1 } }],
    [{ a: { $in: [1, 2] } }, { $or: [{ a: 1 }, { b: 2 }] }],
    [{ $or: [{ a: 1, b: 1 }] }, { $or: [{ a: 1 }, { b: 1 }] }],
    [{ a: { x: 1, y: 2 } }, { a: { y: 2, x: 1 } }],
    [{ a: [1, 2] }, { a: [2, 1] }],
    [{ a: 0.1 }, { a: Driver.Decimal128.fromString("0.1") }],
    [{ a: Driver.Long.fromString("9007199254740993") }, { a: 9007199254740992 }],
    [{ a: new Date(1) }, { a: 1 }],
    [{ a: { $type: "int" } }, { a: { $type: "long" } }]
  ])("two filters that differ differs: %j", (one, other) => {
    assert.notStrictEqual(filterText(one), filterText(other))
  })

  it("a number is the same for all types of numbers", () => {
    const same = [
      1,
      new Driver.Int32(1),
      new Driver.Double(1),
      Driver.Long.ONE,
      1n,
      Driver.Decimal128.fromString("1.00")
    ]
    assert.deepStrictEqual(new Set(same.map(valueText)).size, 1)
    assert.strictEqual(valueText(1.5), valueText(Driver.Decimal128.fromString("1.50")))
    assert.strictEqual(valueText(-0), valueText(0))
    assert.strictEqual(valueText(1e20), valueText(new Driver.Double(1e20)))
    assert.notStrictEqual(valueText(NaN), valueText(Infinity))
  })
})

it("the look for duplicates begins with the filter of the index", () => {
  const index = { name: "a_1", key: [["a", 1]] as const, options: { partialFilterExpression: { b: 1 } } }
  const [first, ...others] = duplicatesPipeline(index, 3)
  assert.deepStrictEqual(first, { $match: { b: 1 } })
  assert.deepStrictEqual(others.filter((stage) => "$limit" in stage), [{ $limit: 3 }])
})
