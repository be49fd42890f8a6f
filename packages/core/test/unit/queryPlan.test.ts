/**
 * Reads answers to `explain` that servers of version 8.2 gave: by both engines, for aggregations, and in a sharded cluster.
 */
import { assert, describe, it } from "@effect/vitest"
import { QueryPlan } from "@mongofx/core"
import type * as Driver from "mongodb"
import * as Fs from "node:fs"
import { inspect } from "node:util"

const answers: Readonly<Record<string, Driver.Document>> = JSON.parse(
  Fs.readFileSync(new URL("../support/explainAnswers.json", import.meta.url), "utf8")
)

const planOf = (name: string) => QueryPlan.fromExplain(answers[name]!)

const stagesOf = (stage: QueryPlan.Stage): ReadonlyArray<string> => [stage.name, ...stage.inputs.flatMap(stagesOf)]

const drawn = (name: string) => `\n${String(planOf(name))}\n`

describe("a plan", () => {
  it("counts what the server counts, in both engines and over shards", () => {
    let checked = 0
    for (const [name, answer] of Object.entries(answers)) {
      const stats = answer["executionStats"]
      if (stats === undefined) continue
      checked++
      const { documentsExamined, keysExamined, returned } = planOf(name)
      assert.strictEqual(documentsExamined ?? 0, stats.totalDocsExamined, name)
      assert.strictEqual(keysExamined ?? 0, stats.totalKeysExamined, name)
      assert.strictEqual(returned, stats.nReturned, name)
    }
    assert.isAbove(checked, 15)
  })

  it("has the same stages and indexes in both engines", () => {
    for (const name of ["find.index", "find.sort", "find.scan.planner"]) {
      const [classic, slots] = [planOf(`classic.${name}`), planOf(`sbe.${name}`)]
      assert.deepStrictEqual(stagesOf(classic.root), stagesOf(slots.root), name)
      assert.deepStrictEqual(classic.indexes, slots.indexes, name)
      assert.strictEqual(classic.documentsExamined, slots.documentsExamined, name)
    }
  })

  it("says which queries scan a collection, sort in memory, and use indexes", () => {
    const found = Object.fromEntries(
      Object.keys(answers).map((name) => {
        const { indexes, scansCollection, sortsInMemory } = planOf(name)
        return [
          name,
          [...(scansCollection ? ["scans"] : []), ...(sortsInMemory ? ["sorts"] : []), ...indexes].join(" ")
        ]
      })
    )
    assert.deepStrictEqual(found, {
      "classic.find.id": "_id_",
      "classic.find.index": "status_1_total_1",
      "classic.find.sort": "scans sorts",
      "classic.find.or": "status_1_total_1 customer_1",
      "classic.find.scan.planner": "scans",
      "classic.find.all": "customer_1",
      "classic.agg.group": "sorts status_1_total_1",
      "classic.agg.planner": "sorts status_1_total_1",
      "classic.agg.lookup": "_id_ customer_1",
      "classic.agg.lookup.scan": "scans customer_1",
      "classic.agg.facet": "scans sorts",
      "classic.agg.windows": "scans sorts",
      "classic.count": "customer_1",
      "classic.distinct": "customer_1",
      "classic.update": "customer_1",
      "sbe.find.index": "status_1_total_1",
      "sbe.find.sort": "scans sorts",
      "sbe.find.or": "status_1_total_1 customer_1",
      "sbe.find.scan": "scans",
      "sbe.find.scan.planner": "scans",
      "sbe.find.eof": "",
      "sbe.agg.group": "sorts status_1_total_1",
      "sbe.agg.planner": "sorts status_1_total_1",
      "sbe.agg.lookup": "_id_ customer_1",
      "sbe.agg.lookup.scan": "scans customer_1",
      "sbe.agg.union": "scans sorts customer_1",
      "sbe.agg.windows": "scans sorts",
      "sharded.find": "status_1_total_1",
      "sharded.find.planner": "status_1_total_1",
      "sharded.find.one": "sorts customer_1",
      "sharded.agg": "sorts status_1_total_1",
      "sharded.agg.lookup": "scans",
      "sharded.agg.one": "customer_1",
      "sharded.count": "status_1_total_1",
      "documents": ""
    })
  })

  it("has no numbers when the query was not executed", () => {
    for (const name of ["classic.find.scan.planner", "sbe.agg.planner", "sharded.find.planner"]) {
      const { documentsExamined, keysExamined, returned } = planOf(name)
      assert.deepStrictEqual([documentsExamined, keysExamined, returned], [undefined, undefined, undefined], name)
    }
  })

  it("is drawn as a tree", () => {
    assert.strictEqual(
      drawn("classic.agg.group"),
      `
by status_1_total_1, sorts in memory, 10 returned, 75 documents examined, 75 keys examined
$sort { n: -1 }: sorts in memory, 10 returned
└─ $group: 10 returned
   └─ PROJECTION_SIMPLE: 75 returned
      └─ FETCH: 75 returned, 75 documents examined
         └─ IXSCAN status_1_total_1 { status: 1, total: 1 }: 75 returned, 75 keys examined
`
    )
    assert.strictEqual(
      drawn("sbe.agg.union"),
      `
by customer_1, scans the collection, sorts in memory, 11 returned, 20 documents examined, 10 keys examined
$sort { _id: 1 }: sorts in memory, 11 returned
└─ $unionWith: 11 returned
   ├─ FETCH: 10 returned, 10 documents examined
   │  └─ IXSCAN customer_1 { customer: 1 }: 10 returned, 10 keys examined
   └─ COLLSCAN: scans the collection, 1 returned, 10 documents examined
`
    )
    assert.strictEqual(
      drawn("sharded.agg"),
      `
by status_1_total_1, sorts in memory, 75 documents examined, 75 keys examined
$sort { n: -1 }: sorts in memory
└─ $group
   └─ SHARD_MERGE: 50 returned
      ├─ shard rb: 25 returned
      │  └─ GROUP: 25 returned
      │     └─ SHARDING_FILTER: 40 returned
      │        └─ FETCH: 40 returned, 40 documents examined
      │           └─ IXSCAN status_1_total_1 { status: 1, total: 1 }: 40 returned, 40 keys examined
      └─ shard ra: 25 returned
         └─ GROUP: 25 returned
            └─ SHARDING_FILTER: 35 returned
               └─ FETCH: 35 returned, 35 documents examined
                  └─ IXSCAN status_1_total_1 { status: 1, total: 1 }: 35 returned, 35 keys examined
`
    )
    assert.strictEqual(
      drawn("classic.agg.facet"),
      `
no index, scans the collection, sorts in memory, 1 returned, 100 documents examined
$facet: 1 returned
├─ COLLSCAN: scans the collection, 100 returned, 100 documents examined
├─ facet a
│  └─ $match: 10 returned
└─ facet b
   └─ $sort { total: 1 }: sorts in memory, 1 returned
`
    )
  })

  it("prints the tree, and no values of the query", () => {
    const plan = planOf("sbe.find.scan")
    assert.strictEqual(inspect(plan), String(plan))
    assert.notProperty(plan.toJSON(), "raw")
    assert.notInclude(JSON.stringify(plan), "$eq")
    assert.strictEqual(plan.raw, answers["sbe.find.scan"])
  })

  it("of an answer that it does not know is one unknown stage", () => {
    for (const answer of [{}, { ok: 1 }, { queryPlanner: null }, { stages: [null, 1] }, { shards: { a: 1 } }]) {
      const plan = QueryPlan.fromExplain(answer)
      assert.include(String(plan), "unknown")
      assert.isFalse(plan.scansCollection)
    }
  })
})
