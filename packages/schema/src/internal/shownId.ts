/** Shows the `_id` of a document in a message. */
import * as Driver from "mongodb"
import { isPlainObject } from "./plainObject.ts"

/**
 * The text of an `_id`. That of a group is often an object of its keys.
 *
 * @internal
 */
export const shownId = (id: unknown): string =>
  isPlainObject(id) || Array.isArray(id) ? Driver.BSON.EJSON.stringify(id, { relaxed: true }) : String(id)
