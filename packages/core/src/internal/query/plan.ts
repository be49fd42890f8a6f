/** Reads the server's answer to `explain`: the plans of both engines, of aggregations and of sharded clusters. */
import type * as Driver from "mongodb"
import type { QueryPlan, Stage } from "../../QueryPlan.ts"
import { DrawnPlan } from "./planDrawing.ts"

type Fields = Readonly<Record<string, unknown>>

const fields = (u: unknown): Fields => typeof u === "object" && u !== null && !Array.isArray(u) ? u as Fields : {}
const array = (u: unknown): ReadonlyArray<unknown> => Array.isArray(u) ? u : []
const text = (u: unknown): string | undefined => typeof u === "string" ? u : undefined
const isRecord = (u: unknown): boolean => u === fields(u)

/** A number of the server. With some BSON settings of the client it is an `Int32`, a `Double`, a `Long` or a bigint. */
const number = (u: unknown): number | undefined =>
  typeof u === "number" || typeof u === "bigint" || isRecord(u) && "_bsontype" in fields(u) ? Number(u) : undefined

const sum = (numbers: ReadonlyArray<number | undefined>): number | undefined => {
  const known = numbers.filter((n) => n !== undefined)
  return known.length === 0 ? undefined : known.reduce((a, b) => a + b, 0)
}

const stage = (name: string, more: Partial<Stage>): Stage => ({
  name,
  indexes: [],
  keys: undefined,
  scansCollection: false,
  sortsInMemory: false,
  returned: undefined,
  documentsExamined: undefined,
  keysExamined: undefined,
  inputs: [],
  ...more
})

const unknown = stage("unknown", {})

// ---- plans of one engine

const keysOf = (node: Fields): Stage["keys"] =>
  [node["keyPattern"], node["indexKeyPattern"], node["sortPattern"]].filter(isRecord).map(fields)[0]

/** The joins that read all of the other collection. */
const scanningJoins: ReadonlySet<unknown> = new Set(["HashJoin", "NestedLoopJoin"])

const described = (node: Fields): Partial<Stage> => {
  const index = text(node["indexName"]) ?? (node["stage"] === "IDHACK" ? "_id_" : undefined)
  return {
    indexes: index === undefined ? [] : [index],
    keys: keysOf(node),
    scansCollection: node["stage"] === "COLLSCAN" || scanningJoins.has(node["strategy"]),
    sortsInMemory: node["stage"] === "SORT"
  }
}

const inputsOf = (node: Fields): ReadonlyArray<Fields> =>
  [
    ...array(node["inputStages"]),
    ...["inputStage", "outerStage", "innerStage", "thenStage", "elseStage"].map((name) => node[name])
  ].filter(isRecord).map(fields)

const nameOf = (node: Fields): string => text(node["stage"]) ?? unknown.name

const classic = (node: Fields): Stage =>
  stage(nameOf(node), {
    ...described(node),
    returned: number(node["nReturned"]),
    documentsExamined: number(node["docsExamined"]),
    keysExamined: number(node["keysExamined"]),
    inputs: inputsOf(node).map(classic)
  })

interface Counts {
  readonly returned: number | undefined
  documents: number | undefined
  keys: number | undefined
}

/** A stage of the plan is run by several stages of the other engine. They have its number, and the outermost one stands first. */
const countsByStage = (root: Fields): ReadonlyMap<number | undefined, Counts> => {
  const counts = new Map<number | undefined, Counts>()
  const visit = (node: Fields): void => {
    const id = number(node["planNodeId"])
    let known = counts.get(id)
    if (known === undefined) {
      counts.set(id, known = { returned: number(node["nReturned"]), documents: undefined, keys: undefined })
    }
    if (node["stage"] === "scan" || node["stage"] === "seek") {
      known.documents = sum([known.documents, number(node["nReturned"])])
    }
    known.keys = sum([known.keys, number(node["keysExamined"])])
    inputsOf(node).forEach(visit)
  }
  visit(root)
  return counts
}

const slotBased = (node: Fields, counts: ReadonlyMap<number | undefined, Counts>): Stage => {
  const own = counts.get(number(node["planNodeId"]))
  return stage(nameOf(node), {
    ...described(node),
    returned: own?.returned,
    documentsExamined: own?.documents,
    keysExamined: own?.keys,
    inputs: inputsOf(node).map((input) => slotBased(input, counts))
  })
}

const planned = (winning: Fields, executed: Fields | undefined): Stage => {
  if (Array.isArray(winning["shards"])) return sharded(winning, executed)
  const plan = winning["queryPlan"]
  if (isRecord(plan)) return slotBased(fields(plan), executed === undefined ? new Map() : countsByStage(executed))
  return classic(executed ?? winning)
}

