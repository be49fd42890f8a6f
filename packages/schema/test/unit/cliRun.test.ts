import { assert, describe, it } from "@effect/vitest"
import type { CliExit } from "@mongofx/schema/internal/cli/exit"
import { type Report, run, type Setting } from "@mongofx/schema/internal/cli/run"
import type { Screen } from "@mongofx/schema/internal/cli/screen"
import {
  ConfigProvider,
  Console,
  Context,
  Data,
  Deferred,
  Effect,
  Exit,
  Fiber,
  Layer,
  Runtime,
  Sink,
  Stdio,
  Terminal
} from "effect"
import { TerminalCapabilities } from "effect/cli"

const eraseLine = "\r\x1b[2K"

/** Runs a command before a terminal or pipes, and keeps what it writes. */
const before = (
  terminals: { readonly stdout?: boolean; readonly stderr?: boolean; readonly env?: Record<string, string> }
) => {
  const written = { stdout: "", stderr: "" }
  const into = (name: "stdout" | "stderr") => () =>
    Sink.forEach((text: string | Uint8Array) => Effect.sync(() => void (written[name] += String(text))))
  const stdio = Stdio.layerTest({
    stdinIsTerminal: Effect.succeed(true),
    stdoutIsTerminal: Effect.succeed(terminals.stdout === true),
    stderrIsTerminal: Effect.succeed(terminals.stderr === true),
    stdout: into("stdout"),
    stderr: into("stderr")
  })
  const unused = Effect.die("unused")
  const terminal = Layer.succeed(
    Terminal.Terminal,
    Terminal.make({
      columns: Effect.succeed(60),
      rows: Effect.succeed(24),
      size: unused,
      readInput: unused,
      readLine: unused,
      display: () => unused
    })
  )
  const console = Object.assign(Object.create(globalThis.console) as Console.Console, {
    error: (...parts: ReadonlyArray<unknown>) => void (written.stderr += `${parts.join(" ")}\n`),
    log: (...parts: ReadonlyArray<unknown>) => void (written.stdout += `${parts.join(" ")}\n`)
  })
  const environment = ConfigProvider.layer(ConfigProvider.fromEnv({ env: terminals.env ?? {} }))
  const live = Layer.mergeAll(
    terminal,
    Layer.succeed(Console.Console, console),
    TerminalCapabilities.layer.pipe(Layer.provideMerge(stdio), Layer.provideMerge(environment))
  )
  const start = <A, E, E2, R2>(
    setting: Setting<A, E, never>,
    work: (screen: Screen) => Effect.Effect<Report, E2, R2>
  ) => run(setting, work).pipe(Effect.provide(live)) as Effect.Effect<void, CliExit>
  return { written, start }
}

class Name extends Context.Service<Name, string>()("Name") {}

class Broken extends Data.TaggedError("Broken")<{ readonly message: string }> {}

const setting = { command: "status", json: false, layer: Layer.succeed(Name, "app") }
const report = (outcome: Report["outcome"]): Effect.Effect<Report, never, Name> =>
  Name.useSync((name) => ({ outcome, json: { name }, text: (paint) => `name ${paint.good(name)}` }))

describe("the report of a command", () => {
  it.effect("is all that standard output has, whatever the code of users prints", () =>
    Effect.gen(function*() {
      const { start, written } = before({})
      yield* start({ ...setting, json: true }, () =>
        Effect.gen(function*() {
          yield* Console.log("from a migration")
          yield* Console.table([{ a: 1 }])
          yield* Effect.log("logged")
          return yield* report("ok")
        }))
      assert.deepStrictEqual(JSON.parse(written.stdout), { command: "status", outcome: "ok", name: "app" })
      assert.match(written.stderr, /from a migration\n[^]*logged/)
    }))

  it.effect("ends the process with the code of its outcome, and nothing else is reported", () =>
    Effect.gen(function*() {
      for (const [outcome, code] of [["pending", 2], ["findings", 3], ["unconfirmed", 4], ["failed", 1]] as const) {
        const { start, written } = before({})
        const exit = yield* Effect.flip(start(setting, () => report(outcome)))
        assert.strictEqual(Runtime.getErrorExitCode(exit), code)
        assert.isFalse(Runtime.getErrorReported(exit))
        assert.deepStrictEqual(written, { stdout: "name app\n", stderr: "" })
      }
    }))

  it.effect("has colours on a terminal, unless the environment forbids them", () =>
    Effect.gen(function*() {
      const shown = Effect.fnUntraced(function*(terminals: Parameters<typeof before>[0]) {
        const { start, written } = before(terminals)
        yield* start(setting, () => report("ok"))
        return written.stdout
      })
      assert.strictEqual(yield* shown({ stdout: true }), "name \x1b[32mapp\x1b[39m\n")
      assert.strictEqual(yield* shown({ stdout: false, stderr: true }), "name app\n")
      assert.strictEqual(yield* shown({ stdout: true, env: { NO_COLOR: "1" } }), "name app\n")
      assert.strictEqual(yield* shown({ stdout: true, env: { TERM: "dumb" } }), "name app\n")
    }))
})

