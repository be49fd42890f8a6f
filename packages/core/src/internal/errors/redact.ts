/**
 * Removes credentials and values of documents from texts and causes.
 */
import { read } from "./thrown.ts"

/**
 * Everything between `://` and the last `@` of a word. The driver quotes URIs that it could not parse, so anything may
 * stand there.
 */
const userInfo = /(\b[a-z][a-z0-9+.-]*:\/\/)[^\s"'`]*@/gi

/** The secret options of a URI. */
const secretOptions = /\b((?:proxyPassword|tlsCertificateKeyFilePassword|AWS_SESSION_TOKEN|password)[=:])[^&\s,"']+/gi

/**
 * Removes the credentials of URIs and the given secrets from a text.
 *
 * @internal
 */
export const redactCredentials = (text: string, secrets: ReadonlyArray<string> = []): string => {
  let redacted = text.replace(userInfo, "$1<redacted>@").replace(secretOptions, "$1<redacted>")
  for (const secret of secrets) if (secret !== "") redacted = redacted.replaceAll(secret, "<redacted>")
  return redacted
}

/** What stands before and after a value that the server's messages quote without quotes or braces. */
const quotedValues: ReadonlyArray<readonly [RegExp, string]> = [
  [/(\bdup key: ).*$/s, "$1<redacted>"],
  [/(Tree: ).*(\nSort: )/s, "$1<redacted>$2"],
  [/(\bto a value of non-\w+ type\.\s*).*( has the field)/s, "$1<redacted>$2"],
  [/(\bin document ).*$/s, "$1<redacted>"],
  [/(\bwas found to have been altered to ).*$/s, "$1<redacted>"],
  [/(\b(?:document|element) ).*( cannot be (?:extracted|indexed))/s, "$1<redacted>$2"],
  [/(\bFailed to (?:parse|convert) [\w ]*?)'.*'( in \$convert)/s, "$1<redacted>$2"],
  [/(\bError parsing date string )'.*?'(;|$)/s, "$1<redacted>$2"],
  [/(\bExpected an? [\w ]+ in: |\bbut received: |\bfound \w+ with value |\bnon-array element ).*$/s, "$1<redacted>"],
  [/(\bFirst element: |\bis out of bounds, |\bInvalid UUID string: ).*$/s, "$1<redacted>"],
  [/(\(Number\w+\))[^\s)]+/g, "$1<redacted>"],
  [/(\bfor \$rename must be a string: [^:]+: |\bin: \$bits\w+: |\bprefixed with a '\$': ).*$/s, "$1<redacted>"],
  [/(\buncaught exception: ).*$/s, "$1<redacted>"],
  [
    /(\bUnknown type name(?: alias)?: |\bunknown time unit value: |\blanguage override unsupported: ).*$/s,
    "$1<redacted>"
  ]
]

/** A message from execution over documents: every number or date in it is a value, unless `words` matches it. */
const fromExecution = /\b(?:Executor|PlanExecutor|Plan executor) error\b/

const scalars: ReadonlyArray<readonly [RegExp, string]> = [
  [/(?<![\w.$-])\d{4}-\d\d-\d\dT[\d:.]+Z?/g, "<redacted>"],
  [/(?<![\w.$\0-])-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w-])/g, "<redacted>"]
]

/** Documents, arrays and strings, whole or cut off. Quotes inside strings may be unescaped. */
const bsonTexts: ReadonlyArray<readonly [RegExp, string]> = [
  [/\{(?:.*\}|.*$)/gs, "{<redacted>}"],
  [/\[ (?:.* \]|.*$)/gs, "[<redacted>]"],
  [/"(?:.*"|.*$)/gs, "\"<redacted>\""]
]

