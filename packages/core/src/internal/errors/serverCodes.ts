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
 * What the server's parsers say of a command, by what is wrong in it. Each of these codes is what a mongod 8.2 answers to a command of
 * `test/support/refusedCommands.ts`, on a collection that does not exist: no document can be the cause. The codes of a document's values, as those of
 * a division by zero, are not among them.
 */
const refusedByParser: Readonly<Record<string, ReadonlyArray<number>>> = {
  projections: [
    31249,
    31250,
    31253,
    31254,
    31256,
    31274,
    31275,
    31276,
    31324,
    31325,
    31394,
    31395,
    40176,
    51270,
    51272
  ],
  paths: [15998, 16412, 16872, 40352],
  variables: [17276, 4890500],
  expressions: [40181, 40183],
  arguments: [16020, 17045, 28667, 50723, 1257300],
  places: [17313, 31441, 40600, 40601, 40602, 51047],
  "min and max": [51176],
  $addFields: [40272],
  $bucket: [40191, 40192, 40193, 40194, 40196, 40197, 40198, 40199, 40200, 40201, 40202],
  $bucketAuto: [40239, 40240, 40241, 40242, 40243, 40244, 40245, 40246, 40257, 40261],
  $changeStream: [6188500],
  $collStats: [5447000],
  $cond: [17080, 17081, 17083],
  $count: [40156, 40157, 40158, 40159, 40160, 9039800],
  $dateAdd: [5166400, 5166401, 5166402],
  $dateDiff: [5166301, 5166302, 5166303],
  $dateFromParts: [40516, 40518, 40519],
  $dateFromString: [40540, 40541, 40542],
  $dateToParts: [40520, 40522, 40524],
  $dateToString: [18534, 18628, 18629],
  $dateTrunc: [5439007, 5439008, 5439009],
  $densify: [5733401, 5733402, 5733408, 5946802],
  $facet: [40169, 40170, 40171],
  $fill: [605001, 6050202, 6050203],
  $filter: [28646, 28647, 28648, 28650],
  $firstN: [5787801, 5787906, 5787907],
  $function: [31260, 31261, 31262, 31263, 31418, 31419],
  $geoNear: [16606, 50858, 5860400],
  $getField: [3041701, 3041702, 3041703],
  $graphLookup: [40100, 40101, 40104, 40185],
  $group: [
    15947,
    15952,
    15955,
    40234,
    40235,
    40236,
    40237,
    40238,
    4544703,
    4544707,
    5788003,
    5788004,
    5788005,
    7429703
  ],
  $indexStats: [28803],
  $let: [16874, 16875, 16876, 16877],
  $limit: [15958, 5107201],
  $map: [16878, 16879, 16880, 16882],
  $match: [15959, 5626500],
  $merge: [31465, 51181, 51186, 51187, 51199],
  $meta: [17307, 17308],
  $out: [16990],
  $project: [15969],
  $reduce: [40075, 40076, 40077, 40078, 40079],
  $regexMatch: [31022, 31023, 31024, 51103],
  $replaceOne: [51747, 51748, 51749, 51750, 51751],
  $replaceRoot: [40229],
  $sample: [28745, 28746, 28747, 28748, 28749],
  $setField: [4161100, 4161101, 4161102, 4161103, 4161107],
  $setWindowFields: [5339900, 5339901, 5339902, 5371602, 5371603],
  $skip: [5107200],
  $sort: [15973, 15974, 15975, 15976, 17312, 31138],
  $sortArray: [2942500, 2942501, 2942502, 2942503, 2942505, 2942507],
  $sortByCount: [40147, 40148, 40149],
  $switch: [40060, 40061, 40062, 40063, 40064, 40065, 40067, 40068],
  $trim: [50694, 50695, 50696],
  $unset: [31002, 31119, 31120],
  $unwind: [15981, 28808, 28809, 28810, 28811, 28812, 28818, 28822],
  $year: [40535, 40536, 40539],
  $zip: [34460, 34461, 34464, 34465, 34466]
}

for (const codes of Object.values(refusedByParser)) mean({ tag: "InvalidCommandError" }, ...codes)

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
