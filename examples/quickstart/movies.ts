import { Effect } from "effect"
import { readFile } from "node:fs/promises"

/** A row of the data set. */
interface Row {
  readonly Title: string | number | null
  readonly "Release Date": string
  readonly "Major Genre": string | null
  readonly Director: string | null
  readonly "MPAA Rating": string | null
  readonly "Running Time min": number | null
  readonly "Worldwide Gross": number | null
  readonly "IMDB Rating": number | null
  readonly "IMDB Votes": number | null
}

/** A movie as this program stores it: unknown values are left out, and dates are dates. */
export interface Movie {
  readonly title: string
  readonly released: Date
  readonly genre?: string
  readonly director?: string
  readonly rating?: string
  readonly minutes?: number
  readonly worldwideGross?: number
  readonly imdb?: { readonly rating: number; readonly votes: number }
}

/** How many values were not as expected. */
export interface Oddities {
  numericTitles: number
  untitled: number
  futureDates: number
}

/** The year in which the data set was made. A later release comes from a year of two digits, read in the wrong century. */
const lastYear = 2011

const known = <Key extends string, Value>(key: Key, value: Value | null) =>
  (value === null ? {} : { [key]: value }) as { readonly [K in Key]?: Value }

const clean = (rows: ReadonlyArray<Row>) => {
  const oddities: Oddities = { numericTitles: 0, untitled: 0, futureDates: 0 }
  const movies = rows.map((row): Movie => {
    if (typeof row.Title === "number") oddities.numericTitles++
    if (row.Title === null) oddities.untitled++
    const released = new Date(`${row["Release Date"]} UTC`)
    if (released.getUTCFullYear() > lastYear) {
      oddities.futureDates++
      released.setUTCFullYear(released.getUTCFullYear() - 100)
    }
    return {
      title: row.Title === null ? "(untitled)" : String(row.Title),
      released,
      ...known("genre", row["Major Genre"]),
      ...known("director", row.Director),
      ...known("rating", row["MPAA Rating"]),
      ...known("minutes", row["Running Time min"]),
      ...known("worldwideGross", row["Worldwide Gross"]),
      ...(row["IMDB Rating"] === null || row["IMDB Votes"] === null
        ? {}
        : { imdb: { rating: row["IMDB Rating"], votes: row["IMDB Votes"] } })
    }
  })
  return { movies, oddities }
}

/** 3,201 movies of the npm package `vega-datasets`, with missing and odd values put right. */
export const readMovies = Effect.promise(async () => {
  const file = new URL("../data/movies.json", import.meta.resolve("vega-datasets"))
  return clean(JSON.parse(await readFile(file, "utf8")) as ReadonlyArray<Row>)
})
