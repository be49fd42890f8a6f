import { assert, describe, it } from "@effect/vitest"
import { redactCause, redactCredentials, redactValues } from "@mongofx/core/internal/errors/redact"
import * as Driver from "mongodb"
import { inspect } from "node:util"

describe("redactCredentials", () => {
  it.each<readonly [string, string]>([
    ["mongodb://ada:hunter2@localhost:27017/app", "mongodb://<redacted>@localhost:27017/app"],
    ["mongodb+srv://ada:hunter2@cluster.example.org", "mongodb+srv://<redacted>@cluster.example.org"],
    ["mongodb://ada:p@ss:w/rd@localhost/app", "mongodb://<redacted>@localhost/app"],
    ["mongodb://hunter2@localhost", "mongodb://<redacted>@localhost"],
    [
      "Invalid connection string \"mongodb://ada:hunter2@@localhost\"",
      "Invalid connection string \"mongodb://<redacted>@localhost\""
    ],
    [
      "from http://ada:hunter2@proxy to MONGODB://ada:hunter2@host",
      "from http://<redacted>@proxy to MONGODB://<redacted>@host"
    ],
    ["mongodb://localhost/app?proxyPassword=hunter2&w=1", "mongodb://localhost/app?proxyPassword=<redacted>&w=1"],
    ["?tlsCertificateKeyFilePassword=hunter2", "?tlsCertificateKeyFilePassword=<redacted>"],
    [
      "authMechanismProperties=AWS_SESSION_TOKEN:hunter2,A:b",
      "authMechanismProperties=AWS_SESSION_TOKEN:<redacted>,A:b"
    ],
    ["connect ECONNREFUSED 127.0.0.1:27017", "connect ECONNREFUSED 127.0.0.1:27017"],
    ["mongodb://localhost:27017/?replicaSet=rs", "mongodb://localhost:27017/?replicaSet=rs"],
    ["ada@example.org is no URI", "ada@example.org is no URI"]
  ])("%s", (text, expected) => assert.strictEqual(redactCredentials(text), expected))

  it("removes the given secrets everywhere", () => {
    assert.strictEqual(redactCredentials("hunter2, (hunter2)", ["hunter2"]), "<redacted>, (<redacted>)")
    assert.strictEqual(redactCredentials("a.b a+b", ["a.b"]), "<redacted> a+b")
    assert.strictEqual(redactCredentials("text", [""]), "text")
  })
})

