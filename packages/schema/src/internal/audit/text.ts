/** The text of a report. */
import type * as Audit from "../../MongoAudit.ts"
import { quotedId } from "../shownId.ts"
import { counted, onOneLine } from "../words.ts"

const suchAs = ({ ids }: Audit.Counted): string => {
  const known = ids.filter((id) => id !== undefined)
  return known.length === 0 ? "" : ` (such as ${known.map(quotedId).join(", ")})`
}

/** @internal */
export const format = ({ collection, documents, folded, invalid, isSample, problems }: Audit.Report): string => {
  const lines = [
    ...problems.map((problem) => ({
      ...problem,
      text: problem.path === "" ? problem.message : `${problem.path}: ${problem.message}`
    })),
    ...folded.map((some) => ({ ...some, text: `${some.path ?? "other places"}: other problems` }))
  ]
  const width = Math.max(...lines.map(({ documents }) => counted(documents).length), 0)
  const of = `${counted(documents)} ${isSample ? "sampled " : ""}document${documents === 1 ? "" : "s"}`
  return [
    `${collection}: ${
      invalid === 0 ? `all of ${of} decode` : `${counted(invalid)} of ${of} ${invalid === 1 ? "does" : "do"} not decode`
    }`,
    ...lines.map((line) => `  ${counted(line.documents).padStart(width)}  ${onOneLine(line.text)}${suchAs(line)}`)
  ].join("\n")
}
