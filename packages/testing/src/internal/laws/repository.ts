/**
 * The laws of repositories. Each says what is wrong with a repository for some documents, or nothing.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { RepositoryLaw } from "../../MongoLaws.ts"
import { show } from "../failureText.ts"
import { sameBy } from "./same.ts"

type Document = Readonly<Record<string, unknown>>

/**
 * A repository whose documents are unknown. Their types are in MongoLaws.ts.
 *
 * @internal
 */
export interface Operations<R> {
  readonly collection: { readonly untyped: { readonly countDocuments: () => Effect.Effect<number, unknown> } }
  readonly version: string | undefined
  readonly softDelete: string | undefined
  readonly insert: (document: Document) => Effect.Effect<Document, unknown, R>
  readonly insertMany: (documents: ReadonlyArray<Document>) => Effect.Effect<ReadonlyArray<Document>, unknown, R>
  readonly update: (document: Document) => Effect.Effect<Document, unknown, R>
  readonly patch: (id: unknown, fields: Document, options?: object) => Effect.Effect<Document, unknown, R>
  readonly upsert: (document: Document) => Effect.Effect<Document, unknown, R>
  readonly delete: (id: unknown, options?: object) => Effect.Effect<boolean, unknown, R>
  readonly restore?: (id: unknown) => Effect.Effect<Document, unknown, R>
  readonly findById: (id: unknown, options?: object) => Effect.Effect<Option.Option<Document>, unknown, R>
  readonly getById: (id: unknown) => Effect.Effect<Document, unknown, R>
  readonly findByIds: (ids: ReadonlyArray<unknown>) => Effect.Effect<ReadonlyArray<Document>, unknown, R>
  readonly find: () => Effect.Effect<ReadonlyArray<Document>, unknown, R>
  readonly exists: () => Effect.Effect<boolean, unknown, R>
  readonly count: (filter?: object, options?: object) => Effect.Effect<number, unknown, R>
  readonly page: (filter: object, options: object) => Effect.Effect<
    {
      readonly items: ReadonlyArray<Document>
      readonly endCursor: string | undefined
      readonly hasNextPage: boolean
    },
    unknown,
    R
  >
}

/**
 * What a law works with: documents that it may store, and as many that are never stored, with other ids and keys.
 */
interface Subject<R> {
  readonly repository: Operations<R>
  readonly documents: ReadonlyArray<Document>
  readonly others: ReadonlyArray<Document>
  /** A number that chooses among fields and sizes. */
  readonly choice: number
  readonly traits: Traits
}

/**
 * What is known of the fields of a repository's documents.
 *
 * @internal
 */
export interface Traits {
  readonly id: string
  /** The fields of an insert and of an update; all, if the schema does not list them. */
  readonly inserted: ReadonlySet<string> | undefined
  readonly updated: ReadonlySet<string> | undefined
  /** The fields that the repository sets itself. */
  readonly own: ReadonlySet<string>
  /** What inserts give to such fields where the schema does not fill them in. */
  readonly initial: Document
  /** The fields that need not be what was given: those, and the ones that lifecycle functions change. */
  readonly free: ReadonlySet<string>
  readonly isSame: (a: unknown, b: unknown) => boolean
}

type SchemaFields = Readonly<Record<string, Schema.Constraint>>

/** The fields of a schema, also of one that renames them. */
const fieldsOf = (schema: unknown): SchemaFields | undefined => {
  const { fields, to } = schema as { readonly fields?: SchemaFields; readonly to?: { readonly fields?: SchemaFields } }
  return fields ?? to?.fields
}

const namesOf = (schema: unknown): ReadonlySet<string> | undefined => {
  const fields = fieldsOf(schema)
  return fields === undefined ? undefined : new Set(Object.keys(fields))
}

/** The fields that a schema fills in. */
const filledBy = (schema: unknown): ReadonlyArray<string> =>
  Object.entries(fieldsOf(schema) ?? {}).flatMap(([name, field]) =>
    field.ast.context?.constructorDefault === undefined ? [] : [name]
  )

/** The value of a field that stands for null, or for a missing key. */
const absentOf = (field: Schema.Constraint): Document => {
  const decode = Schema.decodeUnknownOption(Schema.Struct({ field: field as Schema.Codec<unknown, unknown> }))
  const decoded = Option.orElse(decode({}), () => decode({ field: null }))
  return Option.isSome(decoded) ? decoded.value : {}
}

