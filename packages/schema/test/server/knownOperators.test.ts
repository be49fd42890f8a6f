/**
 * All operators of expressions, as the manual and the server list them: each is a function of `Expr`, or there is a reason why it
 * is not.
 */
import { assert, describe, it } from "@effect/vitest"
import { MongoDatabase } from "@mongofx/core"
import { Expr } from "@mongofx/schema"
import { MongoTest } from "@mongofx/testing"
import { Effect } from "effect"

/** The operators that have a function of the same name. */
const functions = `
abs add ceil divide exp floor ln log log10 mod multiply pow round sigmoid sqrt subtract trunc
arrayElemAt arrayToObject concatArrays filter first firstN in indexOfArray isArray last lastN map maxN minN objectToArray range reduce
reverseArray size slice sortArray zip
bitAnd bitNot bitOr bitXor
and not or
cmp eq gt gte lt lte ne
cond ifNull switch
binarySize bsonSize
dateAdd dateDiff dateFromParts dateFromString dateSubtract dateToParts dateToString dateTrunc dayOfMonth dayOfWeek dayOfYear hour
isoDayOfWeek isoWeek isoWeekYear millisecond minute month second week year
literal
getField rand toHashedIndexKey
mergeObjects setField unsetField
allElementsTrue anyElementTrue setDifference setEquals setIntersection setIsSubset setUnion
concat indexOfBytes indexOfCP ltrim regexFind regexFindAll regexMatch replaceAll replaceOne rtrim split strLenBytes strLenCP strcasecmp
substrBytes substrCP toLower toUpper trim
meta
tsIncrement tsSecond
acos acosh asin asinh atan atan2 atanh cos cosh degreesToRadians radiansToDegrees sin sinh tan tanh
convert isNumber toBool toDate toDecimal toDouble toInt toLong toObjectId toString toUUID type
avg max median min percentile stdDevPop stdDevSamp sum
let
similarityCosine similarityDotProduct similarityEuclidean
`.trim().split(/\s+/)

/** The operators that the server knows and that have no function, with the reason. */
const leftOut: Readonly<Record<string, string>> = {
  const: "another name of $literal",
  substr: "deprecated: another name of $substrBytes",
  function: "JavaScript in the server is deprecated since 8.0: Expr.unsafe takes it",
  encStrStartsWith: "fields that are encrypted: the driver's analysis writes it",
  encStrEndsWith: "fields that are encrypted: the driver's analysis writes it",
  encStrContains: "fields that are encrypted: the driver's analysis writes it",
  encStrNormalizedEq: "fields that are encrypted: the driver's analysis writes it"
}

/** Names that look like operators of expressions. The server refuses them there. */
const unknown: Readonly<Record<string, string>> = {
  sampleRate: "a condition of filters: Expr.lt(Expr.rand, rate) is the same",
  accumulator: "an accumulator: JavaScript in the server is deprecated since 8.0",
  nor: "a condition of filters: Expr.not of Expr.or is the same",
  createObjectId: "not in 8.2.0",
  currentDate: "not in 8.2.0",
  serializeEJSON: "not in 8.2.0",
  deserializeEJSON: "not in 8.2.0",
  hash: "not in 8.2.0",
  hexHash: "not in 8.2.0",
  subtype: "not in 8.2.0",
  toArray: "not in 8.2.0",
  toObject: "not in 8.2.0"
}

/** What `Expr` has besides operators: constants, variables of the server, objects, arrays, `$toDecimal` with
 * another codec, and expressions by hand. */
const others = [
  "array",
  "clusterTime",
  "isExpr",
  "missing",
  "now",
  "struct",
  "toBigDecimal",
  "unsafe",
  "userRoles",
  "value"
]

/** The codes for names that are not operators of expressions, and for operators of filters. */
const unknownCodes: ReadonlySet<unknown> = new Set([31325, 168])

describe("the operators of expressions", () => {
  it("have a function each", () => {
    assert.sameMembers(Object.keys(Expr), [...functions, ...others])
  })

  it.live("are those that the server knows", () =>
    Effect.gen(function*() {
      const db = yield* MongoDatabase.MongoDatabase
      const collection = db.collection("values")
      yield* collection.insertOne({ value: 1 })
      const isKnown = (name: string) =>
        collection.aggregate([{ $project: { value: { [`$${name}`]: [] } } }]).pipe(
          Effect.as(true),
          Effect.catchTag("MongoError", ({ reason }) => {
            const code = "code" in reason ? reason.code : undefined
            assert.isDefined(code, name)
            return Effect.succeed(!unknownCodes.has(code))
          })
        )
      for (const name of [...functions, ...Object.keys(leftOut)]) assert.isTrue(yield* isKnown(name), name)
      for (const [name, why] of Object.entries(unknown)) assert.isFalse(yield* isKnown(name), `${name}: ${why}`)
    }).pipe(Effect.provide(MongoTest.layer)))
})
