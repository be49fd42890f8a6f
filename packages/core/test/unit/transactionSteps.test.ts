/**
 * What a transaction does next, by the specification "Convenient API for Transactions". No server is involved.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { classify } from "@mongofx/core/internal/errors/classify"
import { backoff, defaultMaxDuration, isConsequence, nextStep } from "@mongofx/core/internal/session/transactionSteps"
import { Schema } from "effect"
import * as Driver from "mongodb"

const reasonOf = (cause: unknown) => classify(cause, { operation: "commitTransaction", namespace: "admin" })

const reply = (code: number, ...errorLabels: Array<string>) =>
  reasonOf(new Driver.MongoServerError({ code, errmsg: "no", errorLabels }))

const writeConcernReply = (code: number, ...errorLabels: Array<string>) =>
  reasonOf(new Driver.MongoWriteConcernError({ ok: 1, writeConcernError: { code, errmsg: "late" }, errorLabels }))

const transient = "TransientTransactionError"
const unknown = "UnknownTransactionCommitResult"

describe("backoff", () => {
  it("grows by half from 7.5 ms, up to 500 ms", () => {
    const delays = Array.from({ length: 15 }, (_, i) => backoff(i + 1, 1))
    assert.strictEqual(delays[0], 7.5)
    assert.strictEqual(delays[1], 11.25)
    assert.closeTo(delays[10]!, 432.5, 0.1)
    assert.deepStrictEqual(delays.slice(11), [500, 500, 500, 500])
  })

  it.prop(
    "is a share of that, as large as the jitter says",
    [
      Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 10_000 })),
      Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1000 }))
    ],
    ([attempt, share]) => {
      const jitter = share / 1000
      const delay = backoff(attempt, jitter)
      assert.isAtLeast(delay, 0)
      assert.isAtMost(delay, 500)
      assert.closeTo(delay, backoff(attempt, 1) * jitter, 1e-9)
      assert.isAtMost(delay, backoff(attempt + 1, jitter))
    }
  )

  it("two minutes are the limit by default", () => {
    assert.strictEqual(defaultMaxDuration, 120_000)
  })
})

describe("isConsequence", () => {
  const aborted = reply(251)

  it("is the failure of an operation in a transaction that another failure has aborted", () => {
    assert.isTrue(isConsequence(aborted, reply(11000)))
  })

  it("is not the first failure itself, or a failure of another kind", () => {
    assert.isFalse(isConsequence(aborted, aborted))
    assert.isFalse(isConsequence(aborted, undefined))
    assert.isFalse(isConsequence(undefined, aborted))
    for (const code of [11000, 112, 225, 244, 256]) assert.isFalse(isConsequence(reply(code), aborted))
  })
})

describe("nextStep", () => {
  it("runs the body again after a transient failure, in either phase", () => {
    assert.strictEqual(nextStep("body", reply(251, transient), true), "runAgain")
    assert.strictEqual(nextStep("commit", reply(251, transient), true), "runAgain")
    assert.strictEqual(nextStep("body", reply(50, transient), true), "runAgain")
  })

  it("commits again when the outcome is unknown", () => {
    assert.strictEqual(nextStep("commit", reply(91, unknown), true), "commitAgain")
    assert.strictEqual(nextStep("commit", writeConcernReply(64, unknown), true), "commitAgain")
    // That is better than the whole body, whose effects may already be in the database.
    assert.strictEqual(nextStep("commit", reply(91, transient, unknown), true), "commitAgain")
  })

  it("does not commit again after MaxTimeMSExpired, anywhere in the reply", () => {
    assert.strictEqual(nextStep("commit", reply(50, unknown), true), "fail")
    assert.strictEqual(nextStep("commit", writeConcernReply(50, unknown), true), "fail")
  })

  it("commits again after other time limits", () => {
    assert.strictEqual(reasonOf(new Driver.MongoServerError({ code: 262 }))._tag, "MaxTimeExpiredError")
    assert.strictEqual(nextStep("commit", reply(262, unknown), true), "commitAgain")
  })

  it("fails when the body itself has committed with an unknown outcome", () => {
    assert.strictEqual(nextStep("body", reply(91, unknown), true), "fail")
  })

  it("runs the body again when no server has answered, labelled or not", () => {
    const network = reasonOf(new Driver.MongoNetworkError("connection closed"))
    const selection = reasonOf(new Driver.MongoServerSelectionError("none", new Map() as never))
    assert.deepStrictEqual([network.labels, selection.labels], [[], []])
    assert.strictEqual(nextStep("body", network, true), "runAgain")
    assert.strictEqual(nextStep("body", selection, true), "runAgain")
    assert.strictEqual(nextStep("body", network, false), "fail")
    // The result of a commit is then unknown: the code that sends it adds the label.
    assert.strictEqual(nextStep("commit", network, true), "fail")
    assert.strictEqual(nextStep("body", reasonOf(new Driver.MongoInvalidArgumentError("no")), true), "fail")
  })

  it("fails without a label, whatever the code", () => {
    for (const code of [24, 91, 112, 251, 11_000]) {
      assert.strictEqual(nextStep("body", reply(code), true), "fail")
      assert.strictEqual(nextStep("commit", reply(code), true), "fail")
    }
  })

  it("fails for errors that are not MongoErrors, and when no time is left", () => {
    assert.strictEqual(nextStep("body", undefined, true), "fail")
    assert.strictEqual(nextStep("commit", undefined, true), "fail")
    assert.strictEqual(nextStep("body", reply(251, transient), false), "fail")
    assert.strictEqual(nextStep("commit", reply(91, unknown), false), "fail")
  })
})
