/** What to do so that a collection has the indexes that were declared for it. Pure: throws a `Refusal` for a bad declaration. */
import type * as Driver from "mongodb"
import type { Changes, Index, Plan, Step } from "../../MongoIndex.ts"
import { refuse } from "../refusal.ts"
import { differing, fixedDifferences, type Normal, normalOf } from "./normal.ts"

/**
 * What the server knows of a collection and its indexes.
 *
 * @internal
 */
export interface State {
  /** The collection with its database. */
  readonly collection: string
  /** What a view reads; `undefined` for a collection. */
  readonly viewOn?: string | undefined
  /** The collation that indexes inherit. */
  readonly collation?: object | undefined
  readonly timeseries?: { readonly timeField: string; readonly metaField?: string | undefined } | undefined
  readonly indexes: ReadonlyArray<Driver.IndexDescriptionInfo>
  /** The names of the indexes that the server is building. */
  readonly building: ReadonlySet<string>
}

/** A declared index, and the listed one that it stands for or replaces. */
interface Match {
  readonly declared: Normal
  readonly listed: Normal
  readonly how: "same" | "unique" | "replaced"
}

const isId = ({ key }: Normal): boolean => key.length === 1 && key[0]?.[0] === "_id" && key[0][1] === 1

/** Whether nobody has to declare an index: the one on `_id`, that of a time series, and that of encrypted fields. */
const isOwn = (listed: Normal, { timeseries }: State): boolean =>
  isId(listed) || listed.index.options["clustered"] === true || listed.key[0]?.[0] === "__safeContent__" ||
  timeseries?.metaField !== undefined &&
    listed.index.name === `${timeseries.metaField}_1_${timeseries.timeField}_1`

/** Whether a name is the declared one, or the one that a replacement took because the declared one was in use. */
const hasName = (declared: Normal, name: string): boolean => {
  const own = declared.index.name
  return name === own || name.startsWith(`${own}~`) && /^[1-9]\d*$/.test(name.slice(own.length + 1))
}

const mayHaveName = (declared: Normal, name: string): boolean => !declared.isNamed || hasName(declared, name)

/** An index on `_id` that the server does not have already. */
const checkId = (declared: Normal, at: string): void => {
  const [only, second] = declared.key
  if (only?.[0] !== "_id" || second !== undefined || typeof only[1] === "string") return
  if (only[1] === -1) {
    refuse(at, "is an index on _id that goes down: the one that every collection has serves both directions")
  }
  const option = ["unique", "sparse", "hidden", "expireAfterSeconds", "partialFilterExpression"]
    .find((option) => ![undefined, false].includes(declared.index.options[option] as undefined))
  if (option !== undefined) {
    refuse(`${at}.${option}`, "is no option of the index on _id, which is unique by itself: leave it out")
  }
}

const checkSeconds = (declared: Normal, at: string): void => {
  const seconds = declared.index.options["expireAfterSeconds"]
  if (seconds !== undefined && !(Number(seconds) >= 0 && Number(seconds) <= 2_147_483_647)) {
    refuse(`${at}.expireAfterSeconds`, "is not a number of seconds from 0 to 2147483647")
  }
}

const checkDeclared = (declared: ReadonlyArray<Normal>, { viewOn }: State): void => {
  if (viewOn !== undefined && declared.length > 0) {
    refuse("indexes", `cannot be on a view: declare them for the collection that it reads, ${viewOn}`)
  }
  declared.forEach((one, place) => {
    const at = `indexes[${place}]`
    checkId(one, at)
    checkSeconds(one, at)
    const earlier = declared.slice(0, place)
    const name = earlier.findIndex((other) => other.index.name === one.index.name)
    if (name !== -1) refuse(at, `has the name of indexes[${name}], ${one.index.name}: give one of them another name`)
    const text = earlier.findIndex((other) => one.isText && other.isText)
    if (text !== -1) refuse(at, `is a second text index, beside indexes[${text}]: a collection can have only one`)
    const same = earlier.findIndex((other) => differing(other.identity, one.identity).length === 0)
    if (same !== -1) refuse(at, `is the same index as indexes[${same}]: leave one of them out`)
  })
}

/** Pairs each declared index with a listed one, the closest first. */
const pair = (declared: ReadonlyArray<Normal>, listed: ReadonlyArray<Normal>): ReadonlyMap<Normal, Match> => {
  const matches = new Map<Normal, Match>()
  const used = new Set<Normal>()
  const pass = (how: Match["how"], fits: (declared: Normal, listed: Normal) => boolean) => {
    for (const one of declared) {
      if (matches.has(one)) continue
      const found = listed.find((other) => !used.has(other) && fits(one, other))
      if (found === undefined) continue
      used.add(found)
      matches.set(one, { declared: one, listed: found, how })
    }
  }
  const isSame = (one: Normal, other: Normal) => differing(one.identity, other.identity).length === 0
  pass("same", (one, other) => isSame(one, other) && one.index.name === other.index.name)
  pass("same", (one, other) => isSame(one, other) && mayHaveName(one, other.index.name))
  pass("same", isSame)
  pass("unique", (one, other) =>
    one.unique && differing(one.identity, other.identity).join() === "unique" &&
    mayHaveName(one, other.index.name) && unchangeable(one, other).length === 0)
  pass("replaced", (one, other) => hasName(one, other.index.name))
  pass("replaced", (one, other) => one.isText && other.isText)
  return matches
}

