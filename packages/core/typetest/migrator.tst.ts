/**
 * What migrations need and give, and what must not compile.
 *
 * @since 0.1.0
 */
import {
  type MongoClient,
  type MongoCollection,
  type MongoDatabase,
  type MongoError,
  MongoMigrator
} from "@mongofx/core"
import type { Effect, FileSystem, Layer, Path } from "effect"
import { describe, expect, it } from "tstyche"

interface User {
  readonly _id: number
  readonly name: string
}

declare const plain: Effect.Effect<void>
declare const inDatabase: Effect.Effect<number, MongoError.MongoError, MongoDatabase.MongoDatabase>
declare const withMailer: Effect.Effect<void, "unsent", "mailer">
declare const users: MongoCollection.MongoCollection<User>

type Failure = MongoMigrator.MigrationError | MongoError.MongoError

describe("fromRecord", () => {
  it("knows what its migrations need", () => {
    expect(MongoMigrator.fromRecord({ "1_a": plain })).type.toBe<MongoMigrator.Loader>()
    expect(
      MongoMigrator.fromRecord({ "1_a": inDatabase, "0002_b": MongoMigrator.migration(withMailer), "3_c": plain })
    ).type.toBe<MongoMigrator.Loader<MongoDatabase.MongoDatabase | "mailer">>()
    expect(MongoMigrator.fromRecord({})).type.toBe<MongoMigrator.Loader>()
    expect(MongoMigrator.fromRecord({} as Record<string, typeof withMailer>)).type.toBe<
      MongoMigrator.Loader<"mailer">
    >()
  })

  it("refuses names without a number, and values that are not migrations", () => {
    expect(MongoMigrator.fromRecord).type.not.toBeCallableWith({ "add_emails": plain })
    expect(MongoMigrator.fromRecord).type.not.toBeCallableWith({ "1_a": plain, "second": plain })
    expect(MongoMigrator.fromRecord).type.not.toBeCallableWith({ "1_a": () => plain })
    expect(MongoMigrator.fromRecord).type.not.toBeCallableWith({ "1_a": { up: plain } })
  })
})

describe("loaders of modules", () => {
  it("are for migrations that need the database and its client, if nothing else is said", () => {
    type Services = MongoDatabase.MongoDatabase | MongoClient.MongoClient | MongoMigrator.CurrentMigration
    expect(MongoMigrator.fromGlob({})).type.toBe<MongoMigrator.Loader<Services>>()
    expect(MongoMigrator.fromGlob<"mailer">({})).type.toBe<MongoMigrator.Loader<"mailer">>()
    expect(MongoMigrator.fromFileSystem("m")).type.toBe<
      MongoMigrator.Loader<Services, FileSystem.FileSystem | Path.Path>
    >()
  })

  it("have the content of files only where there are files", () => {
    expect(MongoMigrator.fromFileSystem).type.toBeCallableWith("m", { checksum: "content" })
    expect(MongoMigrator.fromGlob).type.not.toBeCallableWith({}, { checksum: "content" })
    expect(MongoMigrator.fromGlob).type.toBeCallableWith({}, { checksum: "declared" })
  })
})

describe("run", () => {
  it("needs the database and what the migrations need, save the migration itself", () => {
    const loader = MongoMigrator.fromRecord({
      "1_a": MongoMigrator.step("a", withMailer),
      "2_b": plain
    })
    expect(MongoMigrator.run({ loader })).type.toBe<
      Effect.Effect<ReadonlyArray<MongoMigrator.AppliedMigration>, Failure, MongoDatabase.MongoDatabase | "mailer">
    >()
    expect(MongoMigrator.layer({ loader })).type.toBe<
      Layer.Layer<never, Failure, MongoDatabase.MongoDatabase | "mailer">
    >()
    expect(MongoMigrator.run({ loader: MongoMigrator.fromFileSystem("m") })).type.toBe<
      Effect.Effect<
        ReadonlyArray<MongoMigrator.AppliedMigration>,
        Failure,
        MongoDatabase.MongoDatabase | MongoClient.MongoClient | FileSystem.FileSystem | Path.Path
      >
    >()
  })

  it("takes options that exist", () => {
    const loader = MongoMigrator.fromRecord({ "1_a": plain })
    expect(MongoMigrator.run).type.not.toBeCallableWith({})
    expect(MongoMigrator.run).type.not.toBeCallableWith({ loader, outOfOrder: "ignore" })
    expect(MongoMigrator.run).type.not.toBeCallableWith({ loader, table: "migrations" })
    expect(MongoMigrator.run).type.not.toBeCallableWith({ loader, lease: "30 seconds" })
    expect(MongoMigrator.run).type.toBeCallableWith({ loader, outOfOrder: "run", lease: { wait: "1 hour" } })
  })
})

describe("plan, status and accept", () => {
  it("need only the database and what the loader needs", () => {
    const loader = MongoMigrator.fromRecord({ "1_a": withMailer })
    expect(MongoMigrator.plan({ loader })).type.toBe<
      Effect.Effect<MongoMigrator.MigrationPlan, Failure, MongoDatabase.MongoDatabase>
    >()
    expect(MongoMigrator.status({ loader: MongoMigrator.fromFileSystem("m") })).type.toBe<
      Effect.Effect<
        MongoMigrator.MigratorStatus,
        Failure,
        MongoDatabase.MongoDatabase | FileSystem.FileSystem | Path.Path
      >
    >()
    expect(MongoMigrator.accept({ loader }, [1])).type.toBe<
      Effect.Effect<void, Failure, MongoDatabase.MongoDatabase>
    >()
  })
})

describe("steps", () => {
  it("keep the failures and the services of their work", () => {
    expect(MongoMigrator.step("a", withMailer)).type.toBe<
      Effect.Effect<void, Failure | "unsent", "mailer" | MongoMigrator.CurrentMigration>
    >()
    MongoMigrator.step("a", (progress) => {
      expect(progress).type.toBe<MongoMigrator.StepProgress>()
      return withMailer
    })
  })

  it("hand out the documents of the collection", () => {
    const walked = MongoMigrator.forEachBatch({ step: "a", collection: users, filter: { name: "Ada" } }, (batch) => {
      expect(batch).type.toBe<ReadonlyArray<User>>()
      return withMailer
    })
    expect(walked).type.toBe<Effect.Effect<void, Failure | "unsent", "mailer" | MongoMigrator.CurrentMigration>>()
    expect(MongoMigrator.forEachBatch).type.not.toBeCallableWith({ collection: users }, () => withMailer)
    expect(MongoMigrator.forEachBatch).type.not.toBeCallableWith(
      { step: "a", collection: users, filter: { name: 1 } },
      () => withMailer
    )
  })
})
