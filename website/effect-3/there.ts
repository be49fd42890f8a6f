// What users of effect-mongodb write, with effect 3 and mongodb 6: each row is run by website/test/comingFrom.test.ts, and printed on
// the page. A module here resolves `effect` to this folder's own.
import { Console, Effect, Schedule, Schema, Stream } from "effect"
import {
  AggregationCursor,
  Collection,
  Db,
  DocumentCollection,
  DocumentFindCursor,
  FindCursor,
  ListCollectionsCursor,
  MongoClient
} from "effect-mongodb"
import { GridFSBucket, MongoServerError, ObjectId } from "mongodb"

const Person = Schema.Struct({
  _id: Schema.instanceOf(ObjectId),
  name: Schema.String,
  age: Schema.Number,
  tags: Schema.Array(Schema.String),
  city: Schema.optional(Schema.String)
})

const setup = (url: string) =>
  Effect.gen(function*() {
    // #region setup
    const client = yield* MongoClient.connectScoped(url)
    const db = MongoClient.db(client, "app")
    const people = Db.collection(db, "people", Person)
    // #endregion setup
    return { client, db, people }
  })

type Rows = Readonly<Record<string, Readonly<Record<string, () => unknown>>>>

/** The rows, with a client that lives as long as the scope of the effect. */
export const rows = (url: string, hex: string) =>
  Effect.map(setup(url), ({ client, db, people }): Rows => {
    const id = new ObjectId(hex)
    const grace = { _id: new ObjectId(), name: "Grace", age: 37, tags: [] }
    return {
      "Connections": {
        "Connect": () => MongoClient.connectScoped(url, { maxPoolSize: 20 }),
        "A collection with a schema": () => Db.collection(db, "people", Person),
        "A collection of any documents": () => Db.documentCollection(db, "people"),
        "The driver's own client": () => Effect.promise(() => client.client.db().command({ ping: 1 }))
      },
      "Schemas": {
        "An ObjectId": () => Schema.instanceOf(ObjectId),
        "A date that is stored as one": () => Schema.DateFromSelf,
        "A field that may be missing": () => Schema.Struct({ city: Schema.optional(Schema.String) }),
        "A check": () => Schema.Number.pipe(Schema.int(), Schema.greaterThanOrEqualTo(0)),
        "One of several values": () => Schema.Literal("open", "paid"),
        "A record, a union": () =>
          Schema.Union(Schema.String, Schema.Record({ key: Schema.String, value: Schema.Number })),
        "A class": () => {
          class Person
            extends Schema.Class<Person>("Person")({ _id: Schema.instanceOf(ObjectId), name: Schema.String })
          {}
          return Person
        },
        "Decode what comes from outside": () => Schema.decodeUnknown(Schema.NumberFromString)("36")
      },
      "Reads": {
        "All documents": () => Collection.find(people).pipe(FindCursor.toArray),
        "Those that match": () => Collection.find(people, { age: { $gte: 18 } }).pipe(FindCursor.toArray),
        "One document": () => Collection.findOne(people, { name: "Ada" }),
        "By its id": () => Collection.findOne(people, { _id: id }),
        "Sorted, the first ones": () =>
          Collection.find(people).pipe(FindCursor.sort({ age: -1 }), FindCursor.limit(10), FindCursor.toArray),
        "Some fields": () =>
          Collection.find(people).pipe(
            FindCursor.project(Schema.Struct({ name: Schema.String }), { name: 1, _id: 0 }),
            FindCursor.toArray
          ),
        "As a stream": () =>
          Collection.find(people).pipe(
            FindCursor.toStream,
            Stream.runForEach((person) => Console.log(person.name))
          ),
        "Also those that do not decode": () => Collection.find(people).pipe(FindCursor.toArrayEither),
        "Without a schema": () =>
          Db.documentCollection(db, "people").pipe(DocumentCollection.find(), DocumentFindCursor.toArray),
        "How many": () => Collection.countDocuments(people, { age: { $gte: 18 } }),
        "About how many": () => Collection.estimatedDocumentCount(people),
        "Distinct values": () => Effect.promise(() => people.collection.distinct("city"))
      },
      "Writes": {
        "Insert a document": () => Collection.insertOne(people, grace),
        "Insert several": () => Collection.insertMany(people, [grace, { ...grace, _id: new ObjectId() }]),
        "Update a document": () => Collection.updateOne(people, { name: "Ada" }, { $inc: { age: 1 } }),
        "Update several": () => Collection.updateMany(people, { age: { $lt: 18 } }, { $set: { tags: [] } }),
        "Update or insert": () =>
          Collection.updateOne(people, { name: "Grace" }, { $set: { age: 37, tags: [] } }, { upsert: true }),
        "Update and read": () =>
          Collection.findOneAndUpdate(people, { name: "Ada" }, { $inc: { age: 1 } }, { returnDocument: "after" }),
        "Replace a document": () => Collection.replaceOne(people, { _id: id }, { ...grace, _id: id }),
        "Replace and read": () => Collection.findOneAndReplace(people, { _id: id }, { ...grace, _id: id }),
        "Delete a document": () => Collection.deleteOne(people, { _id: id }),
        "Delete several": () => Collection.deleteMany(people, { age: { $lt: 18 } }),
        "Delete and read": () => Effect.promise(() => people.collection.findOneAndDelete({ name: "Ada" })),
        "Several writes in one command": () =>
          Collection.bulkWrite(people, [
            { insertOne: { document: grace } },
            { deleteMany: { filter: { age: { $lt: 18 } } } }
          ])
      },
      "Failures": {
        "A key that is there already": () =>
          Collection.insertOne(people, { ...grace, _id: id }).pipe(
            Effect.catchTag("MongoError", (error) =>
              error.cause instanceof MongoServerError && error.cause.code === 11000
                ? Console.log(error.cause.keyPattern)
                : Effect.fail(error))
          ),
        "A document that does not decode": () =>
          Collection.findOne(people, { name: "Ada" }).pipe(
            Effect.catchTag("ParseError", (error) => Console.log(error.message))
          ),
        "Try again": () =>
          Effect.suspend(() => Collection.find(people).pipe(FindCursor.toArray)).pipe(
            Effect.retry({ schedule: Schedule.exponential("100 millis"), times: 2 })
          ),
        "Give up after a while": () => Collection.find(people).pipe(FindCursor.toArray, Effect.timeout("2 seconds"))
      },
      "Aggregations": {
        "A pipeline": () =>
          Collection.aggregate(people, Schema.Struct({ _id: Schema.NullOr(Schema.String), people: Schema.Number }), [
            { $match: { age: { $gte: 18 } } },
            { $group: { _id: "$city", people: { $sum: 1 } } }
          ]).pipe(AggregationCursor.toArray)
      },
      "Collections and indexes": {
        "Create an index": () => Collection.createIndex(people, { city: 1 }),
        "Create several": () => Collection.createIndexes(people, [{ key: { city: 1 } }, { key: { tags: 1 } }]),
        "Drop an index": () => Collection.dropIndex(people, "name_1"),
        "Rename a collection": () => Collection.rename(people, "persons"),
        "Drop a collection": () => Collection.drop(people),
        "List collections": () => Db.listCollections(db).pipe(ListCollectionsCursor.toArray)
      },
      "By the driver's own client": {
        "A transaction": () =>
          Effect.promise(() =>
            client.client.withSession((session) =>
              session.withTransaction(async () => {
                await people.collection.updateOne({ name: "Ada" }, { $inc: { age: 1 } }, { session })
                await people.collection.deleteOne({ name: "Bob" }, { session })
              })
            )
          ),
        "A change stream": () =>
          Effect.promise(async () => {
            for await (const change of people.collection.watch()) return change.operationType
            return undefined
          }),
        "Files": () => Effect.promise(() => new GridFSBucket(db.db).find({ filename: "notes.txt" }).toArray()),
        "Any command": () => Effect.promise(() => db.db.command({ collStats: "people" }))
      }
    }
  })

/** Runs a task with the rows, by this folder's effect. */
export const withRows = <A>(url: string, hex: string, task: (rows: Rows) => Promise<A>): Promise<A> =>
  Effect.runPromise(Effect.scoped(Effect.flatMap(rows(url, hex), (groups) => Effect.promise(() => task(groups)))))

/** Runs a row. */
export const run = (row: () => unknown): Promise<unknown> => {
  const value = row()
  return Effect.isEffect(value)
    ? Effect.runPromise(Effect.scoped(value as Effect.Effect<unknown, unknown>))
    : Promise.resolve(value)
}
