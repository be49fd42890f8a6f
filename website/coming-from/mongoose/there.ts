// What users of mongoose write: each row is run by website/test/comingFrom.test.ts, and printed on the page.
import mongoose, { Schema } from "mongoose"

// #region setup
const companySchema = new Schema({ name: { type: String, required: true } })
const Company = mongoose.model("Company", companySchema)

const personSchema = new Schema(
  {
    name: { type: String, required: true },
    age: { type: Number, required: true, min: 0 },
    tags: { type: [String], default: [] },
    city: String,
    company: { type: Schema.Types.ObjectId, ref: "Company", required: true }
  },
  { timestamps: true, optimisticConcurrency: true, versionKey: "version" }
)
const Person = mongoose.model("Person", personSchema)
// #endregion setup

export const rows = (
  url: string,
  id: mongoose.Types.ObjectId,
  companyId: mongoose.Types.ObjectId
): Readonly<Record<string, Readonly<Record<string, () => unknown>>>> => {
  const grace = { name: "Grace", age: 37, company: companyId }
  return {
    "Connections": {
      "Connect": async () => {
        const connection = await mongoose.createConnection(url, { maxPoolSize: 20 }).asPromise()
        await connection.close()
      },
      "Another database": () => mongoose.connection.useDb("archive").collection("people").countDocuments(),
      "A model of a collection": () => mongoose.models["Person"] ?? mongoose.model("Person", personSchema)
    },
    "Schemas": {
      "A required text": () => new Schema({ name: { type: String, required: true } }),
      "An optional field": () => new Schema({ city: String }),
      "A default": () => new Schema({ tags: { type: [String], default: () => ["new"] } }),
      "One of several values": () => new Schema({ status: { type: String, enum: ["open", "paid"], required: true } }),
      "Limits": () => new Schema({ age: { type: Number, min: 0, max: 150 }, name: { type: String, maxLength: 100 } }),
      "A check of your own": () =>
        new Schema({ email: { type: String, validate: (email: string) => email.includes("@") } }),
      "Text that is trimmed": () => new Schema({ email: { type: String, trim: true, lowercase: true } }),
      "A document in a document": () => new Schema({ address: { type: new Schema({ city: String }), required: true } }),
      "Several of them": () => new Schema({ items: [{ sku: String, quantity: Number }] }),
      "Keys that are not known": () => new Schema({ scores: { type: Map, of: Number } }),
      "Any value": () => new Schema({ payload: Schema.Types.Mixed }),
      "A date, a big integer, a decimal": () =>
        new Schema({ born: Date, visits: Schema.Types.BigInt, price: Schema.Types.Decimal128 }),
      "The id of another document": () => new Schema({ company: { type: Schema.Types.ObjectId, ref: "Company" } }),
      "Documents of several kinds": () => {
        const Shape = mongoose.models["Shape"] ??
          mongoose.model("Shape", new Schema({ name: String }, { discriminatorKey: "kind" }))
        return Shape.discriminators ?? Shape.discriminator("circle", new Schema({ radius: Number }))
      },
      "A computed property": () =>
        new Schema({ first: String, last: String }, {
          virtuals: {
            full: {
              get: function(): string {
                return `${this.first} ${this.last}`
              }
            }
          }
        }),
      "An index": () => new Schema({ name: String }).index({ name: 1 }, { unique: true }),
      "The type of a document": () => {
        type Person = mongoose.InferSchemaType<typeof personSchema>
        const name = (person: Person): string => person.name
        return name
      }
    },
    "Reads": {
      "By its id": () => Person.findById(id),
      "By its id, or fail": () => Person.findById(id).orFail(),
      "One document": () => Person.findOne({ name: "Ada" }),
      "All documents": () => Person.find({ age: { $gte: 18 } }),
      "Plain objects": () => Person.find({ age: { $gte: 18 } }).lean(),
      "Sorted, a part of them": () => Person.find().sort({ age: -1 }).limit(10),
      "Some fields": () => Person.find().select({ name: 1, _id: 0 }),
      "Conditions one by one": () => Person.find().where("age").gte(18).where("city").in(["London", "Paris"]),
      "A part of a text": () => Person.find({ name: new RegExp("ada", "i") }),
      "With the documents that they refer to": () => Person.find().populate("company"),
      "One after the other": async () => {
        for await (const person of Person.find().cursor()) console.log(person.name)
      },
      "Is there one?": () => Person.exists({ name: "Ada" }),
      "How many": () => Person.countDocuments({ age: { $gte: 18 } }),
      "Distinct values": () => Person.distinct("city"),
      "A page": async () => {
        const [people, total] = await Promise.all([
          Person.find().sort({ name: 1 }).skip(20).limit(20),
          Person.countDocuments()
        ])
        return { people, total }
      }
    },
    "Writes": {
      "Create a document": () => Person.create(grace),
      "Create several": () => Person.insertMany([grace, { ...grace, name: "Joan" }]),
      "Read, change, save": async () => {
        const ada = await Person.findById(id).orFail()
        ada.age += 1
        await ada.save()
      },
      "Update one": () => Person.updateOne({ name: "Ada" }, { $inc: { age: 1 } }),
      "Update several": () => Person.updateMany({ age: { $lt: 18 } }, { $addToSet: { tags: "young" } }),
      "Update by id, and read": () =>
        Person.findByIdAndUpdate(id, { age: 37 }, { returnDocument: "after", runValidators: true }),
      "Update or insert": () =>
        Person.findOneAndUpdate({ name: "Grace" }, { $set: grace }, { upsert: true, returnDocument: "after" }),
      "Replace": () => Person.replaceOne({ _id: id }, grace),
      "Delete by id": () => Person.findByIdAndDelete(id),
      "Delete several": () => Person.deleteMany({ age: { $lt: 18 } }),
      "Several writes in one command": () =>
        Person.bulkWrite([
          { insertOne: { document: grace } },
          { updateOne: { filter: { name: "Ada" }, update: { $inc: { age: 1 } } } }
        ]),
      "Something before each insert": () =>
        new Schema({ name: String, slug: String }).pre("save", function() {
          this.slug = this.name?.toLowerCase() ?? null
        }),
      "Something after each insert": () =>
        new Schema({ name: String }).post("save", (person) => console.log(person.name)),
      "Delete, but keep": () => Person.updateOne({ _id: id }, { $set: { deletedAt: new Date() } }, { strict: false })
    },
    "Failures": {
      "A document that is not valid": async () => {
        try {
          await Person.create({ ...grace, age: -1 })
        } catch (error) {
          if (error instanceof mongoose.Error.ValidationError) console.log(Object.keys(error.errors))
          else throw error
        }
      },
      "A key that is there already": async () => {
        try {
          await Person.create({ ...grace, _id: id })
        } catch (error) {
          if (error instanceof mongoose.mongo.MongoServerError && error.code === 11000) console.log(error.keyPattern)
          else throw error
        }
      },
      "Someone else was faster": async () => {
        try {
          const [mine, theirs] = [await Person.findById(id).orFail(), await Person.findById(id).orFail()]
          await theirs.set({ age: 37 }).save()
          await mine.set({ age: 38 }).save()
        } catch (error) {
          if (!(error instanceof mongoose.Error.VersionError)) throw error
        }
      },
      "A filter from outside": () => {
        const body: { readonly name: unknown } = { name: { $ne: null } }
        return Person.find(mongoose.sanitizeFilter({ name: body.name as string })).catch((error: unknown) => {
          if (!(error instanceof mongoose.Error.CastError)) throw error
        })
      }
    },
    "Transactions, aggregations, changes": {
      "A transaction": () =>
        mongoose.connection.transaction(async (session) => {
          await Person.updateOne({ name: "Ada" }, { $inc: { age: 1 } }, { session })
          await Person.create([grace], { session })
        }),
      "Groups": () =>
        Person.aggregate<{ _id: string; people: number }>([
          { $match: { age: { $gte: 18 } } },
          { $group: { _id: "$city", people: { $sum: 1 } } }
        ]),
      "Documents of another collection": () =>
        Person.aggregate([{
          $lookup: { from: Company.collection.name, localField: "company", foreignField: "_id", as: "companies" }
        }]),
      "Watch a collection": () =>
        new Promise((resolve) => {
          const changes = Person.watch()
          changes.once("change", (change) => resolve(changes.close().then(() => change)))
        })
    },
    "Around it": {
      "To JSON": async () => {
        const ada = await Person.findById(id).orFail()
        return JSON.stringify(ada.toJSON())
      },
      "From JSON": () => new Person(JSON.parse(`{"name":"Grace","age":37}`)).validate().catch(() => "no company"),
      "Declared indexes, created": () => Person.syncIndexes(),
      "What would change": () => Person.diffIndexes(),
      "The driver's collection": () => Person.collection.countDocuments()
    }
  }
}
