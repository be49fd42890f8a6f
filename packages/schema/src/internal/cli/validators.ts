/**
 * `validators plan` and `validators apply`: what the server refuses, compared with the schemas.
 */
import * as Effect from "effect/Effect"
import * as MongoValidator from "../../MongoValidator.ts"
import { counted } from "../words.ts"
import type { AnyCollection } from "./collections.ts"
import { confirm } from "./confirm.ts"
import { type Outcome, worst } from "./exit.ts"
import { extended } from "./json.ts"
import { type Paint, printable } from "./paint.ts"
import type { Report } from "./run.ts"
import type { Screen } from "./screen.ts"
import { count, table } from "./table.ts"

/**
 * The options of all collections, or of each by its name.
 *
 * @internal
 */
export type Options = MongoValidator.PlanOptions | ((collection: string) => MongoValidator.PlanOptions) | undefined

const optionsOf = (options: Options, { name }: AnyCollection): MongoValidator.PlanOptions =>
  typeof options === "function" ? options(name) : options ?? {}

/**
 * The plans of all collections. Counting reads every document, so only the commands that show the counts ask for it.
 *
 * @internal
 */
export const plans = (
  screen: Screen,
  collections: ReadonlyArray<AnyCollection>,
  options: Options,
  count: boolean
) =>
  Effect.forEach(collections, (collection) =>
    screen.step(
      count ? `counting documents of ${printable(collection.name)} that do not fit` : "reading validators",
      () =>
        Effect.map(
          MongoValidator.plan(collection, { ...optionsOf(options, collection), ...count ? {} : { count } }),
          (plan) => ({ collection, plan })
        )
    ))

/**
 * A view has no validator, and nobody can change that.
 *
 * @internal
 */
export const outcomeOfPlan = ({ kind }: MongoValidator.Plan): Outcome =>
  kind === "equal" || kind === "impossible" ? "ok" : "pending"

const doing = ({ before, kind, why }: MongoValidator.Plan): string => {
  switch (kind) {
    case "equal":
      return "as the schema says"
    case "create":
      return "make the collection with it"
    case "collMod":
      return before?.validator === undefined ? "add it" : "change it"
    case "impossible":
      return why ?? "impossible"
  }
}

const mark = (paint: Paint, { kind }: MongoValidator.Plan): string =>
  kind === "equal"
    ? paint.good("✓")
    : kind === "impossible"
    ? paint.muted("·")
    : paint.warning(kind === "create" ? "+" : "~")

const failingOf = (paint: Paint, { failing }: MongoValidator.Plan): string =>
  failing === undefined ? "" : failing === 0 ? paint.muted("0") : paint.bad(counted(failing))

/** @internal */
export const textOfPlans = (all: ReadonlyArray<MongoValidator.Plan>, paint: Paint): string => {
  // `status` does not count.
  const isCounted = all.some(({ failing }) => failing !== undefined)
  const columns = [
    { title: "" },
    { title: "collection" },
    { title: "level" },
    { title: "action" },
    ...isCounted ? [{ title: "do not fit", align: "right" } as const] : [],
    { title: "state" }
  ]
  const rows = all.map((plan) => [
    mark(paint, plan),
    printable(plan.collection),
    plan.after.level,
    plan.after.action,
    ...isCounted ? [failingOf(paint, plan)] : [],
    printable(doing(plan))
  ])
  return rows.length === 0 ? paint.muted("there are no collections") : table(paint, columns, rows)
}

/** What the schemas say and the server cannot check. */
const textOfLost = (all: ReadonlyArray<MongoValidator.Plan>, paint: Paint): ReadonlyArray<string> => {
  const rows = all.flatMap(({ collection, lost }) =>
    lost.map(({ path, what, why }) => [collection, path, what].map(printable).concat(paint.muted(printable(why))))
  )
  const columns = ["collection", "path", "what only the codec checks", "why"].map((title) => ({ title }))
  return rows.length === 0 ? [] : ["", table(paint, columns, rows)]
}

/** @internal */
export const plan = (screen: Screen, collections: ReadonlyArray<AnyCollection>, options: Options) =>
  Effect.map(plans(screen, collections, options, true), (found) => {
    const all = found.map(({ plan }) => plan)
    return {
      outcome: worst(all.map(outcomeOfPlan)),
      json: { validators: extended(all) },
      text: (paint) => [textOfPlans(all, paint), ...textOfLost(all, paint)].join("\n")
    } satisfies Report
  })

/**
 * What cannot be undone: a validator that is replaced, and stored documents that can no longer be updated.
 *
 * @internal
 */
export const consequencesOf = (
  { after, before, collection, failing, kind }: MongoValidator.Plan
): ReadonlyArray<string> => [
  ...kind === "collMod" && failing !== 0 && after.level === "strict" && after.action !== "warn"
    ? [
      `${printable(collection)}: ${
        failing === undefined
          ? "the server may refuse updates of documents: those that do not fit are not counted"
          : `the server will refuse updates of ${count(failing, "document")}`
      }`
    ]
    : [],
  ...before?.validator === undefined ? [] : [`${printable(collection)}: the validator that it has is replaced`]
]

/** @internal */
export const apply = (
  screen: Screen,
  collections: ReadonlyArray<AnyCollection>,
  options: Options,
  yes: boolean
) =>
  Effect.gen(function*() {
    const found = yield* plans(screen, collections, options, true)
    const pending = found.filter(({ plan }) => outcomeOfPlan(plan) === "pending")
    yield* confirm(screen, yes, pending.flatMap(({ plan }) => consequencesOf(plan)))
    const applied = yield* Effect.forEach(pending, ({ collection }) =>
      // Its plan has counted, and somebody has agreed to it.
      MongoValidator.apply(collection, { ...optionsOf(options, collection), count: false, allowFailing: true }).pipe(
        Effect.tap((plan) => screen.note(`${screen.notePaint.good("✓")} ${printable(plan.collection)}`))
      ))
    return {
      outcome: "ok",
      json: { applied: extended(applied) },
      text: (paint) =>
        applied.length === 0
          ? `${paint.good("✓")} nothing to do`
          : `${paint.good("✓")} ${
            count(applied.length, "collection has its validator", "collections have their validators")
          }`
    } satisfies Report
  })
