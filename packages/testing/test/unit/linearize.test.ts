import { assert, describe, it } from "@effect/vitest"
import { isAllowedInEveryOrder, linearize, type Operation } from "@mongofx/testing/internal/commands/linearize"
import { Effect, Random } from "effect"
import { seeded } from "test-support/utils"

// ---- histories of a register that can be written, read, and compared and swapped

type Input =
  | { readonly kind: "write"; readonly value: number }
  | { readonly kind: "read" }
  | { readonly kind: "swap"; readonly from: number; readonly to: number }

interface Entry {
  readonly input: Input
  readonly result: number | boolean | undefined
  readonly started: number
  readonly ended: number
}

type History = ReadonlyArray<ReadonlyArray<Entry>>

const apply = (model: number, input: Input): readonly [number, number | boolean | undefined] => {
  switch (input.kind) {
    case "write":
      return [input.value, undefined]
    case "read":
      return [model, model]
    case "swap":
      return model === input.from ? [input.to, true] : [model, false]
  }
}

const operation = ({ ended, input, result, started }: Entry): Operation<number> => ({
  started,
  ended,
  step: (model) => {
    const [next, expected] = apply(model, input)
    return expected === result ? [next] : undefined
  }
})

const orderOf = (history: History) => linearize(0, history.map((lane) => lane.map(operation)))

/** Every permutation, tried by brute force. */
const isExplained = (history: History): boolean => {
  const entries = history.flat()
  const search = (left: ReadonlyArray<Entry>, model: number): boolean =>
    left.length === 0 || left.some((entry) => {
      if (left.some((other) => other.ended < entry.started)) return false
      const [next, expected] = apply(model, entry.input)
      return expected === entry.result && search(left.filter((other) => other !== entry), next)
    })
  return search(entries, 0)
}

const write = (value: number): Input => ({ kind: "write", value })
const read: Input = { kind: "read" }

const entry = (input: Input, result: Entry["result"], started: number, ended: number): Entry => ({
  input,
  result,
  started,
  ended
})

const int = (maximum: number) => Random.nextIntBetween(0, maximum)

const randomInput: Effect.Effect<Input> = Effect.gen(function*() {
  const values = [yield* int(2), yield* int(2)] as const
  return ([write(values[0]), read, { kind: "swap", from: values[0], to: values[1] }] as const)[yield* int(2)]!
})

/** Operations whose effects happened at moments between their starts and ends. */
const randomHistory: Effect.Effect<History> = Effect.gen(function*() {
  const moments: Array<{ lane: number; input: Input; started: number; at: number; ended: number }> = []
  const lanes = 2 + (yield* int(1))
  for (let lane = 0; lane < lanes; lane++) {
    let time = yield* Random.nextBetween(0, 3)
    for (let left = yield* int(3); left > 0; left--) {
      const [wait, work, rest] = [
        yield* Random.nextBetween(0, 1),
        yield* Random.nextBetween(0, 2),
        yield* Random.nextBetween(0, 2)
      ]
      const started = time + wait
      moments.push({ lane, input: yield* randomInput, started, at: started + work, ended: started + work + rest })
      time = started + work + rest
    }
  }
  const results = new Map<object, Entry["result"]>()
  let model = 0
  for (const moment of [...moments].sort((a, b) => a.at - b.at)) {
    const [next, result] = apply(model, moment.input)
    results.set(moment, result)
    model = next
  }
  return Array.from(
    { length: lanes },
    (_, lane) =>
      moments.filter((moment) => moment.lane === lane).map((moment) =>
        entry(moment.input, results.get(moment), moment.started, moment.ended)
      )
  )
})

