import { Effect, Schema } from "effect"
import { Collection, Db, FindCursor } from "effect-mongodb"
import { ObjectId } from "mongodb"

const Person = Schema.Struct({
  _id: Schema.instanceOf(ObjectId),
  name: Schema.String,
  age: Schema.Number,
  address: Schema.Struct({ city: Schema.String })
})

declare const db: Db.Db
const people = Db.collection(db, "people", Person)
const _id = new ObjectId()

// A misspelt field in a filter
Collection.find(people, { name: "Ada" })
Collection.find(people, { nmae: "Ada" }) // wrong

// A text where a number belongs
Collection.find(people, { age: 36 })
Collection.find(people, { age: "36" }) // wrong

// A misspelt operator
Collection.find(people, { age: { $gt: 18 } })
Collection.find(people, { age: { $gtt: 18 } }) // wrong

// A misspelt dotted path
Collection.find(people, { "address.city": "London" })
Collection.find(people, { "address.town": "London" }) // wrong

// A number under a dotted path of texts
Collection.find(people, { "address.city": { $in: ["London"] } })
Collection.find(people, { "address.city": { $in: [3] } }) // wrong

// A misspelt field in an update
Collection.updateOne(people, {}, { $set: { name: "Ada" } })
Collection.updateOne(people, {}, { $set: { nmae: "Ada" } }) // wrong

// Arithmetic on a text
Collection.updateOne(people, {}, { $inc: { age: 1 } })
Collection.updateOne(people, {}, { $inc: { name: 1 } }) // wrong

// A misspelt field to sort by
Collection.find(people).pipe(FindCursor.sort({ name: 1 }))
Collection.find(people).pipe(FindCursor.sort({ nmae: 1 })) // wrong

const Name = Schema.Struct({ name: Schema.String })
const byName = Collection.find(people).pipe(FindCursor.project(Name, { name: 1 }), FindCursor.toArray)
// A field that the projection leaves out
Effect.map(byName, ([person]) => person?.name)
Effect.map(byName, ([person]) => person?.age) // wrong

// A document without a required field
Collection.insertOne(people, { _id, name: "Ada", age: 36, address: { city: "London" } })
Collection.insertOne(people, { _id, name: "Ada", age: 36 }) // wrong
