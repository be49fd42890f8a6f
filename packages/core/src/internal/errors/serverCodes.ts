import type { TransactionError } from "../../MongoError.ts"

/**
 * What a server's error code means.
 *
 * @internal
 */
export type CodeMeaning =
  | { readonly tag: "DuplicateKeyError" | "DocumentValidationError" | "WriteConflictError" | "WriteConcernError" }
  | {
    readonly tag: "MaxTimeExpiredError" | "NotPrimaryError" | "OverloadedError" | "InvalidCommandError" | "BsonError"
  }
  | { readonly tag: "AuthenticationError" | "AuthorizationError" }
  | { readonly tag: "TransactionError"; readonly kind: TransactionError["kind"] }
  | { readonly tag: "NamespaceExistsError" | "NamespaceNotFoundError" }
  | { readonly tag: "IndexError"; readonly kind: "notFound" | "conflict" | "invalid" | "searchUnavailable" }
  | { readonly tag: "CursorError"; readonly kind: "notFound" | "killed" | "planKilled" | "positionLost" }
  | { readonly tag: "ChangeStreamError"; readonly kind: "historyLost" | "invalidResumeToken" | "fatal" | "closed" }
  | { readonly tag: "ConnectionError"; readonly kind: "network" | "timeout" }

const meanings = new Map<number, CodeMeaning>()

const mean = (meaning: CodeMeaning, ...codes: ReadonlyArray<number>) => {
  for (const code of codes) meanings.set(code, meaning)
}

mean({ tag: "DuplicateKeyError" }, 11000, 11001, 12582)
mean({ tag: "DocumentValidationError" }, 121)
mean({ tag: "WriteConflictError" }, 112)
mean({ tag: "WriteConcernError" }, 64, 79, 100)
mean({ tag: "MaxTimeExpiredError" }, 50, 262)
mean({ tag: "NotPrimaryError" }, 91, 189, 10058, 10107, 11600, 11602, 13435, 13436)
mean({ tag: "OverloadedError" }, 462)
mean({ tag: "AuthenticationError" }, 18, 391)
mean({ tag: "AuthorizationError" }, 13)
mean({ tag: "TransactionError", kind: "aborted" }, 225, 244, 251)
mean({ tag: "TransactionError", kind: "committed" }, 256)
mean({ tag: "TransactionError", kind: "unavailable" }, 24, 239, 246)
mean({ tag: "TransactionError", kind: "notAllowed" }, 263)
mean({ tag: "NamespaceExistsError" }, 48)
mean({ tag: "NamespaceNotFoundError" }, 26)
mean({ tag: "IndexError", kind: "notFound" }, 27)
mean({ tag: "IndexError", kind: "conflict" }, 68, 85, 86)
mean({ tag: "IndexError", kind: "invalid" }, 67, 197)
mean({ tag: "IndexError", kind: "searchUnavailable" }, 31082)
mean({ tag: "CursorError", kind: "notFound" }, 43)
mean({ tag: "CursorError", kind: "killed" }, 237)
mean({ tag: "CursorError", kind: "planKilled" }, 175)
mean({ tag: "CursorError", kind: "positionLost" }, 136)
mean({ tag: "ChangeStreamError", kind: "historyLost" }, 286)
mean({ tag: "ChangeStreamError", kind: "invalidResumeToken" }, 260)
mean({ tag: "ChangeStreamError", kind: "fatal" }, 280)
mean({ tag: "ChangeStreamError", kind: "closed" }, 222)
mean({ tag: "ConnectionError", kind: "network" }, 6, 7, 9001)
mean({ tag: "ConnectionError", kind: "timeout" }, 89)
// BSONObjectTooLarge, as one document or as the result of an update.
mean({ tag: "BsonError" }, 22, 10334, 17419, 8375908)
mean(
  { tag: "InvalidCommandError" },
  2, // BadValue
  4, // NoSuchKey
  9, // FailedToParse
  14, // TypeMismatch
  15, // Overflow
  16, // InvalidLength
  20, // IllegalOperation
  28, // PathNotViable
  40, // ConflictingUpdateOperators
  52, // DollarPrefixedFieldName
  53, // InvalidIdField
  54, // NotSingleValueField
  55, // InvalidDBRef
  56, // EmptyFieldName
  57, // DottedFieldName
  59, // CommandNotFound
  66, // ImmutableField
  72, // InvalidOptions
  73, // InvalidNamespace
  115, // CommandNotSupported
  148, // ReadConcernMajorityNotEnabled
  165, // ViewDepthLimitExceeded
  166, // CommandNotSupportedOnView
  167, // OptionNotSupportedOnView
  168, // InvalidPipelineOperator
  238, // NotImplemented
  241, // ConversionFailure
  243, // OptionNotSupportedOnView of older servers
  291, // NoQueryExecutionPlans
  303, // FeatureNotSupported of an API version
  322, // APIVersionError
  323, // APIStrictError
  324, // APIDeprecationError
  10065, // invalid parameter
  16410, // a path that starts with $
  17287, // unrecognized expression
  40323, // a stage that is not an object with one field
  40324, // unrecognized pipeline stage
  40353, // a path that ends in a dot
  40414, // a required field of a command is missing
  40415, // an unknown field of a command
  51075, // invalid regular expression
  51091, // invalid regular expression of $regexMatch
  51108 // invalid regular expression options
)

/**
 * The meaning of a code, where it has one of its own.
 *
 * @internal
 */
export const meaningOf = (code: number): CodeMeaning | undefined => meanings.get(code)

/**
 * What servers older than code 31082 say of the search index operations that they do not have: no such command, not supported,
 * no such stage, a stage for Atlas only.
 *
 * @internal
 */
export const searchUnavailableCodes: ReadonlySet<number> = new Set([59, 115, 40324, 6047401])

/** @internal */
export const searchIndexOperations: ReadonlySet<string> = new Set([
  "createSearchIndex",
  "createSearchIndexes",
  "updateSearchIndex",
  "dropSearchIndex",
  "listSearchIndexes"
])
