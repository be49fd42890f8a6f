/**
 * The operations of the object `testRunner`: what belongs to the test and not to what is tested.
 *
 * @since 0.1.0
 */
import type { MongoError } from "@mongofx/core"
import { Cause, Effect, Exit, Fiber } from "effect"
import * as Driver from "mongodb"
import { Args } from "./args.ts"
import { type ClientEntity, type Entities, eventTypes, type RecordedEvent, until } from "./entities.ts"
import { entriesOf, type Server } from "./environment.ts"
import {
  array,
  AssertionFailed,
  type Document,
  document,
  integer,
  isDocument,
  MalformedTest,
  onlyKeys,
  type Operation,
  string,
  Undrivable
} from "./format.ts"
import { match } from "./match.ts"
import type { Run } from "./operations.ts"

export interface RunnerContext {
  readonly entities: Entities
  /** The runner's own client. */
  readonly admin: Driver.MongoClient
  readonly servers: ReadonlyArray<Server>
  /** Turns fail points off when the test has ended. */
  readonly failPoints: Array<() => Promise<unknown>>
  /** Runs one operation of the test. */
  readonly runOperation: (operation: Document) => Effect.Effect<void, MongoError.MongoError>
}

const waitTimeout = 10_000

const failed = (message: string): never => {
  throw new AssertionFailed(message)
}

const check = (condition: boolean, message: string): void => {
  if (!condition) failed(message)
}

/** Whether an event is the expected one. */
const isEvent = (expected: Document, actual: RecordedEvent, entities: Entities): boolean => {
  const [name, fields] = expectedEvent(expected)
  if (actual.name !== name) return false
  try {
    matchEvent(name, fields, actual, entities, name)
    return true
  } catch (cause) {
    if (cause instanceof AssertionFailed) return false
    throw cause
  }
}

export const expectedEvent = (expected: Document): readonly [name: string, fields: Document] => {
  const [name, ...others] = Object.keys(expected)
  const type = name === undefined ? undefined : eventTypes[name]
  if (name === undefined || type === undefined || others.length > 0) {
    throw new MalformedTest(`${Object.keys(expected).join(", ")} is not an event`)
  }
  const fields = document(expected[name], name)
  onlyKeys(fields, type.keys, name)
  return [name, fields]
}

/**
 * Known differences of the driver that code above it cannot change: it gives the end of every transaction with a write
 * concern a `wtimeout` of ten seconds, and looks for files of GridFS by `{ _id: { $eq: id } }`.
 */
const tolerated = (expected: unknown, { fields }: RecordedEvent): unknown => {
  const command = fields["command"]
  if (!isDocument(expected) || !isDocument(command)) return command
  const { filter, find, writeConcern } = command
  if (/^(commit|abort)Transaction$/.test(String(fields["commandName"])) && isDocument(writeConcern)) {
    const { wtimeout, ...others } = writeConcern
    const wanted = expected["writeConcern"]
    if (Number(wtimeout) === 10_000 && isDocument(wanted) && !("wtimeout" in wanted)) {
      return { ...command, writeConcern: others }
    }
  }
  if (typeof find === "string" && find.endsWith(".files") && isDocument(filter) && isEq(filter["_id"])) {
    const wanted = expected["filter"]
    if (isDocument(wanted) && !isEq(wanted["_id"])) {
      return { ...command, filter: { ...filter, _id: filter["_id"]["$eq"] } }
    }
  }
  return command
}

const isEq = (value: unknown): value is Document => isDocument(value) && Object.keys(value).join() === "$eq"

/** The command and the reply are root documents, the event itself is not. */
export const matchEvent = (
  name: string,
  expected: Document,
  actual: RecordedEvent,
  entities: Entities,
  where: string
): void => {
  if (actual.name !== name) {
    failed(`${where}: expected ${name}, got ${actual.name} ${JSON.stringify(actual.fields["commandName"] ?? "")}`)
  }
  const context = { entity: (name: string) => entities.value(name), sessionLsid: (name: string) => entities.lsid(name) }
  for (const [key, value] of Object.entries(expected)) {
    match(value, key === "command" ? tolerated(value, actual) : actual.fields[key], context, {
      root: key === "command" || key === "reply" || key === "previousDescription" || key === "newDescription",
      where: `${where}.${key}`
    })
  }
}

const lastTwoLsids = (client: ClientEntity): readonly [unknown, unknown] => {
  check(client.lsids.length >= 2, `the client has sent ${client.lsids.length} commands with an lsid`)
  return [client.lsids.at(-2), client.lsids.at(-1)]
}

const sameLsid = ([a, b]: readonly [unknown, unknown]): boolean =>
  Driver.BSON.EJSON.stringify(a as Document) === Driver.BSON.EJSON.stringify(b as Document)

const transactionStates: Readonly<Record<string, string>> = {
  none: "NO_TRANSACTION",
  starting: "STARTING_TRANSACTION",
  in_progress: "TRANSACTION_IN_PROGRESS",
  committed: "TRANSACTION_COMMITTED",
  aborted: "TRANSACTION_ABORTED"
}

