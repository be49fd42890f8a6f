/**
 * Instances of classes are decoded without their constructors, where nobody can tell the difference.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { Bson, MongoModel } from "@mongofx/schema"
import { instancesOf } from "@mongofx/schema/internal/compiler/instances"
import { mismatch } from "@mongofx/schema/internal/compiler/runtime"
import { Effect, Equal, Exit, Hash, Schema, SchemaTransformation } from "effect"
import { Model } from "effect/schema"
import * as Driver from "mongodb"
import { compile, decode } from "../support/codec.ts"

type AnyClass = Schema.Codec<object, unknown> & (new(...args: ReadonlyArray<never>) => object)

const { BSON } = Driver

/** Decodes a document with the interpreter, and several times with the compiled decoder. */
const decodeBoth = (schema: Schema.Codec<unknown, unknown>, document: Driver.Document) => {
  const bytes = BSON.serialize(document)
  const codec = compile(schema)
  const interpret = () => Effect.runSyncExit(Schema.decodeUnknownEffect(schema)(BSON.deserialize(bytes)))
  return {
    compiled: Array.from({ length: 3 }, () => Effect.runSyncExit(decode(codec, bytes))),
    isCompiled: codec.decodeBytes(bytes) !== mismatch,
    interpreted: interpret()
  }
}

/** Asserts that the instances equal those of the interpreter in every visible way. */
const assertSame = (
  Class: AnyClass,
  document: Driver.Document,
  schema: Schema.Codec<unknown, unknown> = Class
): void => {
  const { compiled, interpreted, isCompiled } = decodeBoth(schema, document)
  assert.isTrue(isCompiled)
  if (Exit.isFailure(interpreted)) throw new Error(String(interpreted))
  const expected = interpreted.value as object
  for (const exit of compiled) {
    if (Exit.isFailure(exit)) throw new Error(String(exit))
    const actual = exit.value as object
    assert.instanceOf(actual, Class as never)
    assert.strictEqual(Object.getPrototypeOf(actual), Object.getPrototypeOf(expected))
    assert.deepStrictEqual(Object.getOwnPropertyDescriptors(actual), Object.getOwnPropertyDescriptors(expected))
    assert.deepStrictEqual(Reflect.ownKeys(actual), Reflect.ownKeys(expected))
    assert.isTrue(Equal.equals(actual, expected))
    assert.strictEqual(Hash.hash(actual), Hash.hash(expected))
    assert.strictEqual(String(actual), String(expected))
    assert.strictEqual(JSON.stringify(actual), JSON.stringify(expected))
    assert.strictEqual(Object.isExtensible(actual), Object.isExtensible(expected))
    assert.isTrue(Schema.is(Class)(actual))
  }
}

const isDirect = (schema: Schema.Constraint): boolean | undefined => instancesOf(schema.ast)?.known

/** Classes by their source, which a compiler of TypeScript leaves as it is. */
const derived = (body: string, Base: AnyClass): AnyClass =>
  new Function("Base", "calls", `return class Derived extends Base { ${body} }`)(Base, calls) as AnyClass

const calls: Array<unknown> = []

let count = 0
const makeBase = (): AnyClass =>
  Schema.Class<object>(`Base${count++}`)({ name: Schema.String, age: Schema.optionalKey(Schema.Int) }) as never

const document = { name: "Ada", age: 36 }

