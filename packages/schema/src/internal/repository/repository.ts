/**
 * Repositories: the operations of a typed collection with versions, soft deletion and lifecycle functions.
 */
import { Integration, type MongoError } from "@mongofx/core"
import type * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Inspectable from "effect/Inspectable"
import * as Option from "effect/Option"
import type * as Schema from "effect/Schema"
import type * as SchemaIssue from "effect/SchemaIssue"
import * as Filter from "../../Filter.ts"
import * as Pagination from "../../Pagination.ts"
import type { Lifecycle, PageOrder, ReadOptions, StaleDocument } from "../../Repository.ts"
import type { TypedCollection } from "../../TypedCollection.ts"
import type { Failure } from "../../TypedQuery.ts"
import * as Update from "../../Update.ts"
import { encoded, encodeError, type Origin } from "../collection/failures.ts"
import { insertion } from "../collection/insert.ts"
import { written } from "../collection/writer.ts"
import { refuse } from "../refusal.ts"
import { shownId } from "../shownId.ts"
import { type Effected, type Operations, operationsOf } from "./operations.ts"
import { prepared } from "./prepared.ts"
import { type Names, type Settings, settingsOf } from "./settings.ts"
import {
  byId,
  checkedFields,
  checkNames,
  checkVersion,
  counting,
  deletedById,
  isDuplicateKey,
  isZero,
  noDeleted,
  noDocument,
  operators,
  plus,
  present,
  setting,
  stale,
  upserting,
  without
} from "./writes.ts"

type Fields = Readonly<Record<string, unknown>>

/** A failure of a write that needs a document. */
type Missed = Failure | StaleDocument | Cause.NoSuchElementError

/** Lifecycle functions as the repository runs them. Their errors and services are in the types of Repository.ts. */
type Steps = { readonly [Name in keyof Lifecycle<never>]?: (argument: unknown) => Effect.Effect<unknown> }

type Step = keyof Steps

/** The options, as strings and functions. */
interface Given extends Steps, Names {
  readonly spanPrefix?: string | undefined
}

const insertSteps = ["beforeInsert", "afterInsert"] as const
const updateSteps = ["beforeUpdate", "afterUpdate"] as const
const deleteSteps = ["beforeDelete", "afterDelete"] as const

const operations = [
  "insert",
  "insertMany",
  "update",
  "patch",
  "upsert",
  "save",
  "findById",
  "getById",
  "findByIds",
  "find",
  "stream",
  "exists",
  "count",
  "page",
  "pages",
  "delete",
  "restore"
] as const

const after = { returnDocument: "after" } as const

/** Runs a pure check or encoder, with typed failures. */
const checking = <A>(origin: Origin, f: () => A): Effected<A> => encoded<A, never>(origin, f)

class RepositoryImpl extends Inspectable.Class {
  readonly collection: TypedCollection<Schema.Constraint>
  private readonly operations: Operations
  private readonly settings: Settings
  private readonly steps: Steps
  private readonly spanPrefix: string | undefined

  constructor(collection: TypedCollection<Schema.Constraint>, options: Given) {
    super()
    this.collection = collection
    this.operations = operationsOf(collection)
    this.settings = settingsOf(collection.fullName, collection.schema, options)
    this.steps = options
    this.spanPrefix = options.spanPrefix
  }

  get version(): string | undefined {
    return this.settings.version?.name
  }

  get softDelete(): string | undefined {
    return this.settings.softDelete?.name
  }

  toJSON(): unknown {
    return { _id: "Repository", collection: this.operations.fullName }
  }

  private origin(operation: string): Origin {
    return { operation, collection: this.operations.fullName }
  }

  // ---- around the writes

  private spanned<A, E>(operation: string, id: unknown, effect: Effected<A, E>): Effected<A, E> {
    if (this.spanPrefix === undefined) return effect
    const attributes = id === undefined ? {} : { id: shownId(id) }
    const name = `${this.spanPrefix}.${operation}`
    return Effect.withSpan(name, { attributes }, { captureStackTrace: false })(effect) as Effected<A, E>
  }

  private has(steps: ReadonlyArray<Step>): boolean {
    return steps.some((name) => this.steps[name] !== undefined)
  }

  /** Runs a write in a transaction if it has lifecycle functions. */
  private around<A, E>(steps: ReadonlyArray<Step>, write: Effected<A, E>): Effected<A, E | MongoError.MongoError> {
    return this.has(steps) ? Integration.withTransaction(this.operations.untyped)(write) : write
  }

