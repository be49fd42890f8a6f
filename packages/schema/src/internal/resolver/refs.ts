/** Puts documents in the place of the ids that refer to them: level by level, all ids of a level at once. */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as MutableHashMap from "effect/MutableHashMap"
import * as Option from "effect/Option"
import type { Filter } from "../../Filter.ts"
import { isPlainObject, setOwn } from "../plainObject.ts"
import { findByIdOption } from "./documents.ts"
import { comparable } from "./key.ts"
import { askAll, type Resolver } from "./request.ts"
import { type AnyCollection, type AnySource, isCollection, memoized } from "./source.ts"

/** @internal */
export const RefTypeId = "~@mongofx/schema/MongoResolver/Ref" as const

/** @internal */
export type Missing = "option" | "null" | "fail"

/** @internal */
export interface AnyRef {
  readonly [RefTypeId]: typeof RefTypeId
  readonly source: AnySource
  readonly schema: unknown
  readonly resolverOf: (collection: AnyCollection) => Resolver
  readonly missing: Missing
  readonly refs: AnyRefs
}

/** The references of a document, as the caller gives them: targets, and those of the objects inside of it. */
export interface AnyRefs {
  readonly [name: string]: AnySource | AnyRef | AnyRefs
}

interface RefOptions {
  readonly filter?: Filter<never> | undefined
  readonly missing?: Missing | undefined
  readonly refs?: AnyRefs | undefined
}

/** The resolver of a collection for all references to it, so that those of a level share their commands. */
const usual = memoized((collection) => findByIdOption(collection, undefined))

/** @internal */
export const ref = (source: AnySource, { filter, missing = "option", refs = {} }: RefOptions = {}): AnyRef => ({
  [RefTypeId]: RefTypeId,
  source,
  schema: source.schema,
  resolverOf: filter === undefined ? usual : memoized((collection) => findByIdOption(collection, { filter })),
  missing,
  refs
})

/** A reference whose collection is known. */
interface Target {
  /** The path of the field, for errors. */
  readonly path: string
  readonly collection: AnyCollection
  readonly resolver: Resolver
  readonly missing: Missing
  readonly refs: Plan
}

interface Plan {
  readonly targets: ReadonlyArray<readonly [name: string, target: Target]>
  readonly inside: ReadonlyArray<readonly [name: string, plan: Plan]>
}

const isRef = (u: object): u is AnyRef => RefTypeId in u

const planOf = (refs: AnyRefs, context: Context.Context<never>, above = ""): Plan => {
  const targets: Array<readonly [string, Target]> = []
  const inside: Array<readonly [string, Plan]> = []
  for (const [name, given] of Object.entries(refs)) {
    const path = `${above}${name}`
    if (isPlainObject(given) && !isRef(given) && !isCollection(given as never)) {
      inside.push([name, planOf(given as AnyRefs, context, `${path}.`)])
      continue
    }
    const { missing, refs, resolverOf, source } = isRef(given) ? given : ref(given as AnySource)
    const collection = isCollection(source) ? source : Context.getUnsafe(context, source as never) as AnyCollection
    targets.push([
      name,
      { path, collection, resolver: resolverOf(collection), missing, refs: planOf(refs, context, `${path}.`) }
    ])
  }
  return { targets, inside }
}

/** An id that waits for its document, and what to do with it. */
interface Slot {
  readonly id: unknown
  readonly put: (document: Option.Option<unknown>) => void
}

/** The ids of a level that refer to the documents of the same target. */
type Level = Map<Target, Array<Slot>>

/** A copy that keeps the class of a document, and its fields. */
const copyOf = (document: object): Record<string, unknown> =>
  Object.assign(Object.create(Object.getPrototypeOf(document)), document)

const isObject = (u: unknown): u is object => typeof u === "object" && u !== null