describe("linearize", () => {
  it("refuses a read of a value that was overwritten before the read began", () => {
    assert.isUndefined(orderOf([
      [entry(write(1), undefined, 0, 1), entry(write(2), undefined, 2, 3)],
      [entry(read, 1, 4, 5)]
    ]))
    // While the second write is under way, both values can be read, but not the old one after the new one.
    assert.isDefined(orderOf([
      [entry(write(1), undefined, 0, 1), entry(write(2), undefined, 2, 9)],
      [entry(read, 1, 4, 5), entry(read, 2, 6, 7)]
    ]))
    assert.isUndefined(orderOf([
      [entry(write(1), undefined, 0, 1), entry(write(2), undefined, 2, 9)],
      [entry(read, 2, 4, 5), entry(read, 1, 6, 7)]
    ]))
  })

  it("refuses two swaps that both succeed where only one can", () => {
    const swap: Input = { kind: "swap", from: 0, to: 1 }
    assert.isUndefined(orderOf([[entry(swap, true, 0, 5)], [entry(swap, true, 1, 4)]]))
    assert.deepStrictEqual(orderOf([[entry(swap, false, 0, 5)], [entry(swap, true, 1, 4)]]), [1, 0])
  })

  it("gives an order in which each result is the one of the model", () =>
    Effect.runPromise(seeded(Effect.gen(function*() {
      for (let i = 0; i < 1000; i++) {
        const history = yield* randomHistory
        const order = orderOf(history)
        assert.isDefined(order, JSON.stringify(history))
        const next = history.map(() => 0)
        let model = 0
        const done: Array<Entry> = []
        for (const lane of order!) {
          const one = history[lane]![next[lane]!++]!
          assert.isFalse(done.some((other) => one.ended < other.started))
          const [after, result] = apply(model, one.input)
          assert.strictEqual(result, one.result)
          model = after
          done.push(one)
        }
        assert.deepStrictEqual(next, history.map((lane) => lane.length))
      }
    }))))

  it("agrees with a search through all permutations, with results that were changed too", () =>
    Effect.runPromise(seeded(Effect.gen(function*() {
      let refused = 0
      for (let i = 0; i < 2000; i++) {
        const history: Array<Array<Entry>> = (yield* randomHistory).map((lane) => [...lane])
        const lanes = history.filter((lane) => lane.length > 0)
        if (lanes.length === 0) continue
        const lane = lanes[yield* int(lanes.length - 1)]!
        const at = yield* int(lane.length - 1)
        const { input, result } = lane[at]!
        if (input.kind === "read") lane[at] = { ...lane[at]!, result: yield* int(2) }
        if (input.kind === "swap") lane[at] = { ...lane[at]!, result: result !== true }
        const explained = isExplained(history)
        assert.strictEqual(orderOf(history) !== undefined, explained, JSON.stringify(history))
        if (!explained) refused++
      }
      assert.isAbove(refused, 200)
    }))))

  it("looks at no state twice: twenty operations on three lanes take no time", () => {
    // Without the memory there are more than ten million orders.
    const lanes = [7, 7, 6].map((length) => Array.from({ length }, () => entry(write(1), undefined, 0, 1)))
    let steps = 0
    // As many steps lead to all states together.
    const bound = 8 * 8 * 7 * 2 * 3
    const counted = lanes.map((lane) =>
      lane.map((one): Operation<number> => ({
        ...operation(one),
        step: (model) => {
          if (++steps > bound) throw new Error("a state was looked at twice")
          return operation(one).step(model)
        }
      }))
    )
    const unfit: Operation<number> = { started: 2, ended: 3, step: () => undefined }
    assert.isUndefined(linearize(0, [...counted, [unfit]]))
    assert.isAbove(steps, 0)
  })
})

describe("isAllowedInEveryOrder", () => {
  const check = (lanes: ReadonlyArray<ReadonlyArray<number>>) =>
    isAllowedInEveryOrder(1, lanes, (balance, change) => balance + change >= 0, (balance, change) => balance + change)

  it("asks for each call after each way that leads to it", () => {
    assert.isTrue(check([[-1], [1, -1]]))
    assert.isFalse(check([[-1], [-1, 1]]))
    assert.isFalse(check([[1], [-2]]))
    assert.isTrue(check([[1, -2], [2]]))
  })
})
