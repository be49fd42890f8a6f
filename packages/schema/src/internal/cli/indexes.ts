/**
 * `indexes plan` and `indexes apply`: the declared indexes, compared with those of the server.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as MongoIndex from "../../MongoIndex.ts"
import type { AnyCollection } from "./collections.ts"
import { confirm } from "./confirm.ts"
import { type Outcome, worst } from "./exit.ts"
import { extended } from "./json.ts"
import { type Paint, printable } from "./paint.ts"
import type { Report } from "./run.ts"
import type { Screen } from "./screen.ts"
import { count, table } from "./table.ts"

/** @internal */
export interface IndexSettings {
  readonly allowDrop: boolean
}

/** @internal */
export const plans = (collections: ReadonlyArray<AnyCollection>) =>
  Effect.forEach(collections, (collection) => Effect.map(MongoIndex.plan(collection), (plan) => ({ collection, plan })))

/**
 * What `apply` does, and what stays different without `--allow-drop`. In a collection that declares no index, nobody expects indexes to be as
 * declared: nothing stays different there.
 *
 * @internal
 */
export const partsOf = (plan: MongoIndex.Plan, settings: IndexSettings) => {
  const pending = MongoIndex.pending(plan, settings)
  const left = plan.steps.some(({ kind }) => kind !== "extra")
    ? plan.steps.filter((step) => step.kind !== "equal" && !pending.includes(step))
    : []
  return { pending, left }
}

/**
 * What there is to do is pending. What is different and stays so needs a person, or `--allow-drop`.
 *
 * @internal
 */
export const outcomeOfPlan = (plan: MongoIndex.Plan, settings: IndexSettings): Outcome => {
  const { left, pending } = partsOf(plan, settings)
  return left.length > 0 ? "findings" : pending.length > 0 ? "pending" : "ok"
}

/** What a step does, or what it waits for. */
const doing = (step: MongoIndex.Step, isPending: boolean): string => {
  switch (step.kind) {
    case "equal":
      return step.building ? "the server is building it" : "as declared"
    case "create":
      return "build"
    case "collMod":
      return `change ${Object.keys(step.changes).join(", ")}`
    case "replace":
      return `replaces ${step.replaced.name}, which differs in ${step.differs.join(", ")}`
    case "rename":
      return `is named ${step.replaced.name}`
    case "extra":
      return isPending ? "drop" : "is not declared"
  }
}

const mark = (paint: Paint, step: MongoIndex.Step, isPending: boolean, isLeft: boolean): string => {
  if (isLeft) return paint.bad("✗")
  if (step.kind === "equal") return step.building ? paint.warning("~") : paint.good("✓")
  if (!isPending) return paint.muted("·")
  return paint.warning(step.kind === "extra" ? "-" : step.kind === "create" ? "+" : "~")
}

const keysOf = ({ key }: MongoIndex.Index): string => key.map(([field, kind]) => `${field}: ${kind}`).join(", ")

/** @internal */
export const textOfPlans = (all: ReadonlyArray<MongoIndex.Plan>, settings: IndexSettings, paint: Paint): string => {
  const rows = all.flatMap((plan) => {
    const { left, pending } = partsOf(plan, settings)
    return plan.steps.map((step) => {
      const isPending = pending.includes(step)
      const isLeft = left.includes(step)
      return [
        mark(paint, step, isPending, isLeft),
        printable(plan.collection),
        printable(step.index.name),
        paint.muted(printable(keysOf(step.index))),
        printable(doing(step, isPending)) + (isLeft ? paint.muted(" (needs --allow-drop)") : "")
      ]
    })
  })
  const columns = ["", "collection", "index", "keys", "state"].map((title) => ({ title }))
  return rows.length === 0 ? paint.muted("no indexes are declared, and there are none") : table(paint, columns, rows)
}

/**
 * The plans, each with the names of the steps that `apply` would do.
 *
 * @internal
 */
export const jsonOfPlans = (all: ReadonlyArray<MongoIndex.Plan>, settings: IndexSettings) =>
  extended(all.map((plan) => ({ ...plan, pending: partsOf(plan, settings).pending.map(({ index }) => index.name) })))

