/**
 * The server's error codes in one table: what each is called, the reason that it becomes, and what may happen next.
 *
 * The names are the server's (`codeName` in its replies). `Location…` stands for a code without a name.
 * Sources: the server's list of error codes for the names; the driver's own lists, which follow the driver specifications, for `retried` and
 * `resumable`; what servers answer for the rest. `docs/errors.md` shows the table.
 */

/** The reason of a failure with a code, and its kind. `ServerError` stands for every code without a more precise reason. */
type CodeReason =
  | {
    readonly tag:
      | "AuthenticationError"
      | "AuthorizationError"
      | "BsonError"
      | "DocumentValidationError"
      | "DuplicateKeyError"
      | "InvalidCommandError"
      | "MaxTimeExpiredError"
      | "NamespaceExistsError"
      | "NamespaceNotFoundError"
      | "NotPrimaryError"
      | "OverloadedError"
      | "ServerError"
      | "WriteConcernError"
      | "WriteConflictError"
    readonly kind?: undefined
  }
  | { readonly tag: "ChangeStreamError"; readonly kind: "historyLost" | "invalidResumeToken" | "fatal" | "closed" }
  | { readonly tag: "ConnectionError"; readonly kind: "network" | "timeout" }
  | { readonly tag: "CursorError"; readonly kind: "notFound" | "killed" | "planKilled" | "positionLost" }
  | { readonly tag: "IndexError"; readonly kind: "notFound" | "conflict" | "invalid" | "searchUnavailable" }
  | { readonly tag: "TransactionError"; readonly kind: "aborted" | "committed" | "unavailable" | "notAllowed" }

/**
 * What may happen after a failure with a code.
 *
 * - `transient`: the same command may succeed a little later.
 * - `refused`: the server refuses the command before it does anything for it, or has undone what it did.
 * - `retried`: the driver runs a retryable read or write again, once.
 * - `resumable`: a change stream goes on if the server labels the failure as resumable.
 * - `resumed`: a change stream goes on whatever the labels are.
 * - `login`: it may be the answer to a login.
 * - `noSearch`: older servers without search indexes answer search index operations with it.
 * - `noRouter`: servers that are not routers answer operations on shards with it.
 */
type Mark = "transient" | "refused" | "retried" | "resumable" | "resumed" | "login" | "noSearch" | "noRouter"

/** @internal */
export interface ServerCodeRow {
  readonly code: number
  readonly reason: CodeReason
  readonly marks: ReadonlyArray<Mark>
}

const row = (code: number, reason: CodeReason, ...marks: ReadonlyArray<Mark>): ServerCodeRow => ({
  code,
  reason,
  marks
})

const network: CodeReason = { tag: "ConnectionError", kind: "network" }
const timeout: CodeReason = { tag: "ConnectionError", kind: "timeout" }
const notPrimary: CodeReason = { tag: "NotPrimaryError" }
const invalidCommand: CodeReason = { tag: "InvalidCommandError" }
const bson: CodeReason = { tag: "BsonError" }
const writeConcern: CodeReason = { tag: "WriteConcernError" }
const duplicateKey: CodeReason = { tag: "DuplicateKeyError" }
const maxTimeExpired: CodeReason = { tag: "MaxTimeExpiredError" }
const authentication: CodeReason = { tag: "AuthenticationError" }
const server: CodeReason = { tag: "ServerError" }
const transactionAborted: CodeReason = { tag: "TransactionError", kind: "aborted" }
const transactionUnavailable: CodeReason = { tag: "TransactionError", kind: "unavailable" }
const indexConflict: CodeReason = { tag: "IndexError", kind: "conflict" }
const invalidIndex: CodeReason = { tag: "IndexError", kind: "invalid" }

/**
 * Every code that mongofx knows, by its name.
 *
 * @internal
 */
