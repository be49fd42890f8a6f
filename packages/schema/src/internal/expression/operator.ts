/**
 * Makes operators of their entries: a name, what they take, and the rule of their result. The signature of an operator says
 * the same in types.
 */
import { dual } from "effect/Function"
import type * as SchemaAST from "effect/SchemaAST"
import * as Driver from "mongodb"
import { arrayOf, boolean, eitherOf, elementOf, mixed, nonNull, orNull, present, type Slot } from "../ast/calculus.ts"
import { numeric } from "../ast/numbers.ts"
import { mayBeEqual, storedAs } from "../ast/stored.ts"
import { refuse } from "../refusal.ts"
import { ExprImpl, implOf, isExpr } from "./expr.ts"
import { anArray, aNumber, aText } from "./kinds.ts"
import { type Kind, operand, operandOf } from "./operand.ts"
import type { Writing } from "./writing.ts"

type Function = (...args: never) => unknown

/**
 * What an operator gives, from what its operands give. It may refuse operands, at the name of the operator.
 *
 * @internal
 */
export type Rule = (operands: ReadonlyArray<Slot>, at: string) => Slot

/**
 * The rule of an operator that always gives a value.
 *
 * @internal
 */
export const always = (ast: SchemaAST.AST): Rule => () => present(ast)

/**
 * The rule of an operator that gives null if an operand is null or missing.
 *
 * @internal
 */
export const nullable = (ast: SchemaAST.AST): Rule => (operands) => orNull(ast, operands)

/**
 * The rule of an operator that gives an array of elements of its first operand, or null if an operand is null or missing.
 *
 * @internal
 */
export const sameElements: Rule = (arrays) => orNull(arrayOf(elementOf(arrays[0]!.ast)), arrays)

/**
 * The rule of an operator that gives an array of the elements of all operands, or null if one of them is null or missing.
 *
 * @internal
 */
export const allElements: Rule = (arrays, at) =>
  orNull(arrayOf(mixed(arrays.map(({ ast }) => elementOf(ast)), at)), arrays)

/** Any value. */
const isAny = (kind: Kind | "any"): kind is "any" => kind === "any"

const taken = (kind: Kind | "any", term: unknown, at: string): ExprImpl =>
  isAny(kind) ? operand(term) : operandOf(kind, term, at)

const apply = (operands: ReadonlyArray<ExprImpl>, rule: Rule, at: string, write: (writing: Writing) => unknown) =>
  new ExprImpl(rule(operands.map(({ slot }) => slot), at), write)

/**
 * An operator of a list of operands that are known already.
 *
 * @internal
 */
export const listed = (name: string, operands: ReadonlyArray<ExprImpl>, rule: Rule): ExprImpl =>
  apply(operands, rule, name, (writing) => ({ [name]: operands.map((operand) => operand.write(writing)) }))

/**
 * An operator without operands in a list: `{ $toUpper: "$name" }`.
 *
 * @internal
 */
export const unary = <F extends Function>(name: string, kind: Kind | "any", rule: Rule): F =>
  ((term: unknown) => {
    const only = taken(kind, term, name)
    return apply([only], rule, name, (writing) => ({ [name]: only.write(writing) }))
  }) as unknown as F

/**
 * An operator of a list of operands of one kind: `{ $concat: ["$a", "$b"] }`. With one operand it waits for the first one.
 *
 * @internal
 */
export const variadic = <F extends Function>(name: string, kind: Kind | "any", rule: Rule): F =>
  dual(
    (args) => args.length !== 1,
    (...terms: ReadonlyArray<unknown>) => listed(name, terms.map((term) => taken(kind, term, name)), rule)
  ) as unknown as F

/**
 * An operator of a list with a kind for each place: `{ $arrayElemAt: ["$items", 0] }`.
 *
 * @internal
 */
