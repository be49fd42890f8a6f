// What they write with mongofx: each row is run by website/test/comingFrom.test.ts. The comment of a row is the sentence below it.
import { GridFS, Mongo, MongoClient } from "@mongofx/core"
import { Config, Console, Data, Effect, Schedule, Stream } from "effect"
import type { ObjectId } from "mongodb"

interface Person {
  readonly name: string
  readonly age: number
  readonly tags: ReadonlyArray<string>
  readonly city?: string
}

class Unknown extends Data.TaggedError("Unknown")<{ readonly name: string }> {}

const setup = Effect.gen(function*() {
  // #region setup
  const mongo = yield* MongoClient.MongoClient
  const db = mongo.db("app")
  const people = db.collection<Person>("people")
  // #endregion setup
  return { mongo, db, people }
})

export const rows = (id: ObjectId) =>
  Effect.map(setup, ({ db, mongo, people }) => ({
    "Connections": {
      // The layer connects and asks the server to answer before anything uses it. It closes the client when its scope ends.
      "Connect": MongoClient.layerConfig({
        url: Config.Redacted("MONGODB_URI"),
        maxPoolSize: Config.succeed(20)
      }),
      "A database, a collection": mongo.db("app").collection<Person>("people"),
      "Other settings for one collection": people.withOptions({
        readPreference: "secondaryPreferred",
        readConcern: "majority"
      }).find(),
      "Is the server there?": mongo.ping,
      "The version of the server": mongo.serverInfo,
      // `use` has the driver's own client. What its promise throws becomes a `MongoError`, and an interruption sets the signal.
      "Something that is only in the driver": mongo.use((client) => client.db("app").admin().command({ hostInfo: 1 }))
    },
    "Reads": {
      // The result is an `Option`, not null.
      "One document": people.findOne({ name: "Ada" }),
      // Fails with Effect's `NoSuchElementError` if there is none.
      "One document that has to be there": people.find({ name: "Ada" }).one,
      "By its id": people.findOne({ _id: id }),
      // A query is a value. Each run opens a cursor of its own: it can be run again, retried and shared.
      "All documents": people.find({ age: { $gte: 18 } }),
      "Sorted, a part of them": people.find().sort({ age: -1 }).skip(10).limit(10),
      "Some fields": people.find().project<{ name: string }>({ name: 1, _id: 0 }),
      // The cursor is closed when the stream ends, fails or is interrupted.
      "One after the other": Stream.runForEach(people.find().stream, (person) => Console.log(person.name)),
      // A chunk of a stream is a batch of the server already. `batches` has each as one element.
      "Batch by batch": Stream.runForEach(
        people.find().batchSize(500).batches,
        (people) => Console.log(people.length)
      ),
      "As a stream of Node": people.find().stream.pipe(
        Stream.map(({ name }) => `${name}\n`),
        Stream.runForEach((line) => Console.log(line))
      ),
      "Each document changed": Effect.map(people.find(), (people) => people.map(({ name }) => name.toUpperCase())),
      "How many": people.countDocuments({ age: { $gte: 18 } }),
      "About how many": people.estimatedDocumentCount(),
      "Distinct values": people.distinct("city"),
      "An index to use, a time limit": people.find({ name: "Ada" }).hint({ name: 1 }).maxTimeMS(500),
      // The result is a `QueryPlan`: which indexes, how many documents were read, whether it sorts in memory.
      "How the server finds them": people.find({ name: "Ada" }).explain("executionStats")
    },
    "Writes": {
      // The document stays as it is: the `_id` is in the result only. Each run of the effect inserts another document.
      "Insert a document": people.insertOne({ name: "Grace", age: 37, tags: [] }),
      "Insert several": people.insertMany([{ name: "Grace", age: 37, tags: [] }, { name: "Joan", age: 30, tags: [] }]),
      // Fails with a `BulkWriteError` that says which were inserted and which were not.
      "Insert what can be inserted": people.insertMany(
        [{ name: "Grace", age: 37, tags: [] }, { name: "Joan", age: 30, tags: [] }],
        { ordered: false }
      ),
      // An `undefined` in a filter is refused, with its path, before anything is sent: the driver leaves it to its option
      // `ignoreUndefined` whether such a filter means null or everything.
      "Update a document": people.updateOne({ name: "Ada" }, { $inc: { age: 1 }, $push: { tags: "author" } }),
      "Update several": people.updateMany({ age: { $lt: 18 } }, { $set: { tags: [] } }),
      "Update or insert": people.updateOne({ name: "Joan" }, { $set: { age: 30, tags: [] } }, { upsert: true }),
      "Compute what is stored": people.updateMany({}, [{ $set: { name: { $toUpper: "$name" } } }]),
      "Update and read": people.findOneAndUpdate({ name: "Ada" }, { $inc: { age: 1 } }, { returnDocument: "after" }),
      "Replace a document": people.replaceOne({ name: "Ada" }, { name: "Ada", age: 37, tags: [] }),
      "Replace and read": people.findOneAndReplace({ name: "Ada" }, { name: "Ada", age: 37, tags: [] }),
      "Delete a document": people.deleteOne({ _id: id }),
      "Delete several": people.deleteMany({ age: { $lt: 18 } }),
      "Delete and read": people.findOneAndDelete({ name: "Ada" }),
      // `initializeOrderedBulkOp` and `initializeUnorderedBulkOp` are this, too: the writes are a value.
      "Several writes in one command": people.bulkWrite([
        { insertOne: { document: { name: "Grace", age: 37, tags: [] } } },
        { updateOne: { filter: { name: "Ada" }, update: { $inc: { age: 1 } } } },
        { deleteMany: { filter: { age: { $lt: 18 } } } }
      ]),
      "Writes to several collections": mongo.bulkWrite([
        { name: "insertOne", namespace: "app.people", document: { name: "Grace" } },
        { name: "deleteOne", namespace: "app.guests", filter: { name: "Grace" } }
      ]),
      "Wait for the majority": people.insertOne(
        { name: "Grace", age: 37, tags: [] },
        { writeConcern: { w: "majority" } }
      )
    },
    "Failures": {
      // Every operation fails with a `MongoError`, and its `reason` is one of 26 classes. The values of the key are `Redacted`.
      "A key that is there already": people.insertOne({ _id: id, name: "Ada", age: 36, tags: [] }).pipe(
        Effect.catchReason("MongoError", "DuplicateKeyError", ({ keyPattern }) => Console.log(keyPattern))
      ),
      // `isTransient`: it may pass by itself. `isRetryable`: and a second attempt cannot do it twice.
      "Try again": people.updateMany({ age: { $lt: 18 } }, { $set: { tags: [] } }).pipe(
        Effect.retry({ schedule: Schedule.exponential("100 millis"), times: 2, while: (error) => error.isTransient })
      ),
      // An interrupted operation is aborted, and its cursor on the server is closed. Here that is true of writes as well.
      "Give up after a while": people.find().pipe(Effect.timeout("2 seconds")),
      // Each operation gets what is left of the time, as `maxTimeMS` too.
      "A time limit for several operations": people.find({ name: "Ada" }).one.pipe(
        Effect.flatMap(({ city = "" }) => people.find({ city })),
        Mongo.withDeadline("2 seconds")
      ),
      "Two reads at the same time": Effect.all([people.findOne({ name: "Ada" }), people.countDocuments()], {
        concurrency: "unbounded"
      })
    },
    "Sessions and transactions": {
      // All operations of the client join the transaction by themselves: there is no `session` to pass, and none to forget.
      "A transaction": mongo.withTransaction(Effect.gen(function*() {
        yield* people.updateOne({ name: "Ada" }, { $inc: { age: -1 } })
        yield* people.insertOne({ name: "Grace", age: 1, tags: [] })
      })),
      "A function that may be part of one": Effect.suspend(() => {
        const birthday = (name: string) => people.updateOne({ name }, { $inc: { age: 1 } })
        return mongo.withTransaction(birthday("Ada"))
      }),
      // A failure of the body undoes the transaction, and stays the failure that it was, with its type.
      "Undo it, and say why": mongo.withTransaction(Effect.gen(function*() {
        const { matchedCount } = yield* people.updateOne({ name: "Bob" }, { $inc: { age: 1 } })
        if (matchedCount === 0) return yield* new Unknown({ name: "Bob" })
      })).pipe(Effect.catchTag("Unknown", () => Effect.void)),
      // Runs once, after the commit of the outermost transaction, from wherever in the body it was asked for.
      "Something after the commit": mongo.withTransaction(Effect.gen(function*() {
        yield* people.updateOne({ name: "Ada" }, { $inc: { age: 1 } })
        yield* mongo.afterCommit(Console.log("committed"))
      })),
      "Read what was written": Effect.gen(function*() {
        yield* people.insertOne({ name: "Grace", age: 37, tags: [] })
        return yield* people.findOne({ name: "Grace" }, { readPreference: "secondaryPreferred" })
      }).pipe(mongo.withSession({ causalConsistency: true })),
      "Reads of one moment": Effect.gen(function*() {
        const count = yield* people.countDocuments()
        return { count, all: yield* people.find() }
      }).pipe(mongo.withSession({ snapshot: true }))
    },
    "Aggregations": {
      // `@mongofx/schema` has pipelines whose results follow from their stages: see [Pipelines](/guides/pipelines).
      "A pipeline": people.aggregate<{ _id: string; count: number }>([
        { $match: { age: { $gte: 18 } } },
        { $group: { _id: "$city", count: { $sum: 1 } } }
      ]),
      "Into another collection": people.aggregate([{ $match: { age: { $gte: 18 } } }, { $out: "adults" }]),
      "Without a collection": db.aggregate([{ $documents: [{ n: 1 }, { n: 2 }] }])
    },
    "Change streams": {
      // After a failure that may pass, the stream goes on where it was, with a backoff and a bound (`resumeTimeout`). The driver resumes
      // without a pause and without a limit.
      "Watch a collection": people.watch().pipe(
        Stream.take(1),
        Stream.runForEach((change) => Console.log(change.operationType))
      ),
      "Some changes, with the document": people.watch(
        [{ $match: { operationType: "insert" } }],
        { fullDocument: "updateLookup" }
      ).pipe(Stream.take(1), Stream.runForEach((change) => Console.log(change._id))),
      // `ChangeStreamConsumer` keeps the position in the database for you, and lets one process work at a time.
      "Go on where it stopped": people.watch().pipe(
        Stream.take(1),
        Stream.flatMap(({ _id: token }) => people.watch([], { resumeAfter: token })),
        Stream.take(1),
        Stream.runDrain
      )
    },
    "Files": {
      // An upload that fails or is interrupted leaves no chunks.
      "Upload": GridFS.bucket(db).upload("hello.txt", Stream.make(new TextEncoder().encode("hello"))),
      // A file of which a chunk is missing is a failure, not a short file.
      "Download": Stream.runCollect(GridFS.bucket(db).downloadByName("notes.txt")),
      "Find": GridFS.bucket(db).find({ filename: "notes.txt" })
    },
    "Collections and indexes": {
      "Create an index": people.createIndex({ city: 1, age: -1 }, { unique: false }),
      "Create several": people.createIndexes([{ key: { city: 1 } }, { key: { tags: 1 }, name: "tags" }]),
      "List them": people.listIndexes(),
      "Drop one": people.dropIndex("name_1"),
      "Create a collection": db.createCollection("events", { capped: true, size: 4096 }),
      "List collections": db.listCollections(),
      "Their names": db.listCollectionNames(),
      "Rename one": people.rename("persons"),
      "Drop one that may be missing": db.dropCollection("guests"),
      "Drop the database": db.dropDatabase(),
      "List databases": mongo.listDatabases(),
      "Any command": db.command({ collStats: "people" })
    }
  }))