/** @internal */
export const plan = (collections: ReadonlyArray<AnyCollection>, settings: IndexSettings) =>
  Effect.map(plans(collections), (found) => {
    const all = found.map(({ plan }) => plan)
    return {
      outcome: worst(all.map((plan) => outcomeOfPlan(plan, settings))),
      json: { indexes: jsonOfPlans(all, settings) },
      text: (paint) => textOfPlans(all, settings, paint)
    } satisfies Report
  })

const expiryOf = (step: MongoIndex.Step): unknown => {
  switch (step.kind) {
    case "create":
    case "replace":
    case "rename":
      return step.index.options["expireAfterSeconds"]
    case "collMod":
      return step.changes.expireAfterSeconds
    case "equal":
    case "extra":
      return undefined
  }
}

/**
 * What cannot be undone: indexes that are dropped, and documents that the server deletes by their age.
 *
 * @internal
 */
export const consequencesOf = (plan: MongoIndex.Plan, settings: IndexSettings): ReadonlyArray<string> => {
  const collection = printable(plan.collection)
  return MongoIndex.pending(plan, settings).flatMap((step) => {
    const name = printable(step.index.name)
    const seconds = expiryOf(step)
    const field = printable(step.index.key[0]?.[0] ?? "")
    return [
      ...(step.kind === "extra" ? [`${collection}: ${name} is dropped`] : []),
      ...(step.kind === "replace"
        ? [`${collection}: ${printable(step.replaced.name)} is dropped, and ${name} takes its place`]
        : []),
      ...(step.kind === "rename"
        ? [`${collection}: ${printable(step.replaced.name)} is dropped, and built again as ${name}`]
        : []),
      ...(seconds === undefined
        ? []
        : [`${collection}: the server deletes documents ${seconds} seconds after their ${field}`])
    ]
  })
}

/** @internal */
export const apply = (
  screen: Screen,
  collections: ReadonlyArray<AnyCollection>,
  settings: IndexSettings & { readonly yes: boolean }
) =>
  Effect.gen(function*() {
    const found = yield* plans(collections)
    yield* confirm(screen, settings.yes, found.flatMap(({ plan }) => consequencesOf(plan, settings)))
    const applied = yield* Effect.forEach(
      found.filter(({ plan }) => partsOf(plan, settings).pending.length > 0),
      ({ collection, plan }) => applyOne(screen, collection, plan, settings)
    )
    const done = applied.reduce((n, { done }) => n + done.length, 0)
    const left = found.flatMap(({ plan }) => partsOf(plan, settings).left)
    return {
      outcome: "ok",
      json: { applied: extended(applied), left: extended(left) },
      text: (paint) =>
        [
          done === 0
            ? `${paint.good("✓")} nothing to do`
            : `${paint.good("✓")} ${count(done, "index is", "indexes are")} as declared now`,
          ...(left.length === 0
            ? []
            : [`${count(left.length, "difference")} left: "indexes plan" shows what needs --allow-drop`])
        ].join("\n")
    } satisfies Report
  })

const applyOne = (screen: Screen, collection: AnyCollection, plan: MongoIndex.Plan, { allowDrop }: IndexSettings) =>
  screen.step(`indexes of ${printable(collection.name)}`, (advance) => {
    let applied: MongoIndex.Applied | undefined
    // While it waits for a build that nobody has declared, there is no step.
    const label = (...steps: ReadonlyArray<MongoIndex.Step>) =>
      `${printable(collection.name)} ${steps.map(({ index }) => printable(index.name)).join(", ")}`.trimEnd()
    return MongoIndex.events(collection, { plan, allowDrop }).pipe(
      Stream.runForEach((event) => {
        switch (event._tag) {
          case "Waiting":
            return screen.note(
              `another process works on the indexes of ${printable(collection.fullName)}: waiting for it`
            )
          case "Started":
            return advance(0, undefined, label(event.step))
          case "Progress":
            return advance(event.done, event.total, `${label(...event.steps)}: ${printable(event.phase)}`)
          case "Finished":
            return screen.note(`${screen.notePaint.good("✓")} ${label(event.step)}`)
          case "Done":
            applied = event.applied
            return Effect.void
        }
      }),
      Effect.map(() => applied!)
    )
  })
