import { assert, describe, it } from "@effect/vitest"
import { MongoDatabase } from "@mongofx/core"
import { MongoTest } from "@mongofx/testing"
import { Context, Data, Effect, Exit, Fiber, Layer, Option, Schema } from "effect"
import { until } from "test-support/utils"

// ---- counters with a limit, in several implementations

class Full extends Data.TaggedError("Full")<{ readonly id: string }> {}

interface Counter {
  readonly _id: string
  readonly value: number
}

const limit = 3

class Counters extends Context.Service<Counters, {
  readonly add: (id: string, by: number) => Effect.Effect<number, Full>
  readonly read: (id: string) => Effect.Effect<number>
  readonly all: Effect.Effect<ReadonlyArray<Counter>>
}>()("test/Counters") {}

const counters = Effect.map(MongoDatabase.MongoDatabase, (db) => db.collection<Counter>("counters"))

const layerOf = (
  add: (
    collection: Effect.Success<typeof counters>,
    id: string,
    by: number
  ) => Effect.Effect<number, Full>
) =>
  Layer.effect(
    Counters,
    Effect.map(counters, (collection) =>
      Counters.of({
        add: (id, by) => add(collection, id, by),
        read: (id) =>
          Effect.map(
            Effect.orDie(collection.findOne({ _id: id })),
            Option.match({ onNone: () => 0, onSome: ({ value }) => value })
          ),
        all: Effect.orDie(collection.find().sort({ _id: 1 }))
      }))
  )

/** One command of the server does it. */
const atomic = layerOf((collection, id, by) =>
  collection.findOneAndUpdate(
    { _id: id, value: { $lte: limit - by } },
    { $inc: { value: by } },
    { upsert: true, returnDocument: "after" }
  ).pipe(
    // Of two upserts that insert at the same time one fails. The second time the document is there.
    Effect.retry({ times: 1, while: ({ reason }) => reason._tag === "DuplicateKeyError" }),
    Effect.catchReason("MongoError", "DuplicateKeyError", () => Effect.fail(new Full({ id }))),
    Effect.catchTag("MongoError", Effect.die),
    Effect.map((after) => Option.getOrThrow(after).value)
  )
)

/** Reads, then writes. */
const racing = (onFull: (id: string, value: number) => Effect.Effect<number, Full>) =>
  layerOf((collection, id, by) =>
    Effect.gen(function*() {
      const value = Option.match(yield* Effect.orDie(collection.findOne({ _id: id })), {
        onNone: () => 0,
        onSome: ({ value }) => value
      })
      if (value + by > limit) return yield* onFull(id, value)
      yield* Effect.orDie(collection.updateOne({ _id: id }, { $set: { value: value + by } }, { upsert: true }))
      return value + by
    })
  )

/** The limit is forgotten for one of them. */
const forgetful = racing((id, value) => id === "b" ? Effect.succeed(value) : Effect.fail(new Full({ id })))

type Model = Readonly<Record<string, number>>

const Id = Schema.Literals(["a", "b"])

const add = MongoTest.command({
  arguments: Schema.Struct({ id: Id, by: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 2 })) }),
  run: ({ by, id }) => Effect.flatMap(Counters, (counters) => counters.add(id, by)),
  next: (model: Model, { by, id }) => {
    const value = (model[id] ?? 0) + by
    return value > limit
      ? { model, result: Exit.fail(new Full({ id })) }
      : { model: { ...model, [id]: value }, result: Exit.succeed(value) }
  }
})

const read = MongoTest.command({
  arguments: Id,
  run: (id) => Effect.flatMap(Counters, (counters) => counters.read(id)),
  next: (model: Model, id) => ({ model, result: Exit.succeed(model[id] ?? 0) })
})

const all = MongoTest.command({
  run: () => Effect.flatMap(Counters, (counters) => counters.all),
  next: (model: Model) => ({
    model,
    result: Exit.succeed(
      Object.entries(model).sort(([a], [b]) => a < b ? -1 : 1).map(([_id, value]) => ({ _id, value }))
    )
  })
})

const nothing: Model = {}

const baseline = MongoTest.baseline(Effect.void)

