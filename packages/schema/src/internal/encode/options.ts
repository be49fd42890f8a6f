/** Encodes the options of operations and queries that name fields: sort, hint, min, max, projection. */
import type * as Driver from "mongodb"
import type { Shape } from "../collection/shape.ts"
import type { DocumentCodec } from "../compiler/codec.ts"
import { encodeOperand } from "../path/codecs.ts"
import { defined, plainObject } from "./arguments.ts"
import type { Operands } from "./operands.ts"
import { encodeProjection } from "./projection.ts"
import { encodeIndexKeys, encodeSort } from "./sort.ts"

type Options = Readonly<Record<string, unknown>>

/**
 * Encodes the options of an operation that name fields or hold their values. Without options it makes none.
 *
 * @internal
 */
export const encodeOptions = <Given extends Options | undefined>(
  shape: Shape,
  options: Given,
  operands: Operands,
  at = "options."
): Record<string, unknown> | (Given & undefined) => {
  if (options === undefined) return options
  const out: Record<string, unknown> = { ...options }
  if (options["sort"] !== undefined) out["sort"] = encodeSort(shape.read, options["sort"], `${at}sort`)
  if (options["hint"] !== undefined && typeof options["hint"] !== "string") {
    out["hint"] = encodeIndexKeys(shape.read, options["hint"], `${at}hint`)
  }
  for (const name of ["min", "max"]) {
    if (options[name] !== undefined) out[name] = encodeBound(shape, options[name], operands, `${at}${name}`)
  }
  return out
}

const encodeBound = (shape: Shape, bound: unknown, operands: Operands, at: string): Driver.Document => {
  const out: Driver.Document = {}
  const fields = plainObject(bound, at)
  for (const name of Object.keys(fields)) {
    const path = `${at}.${name}`
    const value = defined(fields[name], path)
    const { alternatives, key } = shape.read(name, path)
    operands.put({ out, key, path }, encodeOperand(alternatives)(value))
  }
  return out
}

/**
 * Encodes the options with their projection, and gives the codec of the fields that it leaves. Without options it makes none.
 *
 * @internal
 */
export const encodeProjected = (
  shape: Shape,
  options: Options | undefined,
  operands: Operands,
  at = "options."
): { readonly options: Options | undefined; readonly codec: DocumentCodec<unknown> } => {
  if (options === undefined) return { options, codec: shape.codec }
  const { projection, ...others } = encodeOptions(shape, options, operands, at)
  if (projection === undefined) return { options: others, codec: shape.codec }
  const encoded = encodeProjection(shape, projection, operands, `${at}projection`)
  return { options: { ...others, projection: encoded.projection }, codec: shape.projection(encoded) }
}
