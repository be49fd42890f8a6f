/** Which stage may stand where. */
import { refuse } from "../refusal.ts"

/** Stages that read a source of their own. */
const first: ReadonlySet<string> = new Set([
  "$changeStream",
  "$collStats",
  "$documents",
  "$geoNear",
  "$indexStats",
  "$listSearchIndexes",
  "$planCacheStats",
  "$rankFusion",
  "$scoreFusion",
  "$search",
  "$searchMeta",
  "$vectorSearch"
])

const last: ReadonlySet<string> = new Set(["$merge", "$out"])

/** Stages that a pipeline inside another stage cannot have. */
const outside: Readonly<Record<string, ReadonlySet<string>>> = {
  $facet: new Set([...first, ...last, "$facet"]),
  $lookup: last,
  $unionWith: last
}

/**
 * Refuses a stage that may not follow the ones before it.
 *
 * @internal
 */
export const checkOrder = (before: ReadonlyArray<string>, name: string): void => {
  const end = before.at(-1)
  if (end !== undefined && last.has(end)) refuse(name, `comes after ${end}, which ends a pipeline`)
  if (before.length > 0 && first.has(name)) {
    refuse(name, `comes after ${end}: it reads its own source, and can only be the first stage`)
  }
}

/**
 * Refuses a pipeline with stages that cannot stand inside another stage.
 *
 * @internal
 */
export const checkInside = (name: string, stages: ReadonlyArray<string>): void => {
  const wrong = stages.find((stage) => outside[name]?.has(stage) === true)
  if (wrong !== undefined) refuse(name, `has a pipeline with ${wrong}, which cannot stand inside of it`)
}

/** The stages that an update may have. */
const ofUpdates: ReadonlySet<string> = new Set([
  "$addFields",
  "$project",
  "$replaceRoot",
  "$replaceWith",
  "$set",
  "$unset"
])

/**
 * Refuses stages that cannot stand in an update.
 *
 * @internal
 */
export const checkUpdate = (at: string, stages: ReadonlyArray<string>): void => {
  const wrong = stages.find((stage) => !ofUpdates.has(stage))
  if (wrong !== undefined) {
    refuse(at, `has ${wrong}, which cannot stand in an update: use set, unset, select or replaceRoot`)
  }
}
