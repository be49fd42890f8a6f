// @barrel: none
/**
 * A command line for a program's own database: what is pending, migrations, indexes, validators, which documents do not decode, and
 * the schema of what is stored.
 *
 * `make` gives a command of Effect's CLI. A file of yours runs it, with your collections and migrations:
 *
 * ```ts
 * #!/usr/bin/env node
 * import { NodeRuntime, NodeServices } from "@effect/platform-node"
 * import { MongoClient, MongoDatabase } from "@mongofx/core"
 * import { Bson, TypedCollection } from "@mongofx/schema"
 * import * as MongoCli from "@mongofx/schema/MongoCli"
 * import { Config, Effect, Layer, Schema } from "effect"
 * import { Command } from "effect/cli"
 *
 * const User = Schema.Struct({ _id: Bson.ObjectId, name: Schema.String })
 *
 * class Users extends TypedCollection.Service<Users>()("app/Users", { name: "users", schema: User }) {}
 *
 * const command = MongoCli.make({
 *   name: "app-db",
 *   collections: [Users],
 *   layer: Users.layer.pipe(
 *     Layer.provideMerge(MongoDatabase.layer("app")),
 *     Layer.provideMerge(MongoClient.layerConfig({ url: Config.Redacted("MONGODB_URI") }))
 *   )
 * })
 *
 * Command.run(command, { version: "1.0.0" }).pipe(Effect.provide(NodeServices.layer), NodeRuntime.runMain)
 * ```
 *
 * Import it as `@mongofx/schema/MongoCli`: it needs the modules of Effect's CLI, which other programs do not load.
 *
 * @since 0.1.0
 */
import type { MongoDatabase, MongoMigrator } from "@mongofx/core"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as audits from "./internal/cli/audit.ts"
import type { AnyCollection } from "./internal/cli/collections.ts"
import type { CliExit } from "./internal/cli/exit.ts"
import * as indexes from "./internal/cli/indexes.ts"
import * as inference from "./internal/cli/infer.ts"
import * as migrations from "./internal/cli/migrate.ts"
import { type Report, run } from "./internal/cli/run.ts"
import type { Screen } from "./internal/cli/screen.ts"
import * as overview from "./internal/cli/status.ts"
import * as validators from "./internal/cli/validators.ts"
import type * as MongoValidator from "./MongoValidator.ts"
import type { TypedCollection } from "./TypedCollection.ts"

export {
  /**
   * Ends a command with an exit code. Everything that there is to say is printed already, so `NodeRuntime.runMain` prints nothing more.
   *
   * **Details**
   *
   * `outcome` says what the command has found, and `cause` has the error if it has failed.
   *
   * **Example** (Doing something else after a failure)
   *
   * ```ts
   * import type * as MongoCli from "@mongofx/schema/MongoCli"
   * import { Console, Effect } from "effect"
   *
   * const told = <A, R>(run: Effect.Effect<A, MongoCli.CliExit, R>) =>
   *   run.pipe(Effect.tapError((exit) => Console.error(`ended with ${exit.code}`)))
   * ```
   *
   * @see {@link make} for the codes
   * @stability unstable
   * @category errors
   * @since 0.1.0
   */
  CliExit
} from "./internal/cli/exit.ts"

/**
 * A collection of the command line: the class of a service, or any other effect that gives a typed collection.
 *
 * @see {@link Options} for the place of the collections
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Collection
  extends
    Effect.Effect<Pick<TypedCollection<Schema.Constraint>, "fullName" | "name" | "schema" | "untyped">, never, unknown>
{}

/**
 * The options of `make`.
 *
 * **Details**
 *
 * `layer` is made when a command runs, after its arguments are read: `--help` needs no server, and a server that does not answer is one line of
 * text. Services that it does not supply are needed by the program around the command.
 *
 * @see {@link make} for the function that takes them
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface Options<Name extends string, C extends ReadonlyArray<Collection>, M, L, A, E, R> {
  /** The name of the command, as help shows it: `mongo` by default. */
  readonly name?: Name | undefined
  /** The collections whose indexes, validators and documents are looked at. */
  readonly collections: C
  /** The migrations, as `MongoMigrator.run` takes them. Without them `migrate` has nothing to do. */
  readonly migrations?: MongoMigrator.MigratorOptions<M, L> | undefined
  /**
   * How validators are made of the schemas. `status` looks at validators only if it is there: `{}` is enough. A function gives the options of each
   * collection by its name.
   */
  readonly validators?: MongoValidator.PlanOptions | ((collection: string) => MongoValidator.PlanOptions) | undefined
  /** Supplies the database, the collections and what the migrations need. */
  readonly layer: Layer.Layer<A, E, R>
}

/** What a command needs from the program around it. */
type Needs<C extends ReadonlyArray<Collection>, M, L, A, R> =
  | Command.Environment
  | Exclude<R, Scope.Scope>
  | Exclude<
    | MongoDatabase.MongoDatabase
    | Effect.Services<C[number]>
    | SchemaServices<Effect.Success<C[number]>>
    | Exclude<M, MongoMigrator.CurrentMigration>
    | L,
    A
  >

