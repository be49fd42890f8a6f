/**
 * Random schemas with documents, and random pipelines over them. Everything follows from the numbers of a `Random`.
 *
 * @since 0.1.0
 */
import { Acc, Bson, Expr, Filter, Pipeline } from "@mongofx/schema"
import { storedTypes } from "@mongofx/schema/internal/ast/stored"
import { implOf } from "@mongofx/schema/internal/expression/expr"
import { expand } from "@mongofx/schema/internal/path/nodes"
import { DateTime, Schema, type SchemaAST } from "effect"
import * as Driver from "mongodb"
import type { AnySchema, Random } from "./compiledSchemas.ts"

/** A schema, and a maker of decoded values. */
interface Kind {
  readonly schema: AnySchema
  readonly value: (random: Random) => unknown
}

const kind = (schema: Schema.Constraint, value: (random: Random) => unknown): Kind => ({
  schema: schema as AnySchema,
  value
})

const texts = ["", "a", "$name", "2020-01-01", "äöü", "x y", "10"]
const dates = [new Date(0), new Date("2024-02-29T23:59:59.999Z"), new Date("2026-01-01")]

const leaves: ReadonlyArray<Kind> = [
  kind(Schema.Number, (random) => random.pick([0, 1, -1, 2.5, 1e300, 7])),
  kind(Schema.Int, (random) => random.pick([0, 1, -3, 2 ** 31])),
  kind(Bson.Int64, (random) => random.pick([0n, 5n, -7n, 9_000_000_000_000_000_000n])),
  kind(Bson.Decimal128, (random) => Driver.Decimal128.fromString(random.pick(["0", "1.5", "-2E+3"]))),
  kind(Schema.String, (random) => random.pick(texts)),
  kind(Schema.FiniteFromString, (random) => random.int(10)),
  kind(Schema.Literals(["open", "paid", "sent"]), (random) => random.pick(["open", "paid", "sent"])),
  kind(Schema.Boolean, (random) => random.chance(0.5)),
  kind(Bson.Date, (random) => random.pick(dates)),
  kind(Schema.DateTimeUtcFromDate, (random) => DateTime.makeUnsafe(random.pick(dates))),
  kind(Bson.ObjectId, (random) => new Driver.ObjectId(String(random.int(1000)).padStart(24, "0")))
]

const names = ["a", "b", "c", "d", "e"]

const kindOf = (random: Random, depth: number): Kind => {
  const roll = random.next()
  if (depth === 0 || roll < 0.55) return random.pick(leaves)
  const below = kindOf(random, depth - 1)
  if (roll < 0.65) {
    return kind(Schema.NullOr(below.schema), (random) => random.chance(0.3) ? null : below.value(random))
  }
  if (roll < 0.82) {
    return kind(
      Schema.Array(below.schema),
      (random) => Array.from({ length: random.int(4) }, () => below.value(random))
    )
  }
  return structOf(random, depth - 1, random.shuffle(names).slice(0, 1 + random.int(3)), {})
}

const structOf = (
  random: Random,
  depth: number,
  names: ReadonlyArray<string>,
  first: Readonly<Record<string, Kind>>
): Kind => {
  const kinds: Record<string, Kind & { readonly optional: boolean }> = {}
  for (const [name, kind] of Object.entries(first)) kinds[name] = { ...kind, optional: false }
  for (const name of names) kinds[name] = { ...kindOf(random, depth), optional: random.chance(0.35) }
  const fields = Object.fromEntries(
    Object.entries(kinds).map(([name, { optional, schema }]) => [name, optional ? Schema.optionalKey(schema) : schema])
  )
  const struct = Schema.Struct(fields)
  const keys = random.chance(0.3) ? { [names[0]!]: `stored_${names[0]}` } : undefined
  return kind(keys === undefined ? struct : struct.pipe(Schema.encodeKeys(keys as never)), (random) => {
    const value: Record<string, unknown> = {}
    for (const [name, { optional, value: make }] of Object.entries(kinds)) {
      if (!optional || random.chance(0.6)) value[name] = make(random)
    }
    return value
  })
}

/**
 * A schema of documents with a number as `_id`, and documents of it.
 *
 * @since 0.1.0
 */