/** Messages whose documents are index specifications, without values. */
const quotesIndexes =
  /^[^{"]*\b(?:Requested index: |Error in specification |[Ii]ndex spec(?: for index creation)?: )(?!.*\bpartialFilterExpression\b)/s

/**
 * Texts that only look like values: versions, options, the number of a transaction, the keys of an index, and fixed quotes in the
 * server's sentences. Each form is too narrow to match a document's values.
 */
const words = new RegExp(
  [
    String.raw`\bAPI version must be "\d+"`,
    String.raw`\bdoes not support \{ (?:read|write)Concern: \{(?: \w+: (?:"\w+"|[\w.]+),?)* \} \}`,
    String.raw`\bTransaction with \{ txnNumber: \d+ \}`,
    String
      .raw`\b(?:index with key: |but got )\{ (?:[^\s:{}",]+: (?:-?\d+(?:\.\d+)?|"(?:text|2d|2dsphere|hashed)")(?:, )?)* \}`,
    String.raw` for db "[\w$-]+"`,
    String.raw`\b(?:must|has to) be (?:in|between) \[[-\d., ]+\]|\b\d+ bytes\b`,
    String.raw`\{aggregate: 1\}|\{_id: 1\}, (?=but got)|\{\$natural: 1\}`,
    String.raw`\{\$mod: \{<field>: \.\.\.\}\}|\{\$currentDate: \{field : \{\$type: 'date'\}\}\}`
  ].join("|"),
  "g"
)

/**
 * Removes the document values that a server's message quotes.
 *
 * @internal
 */
export const redactValues = (message: string): string => {
  const kept: Array<string> = []
  const marked = message.replace(words, (word) => `\0${kept.push(word) - 1}\0`)
  return [
    ...quotedValues,
    ...quotesIndexes.test(message) ? [] : bsonTexts,
    ...fromExecution.test(message) ? scalars : []
  ]
    .reduce((text, [pattern, replacement]) => text.replace(pattern, replacement), marked)
    .replace(/\0(\d+)\0/g, (mark, index) => kept[Number(index)] ?? mark)
}

/**
 * Whether an error with this name has the server's message.
 *
 * @internal
 */
export const isReply = (name: string): boolean =>
  name === "MongoServerError" || name === "MongoWriteConcernError" || name === "MongoBulkWriteError" ||
  name === "MongoClientBulkWriteError"

/** How many causes of causes are followed. */
const maxDepth = 8

/** The frames of a stack, without the message before them. */
const framesOf = (stack: unknown): string => {
  if (typeof stack !== "string") return ""
  const start = stack.search(/\n\s+at /)
  return start < 0 ? "" : stack.slice(start)
}

const isServerReply = (cause: Error): boolean =>
  read(cause, "errorResponse") !== undefined || read(cause, "result") !== undefined ||
  read(cause, "writeErrors") !== undefined

/** The properties that a copy of an error keeps, besides name, message, stack and cause. */
const keptKeys = ["code", "codeName", "errorLabelSet", "address", "syscall", "errno", "hostname"]

const copyOf = (cause: Error, name: string, message: string, nested: unknown): Error => {
  const copy = new Error(message)
  const prototype = Object.getPrototypeOf(cause) as object
  // The getters of a bulk write error read the result, which the copy does not have.
  Object.setPrototypeOf(
    copy,
    read(cause, "result") === undefined ? prototype : Object.getPrototypeOf(prototype) as object
  )
  const set = (key: string, value: unknown) =>
    Object.defineProperty(copy, key, { value, configurable: true, writable: true, enumerable: false })
  set("name", name)
  set("stack", `${name}: ${message}${framesOf(cause.stack)}`)
  if (nested !== undefined) set("cause", nested)
  for (const key of keptKeys) {
    const value = read(cause, key)
    if (value !== undefined) set(key, value)
  }
  return copy
}

/**
 * Returns a cause that is safe to print: the cause itself, or a copy if it or one of its causes holds a server's reply, a topology,
 * credentials or document values.
 *
 * @internal
 */
export const redactCause = (cause: unknown, secrets: ReadonlyArray<string> = [], depth = 0): unknown => {
  if (typeof cause === "string") return redactCredentials(cause, secrets)
  if (!(cause instanceof Error)) return cause
  if (depth > maxDepth) return undefined
  const name = String(read(cause, "name") ?? "Error")
  const message = String(read(cause, "message") ?? "")
  const redacted = redactCredentials(isReply(name) ? redactValues(message) : message, secrets)
  const nested = read(cause, "cause")
  const redactedNested = redactCause(nested, secrets, depth + 1)
  const isClean = redacted === message && redactedNested === nested && !isServerReply(cause) &&
    read(cause, "reason") === undefined && read(cause, "input") === undefined
  return isClean ? cause : copyOf(cause, name, redacted, redactedNested)
}
