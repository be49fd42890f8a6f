/** Makes instances of `Schema.Class` without their constructor, if the constructor only copies valid fields. */
import * as Data from "effect/Data"
import * as Schema from "effect/Schema"
import type * as SchemaAST from "effect/SchemaAST"
import { stringNames } from "./analysis.ts"

/**
 * A constructor in generated code. It gets the prototype of the class before its first call.
 *
 * @internal
 */
export type Maker = (new() => object) & { prototype: unknown; specimen?: object }

const sourceOf = (f: unknown): string => Function.prototype.toString.call(f)

/** The source of the classes that Effect makes. They all come from one expression. */
const effectSource = sourceOf((Schema.Class as (name: string) => (fields: object) => unknown)("Source")({}))

/**
 * Whether the classes from here up to that of Effect lack constructors and private fields. The source of a class with one
 * contains the word `constructor`, a backslash or a `#`. Sources of other classes may contain them too; their constructors run.
 */
const hasNoConstructor = (self: unknown): boolean => {
  for (let current = self; current !== Data.Class; current = Object.getPrototypeOf(current)) {
    if (typeof current !== "function") return false
    const source = sourceOf(current)
    if (source !== effectSource && (!source.startsWith("class") || /constructor|[\\#]/.test(source))) return false
  }
  return true
}

const holdsOnly = (instance: object, fields: object): boolean => {
  const keys = Reflect.ownKeys(fields)
  return Reflect.ownKeys(instance).length === keys.length &&
    keys.every((key) => Object.hasOwn(instance, key) && Object.is(Reflect.get(instance, key), Reflect.get(fields, key)))
}

/**
 * Whether the class defines a field that the schema has too. In this test the instance takes no more properties once it gets a
 * field of the schema, so a later definition throws.
 */
const definesFields = (self: Function, names: ReadonlyArray<string>, fields: object): boolean => {
  const closing = Object.create(self.prototype)
  for (const name of names) {
    Object.defineProperty(closing, name, {
      set(this: object) {
        Object.preventExtensions(this)
      }
    })
  }
  const Closing = function() {}
  Closing.prototype = closing
  try {
    Reflect.construct(self, [fields, { disableChecks: true }], Closing)
    return false
  } catch {
    return true
  }
}

/**
 * The instances of a class. The AST does not name the class, so Effect makes the first instance, which shows it. `known` is
 * false until then. It stays false if the constructor does more than copy fields.
 *
 * @internal
 */
export class Instances {
  known = false
  private readonly names: ReadonlyArray<string>
  private readonly make: (fields: unknown) => unknown
  private asked = false
  private prototype: object | null = null
  private waiting: Array<Maker> = []

  constructor(names: ReadonlyArray<string>, make: (fields: unknown) => unknown) {
    this.names = names
    this.make = make
  }

  /** Registers a constructor. Generated code may call it once `known` is true. */
  add(maker: Maker): Maker {
    if (this.known) this.complete(maker)
    else if (!this.asked) this.waiting.push(maker)
    return maker
  }

  /**
   * Gives a constructor the prototype. V8 forgets the layout of objects once all of them are gone, and with it the code that it has
   * optimized for them. An instance without values keeps the layout.
   */
  private complete(maker: Maker): void {
    maker.prototype = this.prototype
    const specimen = new maker() as Record<string, unknown>
    for (const name of this.names) specimen[name] = undefined
    maker.specimen = specimen
  }

  /** Makes the instance with these fields. */
  of(fields: object): unknown {
    if (this.known) return Object.assign(Object.create(this.prototype), fields)
    const instance = this.make(fields)
    if (!this.asked) {
      this.asked = true
      this.prototype = this.plainPrototype(fields, instance as object)
      this.known = this.prototype !== null
      if (this.known) { for (const maker of this.waiting) this.complete(maker) }
      this.waiting = []
    }
    return instance
  }

  /** The prototype of an instance, or `null` if the constructor does more than copy fields. */
  private plainPrototype(fields: object, instance: object): object | null {
    const prototype: object = Object.getPrototypeOf(instance)
    const self = prototype.constructor
    return self.prototype === prototype && hasNoConstructor(self) &&
        !this.names.some((name) => name in prototype) && holdsOnly(instance, fields) &&
        !definesFields(self, this.names, fields)
      ? prototype
      : null
  }
}

const known = new WeakMap<object, Instances>()

/**
 * The instances of the class of a node, or `undefined` if the node is not a class.
 *
 * @internal
 */
export const instancesOf = (ast: SchemaAST.AST): Instances | undefined => {
  if (ast._tag !== "Declaration" || ast.encoding?.length !== 1) return undefined
  const [{ to, transformation }] = ast.encoding
  // A class of Effect names its constructor by the transformation that decodes it.
  const descriptor = ast.annotations?.["~constructor"]
  if (typeof descriptor !== "function" || to._tag !== "Objects" || transformation._tag !== "Transformation") {
    return undefined
  }
  if (descriptor(ast.typeParameters).link?.transformation !== transformation) return undefined
  if (transformation.decode._tag !== "Transform") return undefined
  let instances = known.get(transformation)
  if (instances === undefined) {
    instances = new Instances(stringNames(to), transformation.decode.transform)
    known.set(transformation, instances)
  }
  return instances
}
