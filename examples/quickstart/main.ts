/**
 * Movies in MongoDB: load a public data set, index it, query it, aggregate it, stream it, and handle an error by its type.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { MongoClient, type MongoCollection } from "@mongofx/core"
import { MongoServer } from "@mongofx/testing"
import { Console, Effect, Layer, Stream } from "effect"
import { type Movie, type Oddities, readMovies } from "./movies.ts"
import { bar, heading, progress } from "./print.ts"

type Movies = MongoCollection.MongoCollection<Movie>

/** Inserts the movies in batches and shows the progress. */
const load = (collection: Movies, movies: ReadonlyArray<Movie>) =>
  Stream.fromIterable(movies).pipe(
    Stream.rechunk(200),
    Stream.chunks,
    Stream.mapEffect((batch) => Effect.as(collection.insertMany(batch), batch.length)),
    Stream.scan(() => 0, (loaded, n) => loaded + n),
    Stream.runForEach((loaded) => progress(loaded, movies.length))
  )

const report = (oddities: Oddities) =>
  Console.log(
    `  Put right: titles that were numbers (${oddities.numericTitles}), missing titles (${oddities.untitled}), ` +
      `dates in the wrong century (${oddities.futureDates}).`
  )

const bestRated = (collection: Movies) =>
  Effect.gen(function*() {
    yield* heading("The best rated movies with at least 100,000 votes")
    const best = collection.find({ "imdb.votes": { $gte: 100_000 } }).sort({ "imdb.rating": -1, title: 1 }).limit(8)
    for (const { imdb, released, title } of yield* best) {
      yield* Console.log(
        `  ${imdb?.rating.toFixed(1)}  ${bar((imdb?.rating ?? 0) / 10)}  ${title} (${released.getUTCFullYear()})`
      )
    }
    const plan = yield* best.explain("executionStats")
    yield* Console.log(`  The server read ${plan.documentsExamined} documents to find them.`)
  })

const grossByGenre = (collection: Movies) =>
  Effect.gen(function*() {
    yield* heading("The average gross of a movie by genre, in million dollars")
    const genres = yield* collection.aggregate<{ _id: string; gross: number; count: number }>([
      { $match: { genre: { $exists: true }, worldwideGross: { $gt: 0 } } },
      { $group: { _id: "$genre", gross: { $avg: "$worldwideGross" }, count: { $sum: 1 } } },
      { $sort: { gross: -1 } }
    ])
    const most = genres[0]?.gross ?? 1
    for (const { _id, count, gross } of genres) {
      const millions = (gross / 1e6).toFixed(0).padStart(4)
      yield* Console.log(`  ${_id.padEnd(20)} ${millions}  ${bar(gross / most)}  ${count} movies`)
    }
  })

const streamDecades = (collection: Movies) =>
  Effect.gen(function*() {
    yield* heading("All movies by decade, read as a stream")
    const { batches, decades } = yield* collection.find().sort({ released: 1 }).batchSize(500).batches.pipe(
      Stream.runFold(
        () => ({ batches: 0, decades: new Map<number, number>() }),
        (seen, batch) => {
          for (const { released } of batch) {
            const decade = Math.floor(released.getUTCFullYear() / 10) * 10
            seen.decades.set(decade, (seen.decades.get(decade) ?? 0) + 1)
          }
          return { ...seen, batches: seen.batches + 1 }
        }
      )
    )
    const most = Math.max(...decades.values())
    for (const [decade, count] of decades) {
      yield* Console.log(`  ${decade}s ${String(count).padStart(5)}  ${bar(count / most)}`)
    }
    yield* Console.log(`  The stream read them in ${batches} batches.`)
  })

const insertAgain = (collection: Movies) =>
  Effect.gen(function*() {
    yield* heading("Inserting the same movie a second time")
    // With a transaction, handle the error outside of it: the server aborts a transaction at its first error.
    const { _id: _, ...movie } = yield* collection.find({ title: "The Godfather" }).one
    yield* collection.insertOne(movie).pipe(
      Effect.andThen(Console.log("  It was inserted, although the unique index should refuse it.")),
      Effect.catchReason("MongoError", "DuplicateKeyError", (reason) =>
        Console.log(
          `  The unique index ${reason.index} on ${Object.keys(reason.keyPattern ?? {}).join(" and ")} refused it, ` +
            "and this program handled the typed error."
        ))
    )
  })

const program = Effect.gen(function*() {
  const mongo = yield* MongoClient.MongoClient
  const { version } = yield* mongo.serverInfo
  const { movies, oddities } = yield* readMovies
  const collection = mongo.db("mongofx_quickstart").collection<Movie>("movies")
  yield* collection.drop()

  yield* heading(`Loading ${movies.length} movies into MongoDB ${version}`)
  yield* load(collection, movies)
  yield* report(oddities)
  yield* collection.createIndexes([
    { key: { title: 1, released: 1 }, unique: true },
    { key: { "imdb.rating": -1, title: 1 } }
  ])

  yield* bestRated(collection)
  yield* grossByGenre(collection)
  yield* streamDecades(collection)
  yield* insertAgain(collection)
})

/** A client of the server that `MongoServer` finds: the one in `MONGODB_URI`, or a mongod started for this program. */
const Client = MongoClient.layerFrom(
  Effect.flatMap(MongoServer.MongoServer, (server) => MongoClient.make({ url: server.uri, appName: "quickstart" }))
).pipe(Layer.provide(MongoServer.layer))

NodeRuntime.runMain(Effect.provide(program, Client))
