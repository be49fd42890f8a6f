/**
 * What migrations say without a server: the checks of loaders, checksums, and texts.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { MongoMigrator } from "@mongofx/core"
import type { Entry } from "@mongofx/core/internal/migrator/journal"
import { checksumOf } from "@mongofx/core/internal/migrator/loaders"
import { planOf, problemOf, problemOfLoaded } from "@mongofx/core/internal/migrator/plan"
import { Effect, FileSystem, Layer, Path } from "effect"

const entry = (name: string, state: Entry["state"], checksum?: string): Entry => ({
  name,
  state,
  startedAt: new Date(0),
  owner: "web-1/1/x",
  attempts: 1,
  ...(checksum === undefined ? {} : { checksum })
})

const of = (id: number, name: string, checksum?: string) => ({ id, name, checksum })

const namesOf = (migrations: ReadonlyArray<{ readonly id: number; readonly name: string }>) =>
  migrations.map(({ id, name }) => `${id}_${name}`)

describe("planOf", () => {
  it("takes for pending what is not applied, whatever became of it", () => {
    const entries = new Map([
      [1, entry("a", "applied")],
      [2, entry("b", "failed")],
      [3, entry("c", "running")],
      [4, entry("d", "interrupted")]
    ])
    const plan = planOf([of(1, "a"), of(2, "b"), of(3, "c"), of(4, "d"), of(5, "e")], entries)
    assert.deepStrictEqual(namesOf(plan.pending), ["2_b", "3_c", "4_d", "5_e"])
    assert.deepStrictEqual(plan.late, [])
    assert.strictEqual(plan.applied, 1)
    assert.isUndefined(problemOf(plan, {}))
  })

  it("finds those that come late, those that changed, and those that nobody knows", () => {
    const entries = new Map([
      [2, entry("b", "applied", "1")],
      [4, entry("d", "applied", "1")],
      [6, entry("f", "applied", "1")],
      [9, entry("i", "applied")],
      [7, entry("g", "failed")]
    ])
    const plan = planOf([of(1, "a"), of(2, "b", "2"), of(3, "c"), of(4, "other"), of(6, "f"), of(10, "j")], entries)
    assert.deepStrictEqual(namesOf(plan.late), ["1_a", "3_c"])
    assert.deepStrictEqual(namesOf(plan.changed), ["2_b", "4_other"])
    assert.deepStrictEqual(namesOf(plan.unknown), ["9_i"])
    assert.deepStrictEqual(namesOf(plan.pending), ["1_a", "3_c", "10_j"])
    const kind = (policies: Parameters<typeof problemOf>[1]) => problemOf(plan, policies)?.kind
    assert.strictEqual(kind({}), "Changed")
    assert.strictEqual(kind({ onChanged: "report" }), "OutOfOrder")
    assert.strictEqual(kind({ onChanged: "report", onUnknown: "fail" }), "Unknown")
    assert.isUndefined(kind({ onChanged: "report", outOfOrder: "run" }))
  })

  it("compares checksums only where both sides have one", () => {
    const changed = (recorded: string | undefined, now: string | undefined) =>
      planOf([of(1, "a", now)], new Map([[1, entry("a", "applied", recorded)]])).changed.length
    assert.deepStrictEqual([changed("1", "1"), changed("1", undefined), changed(undefined, "1"), changed("1", "2")], [
      0,
      0,
      0,
      1
    ])
  })
})

describe("problemOfLoaded", () => {
  it("finds numbers that are used twice, and those that are none", () => {
    assert.isUndefined(problemOfLoaded([of(0, "a"), of(20_261_130_054_500, "b")]))
    const twice = problemOfLoaded([of(1, "a"), of(2, "b"), of(1, "c")])
    assert.strictEqual(twice?.kind, "Duplicates")
    assert.match(twice?.message ?? "", /^1_a, 1_c: these migrations share a number/)
    for (const id of [-1, 1.5, 2 ** 53, Number.NaN]) {
      assert.strictEqual(problemOfLoaded([of(id, "a")])?.kind, "BadState")
    }
    assert.strictEqual(problemOfLoaded([of(1, "")])?.kind, "BadState")
  })
})

describe("fromRecord", () => {
  it.effect("sorts by number, and keeps the checksums that are declared", () =>
    Effect.gen(function*() {
      const loaded = yield* MongoMigrator.fromRecord({
        "10_c": Effect.void,
        "002_b": MongoMigrator.migration(Effect.void, { checksum: "1" }),
        "1_a_1": Effect.void
      })
      assert.deepStrictEqual(loaded.map(({ checksum, id, name }) => [id, name, checksum]), [
        [1, "a_1", undefined],
        [2, "b", "1"],
        [10, "c", undefined]
      ])
    }))

  it.effect("refuses names without a number, and values that are not migrations", () =>
    Effect.gen(function*() {
      for (const key of ["a", "1", "1_", "-1_a", "1.5_a", "x1_a"]) {
        const untyped: Record<string, Effect.Effect<void>> = { [key]: Effect.void }
        const error = yield* Effect.flip(MongoMigrator.fromRecord(untyped))
        assert.strictEqual(error.kind, "BadState")
        assert.include(error.message, JSON.stringify(key))
      }
      const error = yield* Effect.flip(MongoMigrator.fromRecord({ "1_a": (() => Effect.void) as never }))
      assert.match(error.message, /^1_a is not a migration/)
    }))
})

describe("checksums", () => {
  it("are those of the text, whatever its line endings are", () => {
    assert.strictEqual(
      checksumOf("abc"),
      "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )
    assert.strictEqual(checksumOf("a\r\nb\r\n"), checksumOf("a\nb\n"))
    assert.notStrictEqual(checksumOf("a\nb"), checksumOf("a\nb\n"))
  })

  it.effect("of declarations are read from the modules", () =>
    Effect.gen(function*() {
      let imports = 0
      const module = () => {
        imports++
        return Promise.resolve({ default: MongoMigrator.migration(Effect.void, { checksum: "7" }) })
      }
      const modules = { "./1_a.ts": module }
      assert.isUndefined((yield* MongoMigrator.fromGlob(modules))[0]?.checksum)
      assert.strictEqual(imports, 0)
      assert.strictEqual((yield* MongoMigrator.fromGlob(modules, { checksum: "declared" }))[0]?.checksum, "7")
    }))

  it.effect("of files are those of their content", () =>
    Effect.gen(function*() {
      const files = Layer.merge(
        Path.layer,
        FileSystem.layerNoop({
          readDirectory: () => Effect.succeed(["2_b.mjs", "1_a.ts", "notes.md", "1_a.d.ts"]),
          readFileString: (path) => Effect.succeed(`the text of ${path}`)
        })
      )
      const loaded = yield* Effect.provide(MongoMigrator.fromFileSystem("m", { checksum: "content" }), files)
      assert.deepStrictEqual(loaded.map(({ checksum, id, name }) => [id, name, checksum]), [
        [1, "a", checksumOf("the text of m/1_a.ts")],
        [2, "b", checksumOf("the text of m/2_b.mjs")]
      ])
    }))
})

describe("texts", () => {
  const at = new Date("2026-11-30T05:45:00Z")

  it("of a status have a line for each migration, and say what is wrong", () => {
    assert.strictEqual(
      MongoMigrator.formatStatus({
        database: "app",
        collection: "mongofx_migrations",
        holder: { owner: "web-1/42/x", expiresInMillis: 12_000 },
        pending: 3,
        problem: "2_b: not applied",
        migrations: [
          {
            id: 1,
            name: "email_index",
            state: "applied",
            attempts: 1,
            startedAt: at,
            finishedAt: at,
            durationMillis: 1500,
            steps: [{ name: "done", done: true, handled: 9, savedAt: at }]
          },
          { id: 2, name: "b", state: "pending", attempts: 0, problem: "outOfOrder", steps: [] },
          {
            id: 3,
            name: "c",
            state: "failed",
            attempts: 1,
            startedAt: at,
            finishedAt: at,
            durationMillis: 3,
            error: "no",
            steps: []
          },
          {
            id: 4,
            name: "long",
            state: "running",
            attempts: 2,
            startedAt: at,
            steps: [{ name: "items", done: false, handled: 1, savedAt: at }]
          }
        ]
      }),
      `4 migrations of app, 3 pending, recorded in mongofx_migrations
  1_email_index  applied  2026-11-30T05:45:00.000Z, in 1s 500ms
  2_b            pending  out of order
  3_c            failed   2026-11-30T05:45:00.000Z, in 3ms, no
  4_long         running  since 2026-11-30T05:45:00.000Z, step items: 1 document
web-1/42/x runs migrations, and has the lease for another 12s
Nothing runs: 2_b: not applied`
    )
    assert.strictEqual(
      MongoMigrator.formatStatus({ database: "app", collection: "m", pending: 0, migrations: [] }),
      "0 migrations of app, 0 pending, recorded in m"
    )
  })

  it("of a plan have a line for each migration that would run", () => {
    assert.strictEqual(
      MongoMigrator.formatPlan({
        applied: 2,
        pending: [
          { id: 2, name: "b", outOfOrder: true, resumes: true },
          { id: 11, name: "new", outOfOrder: false, resumes: false }
        ],
        unknown: [{ id: 5, name: "e" }]
      }),
      `2 migrations would run, 2 applied
  2_b     again, out of order
  11_new
Applied, but not among these migrations: 5_e`
    )
    assert.strictEqual(
      MongoMigrator.formatPlan({ applied: 1, pending: [], unknown: [] }),
      "Nothing to do: 1 migration applied"
    )
  })
})
