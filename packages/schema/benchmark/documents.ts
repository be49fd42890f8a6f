/**
 * The documents of the benchmark, and how each library describes them.
 *
 * @since 0.1.0
 */
import { Bson } from "@mongofx/schema"
import { Schema } from "effect"
import * as Driver from "mongodb"
import * as Mongoose from "mongoose"
import * as Papr from "papr"
import { z } from "zod"

// ---- about 300 bytes

export const makeSmall = (id: number) => ({
  _id: new Driver.ObjectId(),
  owner: new Driver.ObjectId(),
  name: `User number ${id}`,
  email: `user${id}@mail.example.com`,
  age: 18 + id % 60,
  score: id * 1.5 + 0.25,
  active: id % 2 === 0,
  createdAt: new Date(1_700_000_000_000 + id * 1000),
  address: { street: `${id} Long Street`, city: "Springfield", zip: "12345" },
  tags: ["alpha", "beta", "gamma", "delta"]
})

export const Small = Schema.Struct({
  _id: Bson.ObjectId,
  owner: Bson.ObjectId,
  name: Schema.String,
  email: Schema.String,
  age: Schema.Int,
  score: Schema.Finite,
  active: Schema.Boolean,
  createdAt: Schema.Date,
  address: Schema.Struct({ street: Schema.String, city: Schema.String, zip: Schema.String }),
  tags: Schema.Array(Schema.String)
})

/** The same schema, as a class. */
export class SmallClass extends Schema.Class<SmallClass>("SmallClass")(Small.fields) {}

const objectId = z.instanceof(Driver.ObjectId)

export const zodSmall = z.object({
  _id: objectId,
  owner: objectId,
  name: z.string(),
  email: z.string(),
  age: z.int(),
  score: z.number(),
  active: z.boolean(),
  createdAt: z.date(),
  address: z.object({ street: z.string(), city: z.string(), zip: z.string() }),
  tags: z.array(z.string())
})

const { ObjectId } = Mongoose.Schema.Types

export const mongooseSmall = new Mongoose.Schema({
  owner: ObjectId,
  name: { type: String, required: true },
  email: { type: String, required: true },
  age: { type: Number, required: true },
  score: { type: Number, required: true },
  active: { type: Boolean, required: true },
  createdAt: { type: Date, required: true },
  address: { street: String, city: String, zip: String },
  tags: [String]
})

const { types } = Papr

export const paprSmall = Papr.schema({
  owner: types.objectId({ required: true }),
  name: types.string({ required: true }),
  email: types.string({ required: true }),
  age: types.number({ required: true }),
  score: types.number({ required: true }),
  active: types.boolean({ required: true }),
  createdAt: types.date({ required: true }),
  address: types.object({ street: types.string(), city: types.string(), zip: types.string() }, { required: true }),
  tags: types.array(types.string({ required: true }), { required: true })
})

// ---- about 1.6 kB

export const makeLarge = (id: number) => ({
  _id: new Driver.ObjectId(),
  tweetId: id * 7 + 100_000,
  createdAt: new Date(1_600_000_000_000 + id * 1000),
  text: `Post number ${id}: the quick brown fox jumps over the lazy dog, näher betrachtet, and over again and again. ` +
    "It does so every day, in the morning and in the evening, whatever the weather may be, and nobody knows the reason why. " +
    "The dog has stopped to wonder, and has found a better place to sleep, which is on the other side of the hill.",
  source: "<a href=\"https://app.example.com\" rel=\"nofollow\">An app</a>",
  truncated: false,
  inReplyTo: id % 3 === 0 ? id * 11 : null,
  lang: "en",
  retweets: id % 100,
  favorites: id % 1000,
  sentiment: id % 7 / 7,
  place: id % 5 === 0 ? "Springfield" : null,
  user: {
    id: id % 5000,
    name: `Person ${id % 5000}`,
    handle: `person_${id % 5000}`,
    location: "Somewhere in the middle",
    url: `https://people.example.com/${id % 5000}`,
    description: "I write about many things, some of which are of interest to others, and about foxes.",
    verified: id % 50 === 0,
    followers: id % 10_000,
    friends: id % 900,
    statuses: id % 20_000,
    createdAt: new Date(1_400_000_000_000 + id * 1000),
    lang: "en",
    image: `https://images.example.com/profiles/${id % 5000}/normal.png`
  },
  hashtags: ["effect", "mongodb", "typescript"].map((text, i) => ({ text, start: i * 10, end: i * 10 + 8 })),
  urls: [0, 1].map((i) => ({
    url: `https://t.example.com/${id}${i}`,
    expanded: `https://www.example.com/articles/${id}/${i}/the-quick-brown-fox`,
    start: i * 30,
    end: i * 30 + 20
  })),
  mentions: [1, 2, 3].map((i) => ({ id: id % 100 + i, handle: `handle_${i}`, name: `The name of ${i}` }))
})

