// What they write with mongofx: each row is run by website/test/comingFrom.test.ts. The comment of a row is the sentence below it.
import { GridFS, MongoClient, MongoDatabase } from "@mongofx/core"
import { Acc, Bson, Pipeline, TypedCollection } from "@mongofx/schema"
import { Config, Console, Effect, Schedule, Schema, Stream } from "effect"
import { ObjectId } from "mongodb"

const Person = Schema.Struct({
  _id: Bson.ObjectId,
  name: Schema.String,
  age: Schema.Number,
  tags: Schema.Array(Schema.String),
  city: Schema.optionalKey(Schema.String)
})

const setup = Effect.gen(function*() {
  // #region setup
  const mongo = yield* MongoClient.MongoClient
  const db = yield* MongoDatabase.MongoDatabase
  const people = TypedCollection.make(db, "people", Person)
  // #endregion setup
  return { mongo, db, people }
})

export const rows = (id: ObjectId) =>
  Effect.map(setup, ({ db, mongo, people }) => {
    const grace = { name: "Grace", age: 37, tags: [] }
    return {
      "Connections": {
        // A layer, with the URL as a secret from the configuration. `MongoClient.make` is the effect with a scope.
        "Connect": MongoClient.layerConfig({ url: Config.Redacted("MONGODB_URI"), maxPoolSize: Config.succeed(20) }),
        "A collection with a schema": TypedCollection.make(db, "people", Person),
        "A collection of any documents": db.collection("people"),
        "The driver's own client": mongo.use((client) => client.db().command({ ping: 1 }))
      },
      "Schemas": {
        // With a generator for tests, and JSON of its own. `Bson` has a schema for each type of BSON.
        "An ObjectId": Bson.ObjectId,
        // Never as text: a schema that stores a date as a text has to say so.
        "A date that is stored as one": Bson.Date,
        "A field that may be missing": Schema.Struct({ city: Schema.optionalKey(Schema.String) }),
        "A check": Schema.Int.check(Schema.isGreaterThanOrEqualTo(0)),
        "One of several values": Schema.Literals(["open", "paid"]),
        "A record, a union": Schema.Union([Schema.String, Schema.Record(Schema.String, Schema.Number)]),
        "A class": (() => {
          class Person extends Schema.Class<Person>("Person")({ _id: Bson.ObjectId, name: Schema.String }) {}
          return Person
        })(),
        "Decode what comes from outside": Schema.decodeUnknownEffect(Schema.NumberFromString)("36")
      },
      "Reads": {
        // A query is a value: yield it. There a cursor is made once, so that running the same effect twice gives nothing the second time.
        "All documents": people.find(),
        // Paths and operands are checked on the decoded document, and encoded by the codec of the field.
        "Those that match": people.find({ age: { $gte: 18 } }),
        "One document": people.findOne({ name: "Ada" }),
        "By its id": people.findById(id),
        // Each setting is a new query. There `limit` changes the cursor that it is given.
        "Sorted, the first ones": people.find().sort({ age: -1 }).limit(10),
        // The schema of the result follows from the projection.
        "Some fields": people.find().project({ name: 1, _id: 0 }),
        // A chunk is a batch of the server. There it is one document.
        "As a stream": Stream.runForEach(people.find().stream, (person) => Console.log(person.name)),
        // Each is a `Result`. `onInvalid("skip")` leaves them out.
        "Also those that do not decode": people.find().onInvalid("collect"),
        "Without a schema": db.collection("people").find(),
        "How many": people.countDocuments({ age: { $gte: 18 } }),
        "About how many": people.estimatedDocumentCount(),
        "Distinct values": people.distinct("city")
      },
      "Writes": {
        // An `_id` that is an ObjectId is filled in, anew in each run. There the document is encoded when the effect is made.
        "Insert a document": people.insertOne(grace),
        "Insert several": people.insertMany([grace, { ...grace, _id: new ObjectId() }]),
        "Update a document": people.updateOne({ name: "Ada" }, { $inc: { age: 1 } }),
        // What `$set` sets is encoded and checked by the codec of the field.
        "Update several": people.updateMany({ age: { $lt: 18 } }, { $set: { tags: [] } }),
        "Update or insert": people.updateOne({ name: "Grace" }, { $set: { age: 37, tags: [] } }, { upsert: true }),
        "Update and read": people.findOneAndUpdate({ name: "Ada" }, { $inc: { age: 1 } }, { returnDocument: "after" }),
        // The replacement has no `_id`: the server keeps it.
        "Replace a document": people.replaceById(id, grace),
        "Replace and read": people.findOneAndReplace({ _id: id }, grace),
        "Delete a document": people.deleteById(id),
        "Delete several": people.deleteMany({ age: { $lt: 18 } }),
        "Delete and read": people.findOneAndDelete({ name: "Ada" }),
        "Several writes in one command": people.bulkWrite([
          { insertOne: { document: grace } },
          { deleteMany: { filter: { age: { $lt: 18 } } } }
        ])
      },
      "Failures": {
        // The error has a `reason`, one of 26, which is caught like a tag.
        "A key that is there already": people.insertOne({ ...grace, _id: id }).pipe(
          Effect.catchReason("MongoError", "DuplicateKeyError", ({ keyPattern }) => Console.log(keyPattern))
        ),
        // It names the collection, the `_id` and the path, not the value.
        "A document that does not decode": people.findOne({ name: "Ada" }).pipe(
          Effect.catchTag("DocumentError", (error) => Console.log(error.message))
        ),
        // Without the `suspend`, a retry there succeeds with no documents: the cursor is used up.
        "Try again": people.find().pipe(
          Effect.retry({ schedule: Schedule.exponential("100 millis"), times: 2 })
        ),
        // Here the operation is aborted, and its cursor closed on the server. There it goes on.
        "Give up after a while": people.find().pipe(Effect.timeout("2 seconds"))
      },
      "Aggregations": {
        // The schema follows from the stages. `people.aggregate(schema, pipeline)` takes both from you, as there.
        "A pipeline": people.aggregate((people) =>
          people.pipe(
            Pipeline.match({ age: { $gte: 18 } }),
            Pipeline.group(($) => $.city, () => ({ people: Acc.count }))
          )
        )
      },
      "Collections and indexes": {
        "Create an index": people.createIndex({ city: 1 }),
        "Create several": people.createIndexes([{ key: { city: 1 } }, { key: { tags: 1 } }]),
        "Drop an index": people.dropIndex("name_1"),
        "Rename a collection": people.rename("persons"),
        "Drop a collection": people.drop(),
        "List collections": db.listCollections()
      },
      "By the driver's own client": {
        "A transaction": mongo.withTransaction(Effect.gen(function*() {
          yield* people.updateOne({ name: "Ada" }, { $inc: { age: 1 } })
          yield* people.deleteOne({ name: "Bob" })
        })),
        "A change stream": people.watch().pipe(Stream.take(1), Stream.runDrain),
        "Files": GridFS.bucket(db).find({ filename: "notes.txt" }),
        "Any command": db.command({ collStats: "people" })
      }
    }
  })
