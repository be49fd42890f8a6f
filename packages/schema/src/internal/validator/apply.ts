/** Reads what collections have, and brings them to what their schemas ask for. */
import { Integration, type MongoCollection, type MongoError } from "@mongofx/core"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { ApplyOptions, Collection, Plan, PlanOptions, Source, State, Validator } from "../../MongoValidator.ts"
import { encoded } from "../collection/failures.ts"
import { ValidatorError } from "./error.ts"
import { isEnforced, planOf } from "./plan.ts"
import { validatorOf } from "./schema.ts"

type Failure = MongoError.MongoError | ValidatorError

const collectionOf = (source: Source): Effect.Effect<Collection, never, unknown> =>
  "untyped" in source ? Effect.succeed(source) : source

const refused = (
  operation: string,
  { fullName }: MongoCollection.MongoCollection,
  kind: ValidatorError["kind"],
  what: string,
  failing?: number
): ValidatorError =>
  new ValidatorError({
    kind,
    collection: fullName,
    ...(failing === undefined ? {} : { failing }),
    message: `${operation} on ${fullName}: ${what}`
  })

const outsideOfTransactions = (operation: string, collection: MongoCollection.MongoCollection) =>
  Effect.flatMap(
    Integration.ambient(collection),
    ({ inTransaction }) =>
      inTransaction
        ? Effect.fail(refused(
          operation,
          collection,
          "transaction",
          "the server neither lists nor changes collections in a transaction: run it outside, or in withoutTransaction"
        ))
        : Effect.void
  )

/** Plans for one collection. */
const planned = (
  operation: string,
  { schema, untyped }: Collection,
  { action = "error", count = true, level = "strict", ...options }: PlanOptions
): Effect.Effect<Plan, Failure> =>
  Effect.gen(function*() {
    yield* outsideOfTransactions(operation, untyped)
    const { lost, validator } = yield* encoded(
      { operation, collection: untyped.fullName },
      () => validatorOf(schema, options, Integration.bsonOptions(untyped))
    ) as Effect.Effect<Validator, MongoError.MongoError>
    const after: State = { validator, level, action }
    const found = yield* untyped.database.listCollections({ name: untyped.name }).first
    const plan = planOf(untyped.fullName, Option.getOrUndefined(found), after, lost)
    if (plan.kind !== "collMod" || !count || level === "off") return plan
    return { ...plan, failing: yield* untyped.countDocuments({ $nor: [validator] }) }
  })

/** Refuses a plan that cannot be carried out, or that lets later writes fail. */
const checked = (plan: Plan, { untyped }: Collection, options: ApplyOptions): Effect.Effect<Plan, ValidatorError> => {
  if (plan.kind === "impossible") {
    return Effect.fail(refused("apply", untyped, "unsupported", `${plan.why}: leave it out`))
  }
  const { after, failing = 0 } = plan
  return failing > 0 && isEnforced(after) && options.allowFailing !== true
    ? Effect.fail(refused(
      "apply",
      untyped,
      "documents",
      (failing === 1
        ? "1 document does not satisfy the validator, so that updates of it would fail: correct it"
        : `${failing} documents do not satisfy the validator, so that updates of them would fail: correct them`) +
        ", or pass level: \"moderate\", action: \"warn\" or allowFailing: true",
      failing
    ))
    : Effect.succeed(plan)
}

/** Another instance may create or drop the collection after the plan. So often a plan is made anew. */
const attempts = 5

const isOvertaken = ({ reason: { _tag } }: MongoError.MongoError): boolean =>
  _tag === "NamespaceExistsError" || _tag === "NamespaceNotFoundError"

const carryOut = ({ after, kind }: Plan, { untyped }: Collection): Effect.Effect<unknown, MongoError.MongoError> => {
  const settings = { validator: after.validator ?? {}, validationLevel: after.level, validationAction: after.action }
  switch (kind) {
    case "create":
      return untyped.database.createCollection(untyped.name, settings)
    case "collMod":
      return untyped.database.command({ collMod: untyped.name, ...settings })
    default:
      return Effect.void
  }
}

const applied = (
  plan: Plan,
  collection: Collection,
  options: ApplyOptions,
  left = attempts
): Effect.Effect<Plan, Failure> =>
  Effect.catch(Effect.as(carryOut(plan, collection), plan), (error) =>
    left === 1 || !isOvertaken(error)
      ? Effect.fail(error)
      : planned("apply", collection, options).pipe(
        Effect.flatMap((plan) => checked(plan, collection, options)),
        Effect.flatMap((plan) => applied(plan, collection, options, left - 1))
      ))

/** @internal */
export const planAll = (
  sources: ReadonlyArray<Source>,
  options: PlanOptions = {}
): Effect.Effect<ReadonlyArray<Plan>, Failure, unknown> =>
  Effect.forEach(
    sources,
    (source) => Effect.flatMap(collectionOf(source), (collection) => planned("plan", collection, options))
  )

/**
 * Plans for all collections before it changes one.
 *
 * @internal
 */
export const applyAll = (
  sources: ReadonlyArray<Source>,
  options: ApplyOptions = {}
): Effect.Effect<ReadonlyArray<Plan>, Failure, unknown> =>
  Effect.gen(function*() {
    const collections = yield* Effect.forEach(sources, collectionOf)
    const plans = yield* Effect.forEach(collections, (collection) =>
      Effect.flatMap(planned("apply", collection, options), (plan) => checked(plan, collection, options)))
    return yield* Effect.forEach(plans, (plan, i) =>
      applied(plan, collections[i]!, options))
  })
