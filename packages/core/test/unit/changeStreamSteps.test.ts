import { assert, describe, it } from "@effect/vitest"
import { MongoError } from "@mongofx/core"
import { type Fragments, isResumable, join, resumeDelay } from "@mongofx/core/internal/changeStream/steps"
import { classify } from "@mongofx/core/internal/errors/classify"
import { Arbitrary, Schema } from "effect"
import * as Driver from "mongodb"

const errorOf = (cause: unknown) =>
  new MongoError.MongoError({ reason: classify(cause, { operation: "watch", namespace: "a.b" }) })

const reply = (code: number, ...errorLabels: Array<string>) =>
  errorOf(new Driver.MongoServerError({ code, errmsg: "no", errorLabels }))

describe("isResumable", () => {
  it("after network errors and server selection", () => {
    assert.isTrue(isResumable(errorOf(new Driver.MongoNetworkError("connection closed"))))
    assert.isTrue(isResumable(errorOf(new Driver.MongoNetworkTimeoutError("no answer"))))
    assert.isTrue(isResumable(errorOf(new Driver.MongoServerSelectionError("none", new Map() as never))))
  })

  it("after CursorNotFound, and after errors that the server labels", () => {
    assert.isTrue(isResumable(reply(43)))
    assert.isTrue(isResumable(reply(8, "ResumableChangeStreamError")))
    assert.isTrue(isResumable(reply(50, "ResumableChangeStreamError")))
  })

  // Codes that older servers left to the driver, codes that no server resumes, and others.
  it.each([
    6,
    7,
    63,
    89,
    91,
    133,
    150,
    189,
    234,
    9001,
    10_107,
    11_600,
    11_602,
    13_388,
    13_435,
    13_436,
    136,
    237,
    280,
    286,
    2,
    8
  ])(
    "not after %d without that label, whatever it means elsewhere",
    (code) => {
      assert.isFalse(isResumable(reply(code)))
      assert.isFalse(isResumable(reply(code, "RetryableWriteError", "NonResumableChangeStreamError")))
    }
  )

  it("not after failures of neither a server nor the connection to it", () => {
    assert.isFalse(isResumable(errorOf(new Error("mine"))))
    assert.isFalse(isResumable(errorOf(new Driver.MongoClientClosedError())))
  })
})

describe("resumeDelay", () => {
  it("is zero at first, then grows up to five seconds, with jitter", () => {
    assert.strictEqual(resumeDelay(1, 0.9), 0)
    assert.strictEqual(resumeDelay(2, 0), 50)
    assert.strictEqual(resumeDelay(2, 1), 100)
    assert.strictEqual(resumeDelay(4, 1), 400)
    assert.strictEqual(resumeDelay(60, 1), 5000)
  })
})

describe("join", () => {
  const split = (event: Driver.Document, parts: number): Array<Driver.Document> => {
    const fields = Object.entries(event)
    return Array.from({ length: parts }, (_, i) => ({
      _id: { _data: String(i) },
      ...Object.fromEntries(fields.filter((_, field) => field % parts === i)),
      splitEvent: { fragment: i + 1, of: parts }
    }))
  }

  const joinAll = (events: ReadonlyArray<Driver.Document>) => {
    let before: Fragments | undefined
    let whole: Driver.Document | undefined
    for (const event of events) {
      const joined = join(before, event)
      if (joined === undefined) return undefined
      if ("whole" in joined) {
        whole = joined.whole
        before = undefined
      } else before = joined.fragments
    }
    return before === undefined ? whole : undefined
  }

  it("returns a whole event as it is", () => {
    const event = { _id: 1, operationType: "insert" }
    assert.deepStrictEqual(join(undefined, event), { whole: event })
  })

  const events = Arbitrary.schema(Schema.Struct({
    fields: Schema.Array(Schema.Union([Schema.String, Schema.Number, Schema.Boolean])),
    parts: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 6 }))
  }))

  it.prop("joins the fragments of an event, with the token of the last one", [events], ([{ fields, parts }]) => {
    const event = Object.fromEntries(fields.map((value, i) => [`field${i}`, value]))
    assert.deepStrictEqual(joinAll(split(event, parts)), { ...event, _id: { _data: String(parts - 1) } })
  })

  it("counts fragments however numbers are read", () => {
    const fragments = split({ a: 1, b: 2, c: 3 }, 3).map((fragment) => ({
      ...fragment,
      splitEvent: {
        fragment: new Driver.Int32(fragment["splitEvent"].fragment),
        of: new Driver.Int32(fragment["splitEvent"].of)
      }
    }))
    assert.deepStrictEqual(joinAll(fragments), { a: 1, b: 2, c: 3, _id: { _data: "2" } })
  })

  it("refuses fragments that do not follow one another", () => {
    const fragments = split({ a: 1, b: 2, c: 3 }, 3)
    assert.isUndefined(joinAll([fragments[1]!]))
    assert.isUndefined(joinAll([fragments[0]!, fragments[2]!]))
    assert.isUndefined(joinAll([fragments[0]!, fragments[0]!]))
    assert.isUndefined(joinAll([fragments[0]!, { _id: 1, operationType: "insert" }]))
    assert.isUndefined(joinAll([fragments[0]!, { ...fragments[1]!, splitEvent: { fragment: 2, of: 5 } }]))
  })
})
