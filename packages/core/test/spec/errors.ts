/**
 * `expectError`: what a `MongoError` must say.
 *
 * @since 0.1.0
 */
import type { MongoError } from "@mongofx/core"
import { Redacted } from "effect"
import * as Driver from "mongodb"
import {
  array,
  AssertionFailed,
  boolean,
  type Document,
  document,
  documents,
  integer,
  MalformedTest,
  onlyKeys,
  string
} from "./format.ts"
import { match, type MatchContext } from "./match.ts"

const keys = [
  "isError",
  "isClientError",
  "isTimeoutError",
  "errorContains",
  "errorCode",
  "errorCodeName",
  "errorLabelsContain",
  "errorLabelsOmit",
  "errorResponse",
  "writeErrors",
  "writeConcernErrors",
  "expectResult"
]

const fail = (message: string, error: MongoError.MongoError): never => {
  throw new AssertionFailed(`${message} (${error.reason._tag}: ${error.message})`)
}

/** What a bulk write was ended by is what the format calls its error. */
const decisiveOf = ({ reason }: MongoError.MongoError): MongoError.MongoErrorReason =>
  reason._tag === "BulkWriteError" ? reason.stoppedBy ?? reason : reason

/** Whether the failure did not come with a reply of the server. */
const isClientError = (error: MongoError.MongoError): boolean => {
  const decisive = decisiveOf(error)
  return decisive._tag !== "BulkWriteError" && decisive.code === undefined && decisive._tag !== "WriteConcernError" &&
    !(decisive.cause instanceof Driver.MongoServerError)
}

const isTimeoutError = ({ reason }: MongoError.MongoError): boolean =>
  reason._tag === "MaxTimeExpiredError" && reason.code === undefined

/** The server's own message: that of a reason begins with the operation and its namespace. */
const ownMessage = (reason: MongoError.MongoErrorReason): string => {
  const subject = reason.namespace === undefined ? reason.operation : `${reason.operation} on ${reason.namespace}`
  return reason.message.startsWith(`${subject}: `) ? reason.message.slice(subject.length + 2) : reason.message
}

const partOf = (reason: MongoError.WriteErrorReason): Document => ({
  code: reason.code,
  codeName: reason.codeName,
  message: ownMessage(reason)
})

const partialResult = (reason: MongoError.MongoErrorReason): Document | undefined => {
  if (reason._tag !== "BulkWriteError") return undefined
  const { deletedCount, insertedCount, insertedIds, matchedCount, modifiedCount, upsertedCount, upsertedIds } = reason
  const counts = { insertedCount, matchedCount, modifiedCount, deletedCount, upsertedCount }
  // Only a client's bulk write with verbose results has them.
  if (reason.updateResults === undefined) return { ...counts, insertedIds, upsertedIds }
  const updates = Object.entries(reason.updateResults).map(([index, result]) => {
    const upsertedId = upsertedIds[Number(index)]
    return [index, upsertedId === undefined ? result : { ...result, upsertedId }]
  })
  return {
    ...counts,
    insertResults: Object.fromEntries(
      Object.entries(insertedIds).map(([index, insertedId]) => [index, { insertedId }])
    ),
    updateResults: Object.fromEntries(updates),
    deleteResults: reason.deleteResults
  }
}

export const checkError = (expected: Document, error: MongoError.MongoError, context: MatchContext): void => {
  onlyKeys(expected, keys, "expectError")
  if (Object.keys(expected).length === 0) throw new MalformedTest("expectError is empty")
  const { reason } = error
  const decisive = decisiveOf(error)
  const labels = [...reason.labels, ...decisive.labels]
  const messages = [reason, decisive].map(({ message }) => message.toLowerCase())
  for (const [key, value] of Object.entries(expected)) {
    const where = `expectError.${key}`
    switch (key) {
      case "isError":
        if (value !== true) throw new MalformedTest("isError is true where it is given")
        break
      case "isClientError":
        if (isClientError(error) !== boolean(value, where)) fail(`isClientError is not ${String(value)}`, error)
        break
      case "isTimeoutError":
        if (isTimeoutError(error) !== boolean(value, where)) fail(`isTimeoutError is not ${String(value)}`, error)
        break
      case "errorContains":
        if (!messages.some((message) => message.includes(string(value, where).toLowerCase()))) {
          fail(`the message does not contain ${JSON.stringify(value)}`, error)
        }
        break
      case "errorCode":
        if (decisive.code !== integer(value, where)) fail(`the code is ${decisive.code}, not ${String(value)}`, error)
        break
      case "errorCodeName":
        if (decisive.codeName !== string(value, where)) {
          fail(`the codeName is ${decisive.codeName}, not ${String(value)}`, error)
        }
        break
      case "errorLabelsContain":
        for (const label of array(value, where)) {
          if (!labels.includes(string(label, where))) fail(`it has no label ${String(label)}`, error)
        }
        break
      case "errorLabelsOmit":
        for (const label of array(value, where)) {
          if (labels.includes(string(label, where))) fail(`it has the label ${String(label)}`, error)
        }
        break
      case "errorResponse": {
        if (decisive.response === undefined) return fail("it has no reply of the server", error)
        match(document(value, where), Redacted.value(decisive.response), context, { root: true, where })
        break
      }
      case "writeErrors": {
        const expectedErrors = document(value, where)
        const actual = reason._tag === "BulkWriteError" ? reason.writeErrors : []
        if (actual.length !== Object.keys(expectedErrors).length) fail(`it has ${actual.length} write errors`, error)
        for (const [index, part] of Object.entries(expectedErrors)) {
          const found = actual.find((each) => String(each.index) === index)
          if (found === undefined) return fail(`it has no write error of the operation ${index}`, error)
          match(part, partOf(found.reason), context, { root: true, where: `${where}.${index}` })
        }
        break
      }
      case "writeConcernErrors": {
        const expectedErrors = documents(value, where)
        const actual = reason._tag === "BulkWriteError" ? reason.writeConcernErrors : []
        if (actual.length !== expectedErrors.length) fail(`it has ${actual.length} write concern errors`, error)
        for (const [index, part] of expectedErrors.entries()) {
          match(part, partOf(actual[index]!), context, { root: true, where: `${where}[${index}]` })
        }
        break
      }
      case "expectResult":
        match(value, partialResult(reason), context, { root: true, where })
        break
    }
  }
}