type SchemaServices<T> = T extends { readonly schema: infer S extends Schema.Constraint }
  ? S["DecodingServices"] | S["EncodingServices"]
  : never

const json = GlobalFlag.Setting("json")({
  flag: Flag.Boolean("json").pipe(
    Flag.withDescription("Print the result as one JSON value"),
    Flag.withDefault(false)
  )
})

const yes = Flag.Boolean("yes").pipe(
  Flag.withAlias("y"),
  Flag.withDescription("Do what cannot be undone without a question"),
  Flag.withDefault(false)
)

const allowDrop = Flag.Boolean("allow-drop").pipe(
  Flag.withDescription("Also drop indexes: those that nobody declares, and those that make room for others"),
  Flag.withDefault(false)
)

const sample = Flag.Int("sample").pipe(
  Flag.filter((n) => n > 0, () => "a positive number of documents"),
  Flag.withDescription("Read this many documents, taken by chance, instead of all"),
  Flag.optional
)

const codesText =
  "Exit codes: 0 nothing to do, or done; 1 failed; 2 something is pending; 3 something that a person has to look at; 4 not confirmed"

/**
 * Makes the command of a program's database, for a file of yours.
 *
 * **Details**
 *
 * | Command              | What it does                                                                                                |
 * | -------------------- | ----------------------------------------------------------------------------------------------------------- |
 * | `status`             | shows what is pending: migrations, declared indexes, validators. It changes nothing                         |
 * | `migrate`            | runs the pending migrations. `--dry-run` shows them                                                         |
 * | `indexes plan`       | compares the declared indexes with those of the server                                                      |
 * | `indexes apply`      | builds and changes them. `--allow-drop` also drops                                                          |
 * | `validators plan`    | compares validators with the schemas, counts documents that do not fit, and shows what only the codec checks |
 * | `validators apply`   | gives the collections their validators                                                                      |
 * | `audit [NAME]`       | counts the stored documents that do not decode, by path and problem. `--sample N` reads a few               |
 * | `infer NAME`         | prints the TypeScript of a schema for what is stored: `infer users > User.ts`                               |
 *
 * The exit code is for pipelines:
 *
 * | Code | Outcome       | Meaning                                                                                                        |
 * | ---- | ------------- | -------------------------------------------------------------------------------------------------------------- |
 * | 0    | `ok`          | there is nothing to do, or everything is done                                                                  |
 * | 1    | `failed`      | the command has failed, or its arguments are wrong                                                             |
 * | 2    | `pending`     | `status`, a plan or a dry run has found something that `migrate` or `apply` does                               |
 * | 3    | `findings`    | a person has to look: documents that do not decode, undeclared indexes, migrations that are recorded otherwise |
 * | 4    | `unconfirmed` | it needs a confirmation: nobody was there to ask, or the answer was no. Nothing was changed                    |
 * | 130  | `interrupted` | the command was interrupted                                                                                    |
 *
 * The result is on standard output, everything else on standard error: notes, progress, errors, and what migrations log or print with
 * `Console`. With `--json` the result is one JSON value with `command` and `outcome`, of a failure as well. Values of BSON in it are relaxed
 * Extended JSON. Colours and progress are for terminals only, and `NO_COLOR` is respected.
 *
 * `apply` asks before an index is dropped, before an index makes the server delete documents by their age, before a validator replaces
 * another one, and before it makes stored documents impossible to update, or may do so since the option `count` is false. `--yes` answers in advance. A pipeline, and a command with `--json`,
 * cannot be asked and have to say it.
 *
 * **Gotchas**
 *
 * A collection that declares no index may have any. Undeclared indexes are findings only beside declared ones.
 *
 * `audit` and a unique index that cannot be built show `_id`s of documents. `infer` shows the texts of a field that has few different ones, unless
 * `--no-enums` is there. Nothing else shows values of documents.
 *
 * Wrong arguments are answered by Effect's CLI: with the help on standard output, also with `--json`. `CliOutput.layerPresenter` changes that.
 *
 * A plain `console.log` in a migration is beyond the reach of Effect, and goes to standard output.
 *
 * **Example** (A file that is run)
 *
 * ```ts
 * import { NodeRuntime, NodeServices } from "@effect/platform-node"
 * import { MongoClient, MongoDatabase, MongoMigrator } from "@mongofx/core"
 * import * as MongoCli from "@mongofx/schema/MongoCli"
 * import { Config, Effect, Layer } from "effect"
 * import { Command } from "effect/cli"
 *
 * const command = MongoCli.make({
 *   name: "app-db",
 *   collections: [],
 *   migrations: {
 *     loader: MongoMigrator.fromRecord({
 *       "1_first-user": Effect.flatMap(MongoDatabase.MongoDatabase, (db) => db.collection("users").insertOne({ name: "Ada" }))
 *     })
 *   },
 *   layer: MongoDatabase.layer("app").pipe(
 *     Layer.provideMerge(MongoClient.layerConfig({ url: Config.Redacted("MONGODB_URI") }))
 *   )
 * })
 *
 * Command.run(command, { version: "1.0.0" }).pipe(Effect.provide(NodeServices.layer), NodeRuntime.runMain)
 * ```
 *
 * @see {@link Options} for what it takes
 * @see {@link CliExit} for how it ends
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const make = <
  const Name extends string = "mongo",
  const C extends ReadonlyArray<Collection> = [],
  M = never,
  L = never,
  A = never,
  E = never,
  R = never
>(options: Options<Name, C, M, L, A, E, R>): Command.Command<Name, {}, {}, CliExit, Needs<C, M, L, A, R>> => {
  const { layer } = options
  // Their services are part of the type of the result, which knows their schemas. In here they are of any schema.
  const collections = Effect.all(options.collections) as unknown as Effect.Effect<ReadonlyArray<AnyCollection>>
  const parts = { collections, migrations: options.migrations, validators: options.validators }

  /** A command of these words. */
  const command = <E2, R2>(words: string, work: (screen: Screen) => Effect.Effect<Report, E2, R2>) =>
    Effect.flatMap(json, (json) => run({ command: words, json, layer }, work))

  const status = Command.make("status", {}, () => command("status", (screen) => overview.status(screen, parts))).pipe(
    Command.withDescription("Show what is pending: migrations, indexes, validators")
  )

  const migrate = Command.make(
    "migrate",
    {
      dryRun: Flag.Boolean("dry-run").pipe(
        Flag.withDescription("Only show which migrations would run"),
        Flag.withDefault(false)
      )
    },
    ({ dryRun }) => command("migrate", (screen) => migrations.migrate(screen, options.migrations, dryRun))
  ).pipe(Command.withDescription("Run the pending migrations"))

  const indexCommands = Command.make("indexes").pipe(
    Command.withDescription("Compare the declared indexes with those of the server, and make them so"),
    Command.withSubcommands([
      Command.make(
        "plan",
        { allowDrop },
        (settings) => command("indexes plan", () => Effect.flatMap(collections, (all) => indexes.plan(all, settings)))
      ).pipe(
        Command.withDescription("Show what is different")
      ),
      Command.make(
        "apply",
        { allowDrop, yes },
        (settings) =>
          command(
            "indexes apply",
            (screen) => Effect.flatMap(collections, (all) => indexes.apply(screen, all, settings))
          )
      ).pipe(
        Command.withDescription("Build and change indexes, so that they are as declared")
      )
    ])
  )

  const validatorCommands = Command.make("validators").pipe(
    Command.withDescription("Compare what the server refuses with the schemas, and make it so"),
    Command.withSubcommands([
      Command.make(
        "plan",
        {},
        () =>
          command(
            "validators plan",
            (screen) => Effect.flatMap(collections, (all) => validators.plan(screen, all, options.validators))
          )
      ).pipe(
        Command.withDescription("Show what is different, and how many documents do not fit")
      ),
      Command.make(
        "apply",
        { yes },
        ({ yes }) =>
          command(
            "validators apply",
            (screen) => Effect.flatMap(collections, (all) => validators.apply(screen, all, options.validators, yes))
          )
      ).pipe(
        Command.withDescription("Give the collections the validators of their schemas")
      )
    ])
  )

  const audit = Command.make(
    "audit",
    {
      name: Argument.String("name").pipe(
        Argument.withDescription("The collection; all of them without it"),
        Argument.optional
      ),
      sample,
      examples: Flag.Int("examples").pipe(
        Flag.filter((n) => n > 0, () => "a positive number of ids"),
        Flag.withDescription("How many ids to show of each problem"),
        Flag.withDefault(1)
      )
    },
    ({ examples, name, sample }) =>
      command("audit", (screen) =>
        Effect.flatMap(collections, (all) =>
          audits.audit(screen, all, {
            name: Option.getOrUndefined(name),
            sample: Option.getOrUndefined(sample),
            examples
          })))
  ).pipe(Command.withDescription("Count the stored documents that do not decode"))

  const infer = Command.make(
    "infer",
    {
      name: Argument.String("name").pipe(Argument.withDescription("The collection, declared or not")),
      sample,
      noEnums: Flag.Boolean("no-enums").pipe(
        Flag.withDescription("Print no text of a document: strings stay strings"),
        Flag.withDefault(false)
      )
    },
    ({ name, noEnums, sample }) =>
      command(
        "infer",
        (screen) => inference.infer(screen, { name, sample: Option.getOrUndefined(sample), enums: !noEnums })
      )
  ).pipe(Command.withDescription("Print the TypeScript of a schema for what is stored"))

  const root = Command.make(options.name ?? ("mongo" as Name)).pipe(
    Command.withDescription(`Look after the database of this program. ${codesText}`),
    Command.withSubcommands([status, migrate, indexCommands, validatorCommands, audit, infer]),
    Command.withGlobalFlags([json])
  )
  return root as unknown as Command.Command<Name, {}, {}, CliExit, Needs<C, M, L, A, R>>
}
