/**
 * The algorithms of rate limits as pipelines of updates: the server decides in one step. Each begins with the time, and leaves what the caller needs to know in the
 * field `answer`.
 */
import type { Document } from "mongodb"
import { choose } from "./choose.ts"
import { dateIn } from "./store.ts"

const cond = (holds: unknown, yes: unknown, no: unknown): Document => ({ $cond: [holds, yes, no] })

/**
 * Counts tokens in a window that each of them makes longer. The answer is the count with the tokens, whether it was taken or not, and how many milliseconds the window
 * lasts.
 *
 * @internal
 */
export const fixedWindow = (
  now: number | Document,
  tokens: number,
  refill: number,
  limit: number | undefined
): Array<Document> => {
  const isOpen = { $gt: ["$until", "$now"] }
  return [
    { $set: { now } },
    { $set: { count: cond(isOpen, "$count", 0), until: cond(isOpen, "$until", "$now") } },
    { $set: { next: { $add: ["$count", tokens] } } },
    // As in Effect's stores, a limit of zero is none.
    ...(limit ? [{ $set: { isTaken: { $lte: ["$next", limit] } } }] : [{ $set: { isTaken: true } }]),
    {
      $set: {
        count: cond("$isTaken", "$next", "$count"),
        until: cond("$isTaken", { $add: ["$until", refill * tokens] }, "$until")
      }
    },
    {
      $replaceWith: {
        _id: "$_id",
        count: "$count",
        until: "$until",
        answer: ["$next", { $subtract: ["$until", "$now"] }],
        expireAt: dateIn({ $subtract: ["$until", "$now"] })
      }
    }
  ]
}

/**
 * Takes tokens from a bucket that fills by one token in `refill` milliseconds. The answer is what is left, less than zero if there are too few, and the
 * milliseconds since the last token came.
 *
 * @internal
 */
export const tokenBucket = (
  now: number | Document,
  tokens: number,
  refill: number,
  limit: number,
  allowOverflow: boolean
): Array<Document> => {
  const elapsed = { $max: [0, { $subtract: ["$now", "$last"] }] }
  return [
    { $set: { now, tokens: { $ifNull: ["$tokens", limit] } } },
    { $set: { last: { $ifNull: ["$last", "$now"] } } },
    // The server refuses to divide by zero: a bucket without a limit fills at once.
    {
      $set: {
        add: {
          $max: [0, { $floor: { $divide: [{ $subtract: ["$now", "$last"] }, Math.max(refill, Number.MIN_VALUE)] } }]
        }
      }
    },
    {
      $set: {
        tokens: cond({ $gt: ["$add", 0] }, { $min: [limit, { $add: ["$tokens", "$add"] }] }, "$tokens"),
        last: { $add: ["$last", { $multiply: ["$add", refill] }] }
      }
    },
    { $set: { last: cond({ $gte: ["$tokens", limit] }, "$now", "$last"), next: { $subtract: ["$tokens", tokens] } } },
    { $set: { tokens: allowOverflow ? "$next" : cond({ $gte: ["$next", 0] }, "$next", "$tokens") } },
    {
      $replaceWith: {
        _id: "$_id",
        tokens: "$tokens",
        last: "$last",
        answer: ["$next", elapsed],
        // A bucket that is full again is like a new one.
        expireAt: dateIn({
          $subtract: [{ $multiply: [{ $ceil: { $subtract: [limit, "$tokens"] } }, refill] }, elapsed]
        })
      }
    }
  ]
}

/** How long a state of an adaptive limit is kept after its end, in milliseconds, as in Effect's stores. */
const grace = 60_000

/** The longest window that is learned, in milliseconds, as in Effect's stores. */
const longestWindow = 60 * 60 * 1000

/** A time between a millisecond and the longest window. */
const bounded = (millis: number): number => Number.isNaN(millis) || millis <= 0 ? 1 : Math.min(millis, longestWindow)