  /** Runs a function before a write. It may give fields to set in place of others. */
  private before<A>(name: Step, argument: unknown, fields: A): Effected<A, never> {
    const step = this.steps[name]
    return step === undefined
      ? Effect.succeed(fields)
      : Effect.map(
        Effect.suspend(() => step(argument)),
        (more) => more === undefined ? fields : { ...fields, ...more as Partial<A> }
      )
  }

  private andThen<A, E>(name: Step, write: Effected<A, E>): Effected<A, E> {
    const step = this.steps[name]
    return step === undefined ? write : Effect.tap(write, (document) => step(document))
  }

  /** The failure of a write that found nothing: the document is not there, or has another version. */
  private missed<A>(origin: Origin, id: unknown, expected: unknown): Effected<A, Missed> {
    if (this.settings.version === undefined || expected === undefined) return Effect.fail(noDocument(origin, id))
    return Effect.flatMap(
      this.isThere(id),
      (isThere) => Effect.fail(isThere ? stale(origin, id, expected) : noDocument(origin, id))
    )
  }

  /** Whether the document is there for a write: a secondary may not know yet. */
  private isThere(id: unknown): Effected<boolean> {
    return this.found(this.where(id), { readPreference: "primary" })
  }

  private found(filter: Filter.Filter<never> | undefined, options?: object): Effected<boolean> {
    const projection = { [this.settings.shape.idName]: 1 }
    return Effect.map(
      this.operations.findOne(filter ?? {} as Filter.Filter<never>, { ...options, projection }),
      Option.isSome
    )
  }

  /** A conflict of keys of a new document, as what it is: somebody else was faster with this `_id`. */
  private orStale<A>(origin: Origin, id: unknown, expected: unknown, write: Effected<A>): Effected<A, Missed> {
    return Effect.catch(write, (error): Effected<A, Missed> =>
      Effect.flatMap(
        Integration.ambient(this.operations.untyped),
        ({ inTransaction }) =>
          inTransaction || !isDuplicateKey(error) ? Effect.fail(error) : Effect.flatMap(
            this.isThere(id),
            (isThere) => Effect.fail(isThere ? stale(origin, id, expected) : error)
          )
      ))
  }

  /** Once more after a conflict of keys, unless that has spoilt a transaction. */
  private twice<A, E>(write: Effected<A, E>): Effected<A, E> {
    return Effect.flatMap(
      Integration.ambient(this.operations.untyped),
      ({ inTransaction }) => inTransaction ? write : Effect.retry(write, { times: 1, while: isDuplicateKey })
    )
  }

  // ---- inserting

  private prepared(origin: Origin, value: unknown, path: string) {
    return prepared(this.settings.shape, this.operations, origin, value, path)
  }

  private inserting(origin: Origin, value: unknown): Effected<unknown> {
    const { untyped } = this.operations
    return this.andThen(
      "afterInsert",
      Effect.flatMap(
        this.before("beforeInsert", value, value),
        (value) =>
          Effect.flatMap(
            this.prepared(origin, value, "document"),
            ({ document, read }) => Effect.as(untyped.insertOne(document), read)
          )
      )
    )
  }

  insert(value: unknown): Effected<unknown> {
    return this.spanned("insert", undefined, this.around(insertSteps, this.inserting(this.origin("insert"), value)))
  }

  insertMany(values: ReadonlyArray<unknown>): Effected<ReadonlyArray<unknown>> {
    const origin = this.origin("insertMany")
    const { untyped } = this.operations
    const { afterInsert } = this.steps
    const write = Effect.forEach(values, (value, index) =>
      Effect.flatMap(
        this.before("beforeInsert", value, value),
        (value) => this.prepared(origin, value, `documents[${index}]`)
      )).pipe(
        Effect.tap((all) => all.length === 0 ? Effect.void : untyped.insertMany(all.map(({ document }) => document))),
        Effect.map((all) => all.map(({ read }) => read)),
        Effect.tap((read) => afterInsert === undefined ? Effect.void : Effect.forEach(read, afterInsert))
      )
    return this.spanned("insertMany", undefined, this.around(insertSteps, write))
  }

  // ---- updating

  /** Runs an update of one document and returns the document. */
  private updated(origin: Origin, id: unknown, expected: unknown, update: unknown): Effected<unknown, Missed> {
    const { operations, settings } = this
    return Effect.flatMap(
      operations.findOneAndUpdate(present(settings, byId(settings, id, expected)), update, after),
      (found) => Option.isSome(found) ? Effect.succeed(found.value) : this.missed(origin, id, expected)
    )
  }

