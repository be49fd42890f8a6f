import { assert, describe, layer } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import * as Driver from "mongodb"
import { setup, until } from "test-support/utils"
import { vi } from "vitest"
import { bundled, cli, type Ended, hasTerminal, type Settings } from "../support/cliProcess.ts"

// The example's command line, as a user runs it: a process, its output and its exit code.

// A test is up to ten processes, one after the other.
vi.setConfig({ testTimeout: 120_000 })

class Program extends Context.Service<Program, string>()("Program") {}

/** Commands that do not change what the others see. */
const together = <const Runs extends ReadonlyArray<Effect.Effect<Ended>>>(...runs: Runs) =>
  Effect.all(runs, { concurrency: "unbounded" })

/** The JSON of a command: nothing else is on standard output. */
const json = ({ stdout }: Ended): Record<string, any> => JSON.parse(stdout) as Record<string, any>

layer(Layer.effect(Program, bundled), { timeout: 60_000 })((it) => {
  const start = Effect.gen(function*() {
    const program = yield* Program
    const fixture = yield* setup()
    const run = (args: string, settings?: Settings) => cli(program, fixture, args, settings)
    return { fixture, run }
  })

  describe("audit", () => {
    it.effect("finds documents that do not decode, and says so by its code", () =>
      Effect.gen(function*() {
        const { fixture, run } = yield* start
        const id = new Driver.ObjectId()
        yield* fixture.db.collection("customers").insertMany([
          { email: "a@example.com", name: "Ada" },
          { _id: id, email: "g@example.com", name: 7 }
        ])
        const [found, fine, unknown] = yield* together(
          run("audit --json"),
          run("audit orders"),
          run("audit nothing")
        )
        assert.strictEqual(found.code, 3)
        assert.strictEqual(found.stderr, "")
        const { collections: [customers, orders], outcome } = json(found)
        assert.strictEqual(outcome, "findings")
        assert.deepStrictEqual(customers, {
          collection: `${fixture.db.name}.customers`,
          isSample: false,
          documents: 2,
          invalid: 1,
          problems: [{ path: "name", message: "Expected string", documents: 1, ids: [{ $oid: id.toHexString() }] }],
          folded: []
        })
        assert.deepInclude(orders, { documents: 0, invalid: 0 })

        assert.deepStrictEqual(fine, {
          code: 0,
          stdout: `✓ ${fixture.db.name}.orders: 0 documents, all decode\n`,
          stderr: ""
        })
        assert.deepStrictEqual(unknown, {
          code: 1,
          stdout: "",
          stderr: "error \"nothing\" is not one of the collections: customers, orders\n"
        })
      }))

    it.effect.runIf(hasTerminal)("has colours and progress on a terminal", () =>
      Effect.gen(function*() {
        const { fixture, run } = yield* start
        yield* fixture.db.collection("customers").insertMany(Array.from({ length: 300 }, () => ({ name: 7 })))
        const [shown, plain] = yield* together(
          run("audit customers", { terminal: true }),
          run("audit customers", { terminal: true, env: { NO_COLOR: "1" } })
        )
        assert.strictEqual(shown.code, 3)
        assert.include(shown.stdout, "\x1b[31m300 do not decode\x1b[39m")
        assert.match(shown.stdout, /auditing customers {2}█+ {2}100 % {2}300 of 300/)
        // The line is gone before the result stands there.
        assert.match(shown.stdout, /\r\x1b\[2K\x1b\[31m✗/)

        assert.include(plain.stdout, "✗ ")
        assert.notInclude(plain.stdout, "\x1b[3")
      }))
  })

  describe("without a server", () => {
    const url = "mongodb://ada:lovelace@127.0.0.1:1/shop"

    it.effect("a command fails with words: no stack, no password", () =>
      Effect.gen(function*() {
        const { run } = yield* start
        const failed = yield* run("audit --json", { env: { MONGODB_URI: url, MONGODB_PATIENCE: "500 millis" } })
        assert.strictEqual(failed.code, 1)
        assert.match(failed.stderr, /^error connect: .*127\.0\.0\.1:1\n {6}check that the server runs/)
        assert.deepInclude(json(failed), { command: "audit", outcome: "failed" })
        assert.strictEqual(json(failed)["error"].kind, "ConnectionError")
        assert.notMatch(failed.stdout + failed.stderr, /lovelace|\n\s+at /)
      }))

    it.effect("help is shown all the same", () =>
      Effect.gen(function*() {
        const { run } = yield* start
        const [help, unset] = yield* together(
          run("--help", { env: { MONGODB_URI: "" } }),
          run("audit", { env: { MONGODB_URI: "" } })
        )
        assert.strictEqual(help.code, 0)
        assert.match(help.stdout, /Exit codes: 0 [^]*shop-db <subcommand>/)
        assert.strictEqual(unset.code, 1)
        assert.match(unset.stderr, /^error the configuration is incomplete: .*\n?.*MONGODB_URI/)
      }))
  })

  describe("a new database", () => {
    it.effect("is brought to where nothing is pending", () =>
      Effect.gen(function*() {
        const { fixture: { db }, run } = yield* start
        const [before, dry] = yield* together(run("status --json"), run("migrate --dry-run"))
        assert.strictEqual(before.code, 2)
        assert.deepInclude(json(before), {
          command: "status",
          outcome: "pending",
          outcomes: { migrations: "pending", indexes: "pending", validators: "pending" }
        })

        assert.strictEqual(dry.code, 2)
        assert.match(
          dry.stdout,
          /^\+ 2 migrations would run\nid {2}migration\n 1 {2}emails-in-lower-case\n 2 {2}totals-as-decimals\n$/
        )
        assert.strictEqual(dry.stderr, "")
        assert.strictEqual((yield* db.listCollections()).length, 0)

        const migrated = yield* run("migrate --json")
        assert.strictEqual(migrated.code, 0)
        assert.deepStrictEqual(json(migrated)["applied"].map(({ id }: { id: number }) => id), [1, 2])
        // What migrations log is not in the way.
        assert.include(migrated.stderr, "emails-in-lower-case")

        const [planned, unvalidated] = yield* together(run("indexes plan --json"), run("validators plan --json"))
        assert.strictEqual(planned.code, 2)
        assert.deepStrictEqual(json(planned)["indexes"].map(({ pending }: { pending: unknown }) => pending), [
          ["email_1"],
          ["customer_1_placed_-1", "status_1"]
        ])
        const applied = yield* run("indexes apply")
        assert.deepStrictEqual([applied.code, applied.stdout], [0, "✓ 3 indexes are as declared now\n"])
        assert.strictEqual(unvalidated.code, 2)
        const validated = yield* run("validators apply --json")
        assert.strictEqual(validated.code, 0)
        assert.lengthOf(json(validated)["applied"], 2)

        const [after, again] = yield* together(run("status"), run("migrate"))
        assert.strictEqual(after.code, 0)
        assert.match(
          after.stdout,
          /emails-in-lower-case {2}applied[^]*✓ {2}.*email_1[^]*as declared[^]*✓ nothing is pending\n$/
        )
        assert.deepStrictEqual([again.code, again.stdout], [0, "✓ nothing to do\n"])
      }))
  })

  describe("indexes that nobody has declared", () => {
    const withExtra = Effect.gen(function*() {
      const { fixture, run } = yield* start
      const customers = fixture.db.collection("customers")
      yield* customers.createIndex({ email: 1 }, { unique: true })
      yield* customers.createIndex({ city: 1 })
      const names = Effect.map(customers.listIndexes(), (all) => all.map(({ name }) => name))
      return { fixture, run, names }
    })

    it.effect("are for a person, and are dropped only when that is confirmed", () =>
      Effect.gen(function*() {
        const { names, run } = yield* withExtra
        const [planned, refused] = yield* together(
          run("indexes plan"),
          run("indexes apply --allow-drop --json")
        )
        assert.strictEqual(planned.code, 3)
        assert.match(planned.stdout, /✗ .*customers +city_1 +city: 1 +is not declared \(needs --allow-drop\)/)

        assert.strictEqual(refused.code, 4)
        assert.deepInclude(json(refused), { outcome: "unconfirmed" })
        assert.match(refused.stderr, /customers: city_1 is dropped\n[^]*pass --yes/)
        assert.include(yield* names, "city_1")

        const dropped = yield* run("indexes apply --allow-drop --yes")
        assert.strictEqual(dropped.code, 0)
        assert.notInclude(yield* names, "city_1")
      }))

    it.effect.runIf(hasTerminal)(
      "are dropped after a yes on a terminal, and stay after a no",
      () =>
        Effect.gen(function*() {
          const { names, run } = yield* withExtra
          const no = yield* run("indexes apply --allow-drop", { terminal: true, input: "n" })
          assert.strictEqual(no.code, 4)
          assert.include(yield* names, "city_1")
          const yes = yield* run("indexes apply --allow-drop", { terminal: true, input: "y" })
          assert.strictEqual(yes.code, 0)
          assert.notInclude(yield* names, "city_1")
        })
    )
  })

  describe("validators", () => {
    it.effect("say how many documents do not fit, and replace another validator only when that is confirmed", () =>
      Effect.gen(function*() {
        const { fixture: { db }, run } = yield* start
        const customers = yield* db.createCollection("customers", { validator: { email: { $exists: true } } })
        yield* customers.insertMany([{ email: "a@example.com" }, { email: "b@example.com", name: "B" }])
        const [planned, status, refused] = yield* together(
          run("validators plan"),
          run("status --json"),
          run("validators apply")
        )
        assert.strictEqual(planned.code, 2)
        assert.match(planned.stdout, /~ .*customers +moderate +error +1 +change it/)
        // That reads every document, which `status` does not.
        const { validators: [first] } = json(status)
        assert.strictEqual(first.kind, "collMod")
        assert.notProperty(first, "failing")
        assert.deepStrictEqual([refused.code, refused.stdout], [4, ""])
        assert.match(refused.stderr, /customers: the validator that it has is replaced\n[^]*pass --yes/)
        yield* customers.insertOne({ email: 7 })

        assert.strictEqual((yield* run("validators apply --yes")).code, 0)
        const inserted = yield* Effect.flip(customers.insertOne({ email: 7 }))
        assert.strictEqual(inserted.reason._tag, "DocumentValidationError")
      }))
  })

  describe("infer", () => {
    it.effect("prints a module to standard output, and nothing else", () =>
      Effect.gen(function*() {
        const { fixture: { db }, run } = yield* start
        yield* db.collection("visits").insertMany([
          ...Array.from({ length: 19 }, (_, n) => ({ n, at: new Date(n) })),
          { n: "nineteen" }
        ])
        const [inferred, asJson, nothing] = yield* together(
          run("infer visits"),
          run("infer visits --sample 10 --json"),
          run("infer nothing")
        )
        assert.strictEqual(inferred.code, 0)
        assert.match(inferred.stderr, /^! \d+ notes? in the comments/)
        assert.match(inferred.stdout, /^import .*@mongofx\/schema[^]*class Visits [^]*\}\n$/)
        assert.include(json(asJson)["source"], "class Visits ")
        assert.strictEqual(json(asJson)["documents"], 10)
        assert.strictEqual(nothing.code, 1)
        assert.match(nothing.stderr, /^error .*\.nothing has no documents/)
      }))
  })

  describe("an interrupted command", () => {
    it.effect("ends with 130 and one JSON value, and keeps nobody waiting", () =>
      Effect.gen(function*() {
        const { fixture: { admin, db, driver }, run } = yield* start
        yield* db.collection("customers").insertOne({ email: "A@example.com", name: "A" })
        const isMigrating = async () => {
          const operations = admin.db("admin").aggregate([
            { $currentOp: { allUsers: true } },
            { $match: { op: "update", ns: `${db.name}.customers` } }
          ])
          return (await operations.toArray()).length > 0
        }
        // The migration waits for a transaction that has changed its document.
        const ended = yield* Effect.promise(() =>
          driver.withSession(async (session) => {
            session.startTransaction()
            await driver.db(db.name).collection("customers").updateOne({}, { $set: { city: "Paris" } }, { session })
            return await Effect.runPromise(run("migrate --json", {
              during: async (child) => {
                await Effect.runPromise(until("the migration runs", isMigrating, 40_000))
                child.kill("SIGINT")
              }
            }))
          })
        )
        assert.strictEqual(ended.code, 130)
        assert.deepInclude(json(ended), { command: "migrate", outcome: "interrupted" })
        assert.include(ended.stderr, "interrupted")
        assert.notMatch(ended.stderr, /\n\s+at /)

        // The lease is free, and the migration goes on.
        const next = yield* run("migrate --json")
        assert.strictEqual(next.code, 0)
        assert.lengthOf(json(next)["applied"], 2)
      }))
  })

  describe("a migration that fails", () => {
    it.effect("is said in words, without values, and stays pending", () =>
      Effect.gen(function*() {
        const { fixture: { db }, run } = yield* start
        // The server makes no lower case of an array.
        yield* db.collection("customers").insertOne({ email: ["s3cret"], name: "A" })
        const failed = yield* run("migrate --json")
        assert.strictEqual(failed.code, 1)
        assert.strictEqual(json(failed)["error"].kind, "MigrationError")
        assert.match(failed.stderr, /error migration 1_emails-in-lower-case failed: /)
        assert.notMatch(failed.stdout + failed.stderr, /s3cret|\n\s+at /)

        const status = yield* run("status")
        assert.strictEqual(status.code, 2)
        assert.match(status.stdout, /1 {2}emails-in-lower-case {2}failed[^]*2 {2}totals-as-decimals {4}pending/)
      }))
  })

  describe("migrations that are recorded otherwise", () => {
    it.effect("are for a person: nothing runs", () =>
      Effect.gen(function*() {
        const { fixture: { db }, run } = yield* start
        assert.strictEqual((yield* run("migrate")).code, 0)
        yield* db.collection<{ _id: string }>("mongofx_migrations")
          .updateOne({ _id: "journal" }, { $set: { "migrations.1.name": "other" } })
        const [status, migrated] = yield* together(run("status"), run("migrate --json"))
        assert.strictEqual(status.code, 3)
        assert.include(status.stdout, "changed since it was applied")
        assert.strictEqual(migrated.code, 3)
        assert.strictEqual(json(migrated)["error"].kind, "MigrationError")
      }))
  })
})