/**
 * @param changed - the fields that lifecycle functions change
 * @internal
 */
export const traitsOf = (
  repository: { readonly version: string | undefined; readonly softDelete: string | undefined },
  schema: Schema.Constraint,
  id: string,
  document: Document,
  changed: ReadonlyArray<string>
): Traits => {
  const { insert = schema, update = schema } = schema as { readonly insert?: unknown; readonly update?: unknown }
  const stored = new Set(filledBy(schema))
  const own = new Set([
    ...[repository.version, repository.softDelete].filter((name) => name !== undefined),
    ...filledBy(update).filter((name) => !stored.has(name))
  ])
  const { softDelete, version } = repository
  const field = softDelete === undefined ? undefined : fieldsOf(schema)?.[softDelete]
  const initial = {
    ...(version === undefined ? {} : { [version]: typeof document[version] === "bigint" ? 1n : 1 }),
    ...(softDelete === undefined || field === undefined ? {} : { [softDelete]: absentOf(field)["field"] })
  }
  const filled = new Set(filledBy(insert))
  return {
    id,
    inserted: namesOf(insert),
    updated: namesOf(update),
    own,
    initial: Object.fromEntries(Object.entries(initial).filter(([name]) => !filled.has(name))),
    free: new Set([...own, ...changed]),
    isSame: sameBy(schema)
  }
}

/**
 * The name of the field that is stored as `_id`: with the value of another document there, the document has the `_id` of that one.
 *
 * @param encode - gives the stored form of a document, if it can be stored
 * @internal
 */
export const idNameOf = (
  documents: ReadonlyArray<unknown>,
  encode: (document: unknown) => Document | undefined
): string | undefined => {
  const [first, second] = documents as ReadonlyArray<Document>
  if (first === undefined || second === undefined || "_id" in first) return "_id"
  const id = show(encode(second)?.["_id"])
  return encode(second)?.["_id"] === undefined
    ? undefined
    : Object.keys(first).find((name) => show(encode(withFields(first, second, [name]))?.["_id"]) === id)
}

// ---- documents

const copyOf = (document: Document, change: (copy: Record<string, unknown>) => void): Document => {
  const copy = Object.create(
    Object.getPrototypeOf(document) as object,
    Object.getOwnPropertyDescriptors(document)
  ) as Record<string, unknown>
  change(copy)
  return copy
}

/** A document with some fields of another one; what that one lacks is removed. */
const withFields = (document: Document, from: Document, names: Iterable<string>): Document =>
  copyOf(document, (copy) => {
    for (const name of names) {
      if (from[name] === undefined) delete copy[name]
      else copy[name] = from[name]
    }
  })

const namesIn = (...documents: ReadonlyArray<Document>): ReadonlyArray<string> => [
  ...new Set(documents.flatMap(Object.keys))
]

/** The argument of an insert: without what the repository sets itself. */
const toInsert = ({ initial, inserted, own }: Traits, document: Document): Document =>
  Object.fromEntries(
    [...Object.entries(document).filter(([name]) => !own.has(name)), ...Object.entries(initial)].filter(
      ([name, value]) => value !== undefined && inserted?.has(name) !== false
    )
  )

/** The names of the fields that an update sets. */
const settable = ({ id, own, updated }: Traits, ...documents: ReadonlyArray<Document>): ReadonlyArray<string> =>
  namesIn(...documents).filter((name) => name !== id && !own.has(name) && updated?.has(name) !== false)

/** The argument of an update that gives a document the fields of another one. */
const toUpdate = (traits: Traits, document: Document, from: Document): Document =>
  withFields(document, from, settable(traits, document, from))

/** Whether two documents are the same apart from fields that need not be. */
const alike = ({ free, isSame }: Traits, a: Document, b: Document): boolean => isSame(withFields(a, b, free), b)

const plusOne = (version: unknown): unknown => typeof version === "bigint" ? version + 1n : (version as number) + 1

// ---- failures

const tagOf = (exit: Exit.Exit<unknown, unknown>): string => {
  if (Exit.isSuccess(exit)) return "a success"
  if (Cause.hasDies(exit.cause)) return `the defect ${String(Cause.squash(exit.cause))}`
  const error: unknown = Cause.squash(exit.cause)
  const tag = (error as { readonly _tag?: unknown } | null)?._tag
  return typeof tag === "string" ? `a failure ${tag}` : String(error)
}

const missing = "a failure NoSuchElementError"
const stale = "a failure StaleDocument"