export const randomDocuments = (random: Random): { readonly schema: AnySchema; readonly documents: Array<unknown> } => {
  let next = 0
  const { schema, value } = structOf(random, 2, names, { _id: kind(Schema.Int, () => next++) })
  return { schema, documents: Array.from({ length: 6 }, () => value(random)) }
}

// ---- expressions

type Any = Expr.Expr<any>

/** Operators without types: the program is random, and what an operator refuses is tried again. */
const E: any = Expr

type Category = "number" | "text" | "boolean" | "date" | "array" | "object" | "other"

const categories: ReadonlyArray<readonly [Category, ReadonlySet<string>]> = [
  ["number", new Set(["number", "int", "long", "double", "decimal"])],
  ["text", new Set(["string"])],
  ["boolean", new Set(["bool"])],
  ["date", new Set(["date"])],
  ["array", new Set(["array"])],
  ["object", new Set(["object"])]
]

const categoryOf = (expr: Any): Category => {
  const types = [...storedTypes(implOf(expr).slot.ast)].filter((type) => type !== "null" && type !== "missing")
  return categories.find(([, all]) => types.length > 0 && types.every((type) => all.has(type)))?.[0] ?? "other"
}

/** What a program may refer to at a place. */
type Scope = ReadonlyArray<Any>

const fieldNames = (ast: SchemaAST.AST): ReadonlyArray<string> =>
  expand(ast).flatMap((node) =>
    node._tag === "Object"
      ? node.objects.propertySignatures.map(({ name }) => String(name))
      : node._tag === "Array"
      ? node.arrays.rest.flatMap((element) =>
        expand(element).some((each) => each._tag === "Array") ? [] : fieldNames(element)
      )
      : []
  )

const attempt = <A>(f: () => A): A | undefined => {
  try {
    return f()
  } catch {
    return undefined
  }
}

/** References to all fields below a reference, of two levels. */
const below = (reference: any, depth: number): ReadonlyArray<Any> =>
  depth === 0 ? [] : [...new Set(fieldNames(implOf(reference).slot.ast))].flatMap((name) => {
    const field = attempt(() => reference[name])
    return field === undefined ? [] : [field, ...below(field, depth - 1)]
  })

const isReferenceOf = (category: Category) => (expr: Any) => categoryOf(expr) === category

class Expressions {
  readonly random: Random
  constructor(random: Random) {
    this.random = random
  }

  /** An expression of a category. What an operator refuses is tried again. */
  of(category: Category, scope: Scope, depth: number): Any {
    for (let i = 0; i < 6; i++) {
      const made = attempt(() => this.once(category, scope, depth))
      if (made !== undefined) return made
    }
    return this.constant(category)
  }

  any(scope: Scope, depth: number): Any {
    if (scope.length > 0 && this.random.chance(0.3)) return this.random.pick(scope)
    if (depth > 0 && this.random.chance(0.3)) {
      const made = attempt(() => this.mixed(scope, depth - 1))
      if (made !== undefined) return made
    }
    return this.of(
      this.random.pick(["number", "number", "text", "boolean", "date", "array", "object"]),
      scope,
      depth
    )
  }

  /** What gives a value of any category. */
  private mixed(scope: Scope, depth: number): Any {
    const any = () => this.any(scope, depth)
    const array = () => this.of("array", scope, depth)
    return this.random.pick<() => Any>([
      () => E.cond(this.of("boolean", scope, depth), any(), any()),
      () => E.ifNull(any(), any()),
      () => E.arrayElemAt(array(), this.random.pick([0, -1, 5])),
      () => E.first(array()),
      () => E.last(array()),
      () => E.let(any(), (value: any) => this.any([...scope, value, ...below(value, 1)], depth))
    ])()
  }

  private constant(category: Category): Any {
    const { random } = this
    switch (category) {
      case "number":
        return random.chance(0.2) ? E.literal(3n) : E.literal(random.pick([0, 1, 2, -1, 0.5]))
      case "text":
        return E.literal(random.pick(texts))
      case "boolean":
        return E.literal(random.chance(0.5))
      case "date":
        return E.literal(random.pick(dates))
      case "array":
        return E.range(0, random.int(3))
      case "object":
        return E.struct({ k: E.literal("k") })
      case "other":
        return E.literal(null)
    }
  }