describe("redactValues", () => {
  it.each<readonly [string, string]>([
    [
      "E11000 duplicate key error collection: app.users index: email_1 dup key: { email: \"hunter2\" }",
      "E11000 duplicate key error collection: app.users index: email_1 dup key: <redacted>"
    ],
    [
      "E11000 duplicate key error collection: app.users index: a_1_b_1 dup key: { a: \"x }\", b: \"hunter2\ndup key: \" }",
      "E11000 duplicate key error collection: app.users index: a_1_b_1 dup key: <redacted>"
    ],
    [
      "Cannot apply $inc to a value of non-numeric type. {_id: \"hunter2\"} has the field 'a' of non-numeric type string",
      "Cannot apply $inc to a value of non-numeric type. <redacted> has the field 'a' of non-numeric type string"
    ],
    [
      "Cannot apply $bit to a value of non-integral type._id: \"hunter2\" has the field a of non-integer type string",
      "Cannot apply $bit to a value of non-integral type.<redacted> has the field a of non-integer type string"
    ],
    [
      "The field 'a' must be an array but is of type string in document {_id: \"hunter2\"}",
      "The field 'a' must be an array but is of type string in document <redacted>"
    ],
    [
      "After applying the update, the (immutable) field '_id' was found to have been altered to _id: 42",
      "After applying the update, the (immutable) field '_id' was found to have been altered to <redacted>"
    ],
    [
      "Failed to parse number 'it's hunter2' in $convert with no onError value: Did not consume whole string.",
      "Failed to parse number <redacted> in $convert with no onError value: Did not consume whole string."
    ],
    [
      "Error parsing date string 'hunter2'; 0: Unexpected data found.",
      "Error parsing date string <redacted>; 0: Unexpected data found."
    ],
    [
      "Cannot increment with non-numeric argument: {n: \"hunter2\"}",
      "Cannot increment with non-numeric argument: {<redacted>}"
    ],
    ["Cannot create field 'b' in element {a: \"hunter2\"}", "Cannot create field 'b' in element {<redacted>}"],
    [
      "cannot use the part (t of t.x) to traverse the element ({t: [ \"hunter2\" ]})",
      "cannot use the part (t of t.x) to traverse the element ({<redacted>})"
    ],
    [
      "Failed to parse $size. Expected a number in: $size: true",
      "Failed to parse $size. Expected a number in: <redacted>"
    ],
    [
      "Cannot apply array updates to non-array element a: 42",
      "Cannot apply array updates to non-array element <redacted>"
    ],
    ["unrecognized time zone identifier: \"hunter2\"", "unrecognized time zone identifier: \"<redacted>\""],
    ["language override unsupported: hunter2", "language override unsupported: <redacted>"],
    [
      "'year' must evaluate to an integer, found double with value 42.5",
      "'year' must evaluate to an integer, found double with value <redacted>"
    ],
    [
      "Can't extract geo keys: { _id: 42, loc: { type: \"Point\" } }  Longitude/latitude is out of bounds, lng: 42 lat: 6",
      "Can't extract geo keys: {<redacted>}  Longitude/latitude is out of bounds, <redacted>"
    ],
    [
      "Loop is not closed, first vertex does not equal last vertex: [ [ 1, 2 ], [ 3, 4 ] ]",
      "Loop is not closed, first vertex does not equal last vertex: [<redacted>]"
    ],
    [
      "BSONObj size: 17000000 (0x1036640) is invalid. Size must be between 0 and 16793600(16MB) First element: _id: 42",
      "BSONObj size: 17000000 (0x1036640) is invalid. Size must be between 0 and 16793600(16MB) First element: <redacted>"
    ],
    [
      "error processing query: ns=app.usersTree: $and\n    age $eq 42\n    name $eq \"hunter2\"\nSort: {}\nProj: {}\n planner returned error :: caused by :: hint provided does not correspond to an existing index",
      "error processing query: ns=app.usersTree: <redacted>\nSort: {<redacted>}\n planner returned error :: caused by :: hint provided does not correspond to an existing index"
    ],
    ["Unknown type name alias: hunter2", "Unknown type name alias: <redacted>"],
    ["Could not find user \"hunter2\" for db \"app\"", "Could not find user \"<redacted>\" for db \"app\""],
    ["Could not find user \"CN=a\" for db \"$external\"", "Could not find user \"<redacted>\" for db \"$external\""],
    [
      "Modifiers operate on fields but we found type int instead. For example: {$mod: {<field>: ...}} not {$min: 5}",
      "Modifiers operate on fields but we found type int instead. For example: {$mod: {<field>: ...}} not {<redacted>}"
    ],
    // Values that look like words of the server.
    [
      "Cannot create field 'b' in element {a: \"does not support { readConcern: { level: hunter2's } }\"}",
      "Cannot create field 'b' in element {<redacted>}"
    ],
    ["in element {a: \"API version must be \"hunter2\"\"}", "in element {<redacted>}"],
    ["index with key: { a: \"hunter2\" } of { b: 1 }", "index with key: {<redacted>}"],
    ["in element {a: \"\x000\x00\"}", "in element {<redacted>}"],
    // A document that the server has cut off, and a string with quotes that it has not escaped.
    ["near must be first in: { $near: \"hunter2...", "near must be first in: {<redacted>}"],
    ["input \"hun\"ter2\" is of type string", "input \"<redacted>\" is of type string"],
    [
      "Error in specification { partialFilterExpression: { a: { $foo: 42 } }, name: \"a_1\" } :: caused by :: unknown operator",
      "Error in specification {<redacted>} :: caused by :: unknown operator"
    ],
    // Values that look like the beginning of another message.
    ["Cannot create field 'b' in element {a: \"Requested index: \"}", "Cannot create field 'b' in element {<redacted>}"]
  ])("%s", (message, expected) => assert.strictEqual(redactValues(message), expected))

  it.each([
    "Document failed validation",
    "API version must be \"1\"",
    "Transaction with { txnNumber: 12 } has been aborted.",
    "Command insert does not support { readConcern: { level: \"majority\", provenance: \"clientSupplied\" } } :: caused by :: read concern not supported",
    "{aggregate: 1} is not valid for '$match'; a collection is required.",
    "cannot use tailable option with a sort other than {$natural: 1}",
    "can't find index with key: { a: 1, b.c: -1, d: \"text\" }",
    "The field 'key' for an _id index must be {_id: 1}, but got { _id: -1 }",
    "The '$type' string field is required to be 'date' or 'timestamp': {$currentDate: {field : {$type: 'date'}}}",
    ". Index spec: { key: { a: 1, b: \"text\" }, name: \"x\", expireAfterSeconds: -5 } :: caused by :: TTL index 'expireAfterSeconds' option cannot be less than 0",
    "failed to add collation information to index spec for index creation: { key: { a: 1 }, name: \"x\", collation: { locale: \"xx\" }, v: 2 } :: caused by :: Field 'locale' is invalid in: { locale: \"xx\" }",
    "operation exceeded time limit",
    "cursor id 12345 not found",
    "Collection app.users already exists.",
    "cannot index parallel arrays [b] [a]",
    "BSON field 'find.nonsense' is an unknown field.",
    "Performing an update on the path '_id' would modify the immutable field '_id'",
    "Error in specification { name: \"a_foo\", key: { a: \"foo\" } } :: caused by :: Unknown index plugin 'foo'",
    "An existing index has the same name as the requested index. Requested index: { v: 2, key: { a: 1 }, name: \"a_1\" }"
  ])("keeps: %s", (message) => assert.strictEqual(redactValues(message), message))
})