/** Whatever client has set it: it is turned off on each server that clients talk to, since another one may be primary by then. */
const configureFailPoint = (
  driver: Driver.MongoClient,
  failPoint: Document,
  { failPoints, servers }: RunnerContext
): Promise<unknown> => {
  const { configureFailPoint: name, ...settings } = failPoint
  failPoints.push(() =>
    Promise.all(
      entriesOf(servers).map(({ client }) => client.db("admin").command({ configureFailPoint: name, mode: "off" }))
    )
  )
  return driver.db("admin").command({ configureFailPoint: name, ...settings }, {
    readPreference: Driver.ReadPreference.primary
  })
}

const indexExists = async (admin: Driver.MongoClient, args: Args): Promise<boolean> => {
  const collection = admin.db(string(args.required("databaseName"), "databaseName"))
    .collection(string(args.required("collectionName"), "collectionName"))
  const name = string(args.required("indexName"), "indexName")
  args.done()
  const indexes = await collection.indexes().catch((cause: Driver.MongoServerError) => {
    if (cause.code === 26) return []
    throw cause
  })
  return indexes.some((index) => index.name === name)
}

const collectionExists = async (admin: Driver.MongoClient, args: Args): Promise<boolean> => {
  const database = admin.db(string(args.required("databaseName"), "databaseName"))
  const name = string(args.required("collectionName"), "collectionName")
  args.done()
  return (await database.listCollections({ name }, { nameOnly: true }).toArray()).length > 0
}

const countOf = (args: Args, entities: Entities): readonly [() => number, number, Document] => {
  const client = entities.of("client", args.required("client"))
  const event = document(args.required("event"), "event")
  const count = integer(args.required("count"), "count")
  args.done()
  expectedEvent(event)
  return [() => client.events.filter((actual) => isEvent(event, actual, entities)).length, count, event]
}

const topologyOf = (driver: Driver.MongoClient): { readonly type: string; readonly primary: string | undefined } => {
  const { description } =
    (driver as unknown as { readonly topology: { readonly description: Driver.TopologyDescription } })
      .topology
  const primary = [...description.servers.values()].find(({ type }) => type === "RSPrimary")
  return { type: description.type, primary: primary?.address }
}

type Handler = (args: Args, context: RunnerContext) => Run