  private once(category: Category, scope: Scope, depth: number): Any {
    const { random } = this
    const known = scope.filter(isReferenceOf(category))
    if (known.length > 0 && random.chance(depth === 0 ? 0.8 : 0.4)) return random.pick(known)
    if (depth === 0 || random.chance(0.1)) return this.constant(category)
    const number = (): any => this.of("number", scope, depth - 1)
    const text = (): any => this.of("text", scope, depth - 1)
    const boolean = (): any => this.of("boolean", scope, depth - 1)
    const date = (): any => this.of("date", scope, depth - 1)
    const array = (): any => this.of("array", scope, depth - 1)
    const object = (): any => this.of("object", scope, depth - 1)
    const any = (): any => this.any(scope, depth - 1)
    const inside = (element: any, f: (scope: Scope) => any): any => f([...scope, element, ...below(element, 1)])
    const shared: ReadonlyArray<() => Any> = [
      () => E.ifNull(this.of(category, scope, depth - 1), this.of(category, scope, depth - 1)),
      () => E.cond(boolean(), this.of(category, scope, depth - 1), this.of(category, scope, depth - 1))
    ]
    const own: Readonly<Record<Category, ReadonlyArray<() => Any>>> = {
      number: [
        () => random.pick([E.add, E.subtract, E.multiply, E.divide, E.mod, E.pow, E.atan2])(number(), number()),
        () => random.pick([E.abs, E.ceil, E.floor, E.exp, E.sqrt, E.sigmoid, E.ln, E.log10])(number()),
        () => random.pick([E.sin, E.cos, E.tan, E.atan, E.sinh, E.asinh, E.degreesToRadians])(number()),
        () => random.pick([E.bitAnd, E.bitOr, E.bitXor])(number(), number()),
        () => random.pick([E.round, E.trunc])(number(), random.pick([0, 1, -1])),
        () => E.size(E.ifNull(array(), E.range(0, 1))),
        () => random.pick([E.strLenCP, E.strLenBytes])(E.ifNull(text(), E.literal(""))),
        () => random.pick([E.indexOfCP, E.indexOfBytes])(text(), E.ifNull(text(), E.literal("a"))),
        () => E.strcasecmp(text(), text()),
        () => random.pick([E.year, E.month, E.dayOfWeek, E.isoWeekYear, E.hour, E.millisecond])(date()),
        () => E.dateDiff(date(), { endDate: date(), unit: "day" }),
        () => E.indexOfArray(array(), any()),
        () => E.reduce(array(), 0, (sum: any) => E.add(sum, 1)) as Any
      ],
      text: [
        () => E.concat(text(), text()),
        () => random.pick([E.toUpper, E.toLower])(text()),
        () => random.pick([E.trim, E.ltrim, E.rtrim])(text()),
        () => random.pick([E.substrCP, E.substrBytes])(text(), 0, random.int(3)),
        () => random.pick([E.replaceOne, E.replaceAll])(text(), { find: text(), replacement: text() }),
        () => E.dateToString(date(), { format: "%Y-%m" }),
        () => E.dateToString(date(), { onNull: "never" })
      ],
      boolean: [
        () => {
          const [a, b] = [any(), any()]
          return random.pick([E.eq, E.ne, E.gt, E.gte, E.lt, E.lte])(a, b)
        },
        () => random.pick([E.and, E.or])(boolean(), boolean()),
        () => E.not(boolean()),
        () => E.isArray(any()),
        () => E.regexMatch(text(), /a/i),
        () => random.pick([E.setEquals, E.setIsSubset])(array(), array()),
        () => random.pick([E.allElementsTrue, E.anyElementTrue])(array())
      ],
      date: [
        () =>
          random.pick([E.dateAdd, E.dateSubtract])(date(), {
            unit: random.pick(["day", "month"]),
            amount: random.int(5)
          }),
        () => E.dateTrunc(date(), { unit: random.pick(["hour", "week", "year"]) }),
        () => E.dateFromParts({ year: 2020, month: random.int(12) + 1 }),
        () => E.dateFromString(E.dateToString(date()))
      ],
      array: [
        () => E.map(array(), (element: any) => inside(element, (scope) => this.any(scope, depth - 1))),
        () =>
          E.map(array(), (element: any) => inside(element, (scope) => ({ x: this.any(scope, depth - 1), y: element }))),
        () => E.filter(array(), (element: any) => inside(element, (scope) => this.of("boolean", scope, depth - 1))),
        () => E.concatArrays(array(), array()),
        () => E.reverseArray(array()),
        () => E.slice(array(), random.pick([1, 2, -1])),
        () => random.pick<any>([E.firstN, E.lastN, E.maxN, E.minN])(array(), { n: 2 }),
        () => E.range(0, random.int(4), random.pick([1, 2])),
        () => E.split(text(), " "),
        () => E.objectToArray(object()),
        () => E.regexFindAll(text(), /./),
        () => random.pick([E.setUnion, E.setIntersection, E.setDifference])(array(), array())
      ],
      object: [
        () => E.struct({ p: any(), q: any() }),
        () => E.struct({ p: { r: any() }, gone: E.missing }),
        () => E.dateToParts(date()),
        () => E.regexFind(text(), /a/),
        () => E.arrayToObject(E.map(array(), (element: any) => ({ k: E.literal("k"), v: element })))
      ],
      other: []
    }
    return random.pick([...own[category], ...shared])()
  }
}