export const ServerCode = {
  BadValue: row(2, invalidCommand),
  NoSuchKey: row(4, invalidCommand),
  HostUnreachable: row(6, network, "transient", "retried", "resumable"),
  HostNotFound: row(7, network, "transient", "retried", "resumable"),
  FailedToParse: row(9, invalidCommand),
  UserNotFound: row(11, server, "login"),
  Unauthorized: row(13, { tag: "AuthorizationError" }),
  TypeMismatch: row(14, invalidCommand),
  Overflow: row(15, invalidCommand),
  InvalidLength: row(16, invalidCommand),
  AuthenticationFailed: row(18, authentication, "login"),
  IllegalOperation: row(20, invalidCommand),
  InvalidBSON: row(22, bson),
  AlreadyInitialized: row(23, invalidCommand),
  LockTimeout: row(24, transactionUnavailable, "transient", "refused"),
  NamespaceNotFound: row(26, { tag: "NamespaceNotFoundError" }),
  IndexNotFound: row(27, { tag: "IndexError", kind: "notFound" }),
  PathNotViable: row(28, invalidCommand),
  ConflictingUpdateOperators: row(40, invalidCommand),
  CursorNotFound: row(43, { tag: "CursorError", kind: "notFound" }, "transient", "resumable", "resumed"),
  NamespaceExists: row(48, { tag: "NamespaceExistsError" }),
  MaxTimeMSExpired: row(50, maxTimeExpired),
  DollarPrefixedFieldName: row(52, invalidCommand),
  InvalidIdField: row(53, invalidCommand),
  NotSingleValueField: row(54, invalidCommand),
  InvalidDBRef: row(55, invalidCommand),
  EmptyFieldName: row(56, invalidCommand),
  DottedFieldName: row(57, invalidCommand),
  CommandNotFound: row(59, invalidCommand, "noSearch", "noRouter"),
  ShardKeyNotFound: row(61, invalidCommand),
  StaleShardVersion: row(63, server, "transient", "refused", "resumable"),
  // WriteConcernFailed before MongoDB 8.1.
  WriteConcernTimeout: row(64, writeConcern),
  ImmutableField: row(66, invalidCommand),
  CannotCreateIndex: row(67, invalidIndex),
  IndexAlreadyExists: row(68, indexConflict),
  ShardNotFound: row(70, invalidCommand),
  InvalidOptions: row(72, invalidCommand),
  InvalidNamespace: row(73, invalidCommand),
  UnknownReplWriteConcern: row(79, writeConcern),
  IndexOptionsConflict: row(85, indexConflict),
  IndexKeySpecsConflict: row(86, indexConflict),
  NetworkTimeout: row(89, timeout, "transient", "retried", "resumable"),
  ShutdownInProgress: row(91, notPrimary, "transient", "retried", "resumable"),
  UnsatisfiableWriteConcern: row(100, writeConcern),
  WriteConflict: row(112, { tag: "WriteConflictError" }, "transient", "refused"),
  CommandNotSupported: row(115, invalidCommand, "noSearch"),
  NamespaceNotSharded: row(118, invalidCommand),
  DocumentValidationFailure: row(121, { tag: "DocumentValidationError" }),
  FailedToSatisfyReadPreference: row(133, server, "transient", "refused", "resumable"),
  ReadConcernMajorityNotAvailableYet: row(134, server, "transient", "refused", "retried"),
  CappedPositionLost: row(136, { tag: "CursorError", kind: "positionLost" }, "transient"),
  ReadConcernMajorityNotEnabled: row(148, invalidCommand),
  StaleEpoch: row(150, server, "transient", "refused", "resumable"),
  ZoneStillInUse: row(163, invalidCommand),
  ViewDepthLimitExceeded: row(165, invalidCommand),
  CommandNotSupportedOnView: row(166, invalidCommand),
  OptionNotSupportedOnView: row(167, invalidCommand),
  InvalidPipelineOperator: row(168, invalidCommand),
  QueryPlanKilled: row(175, { tag: "CursorError", kind: "planKilled" }, "transient"),
  ZoneNotFound: row(177, invalidCommand),
  RangeOverlapConflict: row(178, invalidCommand),
  PrimarySteppedDown: row(189, notPrimary, "transient", "retried", "resumable"),
  InvalidIndexSpecificationOption: row(197, invalidIndex),
  CloseChangeStream: row(222, { tag: "ChangeStreamError", kind: "closed" }),
  TransactionTooOld: row(225, transactionAborted),
  RetryChangeStream: row(234, server, "transient", "refused", "resumable"),
  CursorKilled: row(237, { tag: "CursorError", kind: "killed" }),
  NotImplemented: row(238, invalidCommand),
  SnapshotTooOld: row(239, transactionUnavailable, "transient"),
  ConversionFailure: row(241, invalidCommand),
  IncompatibleWithUpgradedServer: row(243, invalidCommand),
  TransactionAborted: row(244, transactionAborted),
  SnapshotUnavailable: row(246, transactionUnavailable, "transient"),
  NoSuchTransaction: row(251, transactionAborted),
  TransactionCommitted: row(256, { tag: "TransactionError", kind: "committed" }),
  InvalidResumeToken: row(260, { tag: "ChangeStreamError", kind: "invalidResumeToken" }),
  ExceededTimeLimit: row(262, maxTimeExpired, "transient", "retried", "resumable"),
  OperationNotSupportedInTransaction: row(263, { tag: "TransactionError", kind: "notAllowed" }),
  ChangeStreamFatalError: row(280, { tag: "ChangeStreamError", kind: "fatal" }),
  ChangeStreamHistoryLost: row(286, { tag: "ChangeStreamError", kind: "historyLost" }),
  NoQueryExecutionPlans: row(291, invalidCommand),
  // Of servers that speak MongoDB's protocol. MongoDB itself closes the connection with this code.
  FeatureNotSupported: row(303, invalidCommand),
  APIVersionError: row(322, invalidCommand),
  APIStrictError: row(323, invalidCommand),
  APIDeprecationError: row(324, invalidCommand),
  NoSuchReshardCollection: row(339, invalidCommand),
  CannotConvertIndexToUnique: row(359, indexConflict),
  // The driver reauthenticates by itself, where it can.
  ReauthenticationRequired: row(391, authentication),
  IngressRequestRateLimitExceeded: row(462, { tag: "OverloadedError" }, "transient", "refused"),
  // An answer of Atlas itself, for instance to a failed login.
  AtlasError: row(8000, server),
  SocketException: row(9001, network, "transient", "retried", "resumable"),
  LegacyNotPrimary: row(10058, notPrimary, "transient", "refused"),
  // An invalid parameter.
  Location10065: row(10065, invalidCommand),
  NotWritablePrimary: row(10107, notPrimary, "transient", "refused", "retried", "resumable"),
  BSONObjectTooLarge: row(10334, bson),
  DuplicateKey: row(11000, duplicateKey),
  // A duplicate key, on old servers.
  Location11001: row(11001, duplicateKey),
  InterruptedAtShutdown: row(11600, notPrimary, "transient", "retried", "resumable"),
  InterruptedDueToReplStateChange: row(11602, notPrimary, "transient", "retried", "resumable"),
  // A duplicate key, on old servers.
  Location12582: row(12582, duplicateKey),
  StaleConfig: row(13388, server, "transient", "refused", "resumable"),
  NotPrimaryNoSecondaryOk: row(13435, notPrimary, "transient", "refused", "retried", "resumable"),
  NotPrimaryOrSecondary: row(13436, notPrimary, "transient", "refused", "retried", "resumable"),
  // A path that starts with $.
  Location16410: row(16410, invalidCommand),
  // An unknown expression.
  Location17287: row(17287, invalidCommand),
  // A document that an update makes too large.
  Location17419: row(17419, bson),
  // A sharded collection as the target of $out.
  NamespaceCannotBeSharded: row(28769, invalidCommand),
  SearchNotEnabled: row(31082, { tag: "IndexError", kind: "searchUnavailable" }),
  // A stage that is not an object with one field.
  Location40323: row(40323, invalidCommand),
  // An unknown pipeline stage.
  Location40324: row(40324, invalidCommand, "noSearch"),
  // A path that ends in a dot.
  Location40353: row(40353, invalidCommand),
  // A required field of a command is missing.
  IDLFailedToParse: row(40414, invalidCommand),
  // An unknown field of a command.
  IDLUnknownField: row(40415, invalidCommand),
  // An invalid regular expression.
  Location51075: row(51075, invalidCommand),
  // An invalid regular expression of $regexMatch.
  Location51091: row(51091, invalidCommand),
  // Invalid options of a regular expression.
  Location51108: row(51108, invalidCommand),
  // No unique index on the fields of $merge.
  Location51183: row(51183, invalidCommand),
  // The same, of a router.
  Location51190: row(51190, invalidCommand),
  // A stage that only Atlas has.
  Location6047401: row(6047401, server, "noSearch"),
  // A stage that only routers have.
  Location6789101: row(6789101, invalidCommand, "noRouter"),
  // The same for other updates.
  Location8375908: row(8375908, bson)
} as const

