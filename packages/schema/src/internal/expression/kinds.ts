/** What operators take, by the types of BSON that it is stored as. */
import * as Bson from "../../Bson.ts"
import { boolean, text } from "../ast/calculus.ts"
import { numericTypes } from "../ast/stored.ts"
import type { Kind } from "./operand.ts"

/** @internal */
export const aNumber: Kind = { name: "a number", types: numericTypes }

/** @internal */
export const aText: Kind = { name: "text", types: new Set(["string"]), constant: text }

/** @internal */
export const aBoolean: Kind = { name: "a boolean", types: new Set(["bool"]), constant: boolean }

/** @internal */
export const aDate: Kind = {
  name: "a date",
  types: new Set(["date", "timestamp", "objectId"]),
  constant: Bson.Date.ast
}

/** @internal */
export const anArray: Kind = { name: "an array", types: new Set(["array"]) }

/** @internal */
export const anObject: Kind = { name: "an object", types: new Set(["object"]) }

/** @internal */
export const aTimestamp: Kind = { name: "a timestamp", types: new Set(["timestamp"]), constant: Bson.Timestamp.ast }

/** @internal */
export const aBytes: Kind = { name: "text or binary data", types: new Set(["string", "binData"]) }
