/**
 * What a run of a query decides, without a server.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import {
  after,
  afterEmpty,
  afterRead,
  beforeRead,
  isSpoilt,
  mayKill,
  type Session,
  type State,
  staysOnServer
} from "@mongofx/core/internal/query/cursorSteps"

const states: ReadonlyArray<State> = ["Idle", "Opening", "Open", "Ended", "Closing", "Closed"]
const events = ["open", "reply", "end", "reopen", "close", "closed"] as const
const sessions: ReadonlyArray<Session> = ["own", "transaction", "session"]

const run = (...given: ReadonlyArray<(typeof events)[number]>): State => given.reduce<State>(after, "Idle")

describe("the states of a cursor", () => {
  it("follow each other from the first command to the last", () => {
    assert.strictEqual(run("open"), "Opening")
    assert.strictEqual(run("open", "reply"), "Open")
    assert.strictEqual(run("open", "reply", "reply"), "Open")
    assert.strictEqual(run("open", "reply", "end"), "Ended")
    assert.strictEqual(run("open", "reply", "end", "close", "closed"), "Closed")
  })

  it("lead to the closed state from each of them, and never back", () => {
    for (const state of states) {
      const closed = after(after(state, "close"), "closed")
      assert.strictEqual(closed, "Closed")
      for (const event of events) {
        assert.include(["Closing", "Closed"], after("Closing", event))
        assert.strictEqual(after(closed, event), "Closed")
      }
    }
  })

  it("begin again only after the server has ended a cursor", () => {
    for (const state of states) {
      assert.strictEqual(after(state, "reopen") === "Idle" && state !== "Idle", state === "Ended", state)
    }
    assert.strictEqual(run("open", "reply", "end", "reopen", "open"), "Opening")
  })

  it("have the first reply before the end", () => {
    assert.strictEqual(run("open", "end"), "Opening")
    assert.strictEqual(run("reply"), "Idle")
  })
})

describe("a read", () => {
  it("fails again after a failure, in any state", () => {
    for (const state of states) {
      for (const isAtEnd of [true, false]) assert.strictEqual(beforeRead(state, true, isAtEnd), "fail")
    }
  })

  it("ends when the server has ended, also while the cursor closes", () => {
    for (const state of states) assert.strictEqual(beforeRead(state, false, true), "end")
  })

  it("is refused once the cursor closes", () => {
    for (const state of states) {
      const isLate = state === "Closing" || state === "Closed"
      assert.strictEqual(beforeRead(state, false, false), isLate ? "refuse" : "read")
    }
  })

  it("ends only when the server ends: a cursor that closes otherwise is cut off", () => {
    assert.strictEqual(afterRead(3, true, true), "documents")
    assert.strictEqual(afterRead(0, true, true), "end")
    assert.strictEqual(afterRead(0, false, true), "cutOff")
    assert.strictEqual(afterRead(0, false, false), "wait")
  })
})

describe("an empty batch", () => {
  const [awaits, asks] = [{ awaitData: true }, { awaitData: false }]

  it("is the end of a query that is not tailable", () => {
    for (const isAtEnd of [true, false]) assert.strictEqual(afterEmpty(undefined, isAtEnd, false), "done")
  })

  it("makes a tailable query wait: at the server, or here", () => {
    assert.strictEqual(afterEmpty(awaits, false, true), "read")
    assert.strictEqual(afterEmpty(asks, false, true), "pause")
  })

  it("ends a tailable query whose cursor is lost, and reopens one that never had a document", () => {
    for (const tailable of [awaits, asks]) {
      assert.strictEqual(afterEmpty(tailable, true, true), "done")
      assert.strictEqual(afterEmpty(tailable, true, false), "reopen")
    }
  })
})

describe("what is killed", () => {
  it("is the run's own session, or one that is lost anyway", () => {
    assert.deepStrictEqual(sessions.map((session) => mayKill(session, false)), [true, true, false])
    assert.deepStrictEqual(sessions.map((session) => mayKill(session, true)), [true, true, true])
  })

  it("stays on a server that is gone, unless the session must be idle", () => {
    assert.deepStrictEqual(sessions.map((session) => staysOnServer(session, true)), [true, true, false])
    assert.deepStrictEqual(sessions.map((session) => staysOnServer(session, false)), [false, false, false])
  })

  it("is more than the cursor after a broken connection, and when a client closes after the query has failed", () => {
    const spoilt = (session: Session) =>
      [false, true].flatMap((hasBroken) =>
        [false, true].flatMap((isClosed) =>
          [false, true].map((hasFailed) => isSpoilt(session, hasBroken, isClosed, hasFailed))
        )
      )
    assert.deepStrictEqual(spoilt("own"), [false, false, false, false, true, true, true, true])
    for (const session of ["transaction", "session"] as const) {
      assert.deepStrictEqual(spoilt(session), [false, false, false, true, false, false, false, true])
    }
  })
})
