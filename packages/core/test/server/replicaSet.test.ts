import { assert, it } from "@effect/vitest"
import { MongoClient } from "@mongofx/core"
import { Effect } from "effect"
import { startReplicaSet } from "../support/replicaSet.ts"

it.live("a set of three elects another primary when the first is killed", () =>
  Effect.gen(function*() {
    const set = yield* startReplicaSet()
    const mongo = yield* MongoClient.make({ url: set.uri })
    const items = mongo.db("test").collection("items", { writeConcern: { w: "majority" } })
    yield* items.insertOne({ n: 1 })
    const first = yield* set.primary
    first.kill()
    yield* items.insertOne({ n: 2 })
    assert.strictEqual(yield* items.countDocuments(), 2)
    assert.notStrictEqual((yield* set.primary).host, first.host)
  }), 60_000)
