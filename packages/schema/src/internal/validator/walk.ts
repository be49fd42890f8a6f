/** Walks through a schema, from what a codec reads to what the server is asked to check. */
import * as SchemaAST from "effect/SchemaAST"
import type { Lost } from "../../MongoValidator.ts"
import { storedTypes } from "../ast/stored.ts"
import { isInherited } from "../compiler/analysis.ts"
import { elementsOf, expand, fieldsOfClass, isOptional } from "../path/nodes.ts"
import { setOwn } from "../plainObject.ts"
import { clausesOf, type Member } from "./alternatives.ts"
import { described, filtersOf, known, patternOf, sizesOf } from "./checks.ts"
import { constants, custom, leafOf, number, type Place, withoutChecks } from "./leaves.ts"
import { toServer } from "./pattern.ts"
import {
  allOf,
  anyOf,
  anything,
  atIndex,
  type Clause,
  inElements,
  inField,
  isPropertyName,
  type JsonSchema,
  nothing,
  type Said,
  said
} from "./said.ts"
import { text } from "./text.ts"
import { refusals } from "./transformations.ts"

/** @internal */
export interface Options {
  readonly depth: number
  readonly open: ReadonlySet<string>
  /** Whether the driver delivers an int64 as a number. */
  readonly promotes: boolean
}

const below = (path: string, name: string): string => path === "" ? name : `${path}.${name}`

const same = (name: string): string => name

const transformation = "a transformation is a function, which the server cannot run"

/** The elements that are equal to the server if they are to Effect. */
const comparable: ReadonlySet<string> = new Set(["string", "bool", "objectId"])

const isUndefined = (ast: SchemaAST.AST): boolean => SchemaAST.toEncoded(ast)._tag === "Undefined"

/** @internal */
export class Walk {
  private readonly losses = new Map<string, Lost>()
  private readonly active = new Map<SchemaAST.AST, number>()
  /** How often one of the active schemas was entered while it was active. */
  private repeated = 0
  private readonly options: Options

  constructor(options: Options) {
    this.options = options
  }

  get lost(): ReadonlyArray<Lost> {
    return [...this.losses.values()]
  }

  private lose(path: string, what: string, why: string): void {
    const key = `${path}\n${what}`
    if (!this.losses.has(key)) this.losses.set(key, { path, what, why })
  }

  private loseClauses(clauses: ReadonlyArray<Clause>, why: string): void {
    for (const { lost } of clauses) this.lose(lost.path, lost.what, `${lost.why}, and ${why}`)
  }

  private place(path: string): Place {
    return { path, lose: (what, why) => this.lose(path, what, why), promotes: this.options.promotes }
  }

  /** The documents of a schema. */
  document(ast: SchemaAST.AST): Said {
    return this.value(ast, "", true)
  }

  private value(ast: SchemaAST.AST, path: string, isRoot = false): Said {
    const place = this.place(path)
    if (this.options.open.has(path)) {
      place.lose("everything", "the options leave this path open")
      return anything
    }
    const leaf = leafOf(ast)
    if (leaf !== undefined) return leaf(ast, place)
    if ("encodingChecks" in ast) {
      for (const filter of filtersOf(ast.encodingChecks)) place.lose(described(filter), custom)
    }
    const fields = fieldsOfClass(ast)
    if (fields !== undefined) {
      withoutChecks(ast, place.lose)
      return this.value(fields, path, isRoot)
    }
    if (ast.encoding !== undefined) return this.encoded(ast, path, isRoot)
    switch (ast._tag) {
      case "String":
        return said(text(filtersOf(ast.checks), place.lose))
      case "Number":
        return number("number", ast, place)
      case "BigInt":
        this.loseBigInts([0n], place)
        return number("bigint", ast, place)
      case "Suspend":
        return this.suspended(ast, path, isRoot)
      case "Union":
        return this.union(ast, path, isRoot)
      case "Objects":
        return this.objects(ast, same, path, isRoot)
      case "Arrays":
        return this.arrays(ast, path)
      default:
        withoutChecks(ast, place.lose)
        return this.plain(ast, place)
    }
  }

  private loseBigInts(values: ReadonlyArray<unknown>, { lose, promotes }: Place): void {
    if (!promotes || !values.some((value) => typeof value === "bigint")) return
    lose("a bigint", "the driver delivers bigints with useBigInt64 only")
  }

