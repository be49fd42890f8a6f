import type { MongoError } from "@mongofx/core"
import { MongoDatabase } from "@mongofx/core"
import { MongoTest } from "@mongofx/testing"
import { Context, Effect, Exit, Layer, Schema } from "effect"
import { describe, expect, it } from "tstyche"

interface Accounts {
  readonly change: (amount: number) => Effect.Effect<number, "overdrawn">
}

const Accounts = Context.Service<Accounts>("test/Accounts")

const change = MongoTest.command({
  arguments: Schema.Int,
  run: (amount) => Accounts.use((accounts) => accounts.change(amount)),
  next: (balance: number, amount) =>
    balance + amount < 0
      ? { model: balance, result: Exit.fail("overdrawn" as const) }
      : { model: balance + amount, result: Exit.succeed(balance + amount) }
})

const read = MongoTest.command({
  run: () => Effect.map(MongoDatabase.MongoDatabase, ({ name }) => name),
  next: (balance: number) => ({ model: balance, result: (result) => Exit.isSuccess(result) })
})

type Failure = MongoTest.CommandsError | MongoTest.BaselineError | MongoError.MongoError

describe("commands", () => {
  it("know the model and the services of a command", () => {
    expect(change).type.toBe<MongoTest.Command<number, Accounts>>()
    expect(read).type.toBe<MongoTest.Command<number, MongoDatabase.MongoDatabase>>()
  })

  it("need what their commands need, without what a run or the layer has", () => {
    expect(MongoTest.commands({ model: 0, commands: { change, read } })).type.toBe<
      Effect.Effect<void, Failure, MongoTest.Baseline | Accounts>
    >()
    const layer = Layer.effect(Accounts, Effect.as(MongoDatabase.MongoDatabase, { change: Effect.succeed }))
    expect(MongoTest.commands({ model: 0, commands: { change }, last: read, layer })).type.toBe<
      Effect.Effect<void, Failure, MongoTest.Baseline>
    >()
  })

  it("refuse a model of another type, and commands of different models", () => {
    expect(MongoTest.commands).type.not.toBeCallableWith({ model: "0", commands: { change } })
    const other = MongoTest.command({
      run: () => Effect.void,
      next: (model: string) => ({ model, result: Exit.void })
    })
    expect(MongoTest.commands).type.not.toBeCallableWith({ model: 0, commands: { change, other } })
    expect(MongoTest.commands).type.not.toBeCallableWith({ model: 0, commands: { change }, last: other })
  })

  it("refuse a result that the command cannot have", () => {
    expect(MongoTest.command).type.not.toBeCallableWith({
      run: () => Effect.succeed(1),
      next: (model: number) => ({ model, result: Exit.succeed("1") })
    })
  })
})
