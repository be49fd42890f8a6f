/** Shows the `_id` of a document in a message. */
import * as Driver from "mongodb"
import { isBson, isUint8Array, isUuid, isValidDate } from "./bson/values.ts"
import { isPlainObject } from "./plainObject.ts"
import { onOneLine } from "./words.ts"

/** The values of BSON whose own text says less than their JSON, or is no text at all. */
const mute = (["Binary", "BSONRegExp", "Code", "DBRef", "MaxKey", "MinKey", "Timestamp"] as const).map(isBson)

/**
 * The text of an `_id`. That of a group is often an object of its keys.
 *
 * @internal
 */
export const shownId = (id: unknown): string => {
  if (isValidDate(id)) return id.toISOString()
  if (isUint8Array(id)) return shownId(new Driver.Binary(id))
  const isMute = isPlainObject(id) || Array.isArray(id) || mute.some((is) => is(id)) && !isUuid(id)
  return isMute ? Driver.BSON.EJSON.stringify(id, { relaxed: true }) : String(id)
}

/** An id longer than this is cut. */
const maxShown = 80

/**
 * An `_id` among other text: on one line, cut if it is long, and with quotes if it is text itself.
 *
 * @internal
 */
export const quotedId = (id: unknown): string => {
  const text = onOneLine(typeof id === "string" ? JSON.stringify(id) : shownId(id))
  return text.length > maxShown ? `${text.slice(0, maxShown)}...` : text
}