// ---- laws

class Refuted {
  readonly why: string
  constructor(why: string) {
    this.why = why
  }
}

const check = (holds: boolean, why: () => string): Effect.Effect<void, Refuted> =>
  holds ? Effect.void : Effect.fail(new Refuted(why()))

const expectTag = <R>(
  what: string,
  effect: Effect.Effect<unknown, unknown, R>,
  expected: string
): Effect.Effect<void, Refuted, R> =>
  Effect.flatMap(
    Effect.exit(effect),
    (exit) => check(tagOf(exit) === expected, () => `${what} gives ${tagOf(exit)}, not ${expected}`)
  )

const idsOf = ({ id }: Traits, documents: ReadonlyArray<Document>): ReadonlyArray<unknown> =>
  documents.map((document) => document[id])

/** Checks that the repository has these documents, in whatever way it is asked. */
const has = <R>({ repository, traits }: Subject<R>, expected: ReadonlyArray<Document>) =>
  Effect.gen(function*() {
    const sameSet = (found: ReadonlyArray<Document>): boolean =>
      found.length === expected.length &&
      expected.every((document) => found.some((other) => traits.isSame(other, document)))
    const found = yield* repository.find()
    yield* check(sameSet(found), () => `find gives ${show(found)}, and there should be ${show(expected)}`)
    const byIds = yield* repository.findByIds(idsOf(traits, expected))
    yield* check(sameSet(byIds), () => `findByIds gives ${show(byIds)}, and there should be ${show(expected)}`)
    const count = yield* repository.count()
    yield* check(count === expected.length, () => `count gives ${show(count)} for ${expected.length} documents`)
    const exists = yield* repository.exists()
    yield* check(exists === expected.length > 0, () => `exists gives ${show(exists)} for ${expected.length} documents`)
    for (const document of expected) {
      const id = document[traits.id]
      const byId = yield* repository.findById(id)
      yield* check(
        Option.isSome(byId) && traits.isSame(byId.value, document),
        () => `findById gives ${show(Option.getOrUndefined(byId))}, and there should be ${show(document)}`
      )
      const got = yield* repository.getById(id)
      yield* check(traits.isSame(got, document), () =>
        `getById gives ${show(got)}, and there should be ${show(document)}`)
    }
  })

/** Checks that there is no document with an id. */
const lacks = <R>({ repository, traits }: Subject<R>, id: unknown) =>
  Effect.gen(function*() {
    const found = yield* repository.findById(id)
    yield* check(Option.isNone(found), () => `findById finds ${show(found)}, which is not there`)
    yield* expectTag("getById of a document that is not there", repository.getById(id), missing)
    const many = yield* repository.findByIds([id])
    yield* check(many.length === 0, () => `findByIds finds ${show(many)}, which is not there`)
    const all = yield* repository.find()
    yield* check(
      !all.some((document) => show(document[traits.id]) === show(id)),
      () => `find finds ${show(id)}, which is not there`
    )
  })

const insertAll = <R>({ documents, repository, traits }: Subject<R>) =>
  Effect.forEach(documents, (document) => repository.insert(toInsert(traits, document)))

/** Checks what an insert has returned. */
const checkInserted = ({ traits }: { readonly traits: Traits }, given: Document, returned: Document) => {
  const names = namesIn(given).filter((name) => traits.inserted?.has(name) !== false)
  return check(
    alike(traits, withFields(returned, given, names), returned),
    () => `${show(toInsert(traits, given))} was inserted, and returned is ${show(returned)}`
  )
}

/** Stores the documents one after the other, and checks what each write returns. */
const storeAll = <R>(subject: Subject<R>, write: "insert" | "upsert") =>
  Effect.forEach(subject.documents, (document) =>
    Effect.tap(
      subject.repository[write](toInsert(subject.traits, document)),
      (returned) => checkInserted(subject, document, returned)
    ))

type Law = <R>(subject: Subject<R>) => Effect.Effect<void, unknown, R>

const insertThenGet: Law = (subject) =>
  Effect.gen(function*() {
    const { documents, repository, traits } = subject
    const inserted = yield* storeAll(subject, "insert")
    yield* has(subject, inserted)
    if (traits.inserted?.has(traits.id) === false) return
    const again = yield* Effect.exit(
      repository.insert({ ...toInsert(traits, documents[0]!), [traits.id]: documents[0]![traits.id] })
    )
    yield* check(Exit.isFailure(again), () => "an insert with the _id of another document succeeds")
    yield* has(subject, inserted)
  })

