/** Writes expressions: the values in them are encoded, and references get the names that their origins have there. */
import type { Operands } from "../encode/operands.ts"
import { refuse } from "../refusal.ts"

/**
 * What references begin at: the document of a stage, or a variable. A reference means something only where its origin is
 * known; its identity keeps names from meeting by chance.
 *
 * @internal
 */
export class Origin {
  /** What it is, for errors. */
  readonly what: string
  constructor(what: string) {
    this.what = what
  }
}

/** The name of an origin, or what writes a path from it. The name of the document of a stage is empty. */
type Name = string | ((path: ReadonlyArray<string>) => string)

/**
 * The place that an expression is written at: the origins that are known there, and its path, for errors.
 *
 * @internal
 */
export class Writing {
  readonly operands: Operands
  readonly path: string
  private readonly names: ReadonlyMap<Origin, Name>
  private readonly depth: number

  constructor(operands: Operands, path: string, names: ReadonlyMap<Origin, Name> = new Map(), depth = 0) {
    this.operands = operands
    this.path = path
    this.names = names
    this.depth = depth
  }

  /** The same place, with one more name in its path. */
  at(name: string | number): Writing {
    const path = typeof name === "number" ? `${this.path}[${name}]` : `${this.path}.${name}`
    return new Writing(this.operands, path, this.names, this.depth)
  }

  /** The place with an origin that has this name: `$$this`, or the empty name of the document. */
  bind(origin: Origin, name: string): Writing {
    return new Writing(this.operands, this.path, new Map(this.names).set(origin, name), this.depth)
  }

  /** The place inside a variable, and the name that it has there. No other variable there has the same. */
  variable(origin: Origin): readonly [name: string, inside: Writing] {
    const name = `v${this.depth}`
    const names = new Map(this.names).set(origin, `$$${name}`)
    return [name, new Writing(this.operands, this.path, names, this.depth + 1)]
  }

  /** The place inside a pipeline of this stage. */
  inside(): Writing {
    return new Writing(this.operands, this.path, this.names, this.depth + 1)
  }

  /**
   * The place inside a pipeline of this stage, where variables hold what it needs of the document. `variables` has them when
   * the pipeline is written.
   */
  insideWith(document: Origin): { readonly inside: Writing; readonly variables: Record<string, string> } {
    const variables: Record<string, string> = {}
    const known = new Map<string, string>()
    const nameOf = (path: ReadonlyArray<string>): string => {
      const field = path.length === 0 ? "$$ROOT" : `$${path.join(".")}`
      let name = known.get(field)
      if (name === undefined) {
        name = `v${this.depth}_${known.size}`
        known.set(field, name)
        variables[name] = field
      }
      return `$$${name}`
    }
    const { depth, names, operands, path } = this.inside()
    return { inside: new Writing(operands, path, new Map(names).set(document, nameOf), depth), variables }
  }

  /** The text that a reference is written as. */
  reference(origin: Origin, path: ReadonlyArray<string>): string {
    const name = this.names.get(origin)
    if (name === undefined) {
      return refuse(
        this.path,
        `refers to ${origin.what}, which is unknown there: use the argument of the nearest function`
      )
    }
    if (typeof name === "function") return name(path)
    if (name === "") return path.length === 0 ? "$$ROOT" : `$${path.join(".")}`
    return [name, ...path].join(".")
  }
}