const shard = (name: unknown, plan: Stage): Stage =>
  stage(`shard ${text(name) ?? ""}`.trim(), { returned: plan.returned, inputs: [plan] })

/** A query of `find` on several shards. */
const sharded = (winning: Fields, executed: Fields | undefined): Stage => {
  const executions = array(executed?.["shards"]).map(fields)
  return stage(nameOf(winning), {
    returned: number(executed?.["nReturned"]),
    inputs: array(winning["shards"]).map(fields).map((each) => {
      const executed = executions.find(({ shardName }) => shardName === each["shardName"])?.["executionStages"]
      return shard(
        each["shardName"],
        planned(fields(each["winningPlan"]), isRecord(executed) ? fields(executed) : undefined)
      )
    })
  })
}

// ---- aggregations

const hidden: ReadonlySet<string> = new Set(["$internalFacetTeeConsumer", "$mergeCursors"])

/** A stage of an aggregation that does not run in an engine. */
const aggregation = (name: string, each: Fields, content: Fields, inputs: ReadonlyArray<Stage>): Stage =>
  stage(name, {
    indexes: array(each["indexesUsed"]).filter((index) => typeof index === "string"),
    keys: name === "$sort" ? fields(content["sortKey"] ?? content) : undefined,
    scansCollection: (number(each["collectionScans"]) ?? 0) > 0,
    sortsInMemory: name === "$sort" || name === "$bucketAuto",
    returned: number(each["nReturned"]),
    documentsExamined: number(each["totalDocsExamined"]),
    keysExamined: number(each["totalKeysExamined"]),
    inputs: inputs.concat(inside(name, content))
  })

/** The last stage of an aggregation. Each stage reads from the one before it. */
const chain = (stages: ReadonlyArray<unknown>, source: ReadonlyArray<Stage>): ReadonlyArray<Stage> => {
  let inputs = source
  for (const each of stages.map(fields)) {
    const name = Object.keys(each).find((key) => key.startsWith("$")) ?? unknown.name
    const content = fields(each[name])
    if (hidden.has(name)) continue
    inputs = ["queryPlanner" in content ? part(content) : aggregation(name, each, content, inputs)]
  }
  return inputs
}

/** The pipelines inside of a stage that the server explains with it. */
const inside = (name: string, content: Fields): ReadonlyArray<Stage> => {
  if (name === "$facet") {
    return Object.entries(content).map(([name, stages]) => stage(`facet ${name}`, { inputs: chain(array(stages), []) }))
  }
  const pipeline = array(content["pipeline"])
  const isExplained = pipeline.some((each) => Object.values(fields(each)).some((u) => "queryPlanner" in fields(u)))
  return name === "$unionWith" && isExplained ? chain(pipeline, []) : []
}

const onShards = (answer: Fields): Stage => {
  const shards = Object.entries(fields(answer["shards"])).map(([name, answer]) => shard(name, part(fields(answer))))
  const merging = array(fields(answer["splitPipeline"])["mergerPart"])
  const counts = shards.map(({ returned }) => returned)
  const merged = shards.length === 1
    ? shards[0]!
    : stage("SHARD_MERGE", { returned: counts.includes(undefined) ? undefined : sum(counts), inputs: shards })
  return chain(merging, [merged])[0] ?? merged
}

const part = (answer: Fields): Stage => {
  if (isRecord(answer["shards"])) return onShards(answer)
  if (Array.isArray(answer["stages"])) return chain(answer["stages"], [])[0] ?? unknown
  const executed = fields(answer["executionStats"])["executionStages"]
  return planned(
    fields(fields(answer["queryPlanner"])["winningPlan"]),
    isRecord(executed) ? fields(executed) : undefined
  )
}

// ---- the whole

const all = (root: Stage): ReadonlyArray<Stage> => [root, ...root.inputs.flatMap(all)]

/** @internal */
export const fromExplain = (raw: Driver.Document): QueryPlan => {
  const root = part(raw)
  const stages = all(root)
  return new DrawnPlan({
    raw,
    root,
    indexes: [...new Set(stages.flatMap(({ indexes }) => indexes))],
    scansCollection: stages.some(({ scansCollection }) => scansCollection),
    sortsInMemory: stages.some(({ sortsInMemory }) => sortsInMemory),
    returned: root.returned,
    documentsExamined: sum(stages.map(({ documentsExamined }) => documentsExamined)),
    keysExamined: sum(stages.map(({ keysExamined }) => keysExamined))
  })
}
