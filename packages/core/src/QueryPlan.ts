/**
 * Plans of queries: what the server did, or would do, to answer one. `explain` of a query gives such a plan.
 *
 * @since 0.1.0
 */
import type * as Inspectable from "effect/Inspectable"
import type * as Driver from "mongodb"
import * as internal from "./internal/query/plan.ts"

/**
 * A stage of a plan, by the server's name for it: `IXSCAN`, `FETCH`, `$group`. Its inputs are the stages that it reads from.
 *
 * **Details**
 *
 * Numbers are there when the query was executed, with the verbosity `"executionStats"` or more. They are those of the stage alone.
 *
 * @see {@link QueryPlan} for the whole plan
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Stage {
  /** The name. A part that runs on a shard has the name `shard` and the name of the shard. */
  readonly name: string
  /** The names of the indexes that the stage reads. */
  readonly indexes: ReadonlyArray<string>
  /** The fields of the index, or those that the stage sorts by. */
  readonly keys: Readonly<Record<string, unknown>> | undefined
  /** Whether it reads all documents of a collection. */
  readonly scansCollection: boolean
  /** Whether it sorts, and gives its first document after it has read the last one. */
  readonly sortsInMemory: boolean
  /** How many documents it gave. */
  readonly returned: number | undefined
  /** How many documents it read from the storage. */
  readonly documentsExamined: number | undefined
  /** How many keys of indexes it read. */
  readonly keysExamined: number | undefined
  /** The stages that it reads from. */
  readonly inputs: ReadonlyArray<Stage>
}

/**
 * A plan: its stages as a tree, and what matters about them. Printing it draws the tree.
 *
 * **Details**
 *
 * The summary has names of stages, indexes and fields, and no values of the query. The server's answer, with everything in it, is `raw`.
 *
 * **Gotchas**
 *
 * The server does not say how `$graphLookup` searches, nor how `$lookup` does without the verbosity `"executionStats"`.
 *
 * @see {@link fromExplain} for plans of other commands
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface QueryPlan extends Inspectable.Inspectable {
  /** The server's answer. */
  readonly raw: Driver.Document
  /** The last stage, which gives the results. */
  readonly root: Stage
  /** The names of all indexes that are used. */
  readonly indexes: ReadonlyArray<string>
  /** Whether a stage reads all documents of a collection. */
  readonly scansCollection: boolean
  /** Whether a stage sorts in memory, since no index has the order. */
  readonly sortsInMemory: boolean
  /** How many documents the query gave, if it was executed and the server says so. */
  readonly returned: number | undefined
  /** How many documents were read from the storage, if the query was executed. */
  readonly documentsExamined: number | undefined
  /** How many keys of indexes were read, if the query was executed. */
  readonly keysExamined: number | undefined
}

/**
 * Reads the server's answer to `explain`.
 *
 * **When to use**
 *
 * Use it for commands that mongofx has no `explain` for, such as `count`, `distinct`, `update`. `explain` of a query gives its plan
 * already.
 *
 * **Details**
 *
 * It knows the plans of both engines of the server, of aggregations and of sharded clusters. What it does not know is a stage of that
 * name.
 *
 * **Example** (How the server counts)
 *
 * ```ts
 * import { type MongoDatabase, QueryPlan } from "@mongofx/core"
 * import { Console, Effect } from "effect"
 *
 * const countPlan = (db: MongoDatabase.MongoDatabase) =>
 *   Effect.gen(function*() {
 *     const answer = yield* db.command({
 *       explain: { count: "orders", query: { status: "paid" } },
 *       verbosity: "executionStats"
 *     })
 *     yield* Console.log(String(QueryPlan.fromExplain(answer)))
 *   })
 * ```
 *
 * @stability unstable
 * @category converting
 * @since 0.1.0
 */
export const fromExplain: (answer: Driver.Document) => QueryPlan = internal.fromExplain