  private plain(ast: SchemaAST.AST, place: Place): Said {
    const { lose, promotes } = place
    switch (ast._tag) {
      case "Boolean":
        return said({ bsonType: "bool" })
      case "Null":
        return said({ bsonType: "null" })
      case "Literal":
        this.loseBigInts([ast.literal], place)
        return said(anyOf(constants([ast.literal], promotes)))
      case "Enum":
        return said(anyOf(constants(ast.enums.map(([, value]) => value), promotes)))
      case "TemplateLiteral":
        lose("the parts of the text", "the server has no templates")
        return said({ bsonType: "string" })
      case "ObjectKeyword":
        lose("objects only", "what the driver delivers as an object depends on its settings")
        return said({ not: { bsonType: ["string", "bool", "null"] } })
      case "Undefined":
      case "Never":
      case "Symbol":
      case "UniqueSymbol":
        return nothing
      default:
        return anything
    }
  }

  /** A schema with a transformation: its stored side, and what is refused later. */
  private encoded(ast: SchemaAST.AST, path: string, isRoot: boolean): Said {
    const place = this.place(path)
    const [node] = expand(ast)
    if (node?._tag === "Object" && node.renamed) {
      withoutChecks(ast, place.lose)
      return this.objects(node.objects, node.rename, path, isRoot, false)
    }
    const { checks, isTotal } = refusals(ast)
    for (const filter of checks) place.lose(described(filter), custom)
    if (!isTotal) {
      place.lose("what the transformation refuses", transformation)
    }
    return this.value(ast.encoding![ast.encoding!.length - 1]!.to, path, isRoot)
  }

  private suspended(ast: SchemaAST.Suspend, path: string, isRoot: boolean): Said {
    const target = ast.thunk()
    const times = this.active.get(target) ?? 0
    // Schemas that contain each other share what is repeated: each by itself would multiply the validator.
    if (times === 0 ? this.options.depth === 0 : this.repeated + 2 > this.options.depth) {
      this.lose(path, "what is deeper", `the schema contains itself, and the validator ends after ${times} levels`)
      const types = target._tag === "Union" ? [] : [...storedTypes(target)]
      return types.length === 0 || types.includes("unknown") || types.includes("missing")
        ? anything
        : said({ bsonType: types })
    }
    const isRepeated = times > 0
    this.active.set(target, times + 1)
    if (isRepeated) this.repeated++
    const result = this.value(target, path, isRoot)
    this.active.set(target, times)
    if (isRepeated) this.repeated--
    return result
  }

  private union(ast: SchemaAST.Union, path: string, isRoot: boolean): Said {
    const place = this.place(path)
    withoutChecks(ast, place.lose)
    if (ast.options?.mode === "oneOf") {
      place.lose(
        "exactly one of the members",
        "the validator may take more of a member than its codec, so that it cannot count members"
      )
    }
    const isConstant = (type: SchemaAST.AST): type is SchemaAST.Literal =>
      type._tag === "Literal" && type.encoding === undefined && type.checks === undefined
    const members = ast.types
      .filter((type) => !isConstant(type) && !isUndefined(type))
      .map((type): Member => ({ ast: type, said: this.value(type, path, isRoot) }))
    const literals = ast.types.filter(isConstant)
    this.loseBigInts(literals.map(({ literal }) => literal), place)
    const ofLiterals = literals.map((type): Member => ({ ast: type, said: nothing }))
    return said(
      anyOf([
        ...constants(literals.map(({ literal }) => literal), this.options.promotes),
        ...members.map(({ said: { schema } }) => schema)
      ]),
      clausesOf([...members, ...ofLiterals], ({ path, what, why }) => this.lose(path, what, why))
    )
  }

  private objects(
    ast: SchemaAST.Objects,
    rename: (name: string) => string,
    path: string,
    isRoot: boolean,
    withChecks = true
  ): Said {
    const { indexSignatures, propertySignatures } = ast
    if (withChecks && indexSignatures.length === 0) withoutChecks(ast, this.place(path).lose)
    if (propertySignatures.length === 0 && indexSignatures.length === 0) return said({ not: { bsonType: "null" } })
    const properties: Record<string, JsonSchema> = {}
    const required: Array<string> = []
    const clauses: Array<Clause> = []
    for (const { name, type } of propertySignatures) {
      if (typeof name === "symbol") {
        this.lose(path, String(name), "BSON does not store keys that are symbols")
        continue
      }
      const stored = rename(String(name))
      const at = below(path, stored)
      const { clauses: own, schema } = isRoot && stored === "_id" ? this.id(type) : this.value(type, at)
      if (!isPropertyName(stored)) {
        this.lose(at, "the field", "to the server a dot in a name is the way into an embedded document")
        this.loseClauses(own, "a dot in a name is the way into an embedded document")
        continue
      }
      const description = SchemaAST.resolveDescription(type)
      setOwn(properties, stored, description === undefined ? schema : { description, ...schema })
      if (!isOptional(type)) required.push(stored)
      else if (isInherited(stored)) {
        this.lose(
          at,
          "a document with the field",
          "every object of JavaScript inherits the name, so that its codec finds no absence"
        )
      }
      for (const clause of own) {
        const inside = inField(stored, clause)
        if (inside === undefined) this.loseClauses([clause], "the name of a field above it is not one of a path")
        else clauses.push(inside)
      }
    }
    const others = indexSignatures.length === 0 ? {} : this.records(ast, rename, properties, path, isRoot)
    const shown = "additionalProperties" in others
      ? properties
      : Object.fromEntries(Object.entries(properties).filter(([, schema]) => Object.keys(schema).length > 0))
    return said({
      bsonType: "object",
      ...(Object.keys(shown).length === 0 ? {} : { properties: shown }),
      ...(required.length === 0 ? {} : { required }),
      ...others
    }, clauses)
  }