const inPhase = (phase: string, ...more: ReadonlyArray<Document>): Document => ({
  $and: [{ $eq: ["$phase", phase] }, ...more]
})

/** The server may delete the state some time after its end. */
const expiring: Document = { $set: { expireAt: dateIn({ $subtract: ["$expiresAt", "$now"] }) } }

/**
 * Counts tokens of an adaptive limit that has a state. The answer is the delay in milliseconds, the epoch and the phase.
 *
 * @internal
 */
export const adaptiveConsume = (now: number | Document, tokens: number, fallbackWindow: number): Array<Document> => {
  const isOver = { $lte: ["$cooldownUntil", "$now"] }
  const refill = { $divide: ["$learnedWindow", "$learnedLimit"] }
  const answer = (delay: unknown) => [delay, "$epoch", "$phase"]
  return [
    { $set: { now } },
    choose(
      [
        inPhase("cooldown", isOver),
        {
          phase: "learning",
          epoch: { $add: ["$epoch", 1] },
          learningStartedAt: "$now",
          observed: tokens,
          expiresAt: { $add: ["$now", fallbackWindow + grace] }
        }
      ],
      [inPhase("learning"), { observed: { $add: ["$observed", tokens] } }],
      [inPhase("learned"), {
        observed: { $add: [cond(isOver, 0, "$observed"), tokens] },
        cooldownUntil: { $add: [cond(isOver, "$now", "$cooldownUntil"), { $multiply: [refill, tokens] }] }
      }]
    ),
    choose(
      [inPhase("cooldown"), { answer: answer({ $subtract: ["$cooldownUntil", "$now"] }) }],
      [inPhase("learned"), {
        answer: answer({
          $max: [0, {
            $subtract: [
              {
                $multiply: [
                  { $floor: { $divide: [{ $subtract: ["$observed", 1] }, "$learnedLimit"] } },
                  "$learnedWindow"
                ]
              },
              {
                $subtract: [{ $multiply: ["$observed", refill] }, { $subtract: ["$cooldownUntil", "$now"] }]
              }
            ]
          }]
        })
      }],
      [{}, { answer: answer(0) }]
    ),
    expiring,
    { $unset: "now" }
  ]
}

/**
 * Takes in that a request was refused for some milliseconds.
 *
 * @internal
 */
export const adaptiveFeedback = (
  now: number | Document,
  epoch: number,
  tokens: number,
  retryAfter: number
): Array<Document> => {
  const wait = bounded(retryAfter)
  const until = { $add: ["$now", wait] }
  const cooldown = {
    phase: "cooldown",
    cooldownUntil: until,
    learningStartedAt: 0,
    observed: 0,
    learnedLimit: 0,
    learnedWindow: 0,
    expiresAt: { $add: ["$now", wait + grace] }
  }
  const isGone = { $not: { $gt: ["$expiresAt", "$now"] } }
  const isStale = { $ne: ["$epoch", epoch] }
  const accepted = { $subtract: ["$observed", tokens] }
  const window = {
    $min: [longestWindow, { $max: [1, { $add: [{ $subtract: ["$now", "$learningStartedAt"] }, wait] }] }]
  }
  const later = { $max: ["$cooldownUntil", until] }
  return [
    { $set: { now } },
    choose(
      [isGone, epoch === 0 ? { ...cooldown, epoch: 0 } : {}],
      [isStale, {}],
      [inPhase("cooldown"), { cooldownUntil: later, expiresAt: { $add: [later, grace] } }],
      [inPhase("learning", { $gt: [accepted, 0] }), {
        phase: "learned",
        epoch: { $add: ["$epoch", 1] },
        cooldownUntil: { $add: ["$learningStartedAt", window] },
        observed: accepted,
        learnedLimit: accepted,
        learnedWindow: window,
        expiresAt: { $add: ["$now", window, grace] }
      }],
      [{}, cooldown]
    ),
    expiring,
    { $unset: "now" }
  ]
}
