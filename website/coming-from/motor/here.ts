// What they write with mongofx: each row is run by website/test/comingFrom.test.ts. The comment of a row is the sentence below it.
import { GridFS, Mongo, MongoClient, MongoDatabase } from "@mongofx/core"
import { Config, Console, Effect, Stream } from "effect"
import type { ObjectId } from "mongodb"

interface Person {
  readonly name: string
  readonly age: number
  readonly tags: ReadonlyArray<string>
  readonly city?: string
}

const setup = Effect.gen(function*() {
  // #region setup
  const mongo = yield* MongoClient.MongoClient
  const db = yield* MongoDatabase.MongoDatabase
  const people = db.collection<Person>("people")
  // #endregion setup
  return { mongo, db, people }
})

export const rows = (id: ObjectId) =>
  Effect.map(setup, ({ db, mongo, people }) => {
    const main = people.countDocuments()
    return {
      "Connections": {
        // Motor connects when it is first used. The layer connects before the program runs, and closes the client after it.
        "Connect": MongoClient.layerConfig({ url: Config.Redacted("MONGODB_URI"), maxPoolSize: Config.succeed(20) }),
        "A database, a collection": mongo.db("app").collection<Person>("people"),
        "The database of the URI": mongo.db(),
        "Is the server there?": mongo.ping,
        "The version of the server": mongo.serverInfo,
        // Also `arbiters`, `nodes`, `address`, `isPrimary`. `mongo.topologyChanges` is a stream of them.
        "The members of the replica set": Effect.map(mongo.topology, ({ isMongos, primary, secondaries }) => ({
          primary,
          secondaries,
          isMongos
        })),
        "Other settings for one collection": people.withOptions({ readPreference: "secondaryPreferred" })
      },
      "Reads": {
        // An `Option`, not None.
        "One document": people.findOne({ name: "Ada" }),
        // A query is a value: yield it for all its documents. It can be run again.
        "All documents": people.find({ age: { $gte: 18 } }),
        "At most so many": people.find().limit(10),
        "Sorted, a part of them": people.find().sort({ age: -1, name: 1 }).skip(10).limit(10),
        "Some fields": people.find().project({ name: 1, _id: 0 }),
        "One after the other": Stream.runForEach(people.find().stream, (person) => Console.log(person.name)),
        // One element for each document, as the bytes of its BSON.
        "Raw batches": Stream.runForEach(people.find().raw, (document) => Console.log(document.length)),
        "How many": people.countDocuments({ age: { $gte: 18 } }),
        "About how many": people.estimatedDocumentCount(),
        "Distinct values": people.distinct("city"),
        "An index to use, a time limit": people.find({ name: "Ada" }).hint({ name: 1 }).maxTimeMS(500),
        "How the server finds them": people.find({ name: "Ada" }).explain()
      },
      "Writes": {
        // The argument stays as it is: Motor adds an `_id` to it.
        "Insert a document": people.insertOne({ name: "Grace", age: 37, tags: [] }),
        "Insert several": people.insertMany([{ name: "Grace", age: 37, tags: [] }], { ordered: false }),
        "Update a document": people.updateOne({ name: "Ada" }, { $inc: { age: 1 } }),
        "Update several": people.updateMany({ age: { $lt: 18 } }, { $set: { tags: [] } }),
        "Update or insert": people.updateOne({ name: "Joan" }, { $set: { age: 30, tags: [] } }, { upsert: true }),
        "Update and read": people.findOneAndUpdate({ name: "Ada" }, { $inc: { age: 1 } }, { returnDocument: "after" }),
        "Replace a document": people.replaceOne({ name: "Ada" }, { name: "Ada", age: 37, tags: [] }),
        "Delete a document": people.deleteOne({ _id: id }),
        "Delete several": people.deleteMany({ age: { $lt: 18 } }),
        "Delete and read": people.findOneAndDelete({ name: "Ada" }),
        "Several writes in one command": people.bulkWrite([
          { insertOne: { document: { name: "Grace", age: 37, tags: [] } } },
          { updateOne: { filter: { name: "Ada" }, update: { $inc: { age: 1 } } } },
          { deleteMany: { filter: { age: { $lt: 18 } } } }
        ]),
        "Writes to several collections": mongo.bulkWrite([
          { name: "insertOne", namespace: "app.people", document: { name: "Grace" } },
          { name: "deleteOne", namespace: "app.guests", filter: { name: "Grace" } }
        ])
      },
      "Failures and time": {
        // One error, whose `reason` is one of 26 classes: the compiler knows them.
        "A key that is there already": people.insertOne({ _id: id, name: "Ada", age: 36, tags: [] }).pipe(
          Effect.catchReason("MongoError", "DuplicateKeyError", ({ keyPattern }) => Console.log(keyPattern))
        ),
        // The driver has sent a read a second time already, as pymongo does.
        "Connection failures": people.findOne().pipe(
          Effect.retry({ times: 1, while: (error) => error.isTransient })
        ),
        // Blocks inside each other keep the earlier end, as in pymongo.
        "A time limit for several operations": people.find({ name: "Ada" }).one.pipe(
          Effect.flatMap(({ city = "" }) => people.find({ city })),
          Mongo.withDeadline("2 seconds")
        ),
        "Two reads at the same time": Effect.all([people.findOne({ name: "Ada" }), people.countDocuments()], {
          concurrency: "unbounded"
        }),
        // A program ends with `NodeRuntime.runMain`, which interrupts it at SIGINT and SIGTERM.
        "Run it all": Effect.provide(main, MongoClient.layerConfig({ url: Config.Redacted("MONGODB_URI") }))
      },
      "Sessions and transactions": {
        // No session is passed: the operations of the client join by themselves. Both run the body again for up to 120 seconds.
        "A transaction": mongo.withTransaction(Effect.gen(function*() {
          yield* people.updateOne({ name: "Ada" }, { $inc: { age: -1 } })
          yield* people.insertOne({ name: "Grace", age: 1, tags: [] })
        })),
        "A transaction by hand": Effect.gen(function*() {
          const session = yield* mongo.session()
          yield* session.startTransaction()
          yield* session.use(people.deleteOne({ _id: id }))
          yield* session.commitTransaction
        }).pipe(Effect.scoped),
        "Read what was written": Effect.gen(function*() {
          yield* people.insertOne({ name: "Grace", age: 37, tags: [] })
          return yield* people.findOne({ name: "Grace" })
        }).pipe(mongo.withSession({ causalConsistency: true })),
        "Reads of one moment": people.countDocuments().pipe(mongo.withSession({ snapshot: true }))
      },
      "Aggregations and change streams": {
        "A pipeline": people.aggregate<{ _id: string; count: number }>([
          { $group: { _id: "$city", count: { $sum: 1 } } }
        ]),
        // After failures that may pass, the stream goes on where it was.
        "Watch a collection": people.watch().pipe(
          Stream.take(1),
          Stream.runForEach((change) => Console.log(change.operationType))
        ),
        "Go on where it stopped": people.watch().pipe(
          Stream.take(1),
          Stream.flatMap(({ _id: token }) => people.watch([], { resumeAfter: token })),
          Stream.take(1),
          Stream.runDrain
        )
      },
      "Files": {
        "Upload": GridFS.bucket(db).upload("hello.txt", Stream.make(new TextEncoder().encode("hello"))),
        "Download": Stream.runCollect(GridFS.bucket(db).downloadByName("notes.txt")),
        "Find": GridFS.bucket(db).find({ filename: "notes.txt" })
      },
      "Collections and indexes": {
        "Create an index": people.createIndex({ city: 1, age: -1 }),
        "List indexes": people.listIndexes(),
        "Drop an index": people.dropIndex("name_1"),
        "Create a collection": db.createCollection("events", { capped: true, size: 4096 }),
        "Their names": db.listCollectionNames(),
        "Rename one": people.rename("persons"),
        "Drop one": db.dropCollection("guests"),
        "List databases": mongo.listDatabaseNames(),
        "Any command": db.command({ collStats: "people" })
      }
    }
  })