/** Copies what has references inside, and notes each id with the place of its document. */
const visit = (value: unknown, plan: Plan, level: Level): unknown => {
  if (Array.isArray(value)) return value.map((element) => visit(element, plan, level))
  if (Option.isOption(value)) return Option.map(value, (inner) => visit(inner, plan, level))
  if (!isObject(value) || plan.targets.length === 0 && plan.inside.length === 0) return value
  const copy = copyOf(value)
  for (const [name, target] of plan.targets) {
    if (Object.hasOwn(copy, name)) replaceIds(copy[name], target, level, (value) => setOwn(copy, name, value))
  }
  for (const [name, inner] of plan.inside) {
    if (Object.hasOwn(copy, name)) setOwn(copy, name, visit(copy[name], inner, level))
  }
  return copy
}

/** Null and absent values stay. What refers to nothing becomes what the target says. */
const replaceIds = (value: unknown, target: Target, level: Level, put: (value: unknown) => void): void => {
  if (value === null || value === undefined) return
  if (Array.isArray(value)) {
    const out: Array<unknown> = [...value]
    value.forEach((id, i) => replaceIds(id, target, level, (document) => void (out[i] = document)))
    return put(out)
  }
  // An id that is optional needs no Option around its Option.
  if (Option.isOption(value)) {
    if (Option.isNone(value)) return
    const isOption = target.missing === "option"
    return replaceIds(
      value.value,
      target,
      level,
      (document) => put(isOption && !Array.isArray(document) ? document : Option.some(document))
    )
  }
  let slots = level.get(target)
  if (slots === undefined) level.set(target, slots = [])
  slots.push({
    id: value,
    put: (document) => put(target.missing === "option" ? document : Option.getOrNull(document))
  })
}

const dangling = (origin: string, { collection, path }: Target) =>
  new Cause.NoSuchElementError(`${origin}: ${path} refers to a document of ${collection.fullName} that is not there`)

/** Loads the documents of a level and puts them in place. Their own references are the next level. */
const load = (origin: string, level: Level): Effect.Effect<void, unknown> => {
  const questions: Array<{ readonly payload: unknown; readonly resolver: Resolver; readonly target: Target }> = []
  const asked = new Map<Target, ReadonlyArray<readonly [slot: Slot, question: number]>>()
  for (const [target, slots] of level) {
    const known = MutableHashMap.empty<unknown, number>()
    asked.set(
      target,
      slots.map((slot) => {
        const key = comparable(slot.id)
        const asked = MutableHashMap.get(known, key)
        if (Option.isSome(asked)) return [slot, asked.value] as const
        MutableHashMap.set(known, key, questions.length)
        return [slot, questions.push({ payload: slot.id, resolver: target.resolver, target }) - 1] as const
      })
    )
  }
  return Effect.flatMap(askAll(questions), (exits) => {
    const failed = exits.find(Exit.isFailure)
    if (failed !== undefined) return Effect.failCause(failed.cause)
    const next: Level = new Map()
    const visited = new Map<Target, Map<unknown, unknown>>()
    const documents = exits.map((exit, i) => {
      const { target } = questions[i]!
      let copies = visited.get(target)
      if (copies === undefined) visited.set(target, copies = new Map())
      return Option.map((exit as Exit.Success<Option.Option<unknown>>).value, (document) => {
        // The server may find ids equal that differ here.
        if (!copies.has(document)) copies.set(document, visit(document, target.refs, next))
        return copies.get(document)
      })
    })
    for (const [target, slots] of asked) {
      for (const [slot, question] of slots) {
        const document = documents[question]!
        if (target.missing === "fail" && Option.isNone(document)) return Effect.fail(dangling(origin, target))
        slot.put(document)
      }
    }
    return next.size === 0 ? Effect.void : load(origin, next)
  })
}

/**
 * The documents with those that they refer to.
 *
 * @internal
 */
export const join = (
  origin: string,
  documents: ReadonlyArray<unknown>,
  refs: AnyRefs
): Effect.Effect<Array<unknown>, unknown, unknown> =>
  Effect.contextWith((context: Context.Context<never>) => {
    const plan = planOf(refs, context)
    const level: Level = new Map()
    const joined = documents.map((document) => visit(document, plan, level))
    return Effect.as(load(origin, level), joined)
  })