/** What the server neither changes in an index nor takes beside it. */
const unchangeable = (declared: Normal, listed: Normal): ReadonlyArray<string> => [
  ...fixedDifferences(declared, listed),
  ...(declared.expireAfterSeconds === undefined && listed.expireAfterSeconds !== undefined
    ? ["expireAfterSeconds"]
    : [])
]

const changesOf = ({ declared, listed }: Match): Changes => ({
  ...(declared.expireAfterSeconds !== listed.expireAfterSeconds &&
    { expireAfterSeconds: declared.expireAfterSeconds as number }),
  ...(declared.hidden !== listed.hidden && { hidden: declared.hidden }),
  ...(declared.unique && !listed.unique && { unique: true as const }),
  ...(!declared.unique && listed.prepareUnique && { prepareUnique: false as const })
})

/**
 * Makes the plan for a collection. A second plan, after the first one has been carried out, is empty.
 *
 * @internal
 */
export const planOf = (declaredIndexes: ReadonlyArray<Driver.IndexDescription>, state: State): Plan => {
  const declared = declaredIndexes.map((index) => normalOf(index, state.collation))
  checkDeclared(declared, state)
  const listed = state.indexes.map((index) => normalOf(index))
  const isIdDeclared = declared.some(isId)
  const matches = pair(declared.filter((one) => !isId(one)), listed.filter((one) => !isId(one)))
  const used = new Set([...matches.values()].map(({ listed }) => listed))
  const names = new Set([...declared, ...listed].map(({ index }) => index.name))
  const listedNames = new Set(listed.map(({ index }) => index.name))

  /** The declared name if it is free, or else the next one. */
  const free = (index: Index, dropped?: string): Index => {
    if (!listedNames.has(index.name) || index.name === dropped) return index
    for (let number = 2;; number++) {
      const name = `${index.name}~${number}`
      if (names.has(name)) continue
      names.add(name)
      return { ...index, name }
    }
  }

  const stepOf = (one: Normal): Step => {
    const match = matches.get(one)
    if (match === undefined) return { kind: "create", index: free(one.index) }
    const replaced = match.listed.index
    if (match.how === "replaced") {
      const dropsFirst = one.isText && match.listed.isText
      const differs = [...differing(one.identity, match.listed.identity), ...fixedDifferences(one, match.listed)]
      return {
        kind: "replace",
        index: free(one.index, dropsFirst ? replaced.name : undefined),
        replaced,
        differs,
        dropsFirst
      }
    }
    const differs = unchangeable(one, match.listed)
    if (differs.length > 0) {
      return { kind: "replace", index: free(one.index, replaced.name), replaced, differs, dropsFirst: true }
    }
    if (!mayHaveName(one, replaced.name)) return { kind: "rename", index: free(one.index), replaced }
    const index = { ...one.index, name: replaced.name }
    const changes = changesOf(match)
    if (Object.keys(changes).length > 0) return { kind: "collMod", index, changes }
    return { kind: "equal", index, building: state.building.has(replaced.name) }
  }

  /** An index that nobody has declared. One whose name a declared index took up with a number was replaced, and its drop is left to do. */
  const undeclared = (one: Normal): Step => {
    const replacing = [...matches.values()].find(({ declared, how, listed }) =>
      how !== "replaced" && unchangeable(declared, listed).length === 0 &&
      hasName(declared, one.index.name) && hasName(declared, listed.index.name)
    )
    if (replacing === undefined) return { kind: "extra", index: one.index }
    const { declared, listed } = replacing
    const differs = [...differing(declared.identity, one.identity), ...fixedDifferences(declared, one)]
    return {
      kind: "replace",
      index: { ...declared.index, name: listed.index.name },
      replaced: one.index,
      differs,
      dropsFirst: false
    }
  }

  const ownId = listed.find(isId)
  return {
    collection: state.collection,
    steps: [
      ...declared.flatMap((one): ReadonlyArray<Step> => isId(one) ? [] : [stepOf(one)]),
      ...(isIdDeclared && ownId !== undefined ? [{ kind: "equal" as const, index: ownId.index, building: false }] : []),
      ...listed.filter((one) => !used.has(one) && !isOwn(one, state)).map(undeclared)
    ]
  }
}

/**
 * Whether a step drops an index that has nothing in its place yet.
 *
 * @internal
 */
export const dropsUnasked = (step: Step): boolean =>
  step.kind === "extra" || step.kind === "rename" || step.kind === "replace" && step.dropsFirst

/**
 * What is left to do: without `allowDrop`, only what leaves no query without an index.
 *
 * @internal
 */
export const pending = (plan: Plan, allowDrop = false): ReadonlyArray<Step> =>
  plan.steps.filter((step) => step.kind === "equal" ? step.building : allowDrop || !dropsUnasked(step))
