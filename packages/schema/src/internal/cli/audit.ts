/**
 * `audit`: which stored documents do not decode.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as MongoAudit from "../../MongoAudit.ts"
import { shownId } from "../shownId.ts"
import { counted } from "../words.ts"
import { type AnyCollection, select } from "./collections.ts"
import { extended } from "./json.ts"
import { type Paint, printable } from "./paint.ts"
import type { Report } from "./run.ts"
import type { Screen } from "./screen.ts"
import { count, table } from "./table.ts"

/** @internal */
export interface AuditSettings {
  readonly name: string | undefined
  readonly sample: number | undefined
  readonly examples: number | undefined
}

const auditOne = (screen: Screen, collection: AnyCollection, { examples, sample }: AuditSettings) =>
  screen.step(`auditing ${printable(collection.name)}`, (advance) => {
    let report: MongoAudit.Report | undefined
    return MongoAudit.run(collection, { examples, sample }).pipe(
      Stream.runForEach((event) => {
        if (event._tag === "Progress") return advance(event.documents, event.total)
        report = event
        return Effect.void
      }),
      Effect.map(() => report!)
    )
  })

const textOf = (report: MongoAudit.Report, paint: Paint): string => {
  const read = `${printable(report.collection)}: ${count(report.documents, "document")}${
    report.isSample ? " of a sample" : ""
  }`
  if (report.invalid === 0) return `${paint.good("✓")} ${read}, all decode`
  const rows = report.problems.map((problem) => [
    printable(problem.path),
    counted(problem.documents),
    printable(problem.message),
    paint.muted(problem.ids.filter((id) => id !== undefined).map((id) => printable(shownId(id))).join(", "))
  ])
  const columns = [
    { title: "path" },
    { title: "documents", align: "right" },
    { title: "problem" },
    { title: "for instance" }
  ] as const
  return [
    `${paint.bad("✗")} ${read}, ${
      paint.bad(`${counted(report.invalid)} ${report.invalid === 1 ? "does" : "do"} not decode`)
    }`,
    table(paint, columns, rows),
    ...report.folded.map(({ documents, path }) =>
      paint.muted(
        `and more problems ${path === undefined ? "at other paths" : `at ${printable(path)}`}: ${
          count(documents, "document")
        }`
      )
    )
  ].join("\n")
}

/** @internal */
export const audit = (screen: Screen, collections: ReadonlyArray<AnyCollection>, settings: AuditSettings) =>
  Effect.gen(function*() {
    const chosen = yield* select(collections, settings.name)
    const reports = yield* Effect.forEach(chosen, (collection) => auditOne(screen, collection, settings))
    return {
      outcome: reports.some(({ invalid }) => invalid > 0) ? "findings" : "ok",
      json: { collections: extended(reports.map(({ _tag, ...report }) => report)) },
      text: (paint) => reports.map((report) => textOf(report, paint)).join("\n\n")
    } satisfies Report
  })
