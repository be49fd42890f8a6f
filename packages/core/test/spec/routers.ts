/**
 * Tests of our own for several routers, in the same format: a session is pinned to one of them, and a fail point is set there.
 *
 * @since 0.1.0
 */
import { type Document, fileOf } from "./format.ts"
import { type SpecTest, testsOf } from "./suite.ts"

const onSession = (name: string, more: Document = {}): Document => ({
  object: "collection0",
  name,
  arguments: { session: "session0", ...more }
})

const start: Document = { object: "session0", name: "startTransaction" }
const commit: Document = { object: "session0", name: "commitTransaction" }
const abort: Document = { object: "session0", name: "abortTransaction" }

const insert = (_id: number): Document => onSession("insertOne", { document: { _id } })

const assertion = (name: string): Document => ({
  object: "testRunner",
  name,
  arguments: { session: "session0" }
})
const pinned = assertion("assertSessionPinned")
const unpinned = assertion("assertSessionUnpinned")

/** On the router that the session is pinned to, and on no other. */
const failThere = (mode: unknown, data: Document): Document => ({
  object: "testRunner",
  name: "targetedFailPoint",
  arguments: { session: "session0", failPoint: { configureFailPoint: "failCommand", mode, data } }
})

const started = (command: Document): Document => ({ commandStartedEvent: { command } })

const stored = (...ids: ReadonlyArray<number>): Document => ({
  outcome: [{ databaseName: "routers", collectionName: "test", documents: ids.map((_id) => ({ _id })) }]
})

/** The router has committed, and does not know whether a majority has the transaction. */
const shuttingDown: Document = { code: 91, errmsg: "shutting down", errorLabels: ["RetryableWriteError"] }

const find: Document = onSession("find", { filter: {} })
const refusedFind: Document = { ...find, expectError: { errorCode: 2 } }

const file = fileOf({
  description: "several routers",
  schemaVersion: "1.4",
  runOnRequirements: [{ topologies: ["sharded"] }],
  createEntities: [
    { client: { id: "client0", useMultipleMongoses: true, observeEvents: ["commandStartedEvent"] } },
    { database: { id: "database0", client: "client0", databaseName: "routers" } },
    { collection: { id: "collection0", database: "database0", collectionName: "test" } },
    { session: { id: "session0", client: "client0" } }
  ],
  initialData: [{ databaseName: "routers", collectionName: "test", documents: [] }],
  tests: [
    {
      description: "a transaction stays on one router, and the session is free after the next operation outside",
      operations: [
        unpinned,
        start,
        insert(1),
        pinned,
        insert(2),
        commit,
        pinned,
        insert(3),
        unpinned
      ],
      ...stored(1, 2, 3)
    },
    {
      description: "each operation of a transaction reaches the fail point of its router",
      operations: [
        start,
        insert(1),
        failThere("alwaysOn", { failCommands: ["find"], errorCode: 2 }),
        ...Array.from({ length: 8 }, () => refusedFind),
        pinned,
        commit
      ],
      ...stored(1)
    },
    {
      description: "a commit that its router cannot confirm is sent again with the recovery token, to any router",
      operations: [
        start,
        insert(1),
        failThere({ times: 1 }, { failCommands: ["commitTransaction"], writeConcernError: shuttingDown }),
        commit
      ],
      expectEvents: [{
        client: "client0",
        events: [
          started({ insert: "test" }),
          started({ commitTransaction: 1, recoveryToken: { $$exists: true }, writeConcern: { $$exists: false } }),
          started({
            commitTransaction: 1,
            recoveryToken: { $$exists: true },
            writeConcern: { w: "majority", wtimeout: 10_000 }
          })
        ]
      }],
      ...stored(1)
    },
    {
      description: "a transient error frees the session, and the abort has the recovery token",
      operations: [
        start,
        insert(1),
        failThere({ times: 1 }, { failCommands: ["insert"], closeConnection: true }),
        { ...insert(2), expectError: { errorLabelsContain: ["TransientTransactionError"] } },
        unpinned,
        abort
      ],
      expectEvents: [{
        client: "client0",
        events: [
          started({ insert: "test" }),
          started({ insert: "test" }),
          started({ abortTransaction: 1, recoveryToken: { $$exists: true } })
        ]
      }],
      ...stored()
    }
  ]
}, "routers/routers.json")

export const routerTests: ReadonlyArray<SpecTest> = testsOf(file)