const handlers: Record<string, Handler> = {
  assertCollectionExists: (args, { admin }) =>
    Effect.promise(async () => check(await collectionExists(admin, args), "the collection does not exist")),
  assertCollectionNotExists: (args, { admin }) =>
    Effect.promise(async () => check(!await collectionExists(admin, args), "the collection exists")),
  assertDifferentLsidOnLastTwoCommands: (args, { entities }) => {
    const client = entities.of("client", args.required("client"))
    return Effect.sync(() => check(!sameLsid(lastTwoLsids(client)), "the last two commands have the same lsid"))
  },
  assertEventCount: (args, { entities }) => {
    const [count, expected, event] = countOf(args, entities)
    return Effect.sync(() => {
      if (count() !== expected) failed(`expected ${expected} of ${JSON.stringify(event)}, got ${count()}`)
    })
  },
  assertIndexExists: (args, { admin }) =>
    Effect.promise(async () => check(await indexExists(admin, args), "the index does not exist")),
  assertIndexNotExists: (args, { admin }) =>
    Effect.promise(async () => check(!await indexExists(admin, args), "the index exists")),
  assertNumberConnectionsCheckedOut: (args, { entities }) => {
    const { connections } = entities.of("client", args.required("client"))
    const expected = integer(args.required("connections"), "connections")
    return Effect.sync(() =>
      check(
        connections.checkedOut === expected,
        `${connections.checkedOut} connections are checked out, not ${expected}`
      )
    )
  },
  assertSameLsidOnLastTwoCommands: (args, { entities }) => {
    const client = entities.of("client", args.required("client"))
    return Effect.sync(() => check(sameLsid(lastTwoLsids(client)), "the last two commands have different lsids"))
  },
  assertSessionDirty: (args, { entities }) => dirty(args, entities, true),
  assertSessionNotDirty: (args, { entities }) => dirty(args, entities, false),
  assertSessionPinned: (args, { entities }) => pinned(args, entities, true),
  assertSessionTransactionState: (args, { entities }) => {
    const { driver } = entities.of("session", args.required("session"))
    const name = string(args.required("state"), "state")
    const expected = transactionStates[name]
    if (expected === undefined) throw new MalformedTest(`${name} is not a state of a transaction`)
    return Effect.sync(() => {
      const { state } = (driver as unknown as { readonly transaction: { readonly state: string } }).transaction
      check(state === expected, `the transaction is ${state}, not ${expected}`)
    })
  },
  assertSessionUnpinned: (args, { entities }) => pinned(args, entities, false),
  assertTopologyType: (args, { entities }) => {
    const topology = entities.of("topologyDescription", args.required("topologyDescription"))
    const expected = string(args.required("topologyType"), "topologyType")
    return Effect.sync(() => check(topology.type === expected, `the topology is ${topology.type}, not ${expected}`))
  },
  createEntities: (args, { entities }) => {
    const definitions = array(args.required("entities"), "entities")
    return entities.create(definitions)
  },
  failPoint: (args, context) => {
    const { driver } = context.entities.of("client", args.required("client"))
    const failPoint = document(args.required("failPoint"), "failPoint")
    return Effect.promise(() => configureFailPoint(driver, failPoint, context))
  },
  loop: () => {
    throw new Undrivable("loop is for programs that run without an end")
  },
  recordTopologyDescription: (args, { entities }) => {
    const { driver } = entities.of("client", args.required("client"))
    const id = string(args.required("id"), "id")
    return Effect.sync(() => entities.add(id, { kind: "topologyDescription", ...topologyOf(driver) }))
  },
  runOnThread: (args, { entities, runOperation }) => {
    const thread = entities.of("thread", args.required("thread"))
    const operation = document(args.required("operation"), "operation")
    return Effect.gen(function*() {
      const before = thread.last
      const scope = entities.scope
      thread.last = yield* Effect.forkIn(
        Effect.gen(function*() {
          if (before !== undefined) yield* Fiber.await(before)
          const exit = yield* Effect.exit(runOperation(operation))
          if (Exit.isFailure(exit)) thread.failure ??= Cause.squash(exit.cause)
        }),
        scope
      )
    })
  },
  targetedFailPoint: (args, context) => {
    const { driver } = context.entities.of("session", args.required("session"))
    const failPoint = document(args.required("failPoint"), "failPoint")
    return Effect.promise(async () => {
      const { transaction } = driver as unknown as {
        readonly transaction: { readonly server?: { readonly description: Driver.ServerDescription } }
      }
      const address = transaction.server?.description.address
      if (address === undefined) return failed("the session is not pinned to a server")
      const server = context.servers.find(({ host }) => host === address)
      if (server === undefined) return failed(`the session is pinned to ${address}, which is not a server of the run`)
      return configureFailPoint(server.client, failPoint, context)
    })
  },
  wait: (args) => Effect.sleep(integer(args.required("ms"), "ms")),
  waitForEvent: (args, { entities }) => {
    const [count, least, event] = countOf(args, entities)
    return until(waitTimeout, () => count() >= least).pipe(
      Effect.catch(() =>
        Effect.sync(() => failed(`waited in vain for ${least} of ${JSON.stringify(event)}, got ${count()}`))
      )
    )
  },
  waitForPrimaryChange: (args, { entities }) => {
    const { driver } = entities.of("client", args.required("client"))
    const before = entities.of("topologyDescription", args.required("priorTopologyDescription"))
    const timeout = integer(args.get("timeoutMS") ?? waitTimeout, "timeoutMS")
    return until(timeout, () => {
      const { primary } = topologyOf(driver)
      return primary !== undefined && primary !== before.primary
    }).pipe(Effect.catch(() => Effect.sync(() => failed("no other primary appeared"))))
  },
  waitForThread: (args, { entities }) => {
    const thread = entities.of("thread", args.required("thread"))
    return Effect.gen(function*() {
      if (thread.last !== undefined) {
        yield* Fiber.await(thread.last).pipe(
          Effect.timeout(waitTimeout),
          Effect.catch(() => Effect.sync(() => failed("the thread does not end")))
        )
      }
      if (thread.failure !== undefined) yield* Effect.die(thread.failure)
    })
  }
}

const dirty = (args: Args, entities: Entities, expected: boolean): Run => {
  const { driver } = entities.of("session", args.required("session"))
  return Effect.sync(() => {
    const { serverSession } = driver as unknown as { readonly serverSession: { readonly isDirty: boolean } }
    check(serverSession.isDirty === expected, expected ? "the session is not dirty" : "the session is dirty")
  })
}

const pinned = (args: Args, entities: Entities, expected: boolean): Run => {
  const { driver } = entities.of("session", args.required("session"))
  return Effect.sync(() => {
    const { isPinned } = driver as unknown as { readonly isPinned: boolean }
    check(isPinned === expected, expected ? "the session is not pinned" : "the session is pinned")
  })
}

/** An operation of the object `testRunner`. What fails in it fails the test. */
export const runnerOperation = (operation: Operation, context: RunnerContext): Run => {
  const handler = Object.hasOwn(handlers, operation.name) ? handlers[operation.name] : undefined
  if (handler === undefined) throw new MalformedTest(`testRunner has no operation ${operation.name}`)
  if (operation.expectError !== undefined || operation.expectResult !== undefined || operation.ignoreResultAndError) {
    throw new MalformedTest(`${operation.name} of testRunner has no result to expect`)
  }
  const args = new Args(operation.arguments, operation.name)
  const effect = handler(args, context)
  // Those that read theirs later check for themselves.
  if (!/^assert(Collection|Index)/.test(operation.name)) args.done()
  return effect
}