  /** The `_id` of a document. An insert makes an ObjectId if there is none. */
  private id(ast: SchemaAST.AST): Said {
    const own = this.value(ast, "_id")
    const types = storedTypes(ast)
    if (!isOptional(ast) || types.has("objectId") || types.has("unknown")) return own
    this.lose("_id", "no ObjectId", "an insert without an _id stores one")
    return said(anyOf([own.schema, { bsonType: "objectId" }]), own.clauses)
  }

  /** The fields whose names the schema does not know. Adds `_id` to those that it knows, since an insert adds it to a document. */
  private records(
    ast: SchemaAST.Objects,
    rename: (name: string) => string,
    properties: Record<string, JsonSchema>,
    path: string,
    isRoot: boolean
  ): JsonSchema {
    const place = this.place(below(path, "*"))
    const names = ast.propertySignatures.map(({ name }) => rename(String(name)))
    const addsId = isRoot && !names.includes("_id")
    const all: Array<JsonSchema> = []
    const patterns: Record<string, JsonSchema> = {}
    for (const { parameter, type } of ast.indexSignatures) {
      const key = SchemaAST.toEncoded(parameter)
      const { clauses, schema } = this.value(type, place.path)
      this.loseClauses(clauses, "the names of the fields are not known")
      const filters = filtersOf(key.checks)
      if (parameter.encoding !== undefined) {
        place.lose(
          "what the transformation of keys refuses",
          transformation
        )
      }
      if (key._tag !== "String") {
        place.lose(
          `values of keys that are of the type ${key._tag}`,
          "the server knows fields by their names and by patterns of these"
        )
      } else if (filters.length > 1) {
        place.lose("values of keys with several checks", "the server applies one pattern to a name")
      } else if (filters.length === 1) {
        const pattern = keysOf(filters[0]!, addsId ? [...names, "_id"] : names, place)
        if (pattern !== undefined) setOwn(patterns, pattern, schema)
      } else if (names.every(isPropertyName)) all.push(schema)
      else {
        place.lose(
          "what the schema asks of every field",
          "the schema names a field with a dot, which the server cannot leave out"
        )
      }
    }
    const count = this.count(ast, path, isRoot || all.length !== 1)
    const additional = allOf(all.filter((schema) => Object.keys(schema).length > 0))
    const isOpen = Object.keys(additional).length === 0
    if (!isOpen && names.length > 0) {
      place.lose("the same of fields that the schema names", "the schema has another one for them")
    }
    if (!isOpen && addsId) {
      setOwn(properties, "_id", {})
      this.lose("_id", "what the schema asks of every field", "an insert adds an _id of its own")
    }
    return {
      ...(Object.keys(patterns).length === 0 ? {} : { patternProperties: patterns }),
      ...(isOpen ? {} : { additionalProperties: additional }),
      ...count
    }
  }

  /**
   * Checks of the number of fields. A document may have fields that its codec does not know, an `_id`, and none where the value is
   * `undefined`.
   */
  private count(ast: SchemaAST.Objects, path: string, hasOthers: boolean): JsonSchema {
    const [record] = ast.indexSignatures
    const mayLack = ["missing", "unknown"].some((type) => storedTypes(record!.type).has(type))
    const isExact = !hasOthers && ast.propertySignatures.length === 0 && !mayLack
    let min = 0
    let max = Infinity
    for (const filter of filtersOf(ast.checks)) {
      const check = isExact ? known(filter) : undefined
      const sizes = check && sizesOf(check, "Properties")
      if (sizes !== undefined) [min, max] = [Math.max(min, sizes.min), Math.min(max, sizes.max)]
      else {
        const why = isExact ? custom : "a document may have other fields than its codec counts"
        this.lose(path, described(filter), why)
      }
    }
    return { ...(min > 0 ? { minProperties: min } : {}), ...(max < Infinity ? { maxProperties: max } : {}) }
  }

