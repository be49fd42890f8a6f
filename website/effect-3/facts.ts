// What the pages say about effect-mongodb, as a program: website/test/facts.test.ts compares what it finds.
import { Chunk, Effect, Schema, Stream } from "effect"
import { Collection, Db, FindCursor, MongoClient } from "effect-mongodb"

const Person = Schema.Struct({ name: Schema.String, born: Schema.Date })

const facts = (url: string) =>
  Effect.gen(function*() {
    const client = yield* MongoClient.connectScoped(url)
    const db = MongoClient.db(client, "facts")
    const people = Db.collection(db, "people", Person)
    yield* Effect.promise(() => db.db.dropDatabase())
    yield* Collection.insertMany(people, [
      { name: "Ada", born: new Date(0) },
      { name: "Grace", born: new Date(0) },
      { name: "Joan", born: new Date(0) }
    ])

    const all = Collection.find(people).pipe(FindCursor.toArray)
    const runs = [(yield* all).length, (yield* all).length]

    const base = Collection.find(people)
    FindCursor.limit(base, 1)
    const limited = (yield* FindCursor.toArray(base)).length

    const chunks = yield* Collection.find(people).pipe(
      FindCursor.toStream,
      Stream.mapChunks((chunk) => Chunk.of(chunk.length)),
      Stream.runCollect
    )

    const stored = yield* Effect.promise(() => people.collection.findOne({ name: "Ada" }))
    const misspelt = yield* Collection.find(people, { nmae: "Ada" }).pipe(FindCursor.toArray)
    return { runs, limited, chunks: [...chunks], born: typeof stored?.["born"], misspelt: misspelt.length }
  })

/** What is found on the server of the URL. */
export const find = (url: string) => Effect.runPromise(Effect.scoped(facts(url)))
