import type { MongoDatabase } from "@mongofx/core"
import { Bson, TypedCollection } from "@mongofx/schema"
import { Effect, Option, Schema } from "effect"

const Person = Schema.Struct({
  _id: Bson.ObjectId,
  name: Schema.String,
  age: Schema.Number,
  address: Schema.Struct({ city: Schema.String })
})

declare const db: MongoDatabase.MongoDatabase
const people = TypedCollection.make(db, "people", Person)

// A misspelt field in a filter
people.find({ name: "Ada" })
people.find({ nmae: "Ada" }) // wrong

// A text where a number belongs
people.find({ age: 36 })
people.find({ age: "36" }) // wrong

// A misspelt operator
people.find({ age: { $gt: 18 } })
people.find({ age: { $gtt: 18 } }) // wrong

// A misspelt dotted path
people.find({ "address.city": "London" })
people.find({ "address.town": "London" }) // wrong

// A number under a dotted path of texts
people.find({ "address.city": { $in: ["London"] } })
people.find({ "address.city": { $in: [3] } }) // wrong

// A misspelt field in an update
people.updateOne({}, { $set: { name: "Ada" } })
people.updateOne({}, { $set: { nmae: "Ada" } }) // wrong

// Arithmetic on a text
people.updateOne({}, { $inc: { age: 1 } })
people.updateOne({}, { $inc: { name: 1 } }) // wrong

// A misspelt field to sort by
people.find().sort({ name: 1 })
people.find().sort({ nmae: 1 }) // wrong

// A field that the projection leaves out
Effect.map(people.findOne({}, { projection: { name: 1 } }), Option.map((person) => person.name))
Effect.map(people.findOne({}, { projection: { name: 1 } }), Option.map((person) => person.age)) // wrong

// A document without a required field
people.insertOne({ name: "Ada", age: 36, address: { city: "London" } })
people.insertOne({ name: "Ada", age: 36 }) // wrong
