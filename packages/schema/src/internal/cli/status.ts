/**
 * `status`: what is pending, of everything.
 */
import { MongoMigrator } from "@mongofx/core"
import * as Effect from "effect/Effect"
import type { AnyCollection } from "./collections.ts"
import { worst } from "./exit.ts"
import * as indexes from "./indexes.ts"
import { extended, plain } from "./json.ts"
import { outcomeOfStatus, textOfStatus } from "./migrate.ts"
import type { Report } from "./run.ts"
import type { Screen } from "./screen.ts"
import * as validators from "./validators.ts"

/** @internal */
export interface Parts<R, RL> {
  readonly collections: Effect.Effect<ReadonlyArray<AnyCollection>>
  readonly migrations: MongoMigrator.MigratorOptions<R, RL> | undefined
  readonly validators: validators.Options
}

/**
 * It reads no documents, so it does not count those that a validator would refuse.
 *
 * @internal
 */
export const status = <R, RL>(screen: Screen, parts: Parts<R, RL>) =>
  Effect.gen(function*() {
    const collections = yield* parts.collections
    const journal = parts.migrations === undefined ? undefined : yield* MongoMigrator.status(parts.migrations)
    const plans = (yield* indexes.plans(collections)).map(({ plan }) => plan)
    const checks = parts.validators === undefined
      ? undefined
      : (yield* validators.plans(screen, collections, parts.validators, false)).map(({ plan }) => plan)

    const settings = { allowDrop: false }
    const outcomes = {
      migrations: journal === undefined ? "ok" : outcomeOfStatus(journal),
      indexes: worst(plans.map((plan) => indexes.outcomeOfPlan(plan, settings))),
      validators: checks === undefined ? "ok" : worst(checks.map(validators.outcomeOfPlan))
    } as const
    const next = [
      ...outcomes.migrations === "pending" ? ["migrate"] : [],
      ...plans.some((plan) => indexes.partsOf(plan, settings).pending.length > 0) ? ["indexes apply"] : [],
      ...checks?.some((plan) => validators.outcomeOfPlan(plan) === "pending") === true ? ["validators apply"] : []
    ]
    const outcome = worst(Object.values(outcomes))
    return {
      outcome,
      json: {
        outcomes,
        migrations: journal === undefined ? null : plain(journal),
        indexes: indexes.jsonOfPlans(plans, settings),
        validators: checks === undefined ? null : extended(checks)
      },
      text: (paint) =>
        [
          ...journal === undefined ? [] : [paint.strong("migrations"), textOfStatus(journal, paint), ""],
          ...plans.length === 0 ? [] : [paint.strong("indexes"), indexes.textOfPlans(plans, settings, paint), ""],
          ...checks === undefined ? [] : [paint.strong("validators"), validators.textOfPlans(checks, paint), ""],
          ...outcome === "findings"
            ? [`${paint.bad("✗")} look at what has this mark: no command repairs it by itself`]
            : [],
          ...next.length > 0
            ? [`${paint.warning("pending:")} run ${next.map((command) => `"${command}"`).join(", ")}`]
            : [],
          ...outcome === "ok" ? [`${paint.good("✓")} nothing is pending`] : []
        ].join("\n")
    } satisfies Report
  })