export const positional = <F extends Function>(name: string, kinds: ReadonlyArray<Kind | "any">, rule: Rule): F =>
  dual(
    kinds.length,
    (...terms: ReadonlyArray<unknown>) =>
      listed(name, terms.map((term, i) => taken(kinds[i] ?? "any", term, name)), rule)
  ) as unknown as F

/**
 * An operator of a list whose last operands may be left out. The first argument is an expression.
 *
 * @internal
 */
export const trailing = <F extends Function>(name: string, kinds: ReadonlyArray<Kind | "any">, rule: Rule): F =>
  dual(
    ([self]) => isExpr(self),
    (...terms: ReadonlyArray<unknown>) => {
      const given = terms.filter((term) => term !== undefined)
      return listed(name, given.map((term, i) => taken(kinds[i] ?? "any", term, name)), rule)
    }
  ) as unknown as F

/**
 * An operator of a text and a regular expression: `{ $regexMatch: { input, regex } }`.
 *
 * @internal
 */
export const regex = <F extends Function>(name: string, rule: Rule): F =>
  dual(2, (self: unknown, pattern: unknown) => {
    const input = operandOf(aText, self, name)
    if (!(pattern instanceof RegExp)) return refuse(`${name}.regex`, "is not a RegExp")
    const others = pattern.flags.replace(/[ims]/g, "")
    if (others !== "") refuse(`${name}.regex`, `has flags that the server lacks: ${others}`)
    const regex = new Driver.BSONRegExp(pattern.source, pattern.flags)
    return apply([input], rule, name, (writing) => ({ [name]: { input: input.write(writing), regex } }))
  }) as unknown as F

/**
 * An operator of named operands: `{ $replaceAll: { input, find, replacement } }`. The first name is that of the first argument,
 * which is an expression. An object has the others, which may be left out. The operand that is called `onNull` is what the
 * operator gives in the place of null.
 *
 * @internal
 */
export const named = <F extends Function>(
  name: string,
  kinds: Readonly<Record<string, Kind | "any">>,
  rule: Rule
): F => {
  const [first = ""] = Object.keys(kinds)
  const make = record<(terms: object) => unknown>(name, kinds, rule)
  return dual(
    ([self]) => isExpr(self),
    (self: unknown, others: object = {}) => make({ [first]: self, ...others })
  ) as unknown as F
}

/**
 * An operator of named operands that are the fields of one argument: `{ $dateFromParts: { year, month } }`.
 *
 * @internal
 */
export const record = <F extends Function>(
  name: string,
  kinds: Readonly<Record<string, Kind | "any">>,
  rule: Rule
): F =>
  ((all: object) => {
    const terms = Object.entries(all).filter(([, term]) => term !== undefined)
    const operands = terms.map(([key, term]) => [key, namedOperand(kinds, key, term, name)] as const)
    const slots = (isWanted: (key: string) => boolean) =>
      operands.flatMap(([key, { slot }]) => isWanted(key) ? [slot] : [])
    const slot = rule(slots((key) => key !== "onNull"), name)
    const [onNull] = slots((key) => key === "onNull")
    return new ExprImpl(
      onNull === undefined
        ? slot
        : eitherOf([present(nonNull(slot.ast)), onNull], `${name}.onNull`),
      (writing) => ({ [name]: Object.fromEntries(operands.map(([key, operand]) => [key, operand.write(writing)])) })
    )
  }) as unknown as F

const namedOperand = (kinds: Readonly<Record<string, Kind | "any">>, key: string, term: unknown, name: string) =>
  Object.hasOwn(kinds, key)
    ? taken(kinds[key]!, term, `${name}.${key}`)
    : refuse(`${name}.${key}`, `is not an operand: it takes ${Object.keys(kinds).join(", ")}`)

/**
 * The operands of arithmetic. A constant is encoded as a number of the kind of the expressions beside it.
 *
 * @internal
 */