describe("instances that are made directly", () => {
  it("have the methods, getters and statics of their class", () => {
    class User extends Schema.Class<User>("User")({
      name: Schema.String,
      nick: Schema.optionalKey(Schema.String),
      born: Bson.Date,
      10: Schema.Int
    }) {
      static readonly kind = "user"
      get shout() {
        return this.name.toUpperCase()
      }
      greet() {
        return `Hello ${this.name}`
      }
    }
    const whole = { born: new Date(0), nick: "a", name: "Ada", 10: 1 }
    assertSame(User as never, whole)
    assertSame(User as never, { name: "Ada", born: new Date(0), 10: 1 })
    assert.isTrue(isDirect(User))
    const { compiled: [exit] } = decodeBoth(User as never, whole)
    assert.isTrue(
      Exit.isSuccess(exit!) && (exit.value as User).shout === "ADA" && (exit.value as User).greet() === "Hello Ada"
    )
  })

  it("may be of tagged, extended and nested classes, and of models", () => {
    class Address extends Schema.Class<Address>("Address")({ street: Schema.String }) {}
    class Person extends Schema.TaggedClass<Person>()("Person", { address: Address, others: Schema.Array(Address) }) {}
    class Employee extends Person.extend<Employee>("Employee")({ salary: Schema.Int }) {}
    const person = { _tag: "Person", address: { street: "a" }, others: [{ street: "b" }, { street: "c" }] }
    assertSame(Person as never, person)
    assertSame(Employee as never, { salary: 1, ...person })
    class Account extends Model.Class<Account>("Account")({
      _id: MongoModel.ObjectIdGenerated,
      name: Schema.String,
      createdAt: Model.DateTimeInsertFromDate
    }) {}
    assertSame(Account as never, { _id: new Driver.ObjectId(), name: "a", createdAt: new Date(0) })
    for (const schema of [Address, Person, Employee, Account]) assert.isTrue(isDirect(schema))
  })

  it("may be of classes that refer to themselves", () => {
    class Category extends Schema.Class<Category>("Category")({
      name: Schema.String,
      parts: Schema.Array(Schema.suspend((): Schema.Codec<Category, unknown> => Category as never))
    }) {}
    assertSame(Category as never, { name: "a", parts: [{ name: "b", parts: [{ name: "c", parts: [] }] }] })
    assert.isTrue(isDirect(Category))
  })

  it("may be of classes with checks, before and after the instance is made", () => {
    const seen: Array<boolean> = []
    class Range extends Schema.Class<Range>("Range")({ from: Schema.Int, to: Schema.Int }) {}
    const Ascending = Range.check(Schema.makeFilter((range) => {
      seen.push(range instanceof Range)
      return range.from <= range.to
    }))
    assertSame(Range as never, { from: 1, to: 2 }, Ascending as never)
    assert.isTrue(seen.every((isInstance) => isInstance))
    const { compiled, interpreted } = decodeBoth(Ascending as never, { from: 2, to: 1 })
    assert.isTrue(Exit.isFailure(interpreted))
    for (const exit of compiled) assert.strictEqual(String(exit), String(interpreted))
    assert.isTrue(isDirect(Ascending))

    const prototypes = new Set<unknown>()
    const fields = Schema.Struct({ a: Schema.Int, b: Schema.Int }).check(
      Schema.makeFilter((fields) => {
        prototypes.add(Object.getPrototypeOf(fields))
        return fields.a < fields.b
      })
    )
    class Pair extends Schema.Class<Pair>("Pair")(fields) {}
    const { compiled: fit } = decodeBoth(Pair as never, { a: 1, b: 2 })
    for (const exit of fit) assert.isTrue(Exit.isSuccess(exit) && exit.value instanceof Pair)
    assert.deepStrictEqual([...prototypes], [Object.prototype])
    for (const exit of decodeBoth(Pair as never, { a: 2, b: 1 }).compiled) assert.isTrue(Exit.isFailure(exit))
  })

  it("may come after and before transformations", () => {
    class Inner extends Schema.Class<Inner>("Inner")({ at: Schema.DateFromString, n: Schema.FiniteFromString }) {}
    const Outer = Schema.Struct({
      inner: Schema.OptionFromNullOr(Inner),
      pair: Schema.Tuple([Inner, Schema.Union([Schema.String, Inner])])
    })
    const inner = { at: "1970-01-01T00:00:00.000Z", n: "1" }
    for (const value of [inner, null]) {
      const { compiled, interpreted } = decodeBoth(Outer as never, { inner: value, pair: [inner, inner] })
      for (const exit of compiled) assert.deepStrictEqual(exit, interpreted)
    }
    assert.isTrue(isDirect(Inner))
  })
})

