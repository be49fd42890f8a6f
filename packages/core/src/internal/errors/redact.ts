/**
 * Texts and causes without credentials and without values of documents.
 */
import { read } from "./thrown.ts"

/**
 * Everything between `://` and the last `@` of a word. The driver's own messages quote URIs that it could not parse, so
 * nothing is presumed about what stands there.
 */
const userInfo = /(\b[a-z][a-z0-9+.-]*:\/\/)[^\s"'`]*@/gi

/** The options of a URI that are secrets. */
const secretOptions = /\b((?:proxyPassword|tlsCertificateKeyFilePassword|AWS_SESSION_TOKEN|password)[=:])[^&\s,"']+/gi

/**
 * A text without the credentials in its URIs, and without the given secrets.
 *
 * @internal
 */
export const redactCredentials = (text: string, secrets: ReadonlyArray<string> = []): string => {
  let redacted = text.replace(userInfo, "$1<redacted>@").replace(secretOptions, "$1<redacted>")
  for (const secret of secrets) if (secret !== "") redacted = redacted.replaceAll(secret, "<redacted>")
  return redacted
}

/** Where the server's messages quote values without quotes or braces around them: what stands before and after the value. */
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

/** What the server says while it runs over documents: a number or a date in it is a value, unless it is among the words. */
const fromExecution = /\b(?:Executor|PlanExecutor|Plan executor) error\b/

const scalars: ReadonlyArray<readonly [RegExp, string]> = [
  [/(?<![\w.$-])\d{4}-\d\d-\d\dT[\d:.]+Z?/g, "<redacted>"],
  [/(?<![\w.$\0-])-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w-])/g, "<redacted>"]
]

/** Documents, arrays and strings, whole or cut off. Quotes inside of strings may be there unescaped. */
const bsonTexts: ReadonlyArray<readonly [RegExp, string]> = [
  [/\{(?:.*\}|.*$)/gs, "{<redacted>}"],
  [/\[ (?:.* \]|.*$)/gs, "[<redacted>]"],
  [/"(?:.*"|.*$)/gs, "\"<redacted>\""]
]

/** Messages whose documents are specifications of indexes, without values. */
const quotesIndexes =
  /^[^{"]*\b(?:Requested index: |Error in specification |[Ii]ndex spec(?: for index creation)?: )(?!.*\bpartialFilterExpression\b)/s

/**
 * What only looks like a value: versions, options, the number of a transaction, the keys of an index, and what the server's own
 * sentences quote. Each form is too narrow for the values of a document.
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
 * A server's message without the document values that it quotes.
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
 * Whether an error of this name has the server's message.
 *
 * @internal
 */
export const isReply = (name: string): boolean =>
  name === "MongoServerError" || name === "MongoWriteConcernError" || name === "MongoBulkWriteError" ||
  name === "MongoClientBulkWriteError"

/** How deep the causes of a cause are followed. */
const maxDepth = 8

/** Stack frames without the message before them. */
const framesOf = (stack: unknown): string => {
  if (typeof stack !== "string") return ""
  const start = stack.search(/\n\s+at /)
  return start < 0 ? "" : stack.slice(start)
}

const isServerReply = (cause: Error): boolean =>
  read(cause, "errorResponse") !== undefined || read(cause, "result") !== undefined ||
  read(cause, "writeErrors") !== undefined

/** What a copy of an error keeps, besides name, message, stack and cause. */
const keptKeys = ["code", "codeName", "errorLabelSet", "address", "syscall", "errno", "hostname"]

const copyOf = (cause: Error, name: string, message: string, nested: unknown): Error => {
  const copy = new Error(message)
  const prototype = Object.getPrototypeOf(cause) as object
  // A bulk write error's getters read the result that the copy does not have.
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
 * A cause that can be printed: itself, or a copy where it holds a server's reply, a topology, credentials or document
 * values, in its own text or in one of its causes.
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