export const numbers = (terms: ReadonlyArray<unknown>, at: string): ReadonlyArray<ExprImpl> => {
  const known = terms.filter(isExpr).map((term) => implOf(term).slot.ast)
  const codec = known.length === 0 ? undefined : numeric(known, at)
  return terms.map((term) => operand(term, codec === undefined ? undefined : nonNull(codec)))
}

type OfNumber = (ast: SchemaAST.AST) => SchemaAST.AST

const ofNumbers = (of: OfNumber): Rule => (slots, at) => orNull(of(numeric(slots.map(({ ast }) => ast), at)), slots)

/**
 * An operator of arithmetic on any number of operands. `of` makes its result from the schema of such numbers.
 *
 * @internal
 */
export const arithmetic = <F extends Function>(
  name: string,
  of: OfNumber = (ast) => ast
): F =>
  dual(
    (args) => args.length !== 1,
    (...terms: ReadonlyArray<unknown>) => listed(name, numbers(terms, name), ofNumbers(of))
  ) as unknown as F

/**
 * An operator of one number: `{ $abs: "$a" }`. `of` makes its result from the schema of such a number.
 *
 * @internal
 */
export const computed = <F extends Function>(name: string, of: OfNumber = (ast) => ast): F =>
  unary(name, "any", ofNumbers(of))

/**
 * An operator that rounds a number to a place, which may be left out: `{ $round: ["$a", 2] }`. A place alone waits for the number.
 *
 * @internal
 */
export const rounding = <F extends Function>(name: string): F =>
  dual(
    ([self]) => isExpr(self),
    (self: unknown, place?: unknown) => {
      const to = place === undefined ? [] : [operandOf(aNumber, place, `${name}.place`)]
      const number = operand(self)
      const rule: Rule = ([slot, ...others], at) => orNull(numeric([slot!.ast], at), [slot!, ...others])
      return listed(name, [number, ...to], rule)
    }
  ) as unknown as F

/**
 * A comparison. A constant is encoded by the codec of the other side; what is never stored alike is refused.
 *
 * @internal
 */
export const comparison = <F extends Function>(name: string, result: SchemaAST.AST = boolean): F =>
  dual(2, (self: unknown, that: unknown) => {
    const sides = [self, that]
    const codec = sides.filter(isExpr).map((side) => implOf(side).slot.ast)[0]
    const operands = sides.map((side) => operand(side, codec))
    return listed(name, operands, ([a, b], at) => {
      checkComparable(a!.ast, b!.ast, at)
      return present(result)
    })
  }) as unknown as F

/**
 * Refuses to compare what is never stored alike.
 *
 * @internal
 */
export const checkComparable = (a: SchemaAST.AST, b: SchemaAST.AST, at: string): void => {
  if (mayBeEqual(a, b)) return
  refuse(at, `compares what is stored as ${storedAs(a)} with what is stored as ${storedAs(b)}`)
}

type OfElements = (element: SchemaAST.AST, slots: ReadonlyArray<Slot>, at: string) => Slot

/** An array as one operand: an array alone would be the list of operands. */
const overArray = (name: string, array: ExprImpl, of: OfElements): ExprImpl =>
  listed(name, [array], (slots, at) => of(elementOf(array.slot.ast), [{ ...slots[0]!, optional: true }], at))

/**
 * A statistic over the elements of an array, or over several operands. `of` makes its result from the schema of the values, which
 * may be none in an array.
 *
 * @internal
 */
export const statistic = <F extends Function>(
  name: string,
  operands: (terms: ReadonlyArray<unknown>, at: string) => ReadonlyArray<ExprImpl>,
  of: OfElements
): F =>
  ((...terms: ReadonlyArray<unknown>) =>
    terms.length === 1
      ? overArray(name, operandOf(anArray, terms[0], name), of)
      : listed(name, operands(terms, name), (slots, at) =>
        of(
          mixed(slots.map(({ ast }) => ast), at),
          slots,
          at
        ))) as unknown as F