describe("instances that are not made directly", () => {
  const assertConstructed = (Class: AnyClass, given: Driver.Document = document): void => {
    const { compiled, interpreted } = decodeBoth(Class, given)
    for (const exit of compiled) {
      assert.strictEqual(exit._tag, interpreted._tag)
      if (Exit.isFailure(exit) || Exit.isFailure(interpreted)) continue
      assert.deepStrictEqual(
        Object.getOwnPropertyDescriptors(exit.value),
        Object.getOwnPropertyDescriptors(interpreted.value)
      )
      assert.instanceOf(exit.value, Class as never)
    }
    assert.isFalse(isDirect(Class))
  }

  it("come from a constructor of the class, in any spelling", () => {
    for (
      const body of [
        "constructor(...args) { super(...args); calls.push(1) }",
        "constructor(fields, options) { super(fields, options); this.extra = 1 }",
        "\"constructor\"(...args) { super(...args); calls.push(1) }",
        "\"c\\u006fnstruct\\\nor\"(...args) { super(...args); calls.push(1) }",
        "c\\u006fnstructor(...args) { super(...args); calls.push(1) }"
      ]
    ) {
      calls.length = 0
      const Class = derived(body, makeBase())
      assertConstructed(Class)
      if (body.includes("calls")) assert.isAtLeast(calls.length, 5, body)
      assertConstructed(derived("", derived(body, makeBase())))
    }
  })

  it("come from the constructor if the class has its own fields, with any values", () => {
    for (
      const body of [
        "extra = calls.length",
        "\"name\" = \"Grace\"",
        "name = this.name",
        "name = this.name === \"Ada\" ? this.name : \"somebody\"",
        "[\"na\" + \"me\"]",
        "age",
        "#secret = 1; has() { return #secret in this }",
        "#secret() { return 1 }"
      ]
    ) {
      assertConstructed(derived(body, makeBase()))
      assertConstructed(derived("other() {}", derived(body, makeBase())))
    }
    const Class = derived("name = this.name === \"Ada\" ? this.name : \"somebody\"", makeBase())
    assertConstructed(Class)
    assertConstructed(Class, { name: "Grace" })
    // Also if the first document has none of the schema's fields.
    for (const body of ["extra = 1", "nick = \"a\""]) {
      const Empty = Schema.Class<object>("Empty")({ nick: Schema.optionalKey(Schema.String) }) as never
      assertConstructed(derived(body, Empty), {})
    }
  })

  it("come from the constructor if a class in between has one, or is not a class", () => {
    const Base = makeBase() as AnyClass & { extend: (name: string) => (fields: object) => AnyClass }
    const Own = derived("constructor(...args) { super(...args); this.extra = 1 }", Base) as typeof Base
    assertConstructed(derived("", Own.extend("Further")({ more: Schema.optionalKey(Schema.Int) })))
    function Old(this: object, ...args: ReadonlyArray<never>) {
      return Reflect.construct(Base, args, new.target ?? Old)
    }
    Object.setPrototypeOf(Old, Base)
    Old.prototype = Object.create(Base.prototype, { constructor: { value: Old } })
    assertConstructed(Old as never)
    class Failure extends Schema.TaggedError<Failure>()("Failure", { text: Schema.String }) {}
    const { compiled } = decodeBoth(Failure as never, { _tag: "Failure", text: "a" })
    for (const exit of compiled) {
      assert.isTrue(Exit.isSuccess(exit) && exit.value instanceof Failure && typeof exit.value.stack === "string")
    }
    assert.isFalse(isDirect(Failure))
  })

  it("come from the constructor if the prototype has a property with the name of a field", () => {
    for (const body of ["get name() { return 1 }", "set age(age) { calls.push(age) }", "name() {}"]) {
      calls.length = 0
      assertConstructed(derived(body, makeBase()))
    }
    assertConstructed(Schema.Class<object>("Odd")({ toString: Schema.String }) as never, { toString: "a" })
  })

  it("come from a transformation to a class of the program", () => {
    class Name extends Schema.Class<Name>("Name")({ name: Schema.String }) {}
    const FromText = Schema.Struct({ name: Schema.String }).pipe(Schema.decodeTo(
      Schema.instanceOf(Name),
      SchemaTransformation.transform({
        decode: ({ name }: { readonly name: string }) => new Name({ name: `${name}!` }),
        encode: ({ name }: Name) => ({ name })
      })
    ))
    const { compiled, interpreted } = decodeBoth(FromText, { name: "Ada" })
    for (const exit of compiled) assert.deepStrictEqual(exit, interpreted)
    assert.isUndefined(isDirect(FromText as never))
  })
})