  /** Replaces a document whose schema does not list its fields: an update could not name those that it removes. */
  private replaced(origin: Origin, id: unknown, expected: unknown, document: Fields): Effected<unknown, Missed> {
    const { softDelete, version } = this.settings
    const next = {
      ...without(document, softDelete === undefined ? [] : [softDelete.name]),
      ...softDelete?.cleared.$set,
      ...(version === undefined ? {} : { [version.name]: plus(expected, version.one) })
    }
    return Effect.flatMap(
      this.operations.findOneAndReplace(this.where(id, expected), next, after),
      (found) => Option.isSome(found) ? Effect.succeed(found.value) : this.missed(origin, id, expected)
    )
  }

  /** The fields without those that each update fills in. */
  private own(fields: Fields): Fields {
    return without(fields, this.settings.shape.defaults.onUpdate.map(({ name }) => name))
  }

  update(value: Fields): Effected<unknown, Missed> {
    const origin = this.origin("update")
    const { settings } = this
    const id = value?.[settings.shape.idName]
    const write = Effect.flatMap(
      this.before("beforeUpdate", { id, fields: value }, value),
      (fields) =>
        written<unknown>(
          settings.update,
          origin,
          this.own(fields),
          "document",
          (document, made) => {
            const expected = settings.version && (made as Fields)[settings.version.name]
            const update = checking(origin, () => {
              checkVersion(settings.version, expected)
              if (settings.isOpen) return undefined
              checkNames(document)
              return Update.unsafe(operators(setting(settings, document)))
            })
            return Effect.flatMap(
              update,
              (update) =>
                update === undefined
                  ? this.replaced(origin, id, expected, made as Fields)
                  : this.updated(origin, id, expected, update)
            ) as Effected<unknown>
          }
        )
    )
    return this.spanned("update", id, this.around(updateSteps, this.andThen("afterUpdate", write)))
  }

  patch(id: unknown, fields: Fields, options: { readonly expected?: unknown } = {}): Effected<unknown, Missed> {
    const origin = this.origin("patch")
    const { settings } = this
    const write = Effect.flatMap(
      this.before("beforeUpdate", { id, fields }, fields),
      (fields) =>
        Effect.flatMap(
          Effect.flatMap(checking(origin, () => this.own(checkedFields(settings, fields))), (fields) =>
            this.made(origin, fields)),
          ($set) =>
            this.updated(origin, id, options.expected, { $set, ...counting(settings) })
        )
    )
    return this.spanned("patch", id, this.around(updateSteps, this.andThen("afterUpdate", write)))
  }

  /** The fields with the defaults and class instances inside of their values, as an insert makes them. */
  private made(origin: Origin, fields: Fields): Effected<Fields> {
    const each = Effect.forEach(
      Object.entries(fields),
      ([name, value]) => this.settings.make(name)({ [name]: value }) as Effect.Effect<Fields, SchemaIssue.Issue>
    )
    return Effect.mapBoth(each, {
      onFailure: (issue) => encodeError(origin, "fields", issue),
      onSuccess: (made) => Object.assign({}, ...made) as Fields
    })
  }

  // ---- inserting or updating

  private upserting(origin: Origin, value: Fields, on: ReadonlyArray<string>) {
    const { settings } = this
    const { shape } = settings
    const { defaults } = shape
    const own = this.own(value)
    // Each run fills in the defaults anew.
    const made = Effect.suspend(() => insertion(shape, origin, own, "document"))
    return Effect.flatMap(made, ({ document }) =>
      checking(origin, () => {
        if (on.length === 0) refuse("options.on", "has no fields: leave it out, or name some")
        checkNames(document)
        const keys = on.map((name, index) => shape.read(name, `options.on[${index}]`).key)
        const missing = keys.findIndex((key) => document[key] === undefined)
        if (missing !== -1) refuse(`document.${on[missing]}`, "is missing, but options.on names it")
        const filled = defaults.onInsert.filter(({ key, name }) =>
          own[name] === undefined && !defaults.onUpdate.some((other) => other.key === key)
        )
        return upserting(settings, document, keys, new Set(filled.map(({ key }) => key)))
      }))
  }

  upsert(value: Fields, options: { readonly on?: ReadonlyArray<string> } = {}): Effected<unknown> {
    const origin = this.origin("upsert")
    const { operations } = this
    const { idName } = this.settings.shape
    const steps = [...insertSteps, ...updateSteps]
    const on = options.on ?? [idName]
    const write = Effect.flatMap(this.upserting(origin, value, on), ({ changes, filter, onInsert }) =>
      this.has(steps)
        ? Effect.flatMap(operations.findOne(Filter.unsafe(filter) as Filter.Filter<never>), (found) =>
          Option.isNone(found)
            ? this.inserting(origin, value)
            : this.changing(origin, (found.value as Fields)[idName], value, on))
        : Effect.map(
          operations.findOneAndUpdate(
            Filter.unsafe(filter) as Filter.Filter<never>,
            Update.unsafe(operators({ ...changes, ...onInsert })),
            { ...after, upsert: true }
          ),
          Option.getOrUndefined
        ))
    return this.spanned("upsert", value?.[idName], this.twice(this.around(steps, write)))
  }

