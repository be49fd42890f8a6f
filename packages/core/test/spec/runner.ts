/**
 * Runs tests of the unified test format through the public API of mongofx.
 *
 * @since 0.1.0
 */
import { MongoError } from "@mongofx/core"
import { Cause, Effect, Exit, Result, Scope } from "effect"
import * as Driver from "mongodb"
import type { Api } from "./drive.ts"
import { type ClientEntity, Entities, type RecordedEvent } from "./entities.ts"
import { type Environment, isRouter, killAllSessions, type Left, leftOf } from "./environment.ts"
import { checkError } from "./errors.ts"
import {
  AssertionFailed,
  checkSchemaVersion,
  type CollectionData,
  type Document,
  document,
  documents,
  MalformedTest,
  onlyKeys,
  type Operation,
  operationOf,
  Skipped,
  string,
  type Test,
  type TestFile,
  Undrivable
} from "./format.ts"
import { match, type MatchContext } from "./match.ts"
import { isIterable, prepare, saved } from "./operations.ts"
import { expectedEvent, matchEvent, runnerOperation } from "./testRunner.ts"

type Outcome =
  | { readonly status: "passed" }
  | { readonly status: "failed" | "skipped" | "undrivable"; readonly reason: string }

const compareVersions = (a: string, b: string): number => {
  const [left, right] = [a, b].map((version) => version.split(/[.-]/).slice(0, 3).map(Number)) as [
    Array<number>,
    Array<number>
  ]
  for (let i = 0; i < 3; i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

const requirementKeys = [
  "minServerVersion",
  "maxServerVersion",
  "topologies",
  "serverParameters",
  "serverless",
  "auth",
  "authMechanism",
  "csfle"
]

/** Why a requirement is not met, or nothing. */
const unmet = (requirement: Document, environment: Environment): string | undefined => {
  onlyKeys(requirement, requirementKeys, "runOnRequirements")
  const { topology, version } = environment
  const { auth, authMechanism, csfle, maxServerVersion, minServerVersion, serverParameters, serverless, topologies } =
    requirement
  if (minServerVersion !== undefined && compareVersions(version, string(minServerVersion, "minServerVersion")) < 0) {
    return `needs a server of version ${String(minServerVersion)} or later`
  }
  if (maxServerVersion !== undefined && compareVersions(version, string(maxServerVersion, "maxServerVersion")) > 0) {
    return `needs a server of version ${String(maxServerVersion)} or earlier`
  }
  if (Array.isArray(topologies) && !topologies.includes(topology)) {
    return `needs the topology ${topologies.join(" or ")}`
  }
  if (serverless === "require") return "needs a serverless deployment"
  if (auth !== undefined && auth !== environment.auth) {
    return auth === true
      ? "needs a server with users"
      : "needs no users"
  }
  if (authMechanism !== undefined) return `needs the authentication mechanism ${String(authMechanism)}`
  if (csfle !== undefined && csfle !== false) return "needs client-side encryption"
  for (const [name, value] of Object.entries(document(serverParameters ?? {}, "serverParameters"))) {
    if (!(name in environment.parameters)) return `needs the server parameter ${name}`
    try {
      match(value, environment.parameters[name], noContext, { root: false, where: name })
    } catch {
      return `needs another value of the server parameter ${name}`
    }
  }
  return undefined
}

const noContext: MatchContext = {
  entity: () => undefined,
  sessionLsid: () => ({})
}

const checkRequirements = (requirements: ReadonlyArray<Document> | undefined, environment: Environment): void => {
  if (requirements === undefined) return
  const reasons = requirements.map((requirement) => unmet(requirement, environment))
  if (reasons.length > 0 && !reasons.includes(undefined)) throw new Skipped([...new Set(reasons)].join("; "))
}

const majority = { writeConcern: new Driver.WriteConcern("majority") }

const fill = async (admin: Driver.MongoClient, data: ReadonlyArray<CollectionData>): Promise<void> => {
  for (const { collectionName, createOptions, databaseName, documents } of data) {
    const database = admin.db(databaseName)
    await database.dropCollection(collectionName, majority)
    if (documents.length === 0 || createOptions !== undefined) {
      await database.createCollection(collectionName, { ...createOptions, ...majority })
    }
    if (documents.length > 0) await database.collection(collectionName).insertMany([...documents], majority)
  }
}

const checkOutcome = async (
  admin: Driver.MongoClient,
  outcome: ReadonlyArray<CollectionData>,
  context: MatchContext
): Promise<void> => {
  for (const { collectionName, databaseName, documents } of outcome) {
    const collection = admin.db(databaseName, {
      readConcern: new Driver.ReadConcern("local"),
      readPreference: Driver.ReadPreference.primary
    }).collection(collectionName)
    const actual = await collection.find({}, { promoteValues: false }).sort({ _id: 1 }).toArray()
    match(documents, actual, context, { root: false, where: `outcome of ${databaseName}.${collectionName}` })
  }
}

const checkEvents = (expectations: ReadonlyArray<Document>, entities: Entities): void => {
  for (const expectation of expectations) {
    onlyKeys(expectation, ["client", "eventType", "events", "ignoreExtraEvents"], "expectEvents")
    const client = entities.of("client", expectation["client"])
    const kind = expectation["eventType"] ?? "command"
    if (kind !== "command" && kind !== "cmap" && kind !== "sdam") {
      throw new MalformedTest(`eventType is ${String(kind)}`)
    }
    const expected = documents(expectation["events"], "events").map(expectedEvent)
    const actual = client.events.filter((event) => event.kind === kind)
    const where = `events of ${String(expectation["client"])}`
    for (const [index, [name, fields]] of expected.entries()) {
      const event = actual[index]
      if (event === undefined) {
        throw new AssertionFailed(`${where}: ${index} and not ${expected.length}: ${listed(actual)}`)
      }
      matchEvent(name, fields, event, entities, `${where}[${index}]`)
    }
    if (expectation["ignoreExtraEvents"] !== true && actual.length > expected.length) {
      throw new AssertionFailed(`${where}: ${actual.length} and not ${expected.length}: ${listed(actual)}`)
    }
  }
}

const listed = (events: ReadonlyArray<RecordedEvent>): string =>
  events.map(({ fields, name }) => `${name} ${String(fields["commandName"] ?? "")}`.trim()).join(", ")

const logComponents: Readonly<Record<string, string>> = {
  command: "command",
  topology: "topology",
  serverSelection: "serverSelection",
  connection: "connection"
}

/** The driver's log entry as the format has it. */
const logMessage = (
  log: Document
): { readonly level: unknown; readonly component: unknown; readonly data: Document } => {
  const { c, s, t: _t, ...data } = log
  return { level: s, component: c, data }
}

const checkLogs = (expectations: ReadonlyArray<Document>, entities: Entities, context: MatchContext): void => {
  for (const expectation of expectations) {
    onlyKeys(expectation, ["client", "messages", "ignoreMessages", "ignoreExtraMessages"], "expectLogMessages")
    const client: ClientEntity = entities.of("client", expectation["client"])
    if (!client.observesLogs) throw new MalformedTest("expectLogMessages of a client that observes none")
    const expected = documents(expectation["messages"], "messages")
    const ignored = documents(expectation["ignoreMessages"] ?? [], "ignoreMessages")
    const where = `log of ${String(expectation["client"])}`
    const matchLog = (message: Document, log: Document, place: string): void => {
      onlyKeys(message, ["level", "component", "data", "failureIsRedacted"], "log message")
      const actual = logMessage(log)
      if (logComponents[String(message["component"] ?? "command")] === undefined) {
        throw new MalformedTest(`${String(message["component"])} is not a component of the log`)
      }
      for (const key of ["level", "component"] as const) {
        if (key in message) match(message[key], actual[key], context, { root: false, where: `${place}.${key}` })
      }
      match(message["data"], actual.data, context, { root: true, where: `${place}.data` })
      if (message["failureIsRedacted"] !== undefined) {
        const { failure } = actual.data
        if (failure === undefined) throw new AssertionFailed(`${place}: the message has no failure`)
        if ((failure === "(redacted)") !== message["failureIsRedacted"]) {
          throw new AssertionFailed(`${place}: the failure is ${String(failure)}`)
        }
      }
    }
    const isIgnored = (log: Document): boolean =>
      ignored.some((message) => {
        try {
          matchLog(message, log, where)
          return true
        } catch (cause) {
          if (cause instanceof AssertionFailed) return false
          throw cause
        }
      })
    const actual = client.logs.filter((log) => !isIgnored(log))
    for (const [index, message] of expected.entries()) {
      const log = actual[index]
      if (log === undefined) throw new AssertionFailed(`${where}: ${actual.length} messages, not ${expected.length}`)
      matchLog(message, log, `${where}[${index}]`)
    }
    if (expectation["ignoreExtraMessages"] !== true && actual.length > expected.length) {
      throw new AssertionFailed(`${where}: ${actual.length} messages, not ${expected.length}`)
    }
  }
}

/** How long a test may take. */
const testTimeout = 60_000

/**
 * Each router learns where the collections are, as the format asks for: the first `distinct` of a transaction fails on a router that does not
 * know it.
 */
const informRouters = async (
  { servers }: Environment,
  data: ReadonlyArray<CollectionData>,
  test: Test
): Promise<void> => {
  if (!test.operations.some(({ name }) => name === "distinct")) return
  for (const { client } of servers.filter(isRouter)) {
    for (const { collectionName, databaseName } of data) {
      await client.db(databaseName).collection(collectionName).distinct("_id")
    }
  }
}

const runTest = (
  file: TestFile,
  test: Test,
  environment: Environment,
  api: Api
): Effect.Effect<void, MongoError.MongoError> =>
  Effect.gen(function*() {
    checkSchemaVersion(file.schemaVersion)
    if (test.skipReason !== undefined) throw new Skipped(test.skipReason)
    checkRequirements(file.runOnRequirements, environment)
    checkRequirements(test.runOnRequirements, environment)

    const { admin, servers } = environment
    const failPoints: Array<() => Promise<unknown>> = []
    const scope = yield* Scope.make()
    const entities = new Entities(environment, api, scope)
    const context: MatchContext = {
      entity: (name) => entities.value(name),
      sessionLsid: (name) => entities.lsid(name)
    }

    const runOperation = (raw: Document, where: string): Effect.Effect<Result.Result<unknown, MongoError.MongoError>> =>
      Effect.suspend(() => {
        const operation = operationOf(raw, where)
        if (operation.object === "testRunner") {
          const effect = runnerOperation(operation, {
            entities,
            admin,
            servers,
            failPoints,
            runOperation: (raw) => Effect.asVoid(runOperation(raw, `${where}.operation`))
          })
          return Effect.map(Effect.orDie(effect), (value) => Result.succeed(value))
        }
        const runCallback = (operations: ReadonlyArray<unknown>): Effect.Effect<void, MongoError.MongoError> =>
          Effect.forEach(
            documents(operations, `${where}.callback`),
            (raw, index) =>
              Effect.flatMap(
                runOperation(raw, `${where}.callback[${index}]`),
                (result) => Result.isFailure(result) ? Effect.fail(result.failure) : Effect.void
              ),
            { discard: true }
          )
        const effect = prepare(operation, { entities, runCallback })
        return Effect.map(Effect.result(effect), (result) => {
          check(operation, result, where)
          return result
        })
      })

    const check = (
      operation: Operation,
      result: Result.Result<unknown, MongoError.MongoError>,
      where: string
    ): void => {
      const place = `${where} ${operation.name}`
      if (operation.ignoreResultAndError) return
      if (operation.expectError !== undefined) {
        if (Result.isSuccess(result)) throw new AssertionFailed(`${place}: succeeded and should fail`)
        return checkError(operation.expectError, api.failureOf(result.failure), context)
      }
      if (Result.isFailure(result)) {
        throw new AssertionFailed(`${place}: ${api.failureOf(result.failure).shown}`)
      }
      if (operation.expectResult !== undefined) matchResult(operation, result.success, place)
      if (operation.saveResultAsEntity !== undefined) {
        entities.add(operation.saveResultAsEntity, saved(operation, result.success, entities))
      }
    }

    const matchResult = (operation: Operation, actual: unknown, where: string): void => {
      const expected = operation.expectResult!.value
      if (!isIterable(operation) || !Array.isArray(expected)) {
        return match(expected, actual, context, { root: true, where })
      }
      if (!Array.isArray(actual)) throw new AssertionFailed(`${where}: the result is not an array`)
      if (actual.length !== expected.length) {
        throw new AssertionFailed(`${where}: expected ${expected.length} documents, got ${actual.length}`)
      }
      for (const [index, element] of expected.entries()) {
        match(element, actual[index], context, { root: true, where: `${where}[${index}]` })
      }
    }

    const turnOff = Effect.promise(() => Promise.all(failPoints.splice(0).map((off) => off())))
    const body = Effect.gen(function*() {
      yield* Effect.promise(() => fill(admin, file.initialData))
      yield* Effect.promise(() => informRouters(environment, file.initialData, test))
      yield* entities.create(file.createEntities)
      for (const [index, operation] of test.operations.entries()) {
        yield* runOperation(operation, `operations[${index}]`)
      }
      for (const client of entities.kinds("client")) client.observing = false
      const events = new Map(entities.kinds("client").map((client) => [client, client.events.length]))
      yield* turnOff
      for (const [client, length] of events) client.events.length = length
      checkEvents(test.expectEvents, entities)
      checkLogs(test.expectLogMessages, entities, context)
      yield* Effect.promise(() => checkOutcome(admin, test.outcome, context))
    })
    const cleanUp = Effect.gen(function*() {
      yield* turnOff
      // Cursors and sessions before their clients.
      for (const { scope } of [...entities.kinds("cursor"), ...entities.kinds("session")]) {
        yield* Scope.close(scope, Exit.void)
      }
      yield* Scope.close(scope, Exit.void)
    })
    const bounded = Effect.timeoutOrElse(body, {
      duration: testTimeout,
      orElse: () => Effect.die(new AssertionFailed(`does not end within ${testTimeout / 1000} seconds`))
    })
    return yield* Effect.onExit(bounded, () => cleanUp)
  })

/** Promises that nobody waits for and that reject, and errors that nobody catches, are failures of the test that is running. */
const unhandled: Array<unknown> = []
let listening = false

const outcomeOf = (cause: unknown): Outcome => {
  const reason = cause instanceof Error ? cause.message : String(cause)
  if (cause instanceof Skipped) return { status: "skipped", reason }
  if (cause instanceof Undrivable) return { status: "undrivable", reason }
  if (cause instanceof AssertionFailed || cause instanceof MongoError.MongoError) return { status: "failed", reason }
  return { status: "failed", reason: cause instanceof Error ? `${cause.name}: ${cause.message}` : reason }
}

export interface Report {
  readonly outcome: Outcome
  readonly left: Left
}

const nothing: Left = { cursors: 0, transactions: 0 }

/** Runs one test and says how it ended, and what it left. Never rejects because of the test. */
export const run = async (file: TestFile, test: Test, environment: Environment, api: Api): Promise<Report> => {
  if (!listening) {
    process.on("unhandledRejection", (cause) => unhandled.push(cause))
    process.on("uncaughtException", (cause) => unhandled.push(cause))
  }
  listening = true
  unhandled.length = 0
  const exit = await Effect.runPromiseExit(Effect.suspend(() => runTest(file, test, environment, api)))
  // Rejections are reported a turn later.
  await new Promise((resolve) => setImmediate(resolve))
  const outcome = judged(file, Exit.isSuccess(exit) ? { status: "passed" } : outcomeOf(Cause.squash(exit.cause)))
  if (outcome.status === "skipped") return { outcome, left: nothing }
  const left = await leftOf(environment)
  await killAllSessions(environment)
  return { outcome, left }
}

const judged = (file: TestFile, outcome: Outcome): Outcome => {
  if (outcome.status === "passed" && unhandled.length > 0) {
    return {
      status: "failed",
      reason: `a promise was rejected, or an error thrown, and nobody looked: ${String(unhandled[0])}`
    }
  }
  if (!file.path.includes("valid-fail/")) return outcome
  return outcome.status === "failed"
    ? { status: "passed" }
    : outcome.status === "passed"
    ? { status: "failed", reason: "passes and must fail" }
    : outcome
}
