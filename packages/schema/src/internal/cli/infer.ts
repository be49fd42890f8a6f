/**
 * `infer NAME`: the schema that the stored documents of a collection suggest.
 */
import { MongoDatabase } from "@mongofx/core"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as MongoInfer from "../../MongoInfer.ts"
import { CommandError } from "./failure.ts"
import { extended } from "./json.ts"
import { printable } from "./paint.ts"
import type { Report } from "./run.ts"
import type { Screen } from "./screen.ts"
import { count } from "./table.ts"

/** @internal */
export interface InferSettings {
  readonly name: string
  readonly sample: number | undefined
  readonly enums: boolean
}

/**
 * Prints the source alone to standard output, so that it can go into a file. What is rare or contradictory, its comments say.
 *
 * @internal
 */
export const infer = (screen: Screen, { enums, name, sample }: InferSettings) =>
  Effect.gen(function*() {
    const database = yield* MongoDatabase.MongoDatabase
    const collection = database.collection(name)
    const summary = yield* screen.step(`reading ${printable(name)}`, (advance) => {
      let summary: MongoInfer.Summary | undefined
      return MongoInfer.run(collection, { sample }).pipe(
        Stream.runForEach((event) => {
          if (event._tag === "Progress") return advance(event.documents, event.total)
          summary = event.summary
          return Effect.void
        }),
        Effect.map(() => summary!)
      )
    })
    if (summary.documents === 0) {
      return yield* new CommandError({
        kind: "NoDocuments",
        message: `${collection.fullName} has no documents to infer a schema from`
      })
    }
    const { documents, name: className, notes, source } = MongoInfer.infer(summary, { name, enums })
    if (notes.length > 0) {
      yield* screen.note(
        `${screen.notePaint.warning("!")} ${count(notes.length, "note")} in the comments: look at them first`
      )
    }
    return {
      outcome: "ok",
      json: { collection: collection.fullName, documents, name: className, source, notes: extended(notes) },
      text: () => source.trimEnd()
    } satisfies Report
  })
