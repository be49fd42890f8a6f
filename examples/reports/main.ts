/**
 * A report on movies, by typed pipelines: each stage knows the documents that reach it, and the results are decoded.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { MongoClient } from "@mongofx/core"
import { Acc, Bson, Expr, Filter, Pipeline, TypedCollection, Update } from "@mongofx/schema"
import { MongoServer } from "@mongofx/testing"
import { Console, Effect, Layer, Schema } from "effect"
import { readMovies } from "../quickstart/movies.ts"
import { bar, heading } from "../quickstart/print.ts"
import { table } from "./table.ts"

const Movie = Schema.Struct({
  _id: Bson.ObjectId,
  title: Schema.String,
  released: Bson.Date,
  genre: Schema.optionalKey(Schema.String),
  director: Schema.optionalKey(Schema.String),
  rating: Schema.optionalKey(Schema.String),
  minutes: Schema.optionalKey(Schema.Number),
  worldwideGross: Schema.optionalKey(Schema.Number),
  imdb: Schema.optionalKey(Schema.Struct({ rating: Schema.Number, votes: Schema.Number })),
  /** How good and how well known it is: computed in the database. */
  score: Schema.optionalKey(Schema.NullOr(Schema.Number))
})

type Movies = TypedCollection.TypedCollection<typeof Movie>

/** A part that several pipelines share. */
const rated = (movies: Pipeline.Pipeline<typeof Movie.Type>) =>
  movies.pipe(Pipeline.match({ "imdb.votes": { $gte: 1000 } }))

const score = (movies: Movies) =>
  Effect.gen(function*() {
    yield* heading("Scores, computed in the database: the rating times the power of ten of its votes")
    const { modifiedCount } = yield* movies.updateMany(
      { "imdb.votes": { $gt: 0 } },
      Update.pipeline((movie) =>
        movie.pipe(
          Pipeline.set(($) => ({ score: Expr.round(Expr.multiply($.imdb.rating, Expr.log10($.imdb.votes)), 1) }))
        )
      )
    )
    const both = Filter.expr<typeof Movie.Type>(($) => Expr.gt($.score, Expr.multiply($.imdb.rating, 5)))
    yield* Console.log(`  ${modifiedCount} movies have one; ${yield* movies.countDocuments(both)} have 100,000 votes.`)
  })

const decades = (movies: Movies) =>
  Effect.gen(function*() {
    yield* heading("Decades: movies with their average rating")
    const rows = yield* movies.aggregate((movies) =>
      movies.pipe(
        rated,
        Pipeline.group(($) => Expr.dateTrunc($.released, { unit: "year", binSize: 10 }), ($) => ({
          movies: Acc.count,
          rating: Acc.avg($.imdb.rating),
          longest: Acc.max($.minutes)
        })),
        Pipeline.sort({ _id: 1 })
      )
    )
    yield* table(
      ["decade", "movies", "rating", "longest"],
      rows.map(({ _id, longest, movies, rating }) => [
        `${_id.getUTCFullYear()}s`,
        String(movies),
        `${rating?.toFixed(1)}  ${bar((rating ?? 0) / 10)}`,
        longest === null ? "" : `${longest} min`
      ])
    )
  })

const genres = (movies: Movies) =>
  Effect.gen(function*() {
    yield* heading("Genres: the two movies with the highest score, and what a movie earns")
    const rows = yield* movies.aggregate((movies) =>
      movies.pipe(
        rated,
        Pipeline.match({ genre: { $exists: true }, worldwideGross: { $gt: 0 } }),
        Pipeline.sort({ score: -1, title: 1 }),
        Pipeline.group(($) => $.genre, ($) => ({ gross: Acc.avg($.worldwideGross), titles: Acc.push($.title) })),
        Pipeline.sort({ gross: -1 }),
        Pipeline.select(($) => ({ genre: Expr.ifNull($._id, "?"), gross: $.gross, best: Expr.slice($.titles, 2) }))
      )
    )
    const most = rows[0]?.gross ?? 1
    yield* table(
      ["genre", "million dollars", "best"],
      rows.map(({ best, genre, gross }) => [
        genre,
        `${((gross ?? 0) / 1e6).toFixed(0).padStart(4)}  ${bar((gross ?? 0) / most)}`,
        best.join(", ")
      ])
    )
  })

const directors = (movies: Movies) =>
  Effect.gen(function*() {
    yield* heading("Directors and ratings, in one query")
    const { busiest, ratings } = yield* movies.aggregate((movies) =>
      movies.pipe(
        rated,
        Pipeline.facet((all) => ({
          busiest: all.pipe(
            Pipeline.match({ director: { $exists: true } }),
            Pipeline.group(($) => $.director, ($) => ({ movies: Acc.count, score: Acc.avg($.score) })),
            Pipeline.sort({ movies: -1, score: -1 }),
            Pipeline.limit(6)
          ),
          ratings: all.pipe(
            Pipeline.group(
              ($) => Expr.ifNull($.rating, "none"),
              ($) => ({ movies: Acc.count, minutes: Acc.avg($.minutes) })
            ),
            Pipeline.sort({ movies: -1 }),
            Pipeline.limit(5)
          )
        }))
      )
    ).one
    yield* table(
      ["director", "movies", "score"],
      busiest.map(({ _id, movies, score }) => [_id ?? "", String(movies), score?.toFixed(1) ?? ""])
    )
    yield* Console.log("")
    const most = ratings[0]?.movies ?? 1
    yield* table(
      ["rating", "movies", "minutes"],
      ratings.map(({ _id, minutes, movies }) => [
        _id,
        `${String(movies).padStart(4)}  ${bar(movies / most)}`,
        minutes?.toFixed(0) ?? ""
      ])
    )
  })

const program = Effect.gen(function*() {
  const mongo = yield* MongoClient.MongoClient
  const collection = TypedCollection.make(mongo.db("mongofx_reports"), "movies", Movie)
  yield* collection.untyped.drop()
  const { movies } = yield* readMovies
  yield* collection.insertMany(movies)
  yield* Console.log(`${movies.length} movies`)
  yield* score(collection)
  yield* decades(collection)
  yield* genres(collection)
  yield* directors(collection)
})

/** A client of the server that `MongoServer` finds: the one in `MONGODB_URI`, or a mongod started for this program. */
const Client = MongoClient.layerFrom(
  Effect.flatMap(MongoServer.MongoServer, (server) => MongoClient.make({ url: server.uri, appName: "reports" }))
).pipe(Layer.provide(MongoServer.layer))

NodeRuntime.runMain(Effect.provide(program, Client))