  /** The update of an upsert that has found its document, with its lifecycle functions. */
  private changing(origin: Origin, id: unknown, value: Fields, on: ReadonlyArray<string>): Effected<unknown> {
    return this.andThen(
      "afterUpdate",
      Effect.flatMap(
        this.before("beforeUpdate", { id, fields: value }, value),
        (value) =>
          Effect.flatMap(
            this.upserting(origin, value, on),
            // The transaction has read the document, so that it is there.
            ({ changes }) => this.updated(origin, id, undefined, Update.unsafe(operators(changes))) as Effected<unknown>
          )
      )
    )
  }

  save(document: Fields): Effected<unknown, Missed> {
    const origin = this.origin("save")
    const { shape, version } = this.settings
    const id = document?.[shape.idName]
    const steps = [...insertSteps, ...updateSteps]
    const write = this.has(steps)
      ? Effect.flatMap(this.isThere(id), (isThere) =>
        this.andThen(
          isThere ? "afterUpdate" : "afterInsert",
          Effect.flatMap(
            isThere
              ? this.before("beforeUpdate", { id, fields: document }, document)
              : this.before("beforeInsert", document, document),
            (document) => this.saving(origin, id, document)
          )
        ))
      : this.saving(origin, id, document)
    const saved = this.around(steps, write)
    return this.spanned("save", id, version === undefined ? this.twice(saved) : saved)
  }

  private saving(origin: Origin, id: unknown, document: Fields): Effected<unknown, Missed> {
    const { shape, version } = this.settings
    const expected = version && document[version.name]
    const filledIn = Effect.forEach(
      shape.defaults.onUpdate,
      ({ name, value }) => Effect.map(value, (value) => [name, value] as const)
    )
    return Effect.flatMap(
      Effect.andThen(
        checking(origin, () => checkVersion(version, expected)),
        Effect.mapError(filledIn, (issue) => encodeError(origin, "document", issue))
      ),
      (more) => {
        const next = {
          ...document,
          ...Object.fromEntries(more),
          ...(version === undefined ? {} : { [version.name]: plus(expected, version.one) })
        }
        const replace = (upsert: boolean) =>
          this.operations.findOneAndReplace(this.where(id, expected), next, { ...after, upsert })
        if (version === undefined) return Effect.map(replace(true), Option.getOrUndefined)
        return Effect.flatMap(replace(false), (found): Effected<unknown, Missed> => {
          if (Option.isSome(found)) return Effect.succeed(found.value)
          if (!isZero(expected)) return this.missed(origin, id, expected)
          return Effect.flatMap(
            this.isThere(id),
            (isThere): Effected<unknown, Missed> =>
              isThere
                ? Effect.fail(stale(origin, id, expected))
                : this.orStale(origin, id, expected, Effect.map(replace(true), Option.getOrUndefined))
          )
        })
      }
    )
  }

  // ---- deleting

  delete(id: unknown, options: { readonly expected?: unknown } = {}): Effected<boolean, Failure | StaleDocument> {
    const origin = this.origin("delete")
    const { expected } = options
    const deleting = Effect.flatMap(
      this.deleted(this.where(id, expected)),
      (deleted) =>
        deleted || expected === undefined || this.settings.version === undefined
          ? Effect.succeed(deleted)
          : Effect.flatMap(
            this.isThere(id),
            (isThere): Effected<boolean, Failure | StaleDocument> =>
              isThere ? Effect.fail(stale(origin, id, expected)) : Effect.succeed(false)
          )
    )
    // What is not there is not deleted. To find that out afterwards would leave behind what the function has written.
    const write = this.has(["beforeDelete"])
      ? Effect.flatMap(
        this.isThere(id),
        (isThere) =>
          isThere ? Effect.andThen(this.before("beforeDelete", id, undefined), deleting) : Effect.succeed(false)
      )
      : deleting
    return this.spanned("delete", id, this.around(deleteSteps, write))
  }