// ---- stages

type AnyPipeline = Pipeline.Pipeline<any, any>

const astOf = (pipeline: AnyPipeline): SchemaAST.AST => pipeline.schema.ast

const topFields = (pipeline: AnyPipeline): ReadonlyArray<string> => [
  ...new Set(expand(astOf(pipeline)).flatMap((node) => node._tag === "Object" ? fieldNames(node.objects) : []))
]

/**
 * Another collection for `lookup` and `unionWith`, as a typed collection.
 *
 * @since 0.1.0
 */
export type Other = any

class Stages {
  readonly random: Random
  readonly other: Other
  readonly expressions: Expressions

  constructor(random: Random, other: Other) {
    this.random = random
    this.other = other
    this.expressions = new Expressions(random)
  }

  private expression($: any): any {
    return this.expressions.any(below($, 2), this.random.int(3))
  }

  private condition($: any): any {
    return this.expressions.of("boolean", below($, 2), 1 + this.random.int(2))
  }

  private accumulator($: any): any {
    const value = this.expression($)
    return this.random.pick<() => any>([
      () => Acc.count,
      () => Acc.sum(this.expressions.of("number", below($, 2), 1)),
      () => Acc.avg(this.expressions.of("number", below($, 2), 1)),
      () => Acc.min(value),
      () => Acc.max(value),
      () => Acc.first(value),
      () => Acc.last(value),
      () => Acc.push(value),
      () => Acc.addToSet(value)
    ])()
  }

  private path(pipeline: AnyPipeline): string {
    const { random } = this
    const name = random.pick(topFields(pipeline))
    return random.chance(0.3) ? `${name}.${random.pick(names)}` : name
  }

