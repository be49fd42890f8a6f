/** Looks for documents that a unique index would refuse, by the keys that the server would give them. */
import type * as Driver from "mongodb"
import type { Index } from "../../MongoIndex.ts"

/** The parts of paths as a tree, since an array that several paths go through is expanded once for all of them. */
interface Tree {
  isKey: boolean
  readonly children: Map<string, Tree>
}

const treeOf = (paths: ReadonlyArray<string>): Tree => {
  const root: Tree = { isKey: false, children: new Map() }
  for (const path of paths) {
    let node = root
    for (const part of path.split(".")) {
      let next = node.children.get(part)
      if (next === undefined) node.children.set(part, next = { isKey: false, children: new Map() })
      node = next
    }
    node.isKey = true
  }
  return root
}

type Expression = unknown

/** Stand for an empty array and for a missing field. An index tells them from null, the missing one if it is sparse. */
const empty = { $literal: { "an empty array": true } }
const missing = { $literal: { "a missing field": true } }

/** All rows of one list with all rows of the other. Only one of them has several: an index cannot hold two arrays. */
const product = (one: Expression, other: Expression, level: number): Expression => ({
  $reduce: {
    input: one,
    initialValue: [],
    in: {
      $concatArrays: [
        "$$value",
        {
          $let: {
            vars: { [`row${level}`]: "$$this" },
            in: {
              $map: { input: other, as: `other${level}`, in: { $concatArrays: [`$$row${level}`, `$$other${level}`] } }
            }
          }
        }
      ]
    }
  }
})

/** The rows of keys that an element gives. An array in an array has no fields. */
const rowsOfElement = (node: Tree, value: string, level: number): Expression => {
  const parts: Array<Expression> = node.isKey ? [[[value]]] : []
  for (const [name, child] of node.children) {
    const field = `${value}.${name}`
    const isThere = { $and: [{ $eq: [{ $type: value }, "object"] }, { $ne: [{ $type: field }, "missing"] }] }
    parts.push({
      $let: {
        vars: { [`field${level}`]: { $cond: [isThere, field, missing] } },
        in: rowsOfValue(child, `$$field${level}`, level + 1)
      }
    })
  }
  return parts.reduce((rows, part) => product(rows, part, level), [[]])
}

/** The rows of keys that a value gives: those of its elements, if it is an array. */
const rowsOfValue = (node: Tree, value: string, level: number): Expression => ({
  $let: {
    vars: {
      [`elements${level}`]: {
        $cond: [
          // An index on the array itself holds an empty one as such. For the fields of its elements, they are missing.
          { $eq: [value, []] },
          [node.isKey ? empty : missing],
          { $cond: [{ $isArray: [value] }, value, [value]] }
        ]
      }
    },
    in: {
      $reduce: {
        input: {
          $map: {
            input: `$$elements${level}`,
            as: `element${level}`,
            in: rowsOfElement(node, `$$element${level}`, level + 1)
          }
        },
        initialValue: [],
        in: { $concatArrays: ["$$value", "$$this"] }
      }
    }
  }
})

/** The rows of a whole document, each once. A sparse index leaves out those that have nothing but missing fields. */
const rowsOf = (paths: ReadonlyArray<string>, isSparse: boolean): Expression => {
  const rows = rowsOfElement(treeOf(paths), "$$ROOT", 0)
  const kept = isSparse
    ? { $filter: { input: rows, as: "row", cond: { $ne: [{ $setUnion: ["$$row", []] }, [missing]] } } }
    : rows
  const nulls = {
    $map: {
      input: kept,
      as: "row",
      in: { $map: { input: "$$row", as: "key", in: { $cond: [{ $eq: ["$$key", missing] }, null, "$$key"] } } }
    }
  }
  return { $setUnion: [nulls, []] }
}

const isPosition = (part: string): boolean => /^\d+$/.test(part)

/**
 * Whether this knows the keys of an index. In `tags.0` the zero may be a position or a name: only the server decides that, per document.
 *
 * @internal
 */
export const canLook = ({ key }: Index): boolean =>
  key.every(([field, kind]) => typeof kind === "number" && !field.split(".").some(isPosition) && !field.includes("$"))

/**
 * The stages that find keys of several documents: each result has how many there are, and the `_id`s of two of them.
 *
 * @internal
 */
export const duplicatesPipeline = ({ key, options }: Index, limit: number): Array<Driver.Document> => {
  const filter = options["partialFilterExpression"]
  const paths = key.map(([field]) => field)
  return [
    ...(filter === undefined ? [] : [{ $match: filter }]),
    { $project: { key: rowsOf(paths, options["sparse"] === true) } },
    { $unwind: "$key" },
    { $group: { _id: "$key", count: { $sum: 1 }, first: { $first: "$_id" }, last: { $last: "$_id" } } },
    { $match: { count: { $gt: 1 } } },
    { $limit: limit },
    { $project: { _id: 0, count: 1, ids: ["$first", "$last"] } }
  ]
}
