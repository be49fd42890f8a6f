import { assert, describe, it } from "@effect/vitest"
import { Integration, MongoError } from "@mongofx/core"
import type { MongoIndex, MongoValidator } from "@mongofx/schema"
import { codes, type Outcome, worst } from "@mongofx/schema/internal/cli/exit"
import { describe as describeError, describeCause } from "@mongofx/schema/internal/cli/failure"
import * as indexes from "@mongofx/schema/internal/cli/indexes"
import { extended, plain as plainJson } from "@mongofx/schema/internal/cli/json"
import { paintOf, printable, printableLines } from "@mongofx/schema/internal/cli/paint"
import { line } from "@mongofx/schema/internal/cli/progress"
import { count, table } from "@mongofx/schema/internal/cli/table"
import * as validators from "@mongofx/schema/internal/cli/validators"
import { Cause, Data } from "effect"
import { Long, ObjectId } from "mongodb"

const plain = paintOf(false)
const coloured = paintOf(true)

describe("a table", () => {
  it("has columns as wide as what a terminal shows of their widest cell", () => {
    const text = table(plain, [{ title: "name" }, { title: "n", align: "right" }, { title: "state" }], [
      ["users", "2,000", "ok"],
      // Three characters of two cells each, an emoji of two, and an accent that takes no cell of its own.
      ["お客様", "7", "🚧 half"],
      ["cafe\u0301", "10", ""],
      ["short"]
    ])
    assert.deepStrictEqual(text.split("\n"), [
      "name        n  state",
      "users   2,000  ok",
      "お客様      7  🚧 half",
      "cafe\u0301       10",
      "short"
    ])
  })

  it("is aligned in the same way with colours", () => {
    const rows = (paint: typeof plain) => [[paint.good("ok"), "1"], [paint.bad("failed"), "22"]]
    const columns = [{ title: "state" }, { title: "n", align: "right" }] as const
    const painted = table(coloured, columns, rows(coloured))
    assert.include(painted, "\x1b[32mok\x1b[39m")
    // oxlint-disable-next-line no-control-regex
    assert.strictEqual(painted.replace(/\x1b\[\d+m/g, ""), table(plain, columns, rows(plain)))
  })

  it("counts things in words", () => {
    assert.deepStrictEqual(
      [count(0, "document"), count(1, "document"), count(12_345, "document"), count(2, "index", "indexes")],
      ["0 documents", "1 document", "12,345 documents", "2 indexes"]
    )
  })
})

describe("text from a database", () => {
  it("cannot move the cursor, colour the terminal or turn the direction of text", () => {
    assert.strictEqual(printable("a\x1b[2Jb\r\n\u202ec\x07\x9b"), "a\\u001b[2Jb\\u000d\\u000a\\u202ec\\u0007\\u009b")
    assert.strictEqual(printable("Größe お客様 🚧"), "Größe お客様 🚧")
    assert.strictEqual(printableLines("a\n\tb\x1b[1m"), "a\n  b\\u001b[1m")
  })
})

describe("the JSON of a report", () => {
  it("has values of BSON as relaxed Extended JSON, and nothing for undefined", () => {
    const id = new ObjectId("000000000000000000000001")
    assert.deepStrictEqual(
      extended([{
        id,
        n: 1,
        big: Long.fromNumber(2),
        at: new Date(0),
        gone: undefined,
        in: [{ gone: undefined, no: null }]
      }]),
      [{ id: { $oid: id.toHexString() }, n: 1, big: 2, at: { $date: "1970-01-01T00:00:00Z" }, in: [{ no: null }] }]
    )
    assert.deepStrictEqual(plainJson({ at: new Date(0), gone: undefined }), { at: "1970-01-01T00:00:00.000Z" })
  })
})

describe("an exit code", () => {
  it("is one of those that the documentation lists", () => {
    assert.deepStrictEqual(codes, { ok: 0, failed: 1, pending: 2, findings: 3, unconfirmed: 4 })
  })

  it("of several parts is that of the gravest", () => {
    const cases: ReadonlyArray<readonly [ReadonlyArray<Outcome>, Outcome]> = [
      [[], "ok"],
      [["ok", "pending", "ok"], "pending"],
      [["findings", "pending"], "findings"],
      [["unconfirmed", "findings"], "unconfirmed"],
      [["pending", "failed", "findings"], "failed"]
    ]
    for (const [outcomes, expected] of cases) {
      assert.strictEqual(worst(outcomes), expected)
      assert.strictEqual(worst([...outcomes].reverse()), expected)
    }
  })
})

describe("the line of a step", () => {
  it("has a bar where the end is known", () => {
    assert.strictEqual(
      line({ label: "audit", done: 0, total: 2000 }, 80),
      `audit  ${"░".repeat(24)}    0 %  0 of 2,000`
    )
    assert.strictEqual(
      line({ label: "audit", done: 1000, total: 2000 }, 80),
      `audit  ${"█".repeat(12)}${"░".repeat(12)}   50 %  1,000 of 2,000`
    )
    // 24 cells of 8 parts: 7 of 192.
    assert.strictEqual(line({ label: "a", done: 7, total: 192 }, 80), `a  ▉${"░".repeat(23)}    3 %  7 of 192`)
    assert.strictEqual(line({ label: "a", done: 5, total: 5 }, 80), `a  ${"█".repeat(24)}  100 %  5 of 5`)
  })

  it("says 100 % only at the end, and never more", () => {
    assert.include(line({ label: "a", done: 9999, total: 10_000 }, 80), " 99 %")
    assert.include(line({ label: "a", done: 11, total: 10 }, 80), "100 %")
    assert.include(line({ label: "a", done: 0, total: 0 }, 80), "100 %")
  })

  it("counts where the end is unknown", () => {
    assert.strictEqual(line({ label: "connecting", done: 0 }, 80), "connecting …")
    assert.strictEqual(line({ label: "documents", done: 1234 }, 80), "documents  1,234")
  })

  it("stays below the width of the terminal", () => {
    assert.strictEqual(line({ label: "users", done: 1, total: 2 }, 30), "users  50 %  1 of 2")
    assert.strictEqual(line({ label: "お客様お客様", done: 0 }, 8), "お客様…")
    assert.strictEqual(line({ label: "users", done: 0 }, 0), "")
  })
})

describe("a failure", () => {
  it("of core says its reason, and what to do without a server", () => {
    const error = Integration.failure(MongoError.ConnectionError, {
      operation: "connect",
      kind: "serverSelection",
      message: "no server"
    })
    assert.deepStrictEqual(describeError(error), {
      kind: "ConnectionError",
      message: error.message,
      hint: "check that the server runs, and that the URL names it"
    })
    const refused = Integration.failure(MongoError.InvalidArgumentError, {
      operation: "find",
      message: "filter is wrong"
    })
    assert.deepStrictEqual(describeError(refused), { kind: "InvalidArgumentError", message: refused.message })
  })

  it("of a user has neither credentials nor control characters", () => {
    class Own extends Data.TaggedError("Own")<{ readonly message: string }> {}
    const error = new Own({ message: "no answer from mongodb://ada:love@host/app?password=x\x1b[2J" })
    assert.deepStrictEqual(describeError(error), {
      kind: "Own",
      message: "no answer from mongodb://<redacted>@host/app?password=<redacted>"
    })
    assert.strictEqual(describeError("a\x1b[2Jb\nc").message, "a\\u001b[2Jb\nc")
    assert.deepStrictEqual(describeError("plain"), { kind: "Error", message: "plain" })
    assert.deepStrictEqual(describeError({ _tag: "Empty" }), { kind: "Empty", message: "failed with Empty" })
    assert.deepStrictEqual(describeError(undefined), { kind: "Error", message: "failed for an unknown reason" })
  })

  it("has a stack only if it is a mistake of the program", () => {
    assert.notProperty(describeCause(Cause.fail(new Error("typed"))), "detail")
    const defect = describeCause(Cause.die(new Error("mongodb://ada:love@host")))
    assert.strictEqual(defect.kind, "Defect")
    assert.include(defect.detail, "cliText.test.ts")
    assert.notInclude(JSON.stringify(defect), "love")
  })
})

describe("a change that cannot be undone", () => {
  const key = [["at", 1]] as const
  const index = { name: "at_1", key, options: {} }
  const old = { name: "old", key, options: {} }
  const expiring = { ...index, options: { expireAfterSeconds: 60 } }
  const planned = (...steps: ReadonlyArray<MongoIndex.Step>) => ({ collection: "app.logs", steps })

  it("of indexes is a drop, or that the server deletes documents", () => {
    const cases: ReadonlyArray<readonly [step: MongoIndex.Step, allowDrop: boolean, said: string | undefined]> = [
      [{ kind: "equal", index, building: false }, true, undefined],
      [{ kind: "create", index }, true, undefined],
      [{ kind: "create", index: expiring }, false, "app.logs: the server deletes documents 60 seconds after their at"],
      [
        { kind: "collMod", index, changes: { expireAfterSeconds: 5 } },
        false,
        "app.logs: the server deletes documents 5 seconds after their at"
      ],
      [{ kind: "collMod", index, changes: { hidden: true } }, false, undefined],
      [
        { kind: "replace", index, replaced: old, differs: ["sparse"], dropsFirst: false },
        false,
        "app.logs: old is dropped, and at_1 takes its place"
      ],
      // What is not allowed does not happen.
      [{ kind: "rename", index, replaced: old }, false, undefined],
      [{ kind: "rename", index, replaced: old }, true, "app.logs: old is dropped, and built again as at_1"],
      [{ kind: "extra", index }, false, undefined],
      [{ kind: "extra", index }, true, "app.logs: at_1 is dropped"]
    ]
    for (const [step, allowDrop, said] of cases) {
      assert.deepStrictEqual(indexes.consequencesOf(planned(step), { allowDrop }), said === undefined ? [] : [said])
    }
    // A declaration may change the name and the expiry at once.
    const renamed = planned({ kind: "rename", index: expiring, replaced: old })
    assert.deepStrictEqual(indexes.consequencesOf(renamed, { allowDrop: true }), [
      "app.logs: old is dropped, and built again as at_1",
      "app.logs: the server deletes documents 60 seconds after their at"
    ])
  })

  it("of validators is that another one is replaced, or that documents can no longer be updated", () => {
    const state = { validator: {}, level: "strict", action: "error" } as const
    const plan = { kind: "collMod", collection: "app.logs", why: undefined, lost: [] } as const
    const none = { ...state, validator: undefined }
    const said = (changes: Pick<MongoValidator.Plan, "after" | "before" | "failing">) =>
      validators.consequencesOf({ ...plan, ...changes })
    const refuses = "app.logs: the server will refuse updates of 3 documents"
    assert.deepStrictEqual(said({ before: none, after: state, failing: 3 }), [refuses])
    assert.deepStrictEqual(said({ before: none, after: { ...state, level: "moderate" }, failing: 3 }), [])
    assert.deepStrictEqual(said({ before: none, after: { ...state, action: "warn" }, failing: 3 }), [])
    assert.deepStrictEqual(said({ before: undefined, after: state, failing: 0 }), [])
    // The option `count` may be false, and then nobody knows.
    const may = "app.logs: the server may refuse updates of documents: those that do not fit are not counted"
    assert.deepStrictEqual(said({ before: none, after: state, failing: undefined }), [may])
    assert.deepStrictEqual(said({ before: none, after: { ...state, level: "off" }, failing: undefined }), [])
    // A view stays as it is, and is not pending for ever.
    const view = { ...plan, kind: "impossible", before: undefined, after: state, failing: undefined } as const
    assert.strictEqual(validators.outcomeOfPlan(view), "ok")
    assert.strictEqual(validators.outcomeOfPlan({ ...view, kind: "create" }), "pending")
    assert.deepStrictEqual(said({ before: state, after: state, failing: 3 }), [
      refuses,
      "app.logs: the validator that it has is replaced"
    ])
  })

  it("leaves an outcome: pending is done by apply, findings are for a person", () => {
    const allowed = { allowDrop: true }
    const kept = { allowDrop: false }
    const outcome = indexes.outcomeOfPlan
    assert.strictEqual(outcome(planned({ kind: "equal", index, building: false }), kept), "ok")
    assert.strictEqual(outcome(planned({ kind: "equal", index, building: true }), kept), "pending")
    assert.strictEqual(outcome(planned({ kind: "create", index }), kept), "pending")
    // Nothing is declared.
    assert.strictEqual(outcome(planned({ kind: "extra", index: old }), kept), "ok")
    assert.strictEqual(outcome(planned({ kind: "extra", index: old }), allowed), "pending")
    assert.strictEqual(outcome(planned({ kind: "create", index }, { kind: "extra", index: old }), kept), "findings")
    assert.strictEqual(outcome(planned({ kind: "create", index }, { kind: "extra", index: old }), allowed), "pending")
  })
})