describe("a command that fails", () => {
  const failing = { ...setting, layer: Layer.effect(Name, Effect.fail(new Broken({ message: "no server" }))) }

  it.effect("says why on standard error, and leaves standard output empty", () =>
    Effect.gen(function*() {
      const { start, written } = before({})
      const exit = yield* Effect.flip(start(failing, () => report("ok")))
      assert.strictEqual(exit.code, 1)
      assert.instanceOf(exit.cause, Broken)
      assert.deepStrictEqual(written, { stdout: "", stderr: "error no server\n" })
    }))

  it.effect("has one JSON value with the kind of the error", () =>
    Effect.gen(function*() {
      const { start, written } = before({})
      yield* Effect.flip(start({ ...failing, json: true }, () => report("ok")))
      assert.deepStrictEqual(JSON.parse(written.stdout), {
        command: "status",
        outcome: "failed",
        error: { kind: "Broken", message: "no server" }
      })
    }))

  it.effect("shows the stack of a defect, on standard error only", () =>
    Effect.gen(function*() {
      const { start, written } = before({})
      yield* Effect.flip(start(setting, () => Effect.die(new Error("a bug"))))
      assert.strictEqual(written.stdout, "")
      assert.match(written.stderr, /^error a bug\nError: a bug\n {4}at .*cliRun\.test\.ts/)
    }))

  it.effect("is interrupted with words, and ends as an interruption", () =>
    Effect.gen(function*() {
      const { start, written } = before({})
      const started = yield* Deferred.make<void>()
      const fiber = yield* Effect.forkChild(
        start({ ...setting, json: true }, () => Effect.andThen(Deferred.succeed(started, undefined), Effect.never))
      )
      yield* Deferred.await(started)
      yield* Fiber.interrupt(fiber)
      assert.isTrue(Exit.hasInterrupts(yield* Fiber.await(fiber)))
      assert.strictEqual(written.stderr, "interrupted\n")
      assert.deepStrictEqual(JSON.parse(written.stdout), {
        command: "status",
        outcome: "interrupted",
        error: { kind: "Interrupted", message: "the command was interrupted" }
      })
    }))
})

describe("the progress of a command", () => {
  const work = (screen: Screen) =>
    screen.step("audit", (advance) =>
      Effect.gen(function*() {
        yield* advance(1, 2)
        yield* Console.log("from a user")
        return yield* report("ok")
      }))

  it.effect("is drawn on the terminal of standard error, and gone at the end", () =>
    Effect.gen(function*() {
      const { start, written } = before({ stderr: true })
      yield* start(setting, work)
      assert.strictEqual(written.stdout, "name app\n")
      assert.strictEqual(
        written.stderr,
        `${eraseLine}connecting …${eraseLine}${eraseLine}audit …${eraseLine}from a user\n`
      )
    }))

  it.effect("is not drawn into a pipe or a file", () =>
    Effect.gen(function*() {
      const { start, written } = before({ stdout: true })
      yield* start(setting, work)
      assert.strictEqual(written.stderr, "from a user\n")
    }))

  it.effect("cannot ask when the result is JSON, or standard output is not a terminal", () =>
    Effect.gen(function*() {
      const canAsk = Effect.fnUntraced(function*(json: boolean, stdout: boolean) {
        let asked = false
        const { start } = before({ stdout })
        yield* start({ ...setting, json }, (screen) => {
          asked = screen.canAsk
          return report("ok")
        })
        return asked
      })
      assert.isTrue(yield* canAsk(false, true))
      assert.isFalse(yield* canAsk(true, true))
      assert.isFalse(yield* canAsk(false, false))
    }))
})
