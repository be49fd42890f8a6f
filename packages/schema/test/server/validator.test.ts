/**
 * Plans of validators, and what applying them does to collections.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { MongoClient, MongoDatabase, MongoError } from "@mongofx/core"
import { Bson, MongoValidator, TypedCollection } from "@mongofx/schema"
import { CommandLog, FailPoint, MongoLaws, MongoTest } from "@mongofx/testing"
import { Cause, Effect, Exit, Fiber, Schema, type Scope } from "effect"
import * as Driver from "mongodb"
import { interrupt, until } from "test-support/utils"

const User = Schema.Struct({
  _id: Bson.ObjectId,
  name: Schema.String.check(Schema.isMaxCodePoints(10)),
  age: Bson.Int32.check(Schema.isBetween({ minimum: 0, maximum: 150 })),
  visits: Bson.Int64.check(Schema.isLessThanBigInt(2n ** 60n)),
  balance: Bson.BigDecimal,
  born: Bson.Date.check(Schema.isGreaterThanDate(new Date("1900-01-01"))),
  tags: Schema.optionalKey(Schema.Array(Schema.NonEmptyString)),
  contact: Schema.optionalKey(Schema.Union([
    Schema.Struct({ kind: Schema.Literal("mail"), since: Schema.Date }),
    Schema.Struct({ kind: Schema.Literal("phone"), number: Schema.Int })
  ]))
})

class Users extends TypedCollection.Service<Users>()("test/Users", { name: "users", schema: User }) {}

class Orders extends TypedCollection.Service<Orders>()("test/Orders", {
  name: "orders",
  schema: Schema.Struct({ _id: Bson.ObjectId, total: Bson.BigDecimal })
}) {}

interface Deep {
  readonly next: ReadonlyArray<Deep>
}

const Deep = Schema.Struct({ next: Schema.Array(Schema.suspend((): Schema.Codec<Deep> => Deep)) })

const withUsers = <A, E>(effect: Effect.Effect<A, E, Users | Orders | MongoTest.Services | Scope.Scope>) =>
  Effect.scoped(effect).pipe(
    Effect.provide(Users.layer),
    Effect.provide(Orders.layer),
    Effect.provide(MongoTest.layerWith({ driverOptions: { monitorCommands: true } }))
  )

const small = (name: string, schema: Schema.Constraint) =>
  Effect.map(MongoDatabase.MongoDatabase, (db) => TypedCollection.make(db, name, schema))

const stateOf = (name: string) =>
  Effect.gen(function*() {
    const db = yield* MongoDatabase.MongoDatabase
    const [found] = yield* db.listCollections({ name })
    return found?.options
  })

const failureOf = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.exit(effect), (exit) => {
    if (Exit.isSuccess(exit)) return assert.fail("it succeeded")
    return Cause.squash(exit.cause) as E
  })

const validatorError = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(failureOf(effect), (error) => {
    assert.instanceOf(error, MongoValidator.ValidatorError)
    return error as MongoValidator.ValidatorError
  })

const isRefused = (exit: Exit.Exit<unknown, unknown>): boolean => {
  if (Exit.isSuccess(exit)) return false
  const error = Cause.squash(exit.cause)
  return MongoError.isMongoError(error) && error.reason._tag === "DocumentValidationError"
}

describe("a plan", () => {
  it.live("creates a collection, and is empty the second time", () =>
    withUsers(Effect.gen(function*() {
      const first = yield* MongoValidator.plan(Users)
      assert.strictEqual(first.kind, "create")
      assert.isUndefined(first.before)
      assert.strictEqual(first.failing, 0)
      assert.isUndefined(yield* stateOf("users"), "a plan changes nothing")
      const applied = yield* MongoValidator.apply(Users)
      assert.deepStrictEqual(applied, first)
      const second = yield* MongoValidator.plan(Users)
      assert.strictEqual(second.kind, "equal")
      assert.isTrue(MongoValidator.isEmpty(second))
      assert.strictEqual((yield* MongoValidator.apply(Users)).kind, "equal")
    })))

  it.live("says what changes, and counts what would fail", () =>
    withUsers(Effect.gen(function*() {
      const old = yield* small("users", Schema.Struct({ name: Schema.String }))
      yield* MongoValidator.apply(old)
      yield* old.untyped.insertMany([{ name: "Ada" }, { name: "Grace" }])
      const users = yield* small("users", Schema.Struct({ name: Schema.String, age: Schema.Boolean }))
      const plan = yield* MongoValidator.plan(users, { action: "errorAndLog" })
      assert.strictEqual(plan.kind, "collMod")
      assert.strictEqual(plan.failing, 2)
      const text = MongoValidator.format(plan)
      assert.strictEqual(
        text,
        [
          `${users.fullName}: changes the validator`,
          "  ~ action: error -> errorAndLog",
          "  + field age: {\"bsonType\":\"bool\"}",
          "  + required age",
          "  ! 2 documents would fail now"
        ].join("\n")
      )
      const uncounted = yield* MongoValidator.plan(users, { count: false })
      assert.isUndefined(uncounted.failing)
    })))

  it.live("knows a validator by its meaning, not by its text", () =>
    withUsers(Effect.gen(function*() {
      const db = yield* MongoDatabase.MongoDatabase
      const users = yield* small("users", Schema.Struct({ b: Schema.Literals(["x", "y"]), a: Schema.Finite }))
      const { validator } = MongoValidator.fromSchema(users.schema)
      const { properties: { a, b }, ...schema } = validator["$jsonSchema"]
      const anyOf = a.anyOf.map((each: object) =>
        Object.fromEntries(
          Object.entries(each).reverse().map((
            [key, value]
          ) => [key, typeof value === "number" ? new Driver.Double(value) : value])
        )
      )
      yield* db.createCollection("users", {
        validator: {
          $jsonSchema: {
            properties: { b: { enum: [...b.enum].reverse() }, a: { anyOf: [...anyOf].reverse() } },
            ...schema,
            required: ["a", "b"]
          }
        }
      })
      assert.strictEqual((yield* MongoValidator.plan(users)).kind, "equal")
      assert.strictEqual((yield* MongoValidator.plan(users, { level: "moderate" })).kind, "collMod")
      const other = yield* small("users", Schema.Struct({ b: Schema.Literals(["x", "z"]), a: Schema.Finite }))
      assert.strictEqual((yield* MongoValidator.plan(other)).kind, "collMod")
    })))

  it.live("is equal under settings that deliver numbers in other types", () =>
    withUsers(Effect.gen(function*() {
      const client = yield* MongoClient.MongoClient
      const { name } = yield* MongoDatabase.MongoDatabase
      for (const options of [{ promoteValues: false }, { promoteLongs: false }, { useBigInt64: true }]) {
        const db = client.db(name).withOptions(options)
        const users = TypedCollection.make(db, "users", User)
        yield* MongoValidator.apply(users)
        assert.strictEqual((yield* MongoValidator.plan(users)).kind, "equal", JSON.stringify(options))
      }
    })))
})

describe("applying a validator", () => {
  it.live("lets the server refuse what the codec refuses, and accept what it writes", () =>
    withUsers(Effect.gen(function*() {
      yield* MongoValidator.apply(Users)
      const users = yield* Users
      const valid = {
        _id: new Driver.ObjectId(),
        name: "Ada",
        age: 36,
        visits: Driver.Long.fromNumber(1),
        balance: Driver.Decimal128.fromString("1.50"),
        born: new Date("1915-12-10")
      }
      yield* users.untyped.insertOne(valid)
      const invalid: ReadonlyArray<Driver.Document> = [
        { name: "x".repeat(11) },
        { age: 151 },
        { age: 1.5 },
        { age: 1.0000000000000002 },
        { visits: Driver.Long.fromBigInt(2n ** 60n) },
        { balance: 1 },
        { balance: Driver.Decimal128.fromString("NaN") },
        { born: new Date("1900-01-01") },
        { tags: [""] },
        { contact: { kind: "phone", number: 1.5 } },
        { contact: { kind: "mail", since: "today" } },
        { contact: { kind: "fax" } }
      ]
      for (const fields of invalid) {
        const exit = yield* Effect.exit(users.untyped.insertOne({ ...valid, _id: new Driver.ObjectId(), ...fields }))
        assert.isTrue(isRefused(exit), JSON.stringify(fields))
      }
      assert.deepStrictEqual(MongoValidator.fromSchema(User).lost, [])
    })))

  it.live("holds the law that what is encoded is accepted", () =>
    withUsers(Effect.gen(function*() {
      yield* MongoValidator.applyAll([Users, Orders])
      yield* MongoLaws.encodedIsAccepted(Users, { runs: 30 })
      yield* MongoLaws.encodedIsAccepted(Orders, { runs: 30 })
    })))

  it.live("is refused while documents would fail, unless they are left alone", () =>
    withUsers(Effect.gen(function*() {
      const orders = yield* Orders
      yield* orders.untyped.insertMany([{ total: 1 }, { total: 2 }, { total: Driver.Decimal128.fromString("3") }])
      const error = yield* validatorError(MongoValidator.apply(Orders))
      assert.strictEqual(error.kind, "documents")
      assert.strictEqual(error.failing, 2)
      assert.strictEqual(
        error.message,
        `apply on ${orders.fullName}: 2 documents do not satisfy the validator, so that updates of them would fail: correct them, or pass ` +
          "level: \"moderate\", action: \"warn\" or allowFailing: true"
      )
      assert.deepStrictEqual(yield* stateOf("orders"), {})
      const moderate = yield* MongoValidator.apply(Orders, { level: "moderate" })
      assert.strictEqual(moderate.failing, 2)
      yield* orders.untyped.updateOne({ total: 1 }, { $set: { total: 5 } })
      assert.strictEqual((yield* MongoValidator.apply(Orders, { action: "warn" })).after.action, "warn")
      assert.strictEqual((yield* MongoValidator.apply(Orders, { level: "off" })).failing, undefined)
      yield* MongoValidator.apply(Orders, { allowFailing: true })
      assert.isTrue(isRefused(yield* Effect.exit(orders.untyped.updateOne({ total: 5 }, { $set: { total: 6 } }))))
    })))

  it.live("changes nothing if one of several collections is refused", () =>
    withUsers(Effect.gen(function*() {
      const orders = yield* Orders
      yield* orders.untyped.insertOne({ total: 1 })
      const error = yield* validatorError(MongoValidator.applyAll([Users, Orders]))
      assert.strictEqual(error.kind, "documents")
      assert.include(
        error.message,
        "1 document does not satisfy the validator, so that updates of it would fail: correct it"
      )
      assert.isUndefined(yield* stateOf("users"))
    })))

  it.live("is refused for views and time series, and planned as impossible", () =>
    withUsers(Effect.gen(function*() {
      const db = yield* MongoDatabase.MongoDatabase
      yield* db.createCollection("orders", { viewOn: "all", pipeline: [] })
      yield* db.createCollection("users", { timeseries: { timeField: "born" } })
      const plans = yield* MongoValidator.planAll([Orders, Users])
      assert.deepStrictEqual(plans.map(({ kind }) => kind), ["impossible", "impossible"])
      assert.strictEqual(
        MongoValidator.format(plans[1]!),
        `${db.name}.users: cannot have a validator: it is a time series collection, which the server does not let have a validator`
      )
      assert.include(MongoValidator.format(plans[0]!), "it is a view")
      for (const source of [Users, Orders]) {
        assert.strictEqual((yield* validatorError(MongoValidator.apply(source))).kind, "unsupported")
      }
    })))

  it.live("is refused in a transaction", () =>
    withUsers(Effect.gen(function*() {
      const client = yield* MongoClient.MongoClient
      for (const run of [MongoValidator.plan(Users), MongoValidator.apply(Users)]) {
        const error = yield* validatorError(client.withTransaction(run))
        assert.strictEqual(error.kind, "transaction")
        yield* client.withTransaction(client.withoutTransaction(run))
      }
      assert.isDefined(yield* stateOf("users"))
    })))

  it.live("is refused with a depth without an end", () =>
    withUsers(Effect.gen(function*() {
      const error = yield* failureOf(MongoValidator.apply(Users, { depth: Infinity }))
      assert.isTrue(MongoError.isMongoError(error) && error.reason._tag === "InvalidArgumentError")
      assert.include(String(error), "users: options.depth is not an integer from 0 to 50")
      const deep = yield* small("deep", Deep)
      yield* MongoValidator.apply(deep, { depth: 50 })
      assert.strictEqual((yield* MongoValidator.plan(deep, { depth: 50 })).kind, "equal")
    })))

  it.live("does no harm if twenty instances start at once", () =>
    withUsers(Effect.gen(function*() {
      const plans = yield* Effect.all(
        Array.from({ length: 20 }, () => MongoValidator.apply(Users)),
        { concurrency: "unbounded" }
      )
      assert.isAtLeast(plans.filter(({ kind }) => kind === "create").length, 1)
      assert.strictEqual((yield* MongoValidator.plan(Users)).kind, "equal")
      yield* Effect.all([
        MongoValidator.apply(Users, { level: "moderate" }),
        MongoValidator.apply(Users, { level: "moderate" })
      ], { concurrency: 2 })
      assert.strictEqual((yield* MongoValidator.plan(Users, { level: "moderate" })).kind, "equal")
    })))

  it.live("looks again if another instance has created the collection", () =>
    withUsers(Effect.gen(function*() {
      const db = yield* MongoDatabase.MongoDatabase
      // The command to create fails once as if the other one had been faster.
      yield* Effect.scoped(Effect.gen(function*() {
        yield* FailPoint.failCommand({ failCommands: ["create"], errorCode: 48, mode: { times: 1 } })
        yield* MongoValidator.apply(Users)
      }))
      assert.isDefined((yield* stateOf("users"))?.["validator"])
      yield* db.dropCollection("users")
      yield* db.createCollection("users")
      yield* Effect.scoped(Effect.gen(function*() {
        yield* FailPoint.failCommand({ failCommands: ["collMod"], errorCode: 26, mode: { times: 1 } })
        yield* MongoValidator.apply(Users)
      }))
      assert.isDefined((yield* stateOf("users"))?.["validator"])
    })))

  it.live("fails with the server's error while the server builds an index, and works afterwards", () =>
    withUsers(Effect.gen(function*() {
      const { untyped } = yield* Orders
      yield* untyped.insertOne({ total: Driver.Decimal128.fromString("1") })
      const indexes = Effect.map(untyped.aggregate([{ $indexStats: {} }]), (all) => all.length)
      const building = yield* Effect.scoped(Effect.gen(function*() {
        yield* FailPoint.make("hangAfterStartingIndexBuild")
        const building = yield* Effect.forkChild(untyped.createIndex({ total: 1 }))
        yield* until("the build", async () => await Effect.runPromise(indexes) === 2, 10_000)
        const error = yield* Effect.flip(MongoValidator.apply(Orders))
        assert.strictEqual(
          MongoError.isMongoError(error) && error.reason.codeName,
          "BackgroundOperationInProgressForNamespace"
        )
        return building
      }))
      yield* Fiber.join(building)
      assert.strictEqual((yield* MongoValidator.apply(Orders)).kind, "collMod")
    })))

  it.live("costs one command where nothing changes", () =>
    withUsers(Effect.gen(function*() {
      yield* MongoValidator.apply(Users)
      const log = yield* CommandLog.make
      yield* MongoValidator.apply(Users)
      assert.deepStrictEqual(log.names(), ["listCollections"])
    })))

  it.live("changes nothing after an interruption of the count", () =>
    withUsers(Effect.gen(function*() {
      const orders = yield* Orders
      yield* orders.untyped.insertOne({ total: Driver.Decimal128.fromString("1") })
      const log = yield* CommandLog.make
      yield* FailPoint.failCommand({ failCommands: ["aggregate"], blockTime: "2 seconds" })
      const fiber = yield* Effect.forkChild(MongoValidator.apply(Orders))
      yield* until("the count", () => log.names().includes("aggregate"))
      assert.isBelow(yield* interrupt(fiber), 1500)
      assert.deepStrictEqual(yield* stateOf("orders"), {})
    })))
})
