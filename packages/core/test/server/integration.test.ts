/**
 * What packages that build on core get of it.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { Integration, MongoError } from "@mongofx/core"
import { Effect } from "effect"
import type * as Driver from "mongodb"
import { setup } from "../support/utils.ts"

describe("bsonOptions", () => {
  const settings: ReadonlyArray<Driver.BSONSerializeOptions> = [
    {},
    { useBigInt64: true },
    { promoteLongs: false },
    { promoteValues: false, bsonRegExp: true },
    { promoteBuffers: true, enableUtf8Validation: false },
    { promoteValues: true, promoteLongs: true, bsonRegExp: false, enableUtf8Validation: true }
  ]

  it.live("are those of the driver, for a client, a database, a collection and an operation", () =>
    Effect.gen(function*() {
      for (const ofClient of [...settings, { fieldsAsRaw: { data: true } }]) {
        const { db, driver } = yield* setup({ driverOptions: ofClient })
        for (const ofDatabase of settings) {
          for (const ofCollection of settings) {
            const handle = db.withOptions(ofDatabase).collection("items", ofCollection)
            const all = { ...ofDatabase, ...ofCollection }
            const { ignoreUndefined: _, raw: __, serializeFunctions: ___, ...expected } =
              driver.db(db.name).collection("items", all).bsonOptions
            assert.deepStrictEqual<unknown>(Integration.bsonOptions(handle), expected)
            assert.deepStrictEqual<unknown>(Integration.bsonOptions(db.withOptions(all)), expected)
            const other = db.collection("items", all)
            for (const ofCall of settings) {
              const called = { ...all, ...ofCall }
              const collection = driver.db(db.name).collection("items", called)
              const { promoteLongs, promoteValues, useBigInt64 } = collection.bsonOptions
              const options = Integration.bsonOptions(other, { sort: { a: 1 }, ...ofCall })
              assert.strictEqual(options.promoteLongs, promoteLongs)
              assert.strictEqual(options.promoteValues, promoteValues)
              assert.strictEqual(options.useBigInt64, useBigInt64)
              assert.strictEqual(options.bsonRegExp, collection.bsonOptions.bsonRegExp)
            }
          }
        }
      }
    }))

  it.live("have an answer, whatever the names, the settings and the options are", () =>
    Effect.gen(function*() {
      const { db, mongo } = yield* setup()
      const usual = Integration.bsonOptions(db)
      for (const name of ["", "a\0b", "$", undefined, 1, null]) {
        assert.deepStrictEqual(Integration.bsonOptions(db.collection(name as string)), usual)
        assert.deepStrictEqual(Integration.bsonOptions(mongo.db(name as string)), usual)
      }
      const broken = {
        readPreference: "nowhere",
        readConcern: 7,
        promoteLongs: undefined,
        promoteValues: null
      } as object
      assert.deepStrictEqual(Integration.bsonOptions(db.collection("items", broken)), usual)
      for (const options of [undefined, null, 1, "text", [], broken]) {
        assert.deepStrictEqual(Integration.bsonOptions(db, options as object), usual)
      }
      // What stands in the place of a collection, in a test.
      assert.deepStrictEqual(Integration.bsonOptions({ name: "items" } as never), usual)
    }))

  it.live("are true or false, also where something else was given", () =>
    Effect.gen(function*() {
      const { db } = yield* setup()
      const odd = { promoteLongs: 0, useBigInt64: 1n, bsonRegExp: "yes", enableUtf8Validation: 0 } as object
      assert.deepStrictEqual(Integration.bsonOptions(db, odd), {
        ...Integration.bsonOptions(db),
        promoteLongs: false,
        useBigInt64: true,
        bsonRegExp: true
      })
    }))
})

describe("failure", () => {
  it("has the fields of every reason, and those of its own", () => {
    const error = Integration.failure(MongoError.InvalidArgumentError, {
      operation: "page",
      namespace: "app.users",
      message: "first is not positive",
      path: "first"
    })
    assert.isTrue(MongoError.isMongoError(error))
    assert.instanceOf(error.reason, MongoError.InvalidArgumentError)
    assert.strictEqual(error.message, "page on app.users: first is not positive")
    assert.strictEqual(error.reason.operation, "page")
    assert.strictEqual(error.reason.namespace, "app.users")
    assert.deepStrictEqual(error.reason.labels, [])
    assert.strictEqual((error.reason as MongoError.InvalidArgumentError).path, "first")
    assert.isUndefined(error.reason.cause)
    assert.isFalse(error.isTransient)
  })

  it("keeps labels, code and cause that are given", () => {
    const cause = new Error("why")
    const error = Integration.failure(MongoError.TransactionError, {
      operation: "enqueue",
      message: "the transaction was aborted",
      kind: "aborted",
      labels: ["TransientTransactionError"],
      code: 251,
      cause
    })
    assert.strictEqual(error.message, "enqueue: the transaction was aborted")
    assert.isUndefined(error.reason.namespace)
    assert.isTrue(error.hasLabel("TransientTransactionError"))
    assert.isTrue(error.isTransient)
    assert.strictEqual(error.reason.code, 251)
    assert.strictEqual(error.reason.cause, cause)
  })
})