const runOn = <E, R>(
  layer: Layer.Layer<Counters, E, R>,
  options: { readonly branches?: number; readonly seed?: number } = {}
) =>
  MongoTest.commands({ model: nothing, commands: { add, read }, last: all, layer, ...options }).pipe(
    Effect.provide(baseline)
  )

/** The lines of a report from its program to the model. */
const programOf = (message: string) =>
  message.slice(message.indexOf("\n\n") + 2, message.indexOf("\n\nThe model")).split("\n")

const full = (id: string) => Effect.fail(new Full({ id }))

describe("commands", () => {
  it.effect("pass for a program that does what the model does, at the same time too", () => runOn(atomic))

  it.effect("find a race, and show the shortest program that has it", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(runOn(racing(full)))
      assert.strictEqual(error._tag, "CommandsError")
      // Two commands are necessary, on one counter, with the smallest arguments.
      const [id] = /a|b/.exec(error.message.slice(error.message.indexOf("id: '")))!
      const lines = programOf(error.message)
      const first = lines.findIndex((line) => line === "  at the same time:")
      assert.deepStrictEqual(lines.slice(0, first).filter((line) => !line.includes("add(")), [], error.message)
      assert.isAtMost(first, 1, error.message)
      assert.include(lines[first + 1], `    add({ id: '${id}', by: 1 })`)
      assert.strictEqual(lines[first + 2], "  and:")
      assert.match(lines[first + 3]!, new RegExp(`^    (add\\({ id: '${id}', by: 1 }\\)|read\\('${id}'\\)) -> `))
      assert.strictEqual(lines.length, first + 6, error.message)
      assert.include(error.message, `  counters:\n    {"_id":"${id}","value":`)
      assert.match(error.message, /This program fails in \d+ of 5 runs\. seed: \d+ begins with/)
    }))

  it.effect("begin with the program that failed, with the seed of its report", () =>
    Effect.gen(function*() {
      const first = yield* Effect.flip(runOn(forgetful, { branches: 1 }))
      assert.strictEqual(first._tag, "CommandsError")
      if (first._tag !== "CommandsError") return
      const again = yield* Effect.flip(runOn(forgetful, { branches: 1, seed: first.seed }))
      assert.deepStrictEqual(programOf(again.message), programOf(first.message))
      assert.include(again.message, "Found by run 1,")
    }))

  it.effect("find a wrong result of a sequential program, and show what the model expects", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(runOn(forgetful, { branches: 1 }))
      const lines = programOf(error.message)
      // No command can be left out and no number made smaller: four is the least that passes the limit.
      const added = lines.slice(0, -2).map((line) =>
        Number(/^ {2}add\({ id: 'b', by: ([12]) }\) -> [123]$/.exec(line)?.[1])
      )
      assert.strictEqual(added.reduce((sum, by) => sum + by), limit + 1, error.message)
      assert.strictEqual(lines.at(-2), "    the model expects: fails with Full { id: 'b' }")
      assert.match(error.message, /The model before that command: { b: [23] }/)
    }))

  it.effect("take a defect, an interruption and a failure for results that a model can expect", () =>
    Effect.gen(function*() {
      const outcome = (
        name: string,
        result: Effect.Effect<never, string>,
        expected: (exit: Exit.Exit<never, string>) => boolean
      ) =>
        [
          name,
          MongoTest.command({ run: () => result, next: (model: number) => ({ model, result: expected }) })
        ] as const
      const dies = outcome("dies", Effect.die(new Error("broken")), (exit) => Exit.hasDies(exit))
      const stops = outcome("stops", Effect.interrupt, (exit) => Exit.hasInterrupts(exit))
      const fails = outcome("fails", Effect.fail("no"), (exit) => Exit.hasFails(exit))
      const thrown = MongoTest.command({
        run: (): Effect.Effect<number> => {
          throw new Error("thrown")
        },
        next: (model: number) => ({ model, result: (exit) => Exit.hasDies(exit) })
      })
      yield* MongoTest.commands({
        model: 0,
        commands: { ...Object.fromEntries([dies, stops, fails]), thrown },
        runs: 20
      })

      const shown = (name: string, run: Effect.Effect<number, unknown, MongoDatabase.MongoDatabase>) =>
        MongoTest.commands({
          model: 0,
          commands: {
            [name]: MongoTest.command({ run: () => run, next: (model: number) => ({ model, result: Exit.succeed(1) }) })
          }
        }).pipe(Effect.flip, Effect.map((error) => programOf(error.message)[0]))
      assert.strictEqual(yield* shown("dies", Effect.die(new Error("broken"))), "  dies() -> dies with Error: broken")
      assert.strictEqual(yield* shown("stops", Effect.interrupt), "  stops() -> is interrupted")
      assert.strictEqual(yield* shown("fails", Effect.fail("no")), "  fails() -> fails with 'no'")
      const duplicate = Effect.gen(function*() {
        const users = (yield* MongoDatabase.MongoDatabase).collection<{ _id: number }>("users")
        yield* users.insertMany([{ _id: 1 }, { _id: 1 }])
        return 1
      })
      const line = yield* shown("insert", duplicate)
      assert.strictEqual(line!.split("E11000").length, 2, line)
    }).pipe(Effect.provide(baseline)))

  it.effect("are interrupted with their test, those at the same time too", () =>
    Effect.gen(function*() {
      const running = { now: 0 }
      const forever = MongoTest.command({
        run: () =>
          Effect.acquireUseRelease(
            Effect.sync(() => running.now++),
            () => Effect.never,
            () => Effect.sync(() => running.now--)
          ),
        next: (model: number) => ({ model, result: Exit.void })
      })
      const fiber = yield* Effect.forkChild(
        MongoTest.commands({ model: 0, commands: { forever }, length: 0, branchLength: 1, seed: 1 })
      )
      yield* until("both branches run", () => running.now === 2)
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(running.now, 0)
    }).pipe(Effect.provide(baseline)))

  it.effect("run as many programs at the same time as there are lanes, and find the same program", () =>
    Effect.gen(function*() {
      const find = (lanes: number) =>
        Effect.gen(function*() {
          const error = yield* Effect.flip(
            MongoTest.commands({
              model: nothing,
              commands: { add, read },
              last: all,
              layer: forgetful,
              branches: 1,
              seed: 3,
              length: 9
            })
          )
          return error.message
        }).pipe(Effect.provide(MongoTest.baseline(Effect.void, { lanes }), { local: true }))
      assert.strictEqual(yield* find(4), yield* find(1))

      let running = 0
      let most = 0
      const wait = MongoTest.command({
        run: () =>
          Effect.promise(async () => {
            most = Math.max(most, ++running)
            await new Promise((resolve) => setTimeout(resolve, 20))
            running--
          }),
        next: (model: number) => ({ model, result: Exit.void })
      })
      yield* MongoTest.commands({ model: 0, commands: { wait }, branches: 1, runs: 20 }).pipe(
        Effect.provide(MongoTest.baseline(Effect.void, { lanes: 3 }), { local: true })
      )
      assert.strictEqual(most, 3)
    }))

  it.effect("fail if no command ran at all", () =>
    Effect.gen(function*() {
      const never = MongoTest.command({
        when: () => false,
        run: () => Effect.void,
        next: (model: number) => ({ model, result: Exit.void })
      })
      const error = yield* Effect.flip(MongoTest.commands({ model: 0, commands: { never }, last: never, runs: 5 }))
      assert.strictEqual(error._tag, "CommandsError")
      assert.include(error.message, "no command ran in 5 programs")
    }).pipe(Effect.provide(baseline)))

  it.effect("keep preconditions, and make arguments from the model", () =>
    Effect.gen(function*() {
      const names: Array<string> = []
      const remove = MongoTest.command({
        arguments: (model: ReadonlyArray<string>) => Schema.Literals(model.length === 0 ? ["none"] : model),
        when: (model: ReadonlyArray<string>, name) => model.includes(name),
        run: (name) =>
          Effect.sync(() => {
            names.push(name)
          }),
        next: (model: ReadonlyArray<string>, name) => ({
          model: model.filter((one) => one !== name),
          result: Exit.void
        })
      })
      yield* MongoTest.commands({ model: ["x", "y", "z"], commands: { remove }, runs: 50 })
      assert.deepStrictEqual([...new Set(names)].sort(), ["x", "y", "z"])
    }).pipe(Effect.provide(baseline)))
})