  /** A stage. It may be refused, then it throws. */
  stage(pipeline: AnyPipeline, depth: number): AnyPipeline {
    const { random } = this
    const p: any = pipeline
    const fields = topFields(pipeline)
    const choices: ReadonlyArray<() => any> = [
      () => Pipeline.matchExpr(p, ($: any) => this.condition($)),
      () => Pipeline.match(p, Filter.expr(($: any) => this.condition($)) as never),
      () => Pipeline.set(p, ($: any) => ({ [random.chance(0.5) ? random.pick(names) : "new"]: this.expression($) })),
      () => Pipeline.set(p, ($: any) => ({ [this.path(pipeline)]: this.expression($), other: this.expression($) })),
      () => Pipeline.set(p, () => ({ [random.pick(names)]: E.missing })),
      () => (Pipeline.unset as any)(p, this.path(pipeline)),
      () => Pipeline.select(p, ($: any) => ({ x: this.expression($), y: { z: this.expression($) }, _id: $._id })),
      () => Pipeline.project(p, { [this.path(pipeline)]: 1 } as never),
      () => Pipeline.project(p, { [this.path(pipeline)]: 0 } as never),
      () =>
        (Pipeline.unwind as any)(p, this.path(pipeline), {
          preserveNullAndEmptyArrays: random.chance(0.5),
          ...(random.chance(0.5) ? { includeArrayIndex: "at" } : {})
        }),
      () =>
        Pipeline.group(
          p,
          ($: any) => this.expression($),
          ($: any) => ({ n: this.accumulator($), m: this.accumulator($) })
        ),
      () =>
        Pipeline.group(
          p,
          ($: any) => ({ k: this.expression($), l: this.expression($) }),
          ($: any) => ({ n: this.accumulator($) })
        ),
      () => Pipeline.group(p, () => null, ($: any) => ({ n: this.accumulator($) })),
      () => Pipeline.sort(p, { [random.pick(fields)]: random.pick([1, -1]) } as never),
      () => Pipeline.limit(p, 1 + random.int(5)),
      () => Pipeline.skip(p, random.int(2)),
      () => Pipeline.count(p, "count"),
      () => Pipeline.replaceRoot(p, ($: any) => this.expressions.of("object", below($, 2), 2)),
      () =>
        (Pipeline.setWindowFields as any)(p, {
          partitionBy: ($: any) => this.expressions.of("text", below($, 2), 1),
          sortBy: { [random.pick(fields)]: 1 },
          output: ($: any) => ({
            window: (Acc.over as any)(this.accumulator($), {
              documents: random.pick([[-1, 0], [1, 2], ["unbounded", "current"]])
            }),
            number: random.pick([Acc.documentNumber, Acc.rank])
          })
        }),
      () => Pipeline.sortByCount(p, ($: any) => this.expression($)),
      () =>
        (Pipeline.bucket as any)(p, ($: any) => this.expressions.of("number", below($, 2), 1), {
          boundaries: [-1, 0, 5],
          default: "other",
          output: ($: any) => ({ n: this.accumulator($) })
        }),
      () => (Pipeline.bucketAuto as any)(p, ($: any) => this.expression($), { buckets: 2 }),
      () =>
        (Pipeline.fill as any)(p, {
          sortBy: { [random.pick(fields)]: 1 },
          output: ($: any) => ({
            [random.pick(fields)]: random.chance(0.5) ? { method: "locf" } : { value: this.expression($) }
          })
        }),
      ...(depth === 0 ? [] : [
        () => Pipeline.facet(p, (all: any) => ({ one: this.stages(all, 2, 0), two: this.stages(all, 1, 0) }) as any),
        () => Pipeline.unionWith(p, this.other, (others: any) => this.stages(others, random.int(2), 0)),
        () =>
          (Pipeline.lookup as any)(p, {
            from: this.other,
            as: random.pick([...names, "found"]),
            pipeline: (others: any, $: any) =>
              this.stages(
                Pipeline.set(Pipeline.limit(others, 3), (inner: any) => ({
                  outer: this.expressions.any([...below($, 1), ...below(inner, 1)], 1)
                })),
                random.int(2),
                0
              )
          }),
        () =>
          (Pipeline.lookup as any)(p, {
            from: this.other,
            as: "found",
            localField: random.pick(fields),
            foreignField: random.pick(names)
          })
      ])
    ]
    return random.pick(choices)()
  }

  stages(pipeline: AnyPipeline, n: number, depth: number): AnyPipeline {
    let made = pipeline
    for (let i = 0; i < n; i++) {
      for (let tries = 0; tries < 5; tries++) {
        const next = attempt(() => this.stage(made, depth))
        if (next !== undefined && topFields(next).length > 0) {
          made = next
          break
        }
      }
    }
    return made
  }
}

/**
 * A random pipeline of up to five stages on documents of a schema.
 *
 * @since 0.1.0
 */
export const randomPipeline = (random: Random, schema: AnySchema, other: Other): AnyPipeline =>
  new Stages(random, other).stages(Pipeline.make(schema) as AnyPipeline, 1 + random.int(5), 1)