  private arrays(ast: SchemaAST.Arrays, path: string): Said {
    const at = `${path}[]`
    const { elements, rest } = ast
    const element = (type: SchemaAST.AST, path: string): Said => {
      const own = this.value(type, path)
      if (!storedTypes(type).has("missing")) return own
      this.lose(path, "undefined only, not null", "BSON stores null for undefined in an array")
      return said(anyOf([own.schema, { bsonType: "null" }]), own.clauses)
    }
    const tuple = elements.map((type, i) => element(type, `${path}[${i}]`))
    const others = rest.map((type) => element(type, at))
    if (rest.length > 1) {
      this.lose(at, "the order of the last elements", "the server counts elements from the first one")
    }
    const least = elements.filter((type) => !isOptional(type)).length + Math.max(0, rest.length - 1)
    const additional = others.length === 0 ? undefined : anyOf(others.map(({ schema }) => schema))
    const { max, min, unique } = this.checksOfArray(ast, path)
    const minimum = Math.max(least, min)
    const isOpen = additional !== undefined && Object.keys(additional).length === 0
    const shape: JsonSchema = tuple.length === 0
      ? additional === undefined ? { maxItems: 0 } : isOpen ? {} : { items: additional }
      : { items: tuple.map(({ schema }) => schema), ...(isOpen ? {} : { additionalItems: additional ?? false }) }
    return said({
      bsonType: "array",
      ...shape,
      ...(minimum > 0 ? { minItems: minimum } : {}),
      ...(max < Infinity && !("maxItems" in shape) ? { maxItems: max } : {}),
      ...(unique ? { uniqueItems: true } : {})
    }, this.clausesOfArray(ast, tuple, others))
  }

  private checksOfArray(ast: SchemaAST.Arrays, path: string) {
    let min = 0
    let max = Infinity
    let unique = false
    for (const filter of filtersOf(ast.checks)) {
      const check = known(filter)
      const sizes = check && sizesOf(check, "Length")
      if (sizes !== undefined) [min, max] = [Math.max(min, sizes.min), Math.min(max, sizes.max)]
      else if (check?.name === "isUnique" && elementsOf(ast).every(isComparable)) unique = true
      else {
        const why = check?.name === "isUnique"
          ? "the server may take elements for equal that Effect tells apart"
          : custom
        this.lose(path, described(filter), why)
      }
    }
    return { min, max, unique }
  }

  private clausesOfArray(
    ast: SchemaAST.Arrays,
    tuple: ReadonlyArray<Said>,
    others: ReadonlyArray<Said>
  ): ReadonlyArray<Clause> {
    const out: Array<Clause> = []
    const hasFields = elementsOf(ast).some((type) => ["object", "unknown"].some((kind) => storedTypes(type).has(kind)))
    for (const [i, { clauses }] of tuple.entries()) {
      if (hasFields) this.loseClauses(clauses, "an index in a path may be the name of a field as well")
      else out.push(...clauses.map((clause) => atIndex(i, clause)))
    }
    for (const { clauses } of others) {
      for (const clause of clauses) {
        const inside = tuple.length > 0 || others.length > 1 ? undefined : inElements(clause)
        if (inside === undefined) this.loseClauses([clause], "other elements of the array may have the value")
        else out.push(inside)
      }
    }
    return out
  }
}

/** The pattern of the server for the keys that a check takes, none of which other fields have. `undefined` if it is lost. */
const keysOf = (
  filter: SchemaAST.Filter<unknown>,
  others: ReadonlyArray<string>,
  { lose }: Place
): string | undefined => {
  const what = `values of keys with ${described(filter)}`
  const check = known(filter)
  const regExp = check && patternOf(check)
  const pattern = regExp && toServer(regExp.source, regExp.flags)
  if (pattern === undefined || "why" in pattern || pattern.relaxed !== undefined) {
    lose(what, "the server has no such pattern")
    return undefined
  }
  if (others.some((name) => new RegExp(regExp!.source, regExp!.flags).test(name))) {
    lose(what, "the schema has other fields with such names")
    return undefined
  }
  if (pattern.limit !== undefined) {
    lose(
      `values of keys of ${pattern.limit} characters and more`,
      "the server gives up such a pattern on long names"
    )
  }
  return pattern.pattern
}

const isComparable = (ast: SchemaAST.AST): boolean =>
  ast.encoding === undefined && [...storedTypes(ast)].every((type) => comparable.has(type))
