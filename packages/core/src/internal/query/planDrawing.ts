/** Draws plans of queries as trees. */
import * as Inspectable from "effect/Inspectable"
import type * as Driver from "mongodb"
import type { QueryPlan, Stage } from "../../QueryPlan.ts"

type Summary = Omit<QueryPlan, keyof Inspectable.Inspectable>

const countOf = (n: number | undefined, what: string): ReadonlyArray<string> =>
  n === undefined ? [] : [`${n} ${what}${n === 1 ? "" : "s"} examined`]

const counts = (of: Pick<Stage, "returned" | "documentsExamined" | "keysExamined">): ReadonlyArray<string> => [
  ...(of.returned === undefined ? [] : [`${of.returned} returned`]),
  ...countOf(of.documentsExamined, "document"),
  ...countOf(of.keysExamined, "key")
]

const warnings = (of: Pick<Stage, "scansCollection" | "sortsInMemory">): ReadonlyArray<string> => [
  ...(of.scansCollection ? ["scans the collection"] : []),
  ...(of.sortsInMemory ? ["sorts in memory"] : [])
]

const keysText = (keys: Readonly<Record<string, unknown>>): string =>
  `{ ${Object.entries(keys).map(([name, direction]) => `${name}: ${String(direction)}`).join(", ")} }`

const lineOf = (stage: Stage): string => {
  const notes = [...warnings(stage), ...counts(stage)].join(", ")
  const keys = stage.keys === undefined ? "" : ` ${keysText(stage.keys)}`
  return [stage.name, ...stage.indexes].join(" ") + keys + (notes === "" ? "" : `: ${notes}`)
}

/** A geospatial search has an input for each ring around its point. */
const mostInputs = 6

const drawInputs = (inputs: ReadonlyArray<Stage>, indent: string): ReadonlyArray<string> => {
  const shown = inputs.slice(0, mostInputs)
  const left = inputs.length - shown.length
  return [
    ...shown.flatMap((input, i) => {
      const isLast = i === shown.length - 1 && left === 0
      return [
        `${indent}${isLast ? "└─" : "├─"} ${lineOf(input)}`,
        ...drawInputs(input.inputs, `${indent}${isLast ? "  " : "│ "} `)
      ]
    }),
    ...(left === 0 ? [] : [`${indent}└─ … and ${left} more`])
  ]
}

const draw = (plan: Summary): string => {
  const used = plan.indexes.length === 0 ? "no index" : `by ${plan.indexes.join(", ")}`
  return [
    [used, ...warnings(plan), ...counts(plan)].join(", "),
    lineOf(plan.root),
    ...drawInputs(plan.root.inputs, "")
  ].join("\n")
}

/**
 * A plan that prints itself as a tree.
 *
 * @internal
 */
export class DrawnPlan extends Inspectable.Class implements QueryPlan {
  readonly raw: Driver.Document
  readonly root: Stage
  readonly indexes: ReadonlyArray<string>
  readonly scansCollection: boolean
  readonly sortsInMemory: boolean
  readonly returned: number | undefined
  readonly documentsExamined: number | undefined
  readonly keysExamined: number | undefined

  constructor(summary: Summary) {
    super()
    this.raw = summary.raw
    this.root = summary.root
    this.indexes = summary.indexes
    this.scansCollection = summary.scansCollection
    this.sortsInMemory = summary.sortsInMemory
    this.returned = summary.returned
    this.documentsExamined = summary.documentsExamined
    this.keysExamined = summary.keysExamined
  }

  override toString(): string {
    return draw(this)
  }

  /** The server's answer has values of the query, so it is left out. */
  override toJSON(): object {
    const { raw: _, ...summary } = this
    return { _id: "QueryPlan", ...summary }
  }

  override [Inspectable.NodeInspectSymbol](): unknown {
    return this.toString()
  }
}