const insertManyThenGet: Law = (subject) =>
  Effect.gen(function*() {
    const { documents, repository, traits } = subject
    const returned = yield* repository.insertMany(documents.map((document) => toInsert(traits, document)))
    yield* check(
      returned.length === documents.length,
      () => `insertMany of ${documents.length} documents returns ${returned.length}`
    )
    for (const [index, document] of documents.entries()) yield* checkInserted(subject, document, returned[index]!)
    yield* has(subject, returned)
  })

const nothingIsThere: Law = (subject) =>
  Effect.gen(function*() {
    const { others, repository, traits } = subject
    const inserted = yield* insertAll(subject)
    const [other] = others
    const absent = withFields(inserted[0]!, other!, [traits.id])
    const id = absent[traits.id]
    yield* lacks(subject, id)
    yield* expectTag("update of a document that is not there", repository.update(absent), missing)
    yield* expectTag("patch of a document that is not there", repository.patch(id, {}), missing)
    const deleted = yield* repository.delete(id)
    yield* check(deleted === false, () => `delete of a document that is not there gives ${show(deleted)}`)
    if (repository.softDelete !== undefined && repository.restore !== undefined) {
      yield* expectTag("restore of a document that is not there", repository.restore(id), missing)
    }
    yield* has(subject, inserted)
  })

/** Checks the version of a document after a write. */
const checkVersion = <R>({ repository: { version } }: Subject<R>, what: string, before: Document, after: Document) =>
  version === undefined ? Effect.void : check(
    after[version] === plusOne(before[version]),
    () => `${what} of a document of version ${show(before[version])} gives it version ${show(after[version])}`
  )

const updateThenGet: Law = (subject) =>
  Effect.gen(function*() {
    const { others, repository, traits } = subject
    const [first, ...rest] = yield* insertAll(subject)
    const given = toUpdate(traits, first!, others[0]!)
    const returned = yield* repository.update(given)
    yield* check(alike(traits, given, returned), () => `update gives ${show(returned)} for ${show(given)}`)
    yield* checkVersion(subject, "update", first!, returned)
    yield* has(subject, [returned, ...rest])
  })

const patchThenGet: Law = (subject) =>
  Effect.gen(function*() {
    const { choice, others, repository, traits } = subject
    const [first, ...rest] = yield* insertAll(subject)
    const names = settable(traits, others[0]!).filter((name) => others[0]![name] !== undefined)
    const name = names[choice % names.length]
    const fields = name === undefined ? {} : { [name]: others[0]![name] }
    const given = withFields(first!, others[0]!, Object.keys(fields))
    const returned = yield* repository.patch(first![traits.id], fields)
    yield* check(
      alike(traits, given, returned),
      () => `patch of ${show(first)} with ${show(fields)} gives ${show(returned)}`
    )
    yield* checkVersion(subject, "patch", first!, returned)
    yield* has(subject, [returned, ...rest])
  })

const upsertThenGet: Law = (subject) =>
  Effect.gen(function*() {
    const { others, repository, traits } = subject
    if (traits.inserted?.has(traits.id) === false) return
    const inserted = yield* storeAll(subject, "upsert")
    yield* has(subject, inserted)
    const [first, ...rest] = inserted
    const common = settable(traits, first!, others[0]!).filter((name) => traits.inserted?.has(name) !== false)
    const given = withFields(first!, others[0]!, common)
    const returned = yield* repository.upsert(toInsert(traits, given))
    yield* check(alike(traits, given, returned), () => `upsert gives ${show(returned)} for ${show(given)}`)
    yield* checkVersion(subject, "upsert", first!, returned)
    yield* has(subject, [returned, ...rest])
  })