export const Large = Schema.Struct({
  _id: Bson.ObjectId,
  tweetId: Schema.Int,
  createdAt: Schema.Date,
  text: Schema.String,
  source: Schema.String,
  truncated: Schema.Boolean,
  inReplyTo: Schema.NullOr(Schema.Int),
  lang: Schema.String,
  retweets: Schema.Int,
  favorites: Schema.Int,
  sentiment: Schema.Finite,
  place: Schema.NullOr(Schema.String),
  user: Schema.Struct({
    id: Schema.Int,
    name: Schema.String,
    handle: Schema.String,
    location: Schema.String,
    url: Schema.String,
    description: Schema.String,
    verified: Schema.Boolean,
    followers: Schema.Int,
    friends: Schema.Int,
    statuses: Schema.Int,
    createdAt: Schema.Date,
    lang: Schema.String,
    image: Schema.String
  }),
  hashtags: Schema.Array(Schema.Struct({ text: Schema.String, start: Schema.Int, end: Schema.Int })),
  urls: Schema.Array(
    Schema.Struct({ url: Schema.String, expanded: Schema.String, start: Schema.Int, end: Schema.Int })
  ),
  mentions: Schema.Array(Schema.Struct({ id: Schema.Int, handle: Schema.String, name: Schema.String }))
})

export class LargeClass extends Schema.Class<LargeClass>("LargeClass")(Large.fields) {}

export const zodLarge = z.object({
  _id: objectId,
  tweetId: z.int(),
  createdAt: z.date(),
  text: z.string(),
  source: z.string(),
  truncated: z.boolean(),
  inReplyTo: z.int().nullable(),
  lang: z.string(),
  retweets: z.int(),
  favorites: z.int(),
  sentiment: z.number(),
  place: z.string().nullable(),
  user: z.object({
    id: z.int(),
    name: z.string(),
    handle: z.string(),
    location: z.string(),
    url: z.string(),
    description: z.string(),
    verified: z.boolean(),
    followers: z.int(),
    friends: z.int(),
    statuses: z.int(),
    createdAt: z.date(),
    lang: z.string(),
    image: z.string()
  }),
  hashtags: z.array(z.object({ text: z.string(), start: z.int(), end: z.int() })),
  urls: z.array(z.object({ url: z.string(), expanded: z.string(), start: z.int(), end: z.int() })),
  mentions: z.array(z.object({ id: z.int(), handle: z.string(), name: z.string() }))
})

export const mongooseLarge = new Mongoose.Schema({
  tweetId: Number,
  createdAt: Date,
  text: String,
  source: String,
  truncated: Boolean,
  inReplyTo: Number,
  lang: String,
  retweets: Number,
  favorites: Number,
  sentiment: Number,
  place: String,
  user: {
    id: Number,
    name: String,
    handle: String,
    location: String,
    url: String,
    description: String,
    verified: Boolean,
    followers: Number,
    friends: Number,
    statuses: Number,
    createdAt: Date,
    lang: String,
    image: String
  },
  hashtags: [{ _id: false, text: String, start: Number, end: Number }],
  urls: [{ _id: false, url: String, expanded: String, start: Number, end: Number }],
  mentions: [{ _id: false, id: Number, handle: String, name: String }]
}, { id: false })

export const paprLarge = Papr.schema({
  tweetId: types.number({ required: true }),
  text: types.string({ required: true }),
  user: types.objectGeneric(types.any()),
  hashtags: types.array(types.any()),
  urls: types.array(types.any()),
  mentions: types.array(types.any())
})