  private deleted(filter: Filter.Filter<never>): Effected<boolean> {
    const { operations, settings } = this
    const { softDelete } = settings
    const { afterDelete } = this.steps
    if (softDelete === undefined) {
      return afterDelete === undefined
        ? Effect.map(operations.deleteOne(filter), ({ deletedCount }) => deletedCount === 1)
        : Effect.map(this.passedOn(operations.findOneAndDelete(filter), afterDelete), Option.isSome)
    }
    return Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const update = { $set: { [softDelete.name]: softDelete.at(new Date(now)) }, ...counting(settings) }
      return afterDelete === undefined
        ? Effect.map(operations.updateOne(filter, update), ({ matchedCount }) => matchedCount === 1)
        : Effect.map(this.passedOn(operations.findOneAndUpdate(filter, update, after), afterDelete), Option.isSome)
    })
  }

  private passedOn<A>(
    found: Effected<Option.Option<A>>,
    step: (document: A) => Effect.Effect<unknown>
  ): Effected<Option.Option<A>> {
    return Effect.tap(found, (found) => Option.isSome(found) ? step(found.value) : Effect.void)
  }

  restore(id: unknown): Effected<unknown, Failure | Cause.NoSuchElementError> {
    const { operations, settings } = this
    const { softDelete } = settings
    if (softDelete === undefined) return Effect.die(new Error("restore: the repository has no option softDelete"))
    const write = Effect.flatMap(
      operations.findOneAndUpdate(deletedById(settings, id), { ...softDelete.cleared, ...counting(settings) }, after),
      (found) =>
        Option.isSome(found)
          ? Effect.succeed(found.value)
          : Effect.fail(noDeleted(this.origin("restore"), id))
    )
    return this.spanned("restore", id, this.around(["afterRestore"], this.andThen("afterRestore", write)))
  }

  // ---- reading

  private where(id: unknown, expected?: unknown): Filter.Filter<never> {
    return present(this.settings, byId(this.settings, id, expected))
  }

  private reading(filter: unknown, options: ReadOptions = {}): Filter.Filter<never> | undefined {
    return present(this.settings, filter, options.withDeleted)
  }

  findById(id: unknown, options?: ReadOptions): Effected<Option.Option<unknown>> {
    return this.spanned("findById", id, this.operations.findOne(this.reading(byId(this.settings, id), options)!))
  }

  getById(id: unknown, options?: ReadOptions): Effected<unknown, Failure | Cause.NoSuchElementError> {
    const found = this.operations.findOne(this.reading(byId(this.settings, id), options)!)
    return this.spanned(
      "getById",
      id,
      Effect.flatMap(
        found,
        (found) =>
          Option.isSome(found) ? Effect.succeed(found.value) : Effect.fail(noDocument(this.origin("getById"), id))
      )
    )
  }

  findByIds(ids: ReadonlyArray<unknown>, options?: ReadOptions) {
    return this.find({ [this.settings.shape.idName]: { $in: ids } }, options)
  }

  find(filter?: unknown, options?: ReadOptions) {
    return this.operations.find(this.reading(filter, options))
  }

  stream(filter?: unknown, options?: ReadOptions) {
    return this.find(filter, options).stream
  }

  exists(filter?: unknown, options?: ReadOptions): Effected<boolean> {
    return this.spanned("exists", undefined, this.found(this.reading(filter, options)))
  }

  count(filter?: unknown, options?: ReadOptions): Effected<number> {
    return this.spanned("count", undefined, this.operations.countDocuments(this.reading(filter, options)))
  }

  private ordered(filter: unknown, { sort, withDeleted }: PageOrder<unknown>) {
    const query = this.find(filter, { withDeleted })
    return sort === undefined ? query : query.sort(sort as never)
  }

  page(
    filter: unknown,
    { sort, withDeleted, ...page }: Pagination.PageOptions & PageOrder<unknown>
  ): Effected<Pagination.Page<unknown>, Pagination.Failure> {
    return this.spanned("page", undefined, Pagination.page(this.ordered(filter, { sort, withDeleted }), page))
  }

  pages(filter: unknown, { sort, withDeleted, ...pages }: Pagination.PagesOptions & PageOrder<unknown>) {
    return Pagination.pages(this.ordered(filter, { sort, withDeleted }), pages)
  }
}

/**
 * Makes the repository of a typed collection.
 *
 * @internal
 */
export const makeRepository = (
  collection: TypedCollection<Schema.Constraint>,
  options: Given
): RepositoryImpl => {
  const repository = new RepositoryImpl(collection, options)
  // `Effect.flatMap(users.getById)` needs functions that know their repository.
  for (const name of operations) {
    Object.defineProperty(repository, name, { value: repository[name].bind(repository), enumerable: true })
  }
  return repository
}