const versionsConflict: Law = (subject) =>
  Effect.gen(function*() {
    const { others, repository, traits } = subject
    const { version } = repository
    if (version === undefined) return
    const [first, ...rest] = yield* insertAll(subject)
    const id = first![traits.id]
    const second = yield* repository.update(first!)
    const old = toUpdate(traits, first!, others[0]!)
    const expected = { expected: first![version] }
    yield* expectTag("update in an old version", repository.update(old), stale)
    yield* expectTag("patch in an old version", repository.patch(id, {}, expected), stale)
    yield* expectTag("delete in an old version", repository.delete(id, expected), stale)
    yield* has(subject, [second, ...rest])
    const current = withFields(old, second, [version])
    const both = yield* Effect.all([0, 1, 2].map(() => Effect.exit(repository.update(current))), {
      concurrency: "unbounded"
    })
    const results = both.map(tagOf).sort()
    yield* check(
      results.join() === [stale, stale, "a success"].sort().join(),
      () => `three updates of one version at once give ${results.join(", ")}`
    )
    const third = yield* repository.getById(id)
    yield* checkVersion(subject, "update", second, third)
    const patched = yield* repository.patch(id, {}, { expected: third[version] })
    yield* checkVersion(subject, "patch", third, patched)
    yield* has(subject, [patched, ...rest])
  })

const deleteThenGet: Law = (subject) =>
  Effect.gen(function*() {
    const { repository, traits } = subject
    const [first, ...rest] = yield* insertAll(subject)
    const id = first![traits.id]
    const deleted = yield* repository.delete(id)
    yield* check(deleted === true, () => `delete of a document that is there gives ${show(deleted)}`)
    yield* lacks(subject, id)
    yield* has(subject, rest)
    const again = yield* repository.delete(id)
    yield* check(again === false, () => `a second delete gives ${show(again)}`)
    yield* expectTag("update of a deleted document", repository.update(first!), missing)
    yield* expectTag("patch of a deleted document", repository.patch(id, {}), missing)
    yield* has(subject, rest)
    const left = yield* repository.collection.untyped.countDocuments()
    const expected = repository.softDelete === undefined ? rest.length : rest.length + 1
    yield* check(left === expected, () => `after a delete the collection has ${left} documents, not ${expected}`)
  })

const restoreAfterDelete: Law = (subject) =>
  Effect.gen(function*() {
    const { repository, traits } = subject
    const { softDelete } = repository
    if (softDelete === undefined || repository.restore === undefined) return
    const [first, ...rest] = yield* insertAll(subject)
    const id = first![traits.id]
    yield* repository.delete(id)
    const all = { withDeleted: true }
    const hidden = yield* repository.findById(id, all)
    yield* check(
      Option.isSome(hidden) && alike(traits, first!, hidden.value),
      () => `findById with deleted documents gives ${show(Option.getOrUndefined(hidden))} for ${show(first)}`
    )
    const count = yield* repository.count({}, all)
    yield* check(count === rest.length + 1, () => `count with deleted documents gives ${show(count)}`)
    const restored = yield* repository.restore(id)
    yield* check(
      alike(traits, first!, restored) &&
        traits.isSame(withFields(restored, first!, [softDelete]), restored),
      () => `restore gives ${show(restored)} for ${show(first)}`
    )
    yield* has(subject, [restored, ...rest])
    yield* expectTag("restore of a document that is there", repository.restore(id), missing)
  })

const pagesCoverAll: Law = (subject) =>
  Effect.gen(function*() {
    const { choice, documents, others, repository, traits } = subject
    // All that there are: many pages show more.
    const [first, ...there] = yield* insertAll({ ...subject, documents: [...documents, ...others] })
    yield* repository.delete(first![traits.id])
    const size = 1 + choice % 2
    const seen: Array<Document> = []
    let after: string | undefined
    for (let pages = 0; pages <= there.length; pages++) {
      const page = yield* repository.page({}, { first: size, after })
      yield* check(page.items.length <= size, () => `a page of ${size} has ${page.items.length} documents`)
      seen.push(...page.items)
      after = page.endCursor
      if (!page.hasNextPage) break
    }
    yield* check(
      seen.length === there.length && there.every((document) => seen.some((other) => traits.isSame(other, document))),
      () => `the pages of ${size} have ${show(seen)}, and there is ${show(there)}`
    )
  })

/**
 * The laws by their names.
 *
 * @internal
 */
export const laws: Readonly<Record<RepositoryLaw, Law>> = {
  insert: insertThenGet,
  insertMany: insertManyThenGet,
  missing: nothingIsThere,
  update: updateThenGet,
  patch: patchThenGet,
  upsert: upsertThenGet,
  version: versionsConflict,
  delete: deleteThenGet,
  restore: restoreAfterDelete,
  page: pagesCoverAll
}

/**
 * What a failure of a law says, if the law itself has found something.
 *
 * @internal
 */
export const whyOf = (cause: Cause.Cause<unknown>): string | undefined => {
  const error = Cause.squash(cause)
  return error instanceof Refuted ? error.why : undefined
}
