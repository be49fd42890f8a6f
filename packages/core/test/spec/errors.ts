/**
 * `expectError`: what a failure must say.
 *
 * @since 0.1.0
 */
import { MongoError } from "@mongofx/core"
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

/** The parts of a failure that the format compares. */
export interface Failure {
  readonly shown: string
  readonly isClientError: boolean
  readonly isTimeoutError: boolean
  readonly messages: ReadonlyArray<string>
  readonly code: unknown
  readonly codeName: unknown
  readonly labels: ReadonlyArray<string>
  /** The reply of the server. */
  readonly response: Document | undefined
  readonly writeErrors: ReadonlyArray<{ readonly index: number; readonly part: Document }>
  readonly writeConcernErrors: ReadonlyArray<Document>
  readonly partialResult: Document | undefined
}

const fail = (message: string, failure: Failure): never => {
  throw new AssertionFailed(`${message} (${failure.shown})`)
}

/** The format's error of a bulk write is the failure that ended it. */
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

/** The failure of an operation of mongofx, which is a `MongoError` and nothing else. */
export const failureOf = (error: unknown): Failure => {
  if (!MongoError.isMongoError(error)) throw new AssertionFailed("failed with no MongoError")
  const { reason } = error
  const decisive = decisiveOf(error)
  const isBulk = reason._tag === "BulkWriteError"
  return {
    shown: `${reason._tag}: ${error.message}`,
    isClientError: isClientError(error),
    isTimeoutError: isTimeoutError(error),
    messages: [reason.message, decisive.message],
    code: decisive.code,
    codeName: decisive.codeName,
    labels: [...reason.labels, ...decisive.labels],
    response: decisive.response === undefined ? undefined : Redacted.value(decisive.response) as Document,
    writeErrors: isBulk ? reason.writeErrors.map(({ index, reason }) => ({ index, part: partOf(reason) })) : [],
    writeConcernErrors: isBulk ? reason.writeConcernErrors.map(partOf) : [],
    partialResult: partialResult(reason)
  }
}

export const checkError = (expected: Document, failure: Failure, context: MatchContext): void => {
  onlyKeys(expected, keys, "expectError")
  if (Object.keys(expected).length === 0) throw new MalformedTest("expectError is empty")
  const messages = failure.messages.map((message) => message.toLowerCase())
  for (const [key, value] of Object.entries(expected)) {
    const where = `expectError.${key}`
    switch (key) {
      case "isError":
        if (value !== true) throw new MalformedTest("isError is true where it is given")
        break
      case "isClientError":
        if (failure.isClientError !== boolean(value, where)) fail(`isClientError is not ${String(value)}`, failure)
        break
      case "isTimeoutError":
        if (failure.isTimeoutError !== boolean(value, where)) fail(`isTimeoutError is not ${String(value)}`, failure)
        break
      case "errorContains":
        if (!messages.some((message) => message.includes(string(value, where).toLowerCase()))) {
          fail(`the message does not contain ${JSON.stringify(value)}`, failure)
        }
        break
      case "errorCode":
        if (failure.code !== integer(value, where)) {
          fail(`the code is ${String(failure.code)}, not ${String(value)}`, failure)
        }
        break
      case "errorCodeName":
        if (failure.codeName !== string(value, where)) {
          fail(`the codeName is ${String(failure.codeName)}, not ${String(value)}`, failure)
        }
        break
      case "errorLabelsContain":
        for (const label of array(value, where)) {
          if (!failure.labels.includes(string(label, where))) fail(`it has no label ${String(label)}`, failure)
        }
        break
      case "errorLabelsOmit":
        for (const label of array(value, where)) {
          if (failure.labels.includes(string(label, where))) fail(`it has the label ${String(label)}`, failure)
        }
        break
      case "errorResponse": {
        if (failure.response === undefined) return fail("it has no reply of the server", failure)
        match(document(value, where), failure.response, context, { root: true, where })
        break
      }
      case "writeErrors": {
        const expectedErrors = document(value, where)
        const actual = failure.writeErrors
        if (actual.length !== Object.keys(expectedErrors).length) fail(`it has ${actual.length} write errors`, failure)
        for (const [index, part] of Object.entries(expectedErrors)) {
          const found = actual.find((each) => String(each.index) === index)
          if (found === undefined) return fail(`it has no write error of the operation ${index}`, failure)
          match(part, found.part, context, { root: true, where: `${where}.${index}` })
        }
        break
      }
      case "writeConcernErrors": {
        const expectedErrors = documents(value, where)
        const actual = failure.writeConcernErrors
        if (actual.length !== expectedErrors.length) fail(`it has ${actual.length} write concern errors`, failure)
        for (const [index, part] of expectedErrors.entries()) {
          match(part, actual[index], context, { root: true, where: `${where}[${index}]` })
        }
        break
      }
      case "expectResult":
        match(value, failure.partialResult, context, { root: true, where })
        break
    }
  }
}
