import { assert, describe, it } from "@effect/vitest"
import { MongoClient, MongoDatabase } from "@mongofx/core"
import { MongoTest } from "@mongofx/testing"
import { catalogReader, toCatalog } from "@mongofx/testing/internal/baseline/catalog"
import { record } from "@mongofx/testing/internal/baseline/record"
import { makeRefill, Restorer } from "@mongofx/testing/internal/baseline/restore"
import { Effect } from "effect"
import type * as Driver from "mongodb"
import { setup } from "../support/mess.ts"
import { snapshotOf } from "../support/snapshot.ts"

const onDriver = <A>(use: (driver: Driver.MongoClient, name: string) => Promise<A>) =>
  Effect.gen(function*() {
    const { name } = yield* MongoDatabase.MongoDatabase
    const mongo = yield* MongoClient.MongoClient
    return yield* mongo.use((driver) => use(driver, name))
  })

describe("a server without bulkWrite, whose catalog the user may not read", () => {
  it.effect("has the same catalog by other commands", () =>
    Effect.gen(function*() {
      yield* setup
      yield* onDriver(async (driver, name) => {
        const [atOnce, apart] = await Promise.all([
          catalogReader(driver, name, false)(),
          catalogReader(driver, name, true)()
        ])
        const sorted = (rows: ReadonlyArray<Uint8Array>) =>
          [...toCatalog(rows).values()].map(({ indexes, name, text, type, uuid }) =>
            [name, type, uuid, text, [...indexes.values()].map(({ text }) => text).sort()] as const
          ).sort(([a], [b]) => a < b ? -1 : 1)
        assert.deepStrictEqual(sorted(apart), sorted(atOnce))
      })
    }).pipe(Effect.provide(MongoTest.layer)))

  it.effect("is brought back to the baseline as well", () =>
    Effect.gen(function*() {
      yield* setup
      yield* onDriver(async (driver, name) => {
        const db = driver.db(name)
        const first = await snapshotOf(db)
        const recorded = await record(driver, name, 10)
        const restorer = new Restorer(driver, name, recorded, await makeRefill(driver, name, recorded, true), true)
        await db.collection("users").deleteMany({})
        await restorer.restore()
        assert.deepStrictEqual(await snapshotOf(db), first)
        await db.dropDatabase()
        await db.createCollection("adults")
        await restorer.restore()
        assert.deepStrictEqual(await snapshotOf(db), first)
      })
    }).pipe(Effect.provide(MongoTest.layer)))

  it.effect("inserts more fixtures than fit into one command", () =>
    Effect.gen(function*() {
      yield* onDriver(async (driver, name) => {
        const db = driver.db(name)
        const large = Array.from({ length: 10 }, (_, n) => ({ n, text: "x".repeat(1_000_000) }))
        await db.collection("large").insertMany(large)
        const first = await snapshotOf(db)
        const recorded = await record(driver, name, 10)
        for (const apart of [false, true]) {
          const restorer = new Restorer(driver, name, recorded, await makeRefill(driver, name, recorded, apart), apart)
          await db.collection("large").deleteMany({})
          await restorer.restore()
          assert.isTrue(JSON.stringify(await snapshotOf(db)) === JSON.stringify(first), `apart: ${apart}`)
        }
      })
    }).pipe(Effect.provide(MongoTest.layer)), 60_000)
})
