import { assert, describe, it } from "@effect/vitest"
import { isSingleWrite, namespaceOf, onlyReads, type Operation } from "@mongofx/core/internal/call/description"

const operation = (name: string, command = name, fields: Partial<Operation> = {}): Operation => ({
  name,
  command,
  ...fields
})

describe("the description of an operation", () => {
  it.each<readonly [operation: Operation, expected: boolean]>([
    [operation("find"), true],
    [operation("countDocuments", "aggregate"), true],
    [operation("aggregate"), true],
    [operation("aggregate", "aggregate", { writes: true }), false],
    [operation("estimatedDocumentCount", "count"), true],
    // The caller may have written any stage.
    [operation("command", "aggregate"), false],
    [operation("runCursorCommand", "aggregate"), false],
    [operation("runCursorCommand", "find"), true],
    // The batch of a lost reply does not come again.
    [operation("find", "getMore"), false],
    [operation("insertOne", "insert"), false],
    [operation("dropCollection", "drop"), false]
  ])("says whether an operation only reads: %j", (operation, expected) => {
    assert.strictEqual(onlyReads(operation), expected)
  })

  it.each<readonly [operation: Operation, expected: boolean]>([
    [operation("insertOne", "insert"), true],
    [operation("updateOne", "update"), true],
    [operation("replaceOne", "update"), true],
    [operation("deleteOne", "delete"), true],
    [operation("findOneAndUpdate", "findAndModify"), true],
    [operation("findOneAndReplace", "findAndModify"), true],
    [operation("findOneAndDelete", "findAndModify"), true],
    [operation("insertMany", "insert"), false],
    [operation("updateMany", "update"), false],
    [operation("deleteMany", "delete"), false],
    [operation("bulkWrite", "bulkWrite"), false],
    [operation("find"), false]
  ])("says whether an operation writes to one document: %j", (operation, expected) => {
    assert.strictEqual(isSingleWrite(operation), expected)
  })

  it("has as much of the namespace as it has names", () => {
    assert.strictEqual(namespaceOf(operation("find", "find", { database: "app", collection: "users" })), "app.users")
    assert.strictEqual(namespaceOf(operation("ping", "ping", { database: "app" })), "app")
    assert.isUndefined(namespaceOf(operation("connect")))
    assert.isUndefined(namespaceOf(operation("find", "find", { database: 1 as never, collection: "users" })))
    assert.strictEqual(namespaceOf(operation("find", "find", { database: "app", collection: null as never })), "app")
  })
})
