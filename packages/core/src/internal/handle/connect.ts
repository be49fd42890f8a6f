/**
 * Makes clients of mongofx: around the user's own client of the driver, or by connecting one.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Driver from "mongodb"
import type { MongoClient } from "../../MongoClient.ts"
import type { ClientOptions } from "../../MongoClientConfig.ts"
import { ConnectionError, MongoError } from "../../MongoError.ts"
import { bounded, inTime } from "../call/bounded.ts"
import { connectionOf, type SessionKey } from "../call/connection.ts"
import { Dependents } from "../call/dependents.ts"
import type { Operation } from "../call/description.ts"
import { runConnecting } from "../call/operation.ts"
import { countBreaks } from "../driver/breaks.ts"
import { watchImplicitSessions } from "../driver/implicitSessions.ts"
import { type Abort, abortHandshakes } from "../driver/signal.ts"
import { giveUp } from "../driver/topology.ts"
import { redactCredentials } from "../errors/redact.ts"
import { toMongoError } from "../errors/toMongoError.ts"
import type { AmbientSession } from "../session/state.ts"
import * as commandSpans from "../telemetry/commandSpans.ts"
import * as poolMetrics from "../telemetry/poolMetrics.ts"
import { makeClient } from "./client.ts"

/** How long to wait for a client to close, in real milliseconds. */
const closeTimeout = 4000

/** How long its queries and sessions may take to close before that, in real milliseconds. */
const dependentsTimeout = 1000

/** The server's address, if the deployment has only one server: of several, the one is unknown until an operation runs. */
const serverAttributes = (driver: Driver.MongoClient): Record<string, unknown> => {
  const [host, ...others] = driver.options.hosts
  if (host === undefined || others.length > 0) return {}
  if (host.socketPath !== undefined) return { "server.address": host.socketPath }
  return host.port === undefined || host.port === 27017
    ? { "server.address": host.host }
    : { "server.address": host.host, "server.port": host.port }
}

let clients = 0

/**
 * Wraps a client of the driver, whoever owns it, and listens to its events as long as the scope lives.
 *
 * @internal
 */
export const wrap = (
  driver: Driver.MongoClient,
  options: ClientOptions,
  own?: Dependents
): Effect.Effect<MongoClient, never, Scope.Scope> =>
  Effect.gen(function*() {
    // A client of the caller's may be connected.
    yield* poolMetrics.attach(driver, own !== undefined)
    const breaks = yield* countBreaks(driver)
    if (options.commandSpans !== undefined && options.commandSpans !== false) {
      yield* commandSpans.attach(driver, {
        queryText: typeof options.commandSpans === "object" && options.commandSpans.queryText
      })
    }
    return makeClient({
      driver,
      sessionKey: Context.Service<SessionKey, AmbientSession | undefined>(
        `@mongofx/core/MongoClient/Session/${clients++}`
      ),
      attributes: serverAttributes(driver),
      commandSpans: options.commandSpans !== undefined && options.commandSpans !== false,
      dependents: own ?? new Dependents(),
      breaks,
      implicitSessions: watchImplicitSessions(driver)
    })
  })

/** The servers that a client looks for. */
const soughtBy = ({ options: { hosts, replicaSet, srvHost } }: Driver.MongoClient): string =>
  `${replicaSet === undefined ? "" : `the replica set "${replicaSet}" at `}${srvHost ?? hosts.map(String).join(", ")}`

/**
 * Adds to the error of a search without a result what the client looked for, and which servers answered: the driver drops and forgets
 * members of another replica set.
 */
const withSearch = (
  error: MongoError,
  driver: Driver.MongoClient,
  replies: ReadonlyMap<string, Driver.Document>,
  secrets: ReadonlyArray<string>
): MongoError => {
  const { reason } = error
  if (reason._tag !== "ConnectionError" || !/timed out/.test(reason.message)) return error
  const found = [...replies].map(([address, { hosts, setName }]) =>
    typeof setName !== "string"
      ? `${address} is not part of a replica set`
      : `${address} is part of the replica set "${setName}" (${
        Array.isArray(hosts) ? hosts.join(", ") : "members unknown"
      })`
  )
  const message = [`${reason.message}; looked for ${soughtBy(driver)}`, ...found].join("; ")
  return new MongoError({
    reason: new ConnectionError({ ...reason, message: redactCredentials(message, secrets), cause: reason.cause })
  })
}

/**
 * Connecting a client.
 *
 * @internal
 */
export const connectOperation: Operation = { name: "connect", command: "connect", abortable: false, counted: false }

/** A client of the driver that mongofx owns, and what ends with it. */
class Owned {
  readonly driver: Driver.MongoClient
  readonly dependents = new Dependents()
  private readonly connecting: Abort

  constructor(driver: Driver.MongoClient) {
    this.driver = driver
    this.connecting = abortHandshakes(driver)
  }

  /**
   * Closes the queries and sessions, then the client. The driver's `close` waits for servers that do not answer, and keeps the process
   * alive. When the time is over, this ends what it waits for.
   */
  get closed(): Effect.Effect<void> {
    return Effect.gen({ self: this }, function*() {
      yield* bounded(this.dependents.shutDown(), dependentsTimeout)
      if (!(yield* inTime(this.driver.close(), closeTimeout))) giveUp(this.driver)
      this.connecting.abort(new Driver.MongoClientClosedError())
    })
  }
}

/**
 * Makes the driver's client, connects and pings. The close is registered first, so that a client whose connect is interrupted
 * closes too.
 *
 * @internal
 */
export const connect = (
  makeDriver: () => Driver.MongoClient,
  options: ClientOptions,
  secrets: ReadonlyArray<string>
): Effect.Effect<MongoClient, MongoError, Scope.Scope> =>
  Effect.gen(function*() {
    const { driver, dependents } = yield* Effect.acquireRelease(
      Effect.try({
        try: () => new Owned(makeDriver()),
        catch: (cause) => toMongoError(cause, connectOperation, secrets)
      }),
      (owned) => owned.closed
    )
    const client = yield* wrap(driver, options, dependents)
    // A logger that fails must not prevent connecting.
    yield* Effect.ignoreCause(
      Effect.logDebug(redactCredentials(`mongofx: connecting to ${soughtBy(driver)}`, secrets))
    )
    const replies = new Map<string, Driver.Document>()
    const onReply = ({ connectionId, reply }: Driver.ServerHeartbeatSucceededEvent) => replies.set(connectionId, reply)
    driver.on("serverHeartbeatSucceeded", onReply)
    yield* Effect.mapError(
      runConnecting(
        connectionOf(client),
        connectOperation,
        secrets,
        () => driver.connect().finally(() => driver.off("serverHeartbeatSucceeded", onReply))
      ),
      (error) => withSearch(error, driver, replies, secrets)
    )
    yield* client.ping
    return client
  })