const reply = (fields: object) => new Driver.MongoServerError({ ok: 0, ...fields } as Driver.ErrorDescription)

const shows = (cause: unknown) => inspect(cause, { depth: 20, showHidden: true })

describe("redactCause", () => {
  it.each<readonly [string, unknown]>([
    ["a driver's error", new Driver.MongoInvalidArgumentError("Document is \"large\" { }")],
    ["a network error with its cause", new Driver.MongoNetworkError("gone", { cause: new Error("read ECONNRESET") })],
    ["a BSON error", new Driver.BSON.BSONError("Invalid")],
    ["an error", new Error("dup key: { a: 1 }")],
    ["a TypeError", new TypeError("no")],
    ["an object", { any: "thing" }],
    ["a number", 42],
    ["null", null],
    ["undefined", undefined],
    ["a text", "nothing of interest"]
  ])("leaves %s as it is", (_, cause) => assert.strictEqual(redactCause(cause), cause))

  it("copies an error that holds a reply, without the reply", () => {
    const original = reply({
      code: 11000,
      codeName: "DuplicateKey",
      errmsg: "E11000 duplicate key error collection: app.users index: _id_ dup key: { _id: \"hunter2\" }",
      keyValue: { _id: "hunter2" },
      errorLabels: ["RetryableWriteError"]
    })
    const copy = redactCause(original) as Driver.MongoServerError
    assert.notStrictEqual(copy, original)
    assert.instanceOf(copy, Driver.MongoServerError)
    assert.strictEqual(copy.name, "MongoServerError")
    assert.strictEqual(copy.message, "E11000 duplicate key error collection: app.users index: _id_ dup key: <redacted>")
    assert.strictEqual(copy.code, 11000)
    assert.strictEqual(copy.codeName, "DuplicateKey")
    assert.deepStrictEqual(copy.errorLabels, ["RetryableWriteError"])
    assert.isTrue(copy.hasErrorLabel("RetryableWriteError"))
    assert.include(copy.stack, "redact.test.ts")
    assert.notInclude(shows(copy), "hunter2")
    assert.include(shows(original), "hunter2")
  })

  it.each<readonly [string, Error]>([
    ["a failed validation", reply({ code: 121, errmsg: "Document failed validation", errInfo: { a: "hunter2" } })],
    [
      "a write concern error",
      new Driver.MongoWriteConcernError(
        { ok: 1, value: "hunter2", writeConcernError: { code: 64, errmsg: "waiting timed out" } } as never
      )
    ]
  ])("copies an error that holds a reply, whatever its message: %s", (_, cause) => {
    assert.include(shows(cause), "hunter2")
    const copy = redactCause(cause) as Error
    assert.strictEqual(copy.message, cause.message)
    assert.notInclude(shows(copy), "hunter2")
  })

  it("copies every error above an error that must be copied", () => {
    const beneath = reply({ code: 66, errmsg: "altered to {_id: \"hunter2\"}" })
    const middle = new Error("middle", { cause: beneath })
    const top = new TypeError("top", { cause: middle })
    const copy = redactCause(top) as Error
    assert.notStrictEqual(copy, top)
    assert.instanceOf(copy, TypeError)
    assert.strictEqual(copy.message, "top")
    assert.strictEqual((copy.cause as Error).message, "middle")
    assert.strictEqual(((copy.cause as Error).cause as Error).message, "altered to {<redacted>}")
    assert.notInclude(shows(copy), "hunter2")
    assert.strictEqual(top.cause, middle)
    assert.strictEqual(middle.cause, beneath)
  })

  it("copies a selection error without its topology, whose options have the credentials", () => {
    const options = { credentials: { password: "hunter2" } }
    const description = { type: "Unknown", servers: new Map(), options } as unknown as Driver.TopologyDescription
    const copy = redactCause(new Driver.MongoServerSelectionError("no server", description)) as Error
    assert.instanceOf(copy, Driver.MongoServerSelectionError)
    assert.strictEqual(copy.message, "no server")
    assert.notInclude(shows(copy), "hunter2")
  })

  it("copies a bulk write error, whose result has the documents", () => {
    const result = { insertedCount: 0, result: { writeErrors: [{ err: { op: { _id: "hunter2" } } }] } }
    const original = new Driver.MongoBulkWriteError(
      { message: "dup key: { _id: \"hunter2\" }", code: 11000 },
      result as unknown as Driver.BulkWriteResult
    )
    const copy = redactCause(original) as Error
    assert.instanceOf(copy, Driver.MongoServerError)
    assert.strictEqual(copy.name, "MongoBulkWriteError")
    assert.notInclude(shows(copy), "hunter2")
  })

  it("removes credentials from the message and the stack", () => {
    const copy = redactCause(new Driver.MongoParseError("no: mongodb://ada:hunter2@host, swordfish"), [
      "swordfish"
    ]) as Error
    assert.strictEqual(copy.message, "no: mongodb://<redacted>@host, <redacted>")
    assert.notInclude(shows(copy), "hunter2")
    assert.notInclude(shows(copy), "swordfish")
    assert.strictEqual(redactCause("mongodb://ada:hunter2@host"), "mongodb://<redacted>@host")
  })

  it("removes given secrets from every cause beneath", () => {
    const beneath = new Error("no swordfish", { cause: "swordfish" })
    const copy = redactCause(new Error("top", { cause: new Error("middle", { cause: beneath }) }), [
      "swordfish"
    ]) as Error
    assert.strictEqual(copy.message, "top")
    assert.strictEqual(((copy.cause as Error).cause as Error).message, "no <redacted>")
    assert.notInclude(shows(copy), "swordfish")
  })

  it("removes the text of a URL that could not be parsed", () => {
    let cause: unknown
    try {
      cause = new URL("hunter2")
    } catch (error) {
      cause = error
    }
    assert.include(shows(cause), "hunter2")
    assert.notInclude(shows(redactCause(cause)), "hunter2")
  })

  it("ends when causes form a cycle", () => {
    const a = new Error("a")
    const b = new Error("b", { cause: a })
    a.cause = b
    assert.instanceOf(redactCause(a), Error)
  })

  it("reads errors whose getters throw", () => {
    const cause = Object.defineProperty(new Error("hunter2"), "message", {
      get: () => {
        throw new Error("no")
      }
    })
    assert.strictEqual((redactCause(cause) as { name: string }).name, "Error")
  })
})
