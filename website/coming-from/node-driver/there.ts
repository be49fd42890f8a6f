// What users of the driver write: each row is run by website/test/comingFrom.test.ts, and printed on the page.
import { type ClientSession, GridFSBucket, MongoClient, MongoServerError, type ObjectId } from "mongodb"
import { Readable } from "node:stream"
import { pipeline } from "node:stream/promises"

interface Person {
  name: string
  age: number
  tags: Array<string>
  city?: string
}

const setup = (client: MongoClient) => {
  // #region setup
  const db = client.db("app")
  const people = db.collection<Person>("people")
  // #endregion setup
  return { db, people }
}

export const rows = (client: MongoClient, url: string, id: ObjectId) => {
  const { db, people } = setup(client)
  return {
    "Connections": {
      "Connect": async () => {
        const client = await new MongoClient(url, { maxPoolSize: 20 }).connect()
        await client.close()
      },
      "A database, a collection": () => client.db("app").collection<Person>("people"),
      "Other settings for one collection": () =>
        people.find({}, { readPreference: "secondaryPreferred", readConcern: "majority" }).toArray(),
      "Is the server there?": () => client.db().command({ ping: 1 }),
      "The version of the server": () => client.db().admin().buildInfo(),
      "Something that is only in the driver": () => client.db("app").admin().command({ hostInfo: 1 })
    },
    "Reads": {
      "One document": () => people.findOne({ name: "Ada" }),
      "One document that has to be there": async () => {
        const ada = await people.findOne({ name: "Ada" })
        if (ada === null) throw new Error("Ada is not there")
      },
      "By its id": () => people.findOne({ _id: id }),
      "All documents": () => people.find({ age: { $gte: 18 } }).toArray(),
      "Sorted, a part of them": () => people.find().sort({ age: -1 }).skip(10).limit(10).toArray(),
      "Some fields": () => people.find().project<{ name: string }>({ name: 1, _id: 0 }).toArray(),
      "One after the other": async () => {
        for await (const person of people.find()) console.log(person.name)
      },
      "Batch by batch": async () => {
        const cursor = people.find().batchSize(500)
        while (await cursor.hasNext()) console.log(cursor.readBufferedDocuments().length)
      },
      "As a stream of Node": () =>
        pipeline(people.find().map(({ name }) => `${name}\n`).stream(), process.stdout, { end: false }),
      "Each document changed": () => people.find().map(({ name }) => name.toUpperCase()).toArray(),
      "How many": () => people.countDocuments({ age: { $gte: 18 } }),
      "About how many": () => people.estimatedDocumentCount(),
      "Distinct values": () => people.distinct("city"),
      "An index to use, a time limit": () => people.find({ name: "Ada" }).hint({ name: 1 }).maxTimeMS(500).toArray(),
      "How the server finds them": () => people.find({ name: "Ada" }).explain("executionStats")
    },
    "Writes": {
      "Insert a document": () => people.insertOne({ name: "Grace", age: 37, tags: [] }),
      "Insert several": () =>
        people.insertMany([{ name: "Grace", age: 37, tags: [] }, { name: "Joan", age: 30, tags: [] }]),
      "Insert what can be inserted": () =>
        people.insertMany([{ name: "Grace", age: 37, tags: [] }, { name: "Joan", age: 30, tags: [] }], {
          ordered: false
        }),
      "Update a document": () => people.updateOne({ name: "Ada" }, { $inc: { age: 1 }, $push: { tags: "author" } }),
      "Update several": () => people.updateMany({ age: { $lt: 18 } }, { $set: { tags: [] } }),
      "Update or insert": () => people.updateOne({ name: "Joan" }, { $set: { age: 30, tags: [] } }, { upsert: true }),
      "Compute what is stored": () => people.updateMany({}, [{ $set: { name: { $toUpper: "$name" } } }]),
      "Update and read": () =>
        people.findOneAndUpdate({ name: "Ada" }, { $inc: { age: 1 } }, { returnDocument: "after" }),
      "Replace a document": () => people.replaceOne({ name: "Ada" }, { name: "Ada", age: 37, tags: [] }),
      "Replace and read": () => people.findOneAndReplace({ name: "Ada" }, { name: "Ada", age: 37, tags: [] }),
      "Delete a document": () => people.deleteOne({ _id: id }),
      "Delete several": () => people.deleteMany({ age: { $lt: 18 } }),
      "Delete and read": () => people.findOneAndDelete({ name: "Ada" }),
      "Several writes in one command": () =>
        people.bulkWrite([
          { insertOne: { document: { name: "Grace", age: 37, tags: [] } } },
          { updateOne: { filter: { name: "Ada" }, update: { $inc: { age: 1 } } } },
          { deleteMany: { filter: { age: { $lt: 18 } } } }
        ]),
      "Writes to several collections": () =>
        client.bulkWrite([
          { name: "insertOne", namespace: "app.people", document: { name: "Grace" } },
          { name: "deleteOne", namespace: "app.guests", filter: { name: "Grace" } }
        ]),
      "Wait for the majority": () =>
        people.insertOne({ name: "Grace", age: 37, tags: [] }, { writeConcern: { w: "majority" } })
    },
    "Failures": {
      "A key that is there already": async () => {
        try {
          await people.insertOne({ _id: id, name: "Ada", age: 36, tags: [] })
        } catch (error) {
          if (error instanceof MongoServerError && error.code === 11000) console.log(error.keyPattern)
          else throw error
        }
      },
      "Try again": async () => {
        for (let attempt = 1;; attempt++) {
          try {
            return await people.updateMany({ age: { $lt: 18 } }, { $set: { tags: [] } })
          } catch (error) {
            if (attempt === 3 || !(error instanceof MongoServerError) || !error.hasErrorLabel("RetryableWriteError")) {
              throw error
            }
            await new Promise((resolve) => setTimeout(resolve, 100 * 2 ** attempt))
          }
        }
      },
      "Give up after a while": () => people.find({}, { signal: AbortSignal.timeout(2_000) }).toArray(),
      "A time limit for several operations": async () => {
        const until = Date.now() + 2_000
        const ada = await people.findOne({ name: "Ada" }, { maxTimeMS: until - Date.now() })
        return people.find({ city: ada?.city ?? "" }, { maxTimeMS: until - Date.now() }).toArray()
      },
      "Two reads at the same time": () => Promise.all([people.findOne({ name: "Ada" }), people.countDocuments()])
    },
    "Sessions and transactions": {
      "A transaction": () =>
        client.withSession((session) =>
          session.withTransaction(async () => {
            await people.updateOne({ name: "Ada" }, { $inc: { age: -1 } }, { session })
            await people.insertOne({ name: "Grace", age: 1, tags: [] }, { session })
          })
        ),
      "A function that may be part of one": () => {
        const birthday = (name: string, session?: ClientSession) =>
          people.updateOne({ name }, { $inc: { age: 1 } }, session && { session })
        return client.withSession((session) => session.withTransaction(() => birthday("Ada", session)))
      },
      "Undo it, and say why": async () => {
        try {
          await client.withSession((session) =>
            session.withTransaction(async () => {
              const { matchedCount } = await people.updateOne({ name: "Bob" }, { $inc: { age: 1 } }, { session })
              if (matchedCount === 0) throw new Error("unknown")
            })
          )
        } catch (error) {
          if (!(error instanceof Error) || error.message !== "unknown") throw error
        }
      },
      "Something after the commit": async () => {
        await client.withSession((session) =>
          session.withTransaction(() => people.updateOne({ name: "Ada" }, { $inc: { age: 1 } }, { session }))
        )
        console.log("committed")
      },
      "Read what was written": () =>
        client.withSession({ causalConsistency: true }, async (session) => {
          await people.insertOne({ name: "Grace", age: 37, tags: [] }, { session })
          return people.findOne({ name: "Grace" }, { session, readPreference: "secondaryPreferred" })
        }),
      "Reads of one moment": () =>
        client.withSession({ snapshot: true }, async (session) => {
          const count = await people.countDocuments({}, { session })
          return { count, all: await people.find({}, { session }).toArray() }
        })
    },
    "Aggregations": {
      "A pipeline": () =>
        people.aggregate<{ _id: string; count: number }>([
          { $match: { age: { $gte: 18 } } },
          { $group: { _id: "$city", count: { $sum: 1 } } }
        ]).toArray(),
      "Into another collection": () =>
        people.aggregate([{ $match: { age: { $gte: 18 } } }, { $out: "adults" }]).toArray(),
      "Without a collection": () => db.aggregate([{ $documents: [{ n: 1 }, { n: 2 }] }]).toArray()
    },
    "Change streams": {
      "Watch a collection": async () => {
        for await (const change of people.watch()) {
          console.log(change.operationType)
          break
        }
      },
      "Some changes, with the document": async () => {
        const changes = people.watch([{ $match: { operationType: "insert" } }], { fullDocument: "updateLookup" })
        for await (const change of changes) {
          console.log(change._id)
          break
        }
      },
      "Go on where it stopped": async () => {
        const changes = people.watch()
        const { _id: token } = await changes.next()
        await changes.close()
        const rest = people.watch([], { resumeAfter: token })
        await rest.next()
        await rest.close()
      }
    },
    "Files": {
      "Upload": () =>
        pipeline(Readable.from([Buffer.from("hello")]), new GridFSBucket(db).openUploadStream("hello.txt")),
      "Download": async () => {
        const chunks: Array<Buffer> = []
        for await (const chunk of new GridFSBucket(db).openDownloadStreamByName("notes.txt")) chunks.push(chunk)
        return Buffer.concat(chunks)
      },
      "Find": () => new GridFSBucket(db).find({ filename: "notes.txt" }).toArray()
    },
    "Collections and indexes": {
      "Create an index": () => people.createIndex({ city: 1, age: -1 }, { unique: false }),
      "Create several": () => people.createIndexes([{ key: { city: 1 } }, { key: { tags: 1 }, name: "tags" }]),
      "List them": () => people.indexes(),
      "Drop one": () => people.dropIndex("name_1"),
      "Create a collection": () => db.createCollection("events", { capped: true, size: 4096 }),
      "List collections": () => db.listCollections().toArray(),
      "Their names": async () => (await db.listCollections({}, { nameOnly: true }).toArray()).map(({ name }) => name),
      "Rename one": () => people.rename("persons"),
      "Drop one that may be missing": () => db.dropCollection("guests"),
      "Drop the database": () => db.dropDatabase(),
      "List databases": () => client.db().admin().listDatabases(),
      "Any command": () => db.command({ collStats: "people" })
    }
  }
}
