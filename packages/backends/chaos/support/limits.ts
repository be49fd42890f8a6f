/**
 * Limits that many callers share: no more of them get through than the limit says, and the server counts each of them once.
 */
import { MongoRateLimiter } from "@mongofx/backends"
import type { Arena } from "chaos-support/arena"
import { list } from "chaos-support/problems"
import { Effect } from "effect"
import { RateLimiter } from "effect/persistence"
import type * as Driver from "mongodb"
import { type Part, serviceIn } from "./parts.ts"

/** How many callers get through in a window, which is longer than the scenario. */
const limit = 20
const window = "1 day"

/** What the callers of one key were told. */
interface Answers {
  readonly key: string
  passed: number
  refused: number
  /** The limit may have counted these. */
  unanswered: number
}

export const newAnswers = (key: string): Answers => ({ key, passed: 0, refused: 0, unanswered: 0 })

/** Asks a limit, and notes the answer. */
export const ask = (
  answers: Answers,
  { consume }: Pick<RateLimiter.RateLimiter, "consume">
): Effect.Effect<void> =>
  Effect.match(consume({ key: answers.key, limit, window, algorithm: "fixed-window" }), {
    onSuccess: () => void answers.passed++,
    onFailure: ({ reason }) => void (reason._tag === "RateLimitExceeded" ? answers.refused++ : answers.unanswered++)
  })

/** What is wrong with the answers, and with the counts as the bare driver reads them. */
export const limitProblems = async (data: Driver.Db, all: ReadonlyArray<Answers>): Promise<ReadonlyArray<string>> => {
  const stored = await data.collection<{ _id: string; count: number }>("effect_rate_limiter").find().toArray()
  const counts = new Map(stored.map(({ _id, count }) => [_id.slice("fixed:".length), count]))
  const countOf = ({ key }: Answers) => counts.get(key) ?? 0
  const keyOf = ({ key }: Answers) => key
  return [
    ...list("limits that were exceeded", all.filter(({ passed }) => passed > limit).map(keyOf)),
    ...list("limits that forgot a caller", all.filter((answers) => countOf(answers) < answers.passed).map(keyOf)),
    ...list(
      "limits that counted a caller twice",
      all.filter((answers) => countOf(answers) > answers.passed + answers.unanswered).map(keyOf)
    ),
    ...list(
      "limits that refused somebody before they were reached",
      all.filter((answers) => answers.refused > 0 && countOf(answers) < limit).map(keyOf)
    )
  ]
}

export const limiter = (arena: Pick<Arena, "db">) => serviceIn(arena, RateLimiter.RateLimiter, MongoRateLimiter.layer)

/** Six fibers ask for one key, until the limit is reached and a few more were refused; then for the next one. */
export const limitPart = (arena: Arena) =>
  Effect.gen(function*() {
    const service = yield* limiter(arena)
    const all = [newAnswers("k0")]
    const sum = (of: (answers: Answers) => number) => all.reduce((sum, answers) => sum + of(answers), 0)
    const passed = () => sum(({ passed }) => passed)
    return {
      fibers: 6,
      step: () =>
        Effect.suspend(() => {
          if (all.at(-1)!.refused >= 6) all.push(newAnswers(`k${all.length}`))
          return ask(all.at(-1)!, service)
        }).pipe(Effect.andThen(Effect.sleep("20 millis"))),
      problems: () => limitProblems(arena.data, all),
      figures: () => `${passed()} passes of ${all.length} limits, ${sum(({ refused }) => refused)} refused`,
      confirmed: passed
    } satisfies Part
  })
