/** Unions: which clauses of a member hold for the others as well. */
import * as SchemaAST from "effect/SchemaAST"
import * as Driver from "mongodb"
import type { Lost } from "../../MongoValidator.ts"
import { numericTypes, storedTypes } from "../ast/stored.ts"
import { expand, isOptional } from "../path/nodes.ts"
import { type Bracket, type Clause, type Said, textOf } from "./said.ts"

/** @internal */
export interface Member {
  readonly ast: SchemaAST.AST
  readonly said: Said
}

type Kinds = ReadonlySet<Bracket | "unknown" | "other">

const kindsOf = (ast: SchemaAST.AST): Kinds =>
  new Set([...storedTypes(ast)].map((type) => {
    if (numericTypes.has(type)) return "number"
    return ["date", "binData", "array", "object", "unknown"].includes(type) ? type as Bracket | "unknown" : "other"
  }))

/** Whether the clause of one member may be about a value of another member with these kinds. */
const concerns = ({ about, tests }: Clause, kinds: Kinds): boolean => {
  if (kinds.has("unknown") || kinds.has(about)) return true
  // A path goes into the elements of an array, too, and an index may be the name of a field.
  return about === "array" ? tests[0]![0] !== "" && kinds.has("object") : kinds.has("array")
}

/** The constants that documents of a member always have, by their stored names. */
const tagsOf = (ast: SchemaAST.AST): ReadonlyMap<string, unknown> => {
  const [node, ...others] = expand(ast)
  if (node?._tag !== "Object" || others.length > 0) return new Map()
  return new Map(node.objects.propertySignatures.flatMap(({ name, type }) => {
    const encoded = SchemaAST.toEncoded(type)
    const stored = node.rename(String(name))
    return encoded._tag === "Literal" && !isOptional(type) && !stored.includes(".") && !stored.startsWith("$")
      ? [[stored, encoded.literal] as const]
      : []
  }))
}

/** Text without what a collation may ignore. */
const essence = (literal: unknown): string => String(literal).toLowerCase().replace(/[^a-z0-9]/g, "")

/** Whether two constants are different under every collation: a validator compares text by the collation of its collection. */
const isDifferent = (a: unknown, b: unknown): boolean =>
  typeof a !== typeof b || (typeof a === "string" ? essence(a) !== essence(b) : a !== b)

/** The clause for the documents of a member only, which a constant tells from those of the others. */
const guarded = (clause: Clause, member: Member, others: ReadonlyArray<Member>): Clause | undefined => {
  if (
    clause.about !== "object" ||
    others.some(({ ast }) => [...kindsOf(ast)].some((kind) => kind === "array" || kind === "unknown"))
  ) {
    return undefined
  }
  const tags = others.map(({ ast }) => tagsOf(ast))
  for (const [name, literal] of tagsOf(member.ast)) {
    const differs = tags.every((tags) => tags.has(name) && isDifferent(tags.get(name), literal))
    if (!differs || clause.tests.some(([path]) => path === name)) continue
    const stored = typeof literal === "bigint" ? Driver.Long.fromBigInt(literal) : literal
    return { ...clause, tests: [[name, stored], ...clause.tests] }
  }
  return undefined
}

const sameTests = (a: Clause, b: Clause): boolean => textOf(a.tests) === textOf(b.tests)

/**
 * The clauses of a union. A clause that another member does not have stays if it is not about its values, or if a constant tells the members
 * apart.
 *
 * @internal
 */
export const clausesOf = (members: ReadonlyArray<Member>, lose: (lost: Lost) => void): ReadonlyArray<Clause> => {
  const kept: Array<Clause> = []
  for (const member of members) {
    for (const clause of member.said.clauses) {
      const concerned = members.filter((other) =>
        other !== member && concerns(clause, kindsOf(other.ast)) &&
        !other.said.clauses.some((theirs) => sameTests(theirs, clause))
      )
      const own = concerned.length === 0 ? clause : guarded(clause, member, concerned)
      if (own === undefined) {
        lose({ ...clause.lost, why: `${clause.lost.why}, and another member of the union may have the value` })
      } else if (!kept.some((other) => sameTests(other, own))) kept.push(own)
    }
  }
  return kept
}
