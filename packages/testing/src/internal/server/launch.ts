/**
 * Starts a server on a free port with its own data, and waits until it answers.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type * as Driver from "mongodb"
import { createServer } from "node:net"
import { listening, withAdmin } from "./ask.ts"
import { type DataFolder, dataFolder } from "./dataFolder.ts"
import { type ServerProcess, serverProcess } from "./serverProcess.ts"

/** The exit code of a server when its port is taken. */
const addressInUse = 48

const defaultStartTimeout = Duration.seconds(60)

/**
 * Why a server did not start.
 *
 * @internal
 */
export interface CannotStart {
  readonly message: string
  /** The last lines of the server's log. */
  readonly log: ReadonlyArray<string>
  readonly cause?: unknown
}

/**
 * A server to start.
 *
 * @internal
 */
export interface Recipe {
  readonly binary: string
  readonly durable: boolean
  readonly startTimeout: Duration.Input | undefined
  readonly args: (port: number, folder: DataFolder) => ReadonlyArray<string>
  /** Says by the command line of a server whether it is this one. */
  readonly isOurs: (parsed: Driver.Document, dir: string) => boolean
  /** What to tell the server each time that it has started. */
  readonly prepare: (admin: Driver.Admin) => Promise<unknown>
}

/**
 * A server that has answered.
 *
 * @internal
 */
export interface Launched {
  readonly recipe: Recipe
  readonly port: number
  readonly dir: string
  readonly process: ServerProcess
}

/** A port that is free at this moment. */
const freePort: Effect.Effect<number, CannotStart> = Effect.callback((resume) => {
  const server = createServer()
  server.on(
    "error",
    (cause) => resume(Effect.fail({ message: "no port of 127.0.0.1 is free", log: [], cause }))
  )
  server.listen(0, "127.0.0.1", () => {
    const address = server.address()
    server.close(() => resume(Effect.succeed(typeof address === "object" && address !== null ? address.port : 0)))
  })
})

const notOurs = new Error("the port belongs to another server")

/** Another server may have taken the port. It must be neither initiated nor used; our server then ends by itself. */
const checkIsOurs = async (admin: Driver.Admin, { dir, recipe }: Launched): Promise<void> => {
  const options = await admin.command({ getCmdLineOpts: 1 }).catch((error: { readonly codeName?: unknown }) => {
    // A server with logins does not tell a stranger its command line.
    if (error.codeName === "Unauthorized") return undefined
    throw error
  })
  if (options !== undefined && !recipe.isOurs(options["parsed"] ?? {}, dir)) throw notOurs
}

const failure = ({ process }: Launched, message: string, cause?: unknown): CannotStart => ({
  message: [message, ...process.log.tail].join("\n  "),
  log: process.log.tail,
  cause
})

const endedText = (code: number | null, signal: NodeJS.Signals | null): string =>
  code === null ? signal === null ? "before it ran" : `by ${signal}` : `with code ${code}`

/**
 * Does something with a server that has just started, until it succeeds. Fails when the server ends or takes too long.
 *
 * @internal
 */
export const untilDone = (
  server: Launched,
  what: string,
  use: (admin: Driver.Admin, signal: AbortSignal) => Promise<unknown>
): Effect.Effect<"done" | "addressInUse", CannotStart> => {
  const { binary, startTimeout } = server.recipe
  const timeout = Duration.fromInputUnsafe(startTimeout ?? defaultStartTimeout)
  let last: unknown
  const attempt = Effect.tryPromise({
    try: async (signal) => {
      await listening(server.port, signal)
      await withAdmin(server.port, (admin) => use(admin, signal))
    },
    catch: (cause) => (last = cause)
  })
  const done = attempt.pipe(
    Effect.retry(Schedule.spaced("50 millis")),
    // It is tried again until the time is over.
    Effect.orDie,
    Effect.as("done" as const),
    Effect.timeoutOrElse({
      duration: timeout,
      orElse: () => {
        const why = last instanceof Error ? ` (${last.message})` : ""
        const message = `${binary} was not ready within ${Duration.format(timeout)}, since it did not ${what}${why}:`
        return Effect.fail(failure(server, message, last))
      }
    })
  )
  const ended = Effect.flatMap(Effect.promise(() => server.process.exited), ({ code, signal }) =>
    code === addressInUse
      ? Effect.succeed("addressInUse" as const)
      : Effect.fail(failure(server, `${binary} ended ${endedText(code, signal)} while starting:`)))
  return Effect.raceFirst(done, ended)
}

const untilAnswers = (server: Launched): Effect.Effect<"done" | "addressInUse", CannotStart> =>
  untilDone(server, "answer", async (admin) => {
    await checkIsOurs(admin, server)
    await server.recipe.prepare(admin)
  })

const launchOnce = (recipe: Recipe): Effect.Effect<Launched | undefined, CannotStart, Scope.Scope> =>
  Effect.gen(function*() {
    const port = yield* freePort
    const folder = yield* dataFolder(recipe.durable, (cause): CannotStart => ({
      message:
        "cannot make a temporary folder for the data: check the free space and the rights of the system's temporary folder",
      log: [],
      cause
    }))
    const process = yield* serverProcess(recipe.binary, recipe.args(port, folder), folder.dir)
    const server: Launched = { recipe, port, dir: folder.dir, process }
    return (yield* untilAnswers(server)) === "done" ? server : undefined
  })

/**
 * Starts a server on a free port. It ends with the scope.
 *
 * @internal
 */
export const launch = (recipe: Recipe): Effect.Effect<Launched, CannotStart, Scope.Scope> =>
  Effect.gen(function*() {
    // Another process may take the port after it was found free and before the server binds it.
    for (let attempt = 0; attempt < 5; attempt++) {
      const server = yield* launchOnce(recipe)
      if (server !== undefined) return server
    }
    return yield* Effect.fail<CannotStart>({
      message: "five ports in a row were taken by other processes: start again",
      log: []
    })
  })

/**
 * Starts a server again that was killed, with its data and on its port, and waits until it answers.
 *
 * @internal
 */
export const relaunch = (server: Launched): Effect.Effect<void, CannotStart> =>
  Effect.gen(function*() {
    // Somebody's connection may have the port for a moment.
    for (let attempt = 0; attempt < 50; attempt++) {
      if (server.process.isClosed) return
      yield* Effect.sync(() => server.process.start())
      if ((yield* untilAnswers(server)) === "done") return
      yield* Effect.sleep("100 millis")
    }
    return yield* Effect.fail(failure(server, `the port ${server.port} was taken by another process:`))
  })
