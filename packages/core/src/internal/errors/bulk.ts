/**
 * The reason of a bulk write that was not done completely: what was done, what failed, and what ended it.
 */
import * as Reasons from "../../MongoError.ts"
import { numberOf } from "../driver/replyNumbers.ts"
import { type ClassifyContext, codeNameOf, fieldsOf } from "./fields.ts"
import { classifyReply } from "./reply.ts"
import { classifySingle } from "./single.ts"
import { asDocument, codeOf, read } from "./thrown.ts"

const arrayOf = (value: unknown): ReadonlyArray<unknown> =>
  Array.isArray(value) ? value : value === undefined || value === null ? [] : [value]

/** Classifies a write error inside a bulk write's result as the reply that it was. */
const classifyPart = (part: unknown, context: ClassifyContext): Reasons.WriteErrorReason => {
  const reply = {
    name: "MongoServerError",
    message: read(part, "errmsg") ?? read(part, "message"),
    code: read(part, "code"),
    codeName: read(part, "codeName"),
    errInfo: read(part, "errInfo"),
    keyPattern: read(read(part, "err"), "keyPattern"),
    keyValue: read(read(part, "err"), "keyValue")
  }
  const fields = { ...fieldsOf(reply, context), cause: undefined }
  return classifyReply(reply, fields)
}

const writeConcernPart = (part: unknown, context: ClassifyContext): Reasons.WriteConcernError => {
  const fields = fieldsOf({ message: read(part, "errmsg") ?? read(part, "message") ?? "write concern error" }, context)
  return new Reasons.WriteConcernError({
    ...fields,
    code: codeOf(part),
    codeName: codeNameOf(part),
    cause: undefined
  })
}

/**
 * The ids of documents that were certainly inserted. The driver also names documents that were never sent, and mixes up positions
 * if the list has operations other than inserts.
 */
const insertedIdsOf = (
  result: unknown,
  insertedCount: number,
  failed: ReadonlyArray<{ readonly index: number }>
): Record<number, unknown> => {
  const all = read(read(result, "result"), "insertedIds")
  const entries: ReadonlyArray<readonly [number, unknown]> = Array.isArray(all)
    ? all.map((entry) => [numberOf(read(entry, "index")), read(entry, "_id")] as const)
    : Object.entries(asDocument(read(result, "insertedIds")) ?? {}).map(([index, id]) => [Number(index), id] as const)
  const indexes = new Set(failed.map(({ index }) => index))
  return Object.fromEntries(
    entries.filter(([index]) => !indexes.has(index)).sort(([a], [b]) => a - b).slice(0, insertedCount)
  )
}

/** What ended a bulk write: an error, or a reply whose fields the driver has copied to its own error. */
const stopOf = (cause: unknown, context: ClassifyContext): Reasons.WriteErrorReason | undefined => {
  const original = read(cause, "errorResponse")
  if (original instanceof Error) return classifySingle(original, context)
  return read(original, "ok") === undefined ? undefined : classifyReply(cause, fieldsOf(cause, context))
}

/** How much a bulk write has done, from the driver's result. */
const countsOf = (result: unknown) => ({
  insertedCount: numberOf(read(result, "insertedCount")),
  matchedCount: numberOf(read(result, "matchedCount")),
  modifiedCount: numberOf(read(result, "modifiedCount")),
  deletedCount: numberOf(read(result, "deletedCount")),
  upsertedCount: numberOf(read(result, "upsertedCount"))
})

/** Whether a bulk write ended before it did anything or reported anything. */
const isUntouched = (
  counts: ReturnType<typeof countsOf>,
  ...errors: ReadonlyArray<ReadonlyArray<unknown>>
): boolean => Object.values(counts).every((count) => count === 0) && errors.every((list) => list.length === 0)

/** @internal */
export const classifyBulk = (cause: unknown, context: ClassifyContext): Reasons.MongoErrorReason => {
  const result = read(cause, "result")
  const raw = read(result, "result")
  const writeErrors = arrayOf(read(raw, "writeErrors") ?? read(cause, "writeErrors")).map((error) => ({
    index: numberOf(read(error, "index")),
    reason: classifyPart(error, context)
  }))
  const concern = arrayOf(read(raw, "writeConcernErrors") ?? read(cause, "err"))
    .map((error) => writeConcernPart(error, context))
  const stoppedBy = stopOf(cause, context)
  const counts = countsOf(result)
  if (stoppedBy !== undefined && isUntouched(counts, writeErrors, concern)) return stoppedBy
  return new Reasons.BulkWriteError({
    ...fieldsOf(cause, context),
    ...counts,
    insertedIds: insertedIdsOf(result, counts.insertedCount, writeErrors),
    upsertedIds: asDocument(read(result, "upsertedIds")) ?? {},
    writeErrors,
    writeConcernErrors: concern,
    stoppedBy
  })
}

const idsOf = (results: unknown, key: string): Record<number, unknown> =>
  results instanceof Map
    ? Object.fromEntries(
      [...results].map(([index, result]) => [index as number, read(result, key)] as const).filter(([, id]) =>
        id !== undefined
      )
    )
    : {}

/** Counts of single writes by their index, if the server was asked for them. */
const countsBy = <Key extends string>(
  results: unknown,
  ...keys: ReadonlyArray<Key>
): Record<string, Record<Key, number>> | undefined =>
  results instanceof Map
    ? Object.fromEntries(
      [...results].map(([index, result]) => [
        String(index),
        Object.fromEntries(keys.map((key) => [key, numberOf(read(result, key))])) as Record<Key, number>
      ])
    )
    : undefined

/** @internal */
export const classifyClientBulk = (cause: unknown, context: ClassifyContext): Reasons.MongoErrorReason => {
  const partial = read(cause, "partialResult")
  const errors = read(cause, "writeErrors")
  const writeErrors = errors instanceof Map
    ? [...errors].map(([index, error]) => ({ index: numberOf(index), reason: classifyPart(error, context) }))
    : []
  const concern = arrayOf(read(cause, "writeConcernErrors")).map((error) => writeConcernPart(error, context))
  const original = read(cause, "cause")
  const stoppedBy = original instanceof Error ? classifySingle(original, context) : undefined
  const counts = countsOf(partial)
  if (stoppedBy !== undefined && isUntouched(counts, writeErrors, concern)) return stoppedBy
  const fields = fieldsOf(cause, context)
  return new Reasons.BulkWriteError({
    ...fields,
    // The driver's own error says only that another one is beneath it.
    code: fields.code ?? stoppedBy?.code,
    codeName: fields.codeName ?? stoppedBy?.codeName,
    labels: fields.labels.length > 0 ? fields.labels : stoppedBy?.labels ?? [],
    ...counts,
    insertedIds: idsOf(read(partial, "insertResults"), "insertedId"),
    upsertedIds: idsOf(read(partial, "updateResults"), "upsertedId"),
    updateResults: countsBy(read(partial, "updateResults"), "matchedCount", "modifiedCount"),
    deleteResults: countsBy(read(partial, "deleteResults"), "deletedCount"),
    writeErrors,
    writeConcernErrors: concern,
    stoppedBy
  })
}
