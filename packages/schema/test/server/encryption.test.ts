/**
 * Typed collections of a client that encrypts: it needs the documents of bulk writes, which otherwise are sent as bytes.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { Bson, TypedCollection } from "@mongofx/schema"
import { Effect, Schema } from "effect"
import { ObjectId } from "mongodb"
import { canEncrypt, encrypting } from "test-support/encrypting"

const Person = Schema.Struct({ _id: Bson.ObjectId, name: Schema.String, ssn: Schema.String })

const person = (name: string, ssn: string) => ({ _id: new ObjectId(), name, ssn })

describe.skipIf(!canEncrypt())("a typed collection of a client that encrypts", () => {
  it.live("encrypts the documents of insertMany and bulkWrite", () =>
    Effect.gen(function*() {
      const { db, stored } = yield* encrypting
      const people = TypedCollection.make(db, "people", Person)
      const a = person("a", "1")
      yield* people.insertMany([a, person("b", "2")])
      yield* people.insertMany([person("c", "3")], { ordered: false })
      yield* people.bulkWrite([
        { insertOne: { document: person("d", "4") } },
        { replaceOne: { filter: { _id: a._id }, replacement: { name: "a", ssn: "10" } } }
      ])
      assert.deepStrictEqual(yield* stored, [["a", "10"], ["b", "2"], ["c", "3"], ["d", "4"]])
    }))
})
