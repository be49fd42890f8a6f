/**
 * Where migrations come from: a record, the modules of a glob, the files of a folder.
 */
import * as Effect from "effect/Effect"
import { FileSystem } from "effect/FileSystem"
import { Path } from "effect/Path"
import * as Predicate from "effect/Predicate"
import { createHash } from "node:crypto"
import type { ChecksumOf, Loader, Migration, ResolvedMigration } from "../../MongoMigrator.ts"
import { awaited } from "../call/bounded.ts"
import { byId, failure, type MigrationError, type MigrationId, nameOf } from "./migrationError.ts"

/** @internal */
export const TypeId = "~@mongofx/core/MongoMigrator/Migration" as const

const isMigration = (u: unknown): u is Migration<unknown> => Predicate.hasProperty(u, TypeId)

/** A migration of what a record or a module has for it. */
const migrationOf = (value: unknown): Migration<unknown> | undefined =>
  isMigration(value) ? value : Effect.isEffect(value) ? { [TypeId]: TypeId, up: value } : undefined

const recordKey = /^(\d+)_(.+)$/
const fileName = /^(?:.*[\\/])?(\d+)_([^.\\/]+)\.(?:js|ts|mjs|mts)$/

/**
 * The checksum of a source text. Line endings do not count, since version control may change them.
 *
 * @internal
 */
export const checksumOf = (text: string): string =>
  `sha256:${createHash("sha256").update(text.replaceAll("\r\n", "\n")).digest("hex")}`

/** @internal */
export const fromRecord = (migrations: object): Loader<unknown> =>
  Effect.suspend(() => {
    const resolved: Array<ResolvedMigration<unknown>> = []
    for (const [key, value] of Object.entries(migrations)) {
      const [, id, name] = recordKey.exec(key) ?? []
      const migration = migrationOf(value)
      if (id === undefined || name === undefined) {
        return Effect.fail(failure(
          "BadState",
          [],
          `${JSON.stringify(key)} is not the name of a migration: name it by a number and a word, such as 1_add_emails`
        ))
      }
      if (migration === undefined) {
        return Effect.fail(failure(
          "BadState",
          [{ id: Number(id), name }],
          `${key} is not a migration: give an Effect, or the result of MongoMigrator.migration`
        ))
      }
      resolved.push({ id: Number(id), name, checksum: migration.checksum, load: Effect.succeed(migration) })
    }
    return Effect.succeed(resolved.sort(byId))
  })

/** The default export of a module, of a CommonJS module too. */
const exported = (module: unknown): unknown => {
  const first = Predicate.hasProperty(module, "default") ? module.default : undefined
  return Predicate.hasProperty(first, "default") ? first.default : first
}

const loading = (
  id: MigrationId,
  module: Effect.Effect<unknown, unknown>
): Effect.Effect<Migration<unknown>, MigrationError> =>
  module.pipe(
    Effect.mapError((cause) =>
      failure("ImportError", [id], `migration ${nameOf(id)} could not be imported: repair its module`, cause)
    ),
    Effect.flatMap((module) => {
      const migration = migrationOf(exported(module))
      return migration === undefined
        ? Effect.fail(failure(
          "ImportError",
          [id],
          `the default export of migration ${
            nameOf(id)
          } is not a migration: export an Effect, or the result of MongoMigrator.migration`
        ))
        : Effect.succeed(migration)
    })
  )

/** A module with a migration, its checksum included if that is asked for. */
const resolve = (
  file: string,
  module: Effect.Effect<unknown, unknown>,
  checksum: ChecksumOf | undefined,
  content: Effect.Effect<string, MigrationError>
): ReadonlyArray<Effect.Effect<ResolvedMigration<unknown>, MigrationError>> => {
  const [, number, name] = fileName.exec(file) ?? []
  if (number === undefined || name === undefined) return []
  const id = { id: Number(number), name }
  const load = loading(id, module)
  const checked: Effect.Effect<string | undefined, MigrationError> = checksum === "content"
    ? Effect.map(content, checksumOf)
    : checksum === "declared"
    ? Effect.map(load, (migration) => migration.checksum)
    : Effect.undefined
  return [Effect.map(checked, (checksum) => ({ ...id, checksum, load }))]
}

const sorted = (
  migrations: ReadonlyArray<Effect.Effect<ResolvedMigration<unknown>, MigrationError>>
): Effect.Effect<ReadonlyArray<ResolvedMigration<unknown>>, MigrationError> =>
  Effect.map(Effect.all(migrations), (resolved) => resolved.sort(byId))

/** @internal */
export const fromGlob = (
  modules: Readonly<Record<string, () => Promise<unknown>>>,
  options: { readonly checksum?: Exclude<ChecksumOf, "content"> | undefined } = {}
): Loader<unknown> =>
  Effect.suspend(() =>
    sorted(
      Object.entries(modules).flatMap(([path, module]) =>
        resolve(path, awaited(module), options.checksum, Effect.succeed(""))
      )
    )
  )

/** @internal */
export const fromFileSystem = (
  directory: string,
  options: { readonly checksum?: ChecksumOf | undefined } = {}
): Loader<unknown, FileSystem | Path> =>
  Effect.gen(function*() {
    const files = yield* FileSystem
    const path = yield* Path
    const unreadable = (what: string) => (cause: unknown) =>
      failure("BadState", [], `${what} cannot be read: check that it exists, and that the process may read it`, cause)
    const names = yield* Effect.mapError(
      files.readDirectory(directory),
      unreadable(`the folder of migrations ${directory}`)
    )
    return yield* sorted(names.flatMap((name) => {
      const file = path.join(directory, name)
      const module = Effect.flatMap(
        path.toFileUrl(path.resolve(file)),
        ({ href }) => awaited(() => import(/* @vite-ignore */ /* webpackIgnore: true */ href))
      )
      const content = Effect.mapError(files.readFileString(file), unreadable(`the migration ${file}`))
      return resolve(name, module, options.checksum, content)
    }))
  })
