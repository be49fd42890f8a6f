// What they write with mongofx: each row is run by website/test/comingFrom.test.ts. The comment of a row is the sentence below it.
import { MongoClient } from "@mongofx/core"
import {
  Acc,
  Bson,
  Filter,
  MongoIndex,
  MongoModel,
  MongoResolver,
  Pagination,
  Pipeline,
  TypedCollection
} from "@mongofx/schema"
import { Config, Console, DateTime, Effect, Layer, Schema, SchemaGetter, Stream } from "effect"
import { Model } from "effect/schema"
import type { ObjectId } from "mongodb"

// #region setup
class Company extends Model.Class<Company>("Company")({ _id: MongoModel.ObjectIdGenerated, name: Schema.String }) {}
class Companies extends TypedCollection.Service<Companies>()("app/Companies", { name: "companies", schema: Company }) {}

class Person extends Model.Class<Person>("Person")({
  _id: MongoModel.ObjectIdGenerated,
  name: Schema.String,
  age: Schema.Int.check(Schema.isGreaterThanOrEqualTo(0)),
  tags: Schema.Array(Schema.String),
  city: Schema.optionalKey(Schema.String),
  company: MongoModel.ref(Company),
  version: MongoModel.Version,
  deletedAt: MongoModel.DeletedAt,
  ...MongoModel.Timestamps
}) {}
class People extends TypedCollection.Service<People>()("app/People", {
  name: "people",
  schema: Person,
  indexes: [{ key: { name: 1 } }]
}) {}
// #endregion setup

const setup = Effect.gen(function*() {
  // #region services
  const mongo = yield* MongoClient.MongoClient
  const companies = yield* Companies
  const people = yield* People
  const repository = MongoModel.makeRepository(people, { version: "version", softDelete: "deletedAt" })
  // #endregion services
  return { mongo, companies, people, repository }
}).pipe(Effect.provide(Layer.mergeAll(Companies.layer, People.layer)))

