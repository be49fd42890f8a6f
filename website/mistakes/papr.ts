import Papr, { schema, types } from "papr"

const Person = new Papr().model(
  "people",
  schema({
    name: types.string({ required: true }),
    age: types.number({ required: true }),
    address: types.object({ city: types.string({ required: true }) }, { required: true })
  })
)

// A misspelt field in a filter
Person.find({ name: "Ada" })
Person.find({ nmae: "Ada" }) // wrong

// A text where a number belongs
Person.find({ age: 36 })
Person.find({ age: "36" }) // wrong

// A misspelt operator
Person.find({ age: { $gt: 18 } })
Person.find({ age: { $gtt: 18 } }) // wrong

// A misspelt dotted path
Person.find({ "address.city": "London" })
Person.find({ "address.town": "London" }) // wrong

// A number under a dotted path of texts
Person.find({ "address.city": { $in: ["London"] } })
Person.find({ "address.city": { $in: [3] } }) // wrong

// A misspelt field in an update
Person.updateOne({}, { $set: { name: "Ada" } })
Person.updateOne({}, { $set: { nmae: "Ada" } }) // wrong

// Arithmetic on a text
Person.updateOne({}, { $inc: { age: 1 } })
Person.updateOne({}, { $inc: { name: 1 } }) // wrong

// A misspelt field to sort by
Person.find({}, { sort: { name: 1 } })
Person.find({}, { sort: { nmae: 1 } }) // wrong

// A field that the projection leaves out
Person.findOne({}, { projection: { name: 1 } }).then((person) => person?.name)
Person.findOne({}, { projection: { name: 1 } }).then((person) => person?.age) // wrong

// A document without a required field
Person.insertOne({ name: "Ada", age: 36, address: { city: "London" } })
Person.insertOne({ name: "Ada", age: 36 }) // wrong