/**
 * The codes of the server's parsers, by what is wrong in the command. All become an `InvalidCommandError`; the server has no names for
 * them. Each is the answer of a mongod 8.2 to a command of `test/support/refusedCommands.ts` on a collection that does not
 * exist, so that no document can be the cause. Codes that depend on a document's values, such as a division by zero, are not among them.
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

const rows: ReadonlyMap<number, ServerCodeRow> = new Map(
  [
    ...Object.values(ServerCode),
    ...Object.values(refusedByParser).flatMap((codes) => codes.map((code) => row(code, invalidCommand)))
  ].map((row) => [row.code, row])
)

/**
 * The reason that a code becomes.
 *
 * @internal
 */
export const reasonOf = (code: number | undefined): CodeReason =>
  code === undefined ? server : rows.get(code)?.reason ?? server

/**
 * Whether a code has a mark.
 *
 * @internal
 */
export const isMarked = (code: number | undefined, mark: Mark): boolean =>
  code !== undefined && rows.get(code)?.marks.includes(mark) === true

const names: ReadonlyMap<number, string> = new Map(Object.entries(ServerCode).map(([name, { code }]) => [code, name]))

/**
 * The server's name of a code of the table. Codes of the server's parsers have none.
 *
 * @internal
 */
export const nameOf = (code: number | undefined): string | undefined => code === undefined ? undefined : names.get(code)