export const rows = (id: ObjectId, companyId: ObjectId) =>
  Effect.map(setup, ({ companies, mongo, people, repository }) => {
    const grace = { name: "Grace", age: 37, tags: [], company: companyId }
    return {
      "Connections": {
        // Nothing waits for a connection that is not there yet: the layer connects before the program runs, and fails if it cannot.
        "Connect": MongoClient.layerConfig({ url: Config.Redacted("MONGODB_URI"), maxPoolSize: Config.succeed(20) }),
        // Any number of databases share the client's connections.
        "Another database": mongo.db("archive").collection("people").countDocuments(),
        // A collection is a service. Its layer needs a `MongoDatabase`, and there is no global state.
        "A model of a collection": People.layer
      },
      "Schemas": {
        "A required text": Schema.Struct({ name: Schema.String }),
        // A document whose `city` is null does not decode: null and missing are two things. `Schema.NullOr` allows null.
        "An optional field": Schema.Struct({ city: Schema.optionalKey(Schema.String) }),
        // An insert fills it in. A stored document without it does not decode, unless the field has `Schema.withDecodingDefaultKey`.
        "A default": Schema.Struct({
          tags: Schema.Array(Schema.String).pipe(Schema.withConstructorDefault(Effect.succeed(["new"])))
        }),
        "One of several values": Schema.Struct({ status: Schema.Literals(["open", "paid"]) }),
        "Limits": Schema.Struct({
          age: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 150 })),
          name: Schema.String.check(Schema.isMaxLength(100))
        }),
        "A check of your own": Schema.Struct({
          email: Schema.String.check(Schema.makeFilter((email) => email.includes("@") || "is not an address"))
        }),
        // The same codec runs in filters and updates.
        "Text that is trimmed": Schema.Struct({
          email: Schema.String.pipe(Schema.decodeTo(Schema.String, {
            decode: SchemaGetter.passthrough(),
            encode: SchemaGetter.transform((email) => email.trim().toLowerCase())
          }))
        }),
        "A document in a document": Schema.Struct({
          address: Schema.Struct({ city: Schema.optionalKey(Schema.String) })
        }),
        // Nothing adds an `_id` to the elements.
        "Several of them": Schema.Struct({
          items: Schema.Array(Schema.Struct({ sku: Schema.String, quantity: Schema.Int }))
        }),
        "Keys that are not known": Schema.Struct({ scores: Schema.Record(Schema.String, Schema.Number) }),
        "Any value": Schema.Struct({ payload: Schema.Unknown }),
        "A date, a big integer, a decimal": Schema.Struct({
          born: Bson.Date,
          visits: Bson.Int64,
          price: Bson.BigDecimal
        }),
        "The id of another document": MongoModel.ref(Company),
        // The tag narrows the type, in results and in filters.
        "Documents of several kinds": Schema.Union([
          Schema.Struct({ kind: Schema.tag("circle"), name: Schema.String, radius: Schema.Number }),
          Schema.Struct({ kind: Schema.tag("square"), name: Schema.String, side: Schema.Number })
        ]),
        // Documents that are read are instances of the class, with its getters and methods.
        "A computed property": (() => {
          class Name extends Schema.Class<Name>("Name")({ first: Schema.String, last: Schema.String }) {
            get full(): string {
              return `${this.first} ${this.last}`
            }
          }
          return Name
        })(),
        // Nothing is created when a program starts: see "Declared indexes" below.
        "An index": TypedCollection.Service<People>()("app/Mails", {
          name: "people",
          schema: Person,
          indexes: [{ key: { name: 1 }, unique: true }]
        }),
        "The type of a document": (() => {
          const name = (person: Person): string => person.name
          return name
        })()
      },
      "Reads": {
        // An `Option`, not null. The id is an `ObjectId`: a text is none.
        "By its id": people.findById(id),
        "By its id, or fail": repository.getById(id),
        "One document": people.findOne({ name: "Ada" }),
        // A misspelt field does not compile, also under a dotted path. In mongoose 9 `strictQuery` is off unless you set it: the field is sent.
        "All documents": people.find({ age: { $gte: 18 } }),
        // There is nothing to make lean: what is read are decoded values, without change tracking.
        "Plain objects": people.find({ age: { $gte: 18 } }),
        "Sorted, a part of them": people.find().sort({ age: -1 }).limit(10),
        // The type of the result follows: `{ readonly name: string }`.
        "Some fields": people.find().project({ name: 1, _id: 0 }),
        // A filter is one object, which can be a value of its own.
        "Conditions one by one": people.find(
          Filter.and(
            Filter.make<Person>()({ age: { $gte: 18 } }),
            Filter.make<Person>()({ city: { $in: ["London", "Paris"] } })
          )
        ),
        // What a person typed cannot act as a pattern.
        "A part of a text": people.find({ name: Filter.contains("ada", { ignoreCase: true }) }),
        // One command for each collection and depth. The result's type has the document, as an `Option`, in the place of the id.
        "With the documents that they refer to": MongoResolver.withRefs(people.find(), { company: companies }),
        "One after the other": Stream.runForEach(people.find().stream, (person) => Console.log(person.name)),
        "Is there one?": repository.exists({ name: "Ada" }),
        "How many": people.countDocuments({ age: { $gte: 18 } }),
        "Distinct values": people.distinct("city"),
        // The next page begins behind the last document of this one, so the server skips nothing, and no document comes twice.
        "A page": Pagination.page(people.find().sort({ name: 1 }), { first: 20, total: true })
      },
      "Writes": {
        // `_id`, `version`, `createdAt` and `updatedAt` are filled in. The result is the document as a read would give it.
        "Create a document": repository.insert(grace),
        "Create several": repository.insertMany([grace, { ...grace, name: "Joan" }]),
        // Documents are values: nothing tracks changes. `update` compares the version.
        "Read, change, save": Effect.gen(function*() {
          const ada = yield* repository.getById(id)
          yield* repository.update({ ...ada, age: ada.age + 1 })
        }),
        // `updatedAt` is set here, as mongoose does.
        "Update one": people.updateOne({ name: "Ada" }, { $inc: { age: 1 } }),
        "Update several": people.updateMany({ age: { $lt: 18 } }, { $addToSet: { tags: "young" } }),
        // The checks of the field always run. An update without an operator does not compile.
        "Update by id, and read": repository.patch(id, { age: 37 }),
        // Refused if the document that it would insert does not fit the schema.
        "Update or insert": repository.upsert(grace, { on: ["name"] }),
        "Replace": Effect.flatMap(
          DateTime.now,
          (now) => people.replaceById(id, { ...grace, version: 1, deletedAt: null, createdAt: now, updatedAt: now })
        ),
        "Delete by id": people.deleteById(id),
        "Delete several": people.deleteMany({ age: { $lt: 18 } }),
        "Several writes in one command": people.bulkWrite([
          { insertOne: { document: grace } },
          { updateOne: { filter: { name: "Ada" }, update: { $inc: { age: 1 } } } }
        ]),
        // An effect in the transaction of the write. It is part of this repository, not of every write in the process.
        "Something before each insert": MongoModel.makeRepository(people, {
          beforeInsert: ({ name }) => Effect.succeed({ name: name.toLowerCase() })
        }),
        "Something after each insert": MongoModel.makeRepository(people, {
          afterInsert: ({ name }) => Console.log(name)
        }),
        // Reads leave it out, and `restore` brings it back.
        "Delete, but keep": repository.delete(id)
      },
      "Failures": {
        // Names the path and what was expected, not the value. It is part of the type of the effect.
        "A document that is not valid": repository.insert({ ...grace, age: -1 }).pipe(
          Effect.catchTag("DocumentError", (error) => Console.log(error.message))
        ),
        "A key that is there already": repository.insert({ ...grace, _id: id }).pipe(
          Effect.catchReason("MongoError", "DuplicateKeyError", ({ keyPattern }) => Console.log(keyPattern))
        ),
        "Someone else was faster": Effect.gen(function*() {
          const [mine, theirs] = [yield* repository.getById(id), yield* repository.getById(id)]
          yield* repository.update({ ...theirs, age: 37 })
          yield* repository.update({ ...mine, age: 38 })
        }).pipe(Effect.catchTag("StaleDocument", () => Effect.void)),
        // What comes from outside is decoded first. A value that is a text then cannot be an operator.
        "A filter from outside": Effect.gen(function*() {
          const body: { readonly name: unknown } = { name: { $ne: null } }
          const name = yield* Schema.decodeUnknownEffect(Schema.String)(body.name)
          return yield* people.find({ name })
        }).pipe(Effect.catchTag("SchemaError", () => Effect.succeed([])))
      },
      "Transactions, aggregations, changes": {
        // Everything inside joins: there is no `session` to pass to `create`, and no list around its document.
        "A transaction": mongo.withTransaction(Effect.gen(function*() {
          yield* people.updateOne({ name: "Ada" }, { $inc: { age: 1 } })
          yield* people.insertOne(grace)
        })),
        // The type of the result follows from the stages, and the result is decoded.
        "Groups": people.aggregate((people) =>
          people.pipe(
            Pipeline.match({ age: { $gte: 18 } }),
            Pipeline.group(($) => $.city, () => ({ people: Acc.count }))
          )
        ),
        // Fields that are stored differently cannot be joined by mistake.
        "Documents of another collection": people.aggregate((people) =>
          people.pipe(
            Pipeline.lookup({ from: companies, localField: "company", foreignField: "_id", as: "companies" })
          )
        ),
        // The documents of events are decoded, and the stream goes on after failures that may pass.
        "Watch a collection": people.watch().pipe(Stream.take(1), Stream.runDrain)
      },
      "Around it": {
        // `Person.json` is a schema: what is not in it does not leave.
        "To JSON": Effect.gen(function*() {
          const ada = yield* repository.getById(id)
          return yield* Schema.encodeEffect(Schema.fromJsonString(Person.json))(ada)
        }),
        "From JSON": Schema.decodeUnknownEffect(Schema.fromJsonString(Person.jsonCreate))(`{"name":"Grace","age":37}`)
          .pipe(Effect.catchTag("SchemaError", () => Effect.succeed("no company"))),
        // Nothing that is not declared is dropped, unless you ask for it.
        "Declared indexes, created": MongoIndex.ensure(people),
        "What would change": MongoIndex.drift(people),
        "The driver's collection": people.untyped.countDocuments()
      }
    }
  })
