/**
 * How the events of a change stream are split into parts, and the parts among instances.
 */
import type * as Driver from "mongodb"
import { Timestamp } from "mongodb"
import { InvalidInput } from "../input/invalidInput.ts"

/**
 * One of several parts of a change stream.
 *
 * @internal
 */
export interface Part {
  readonly index: number
  readonly of: number
}

/** @internal */
export const mostParts = 1024

/**
 * Refuses a part that does not exist.
 *
 * @internal
 */
export const checkPart = ({ index, of }: Part): void => {
  if (!(Number.isInteger(of) && of >= 1 && of <= mostParts)) {
    throw new InvalidInput("of", `of is not an integer from 1 to ${mostParts}`)
  }
  if (!(Number.isInteger(index) && index >= 0 && index < of)) {
    throw new InvalidInput("index", `index is not an integer from 0 to ${of - 1}`)
  }
}

/**
 * The stage that keeps the events of a part, and all events without a document. The least int64 has no absolute value, but its remainder has.
 *
 * @internal
 */
export const stageOf = ({ index, of }: Part): Driver.Document => ({
  $match: {
    $or: [
      { documentKey: { $exists: false } },
      { $expr: { $eq: [{ $abs: { $mod: [{ $toHashedIndexKey: "$documentKey._id" }, of] } }, index] } }
    ]
  }
})

/**
 * The name of a part, as stores and metrics have it.
 *
 * @internal
 */
export const labelOf = ({ index, of }: Part): string => `${index}of${of}`

/**
 * Under what names the store has the parts of a consumer. One part alone has the name of the consumer.
 *
 * @internal
 */
export const namesOf = (consumer: string, of: number): ReadonlyArray<string> =>
  of === 1 ? [consumer] : Array.from({ length: of }, (_, index) => `${consumer}/${labelOf({ index, of })}`)

/**
 * How many parts an instance should have: as many as the others, or one more for the first ones.
 *
 * @internal
 */
export const shareOf = (members: ReadonlyArray<string>, member: string, parts: number): number => {
  const all = [...new Set([...members, member])].sort()
  const rest = all.indexOf(member) < parts % all.length ? 1 : 0
  return Math.floor(parts / all.length) + rest
}

const textOf = (token: Driver.ResumeToken): string => {
  const text: unknown = (token as Driver.Document)["_data"]
  if (typeof text === "string") return text
  throw new InvalidInput("resumeToken", "a resume token has no _data: only tokens of MongoDB can be compared")
}

/**
 * Whether a token stands for a later position than another. Tokens of MongoDB are in the order of their texts, as its manual says. May throw.
 *
 * @internal
 */
export const isLater = (token: Driver.ResumeToken, than: Driver.ResumeToken): boolean => textOf(token) > textOf(than)

/**
 * The time of the event with a token, or of a moment without events. May throw.
 *
 * A token begins with it, as MongoDB's own decoder of tokens reads it: its type, and its eight bytes. Nothing else is read from a token, and
 * whoever begins at that time compares what the server makes of it with the token.
 *
 * @internal
 */
export const timeOf = (token: Driver.ResumeToken): Driver.Timestamp => {
  const time = /^82([0-9A-F]{8})([0-9A-F]{8})/i.exec(textOf(token))
  if (time === null) {
    throw new InvalidInput(
      "resumeToken",
      "a resume token does not begin with a time: this server has tokens of another kind, and its parts cannot change"
    )
  }
  return new Timestamp({ t: Number.parseInt(time[1]!, 16), i: Number.parseInt(time[2]!, 16) })
}
