/** Resolves dotted paths over a schema: the schemas at the end of a path, and the stored path. */
import type * as SchemaAST from "effect/SchemaAST"
import { refuse } from "../refusal.ts"
import { expand, type Mode, positional, stepNode } from "./nodes.ts"

/**
 * The end of a path.
 *
 * @internal
 */
export interface Target {
  /** The path in the stored document. */
  readonly key: string
  /** The schemas of the values there: one for each member of a union on the way. */
  readonly alternatives: ReadonlyArray<SchemaAST.AST>
  /** Whether the field may be absent from a document. */
  readonly optional: boolean
  /** Whether the path names elements of an array: by an index, `$`, `$[]` or `$[id]`. */
  readonly indexed: boolean
  /** The schemas of the elements that each `$[id]` of the path stands for. */
  readonly identifiers: ReadonlyMap<string, ReadonlyArray<SchemaAST.AST>>
}

/** @internal */
export interface Resolve {
  (path: string, at: string): Target
  /** The schema of the documents, where paths begin at whole documents: expressions may stand there. */
  readonly documents?: SchemaAST.AST
}

/**
 * Follows a path from any of the schemas.
 *
 * @internal
 */
export const walk = (
  from: ReadonlyArray<SchemaAST.AST>,
  path: string,
  mode: Mode,
  at: string
): Target => {
  const keys: Array<string> = []
  const identifiers = new Map<string, ReadonlyArray<SchemaAST.AST>>()
  let alternatives = from
  let optional = false
  let indexed = false
  for (const segment of path.split(".")) {
    const steps = alternatives.flatMap(expand).flatMap((node) => stepNode(node, segment, mode))
    const [first] = steps
    if (first === undefined) return refuse(at, "is not a path of the schema")
    if (steps.some(({ key }) => key !== first.key)) {
      return refuse(at, "has different names in the database, one for each member of a union")
    }
    keys.push(first.key)
    alternatives = [...new Set(steps.map(({ ast }) => ast))]
    optional = steps.some((step) => step.optional)
    indexed ||= steps.some((step) => step.indexed)
    const identifier = mode === "update" ? positional.exec(segment)?.[1] : undefined
    if (identifier !== undefined && identifier !== "") identifiers.set(identifier, alternatives)
  }
  return { key: keys.join("."), alternatives, optional, indexed, identifiers }
}

// Paths can hold keys of records, which come from outside, so the cache has a bound.
const bound = 1000

/**
 * Makes a resolver that remembers the paths that it has found.
 *
 * @internal
 */
export const makeResolve = (from: ReadonlyArray<SchemaAST.AST>, mode: Mode): Resolve => {
  const known = new Map<string, Target>()
  return (path, at) => {
    let target = known.get(path)
    if (target === undefined) {
      target = walk(from, path, mode, at)
      if (known.size < bound) known.set(path, target)
    }
    return target
  }
}

/**
 * Resolves the paths of whole documents.
 *
 * @internal
 */
export const ofDocuments = (documents: SchemaAST.AST, resolve: (path: string, at: string) => Target): Resolve =>
  Object.assign((path: string, at: string) => resolve(path, at), { documents })
