/** Text. */
import type { Expr, NullIf, Nullish, Term } from "../../Expr.ts"
import { arrayOf, boolean, nullOr, number, struct, text } from "../ast/calculus.ts"
import { aNumber, aText } from "../expression/kinds.ts"
import * as operator from "../expression/operator.ts"

/**
 * Texts one after the other. It is null if one of them is null or missing.
 *
 * **Example** (A full name)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const User = Schema.Struct({ _id: Bson.ObjectId, first: Schema.String, last: Schema.String })
 *
 * const names = Pipeline.make(User).pipe(Pipeline.select(($) => ({ name: Expr.concat($.first, " ", $.last) })))
 * ```
 *
 * @see {@link toUpper} for capital letters
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const concat: {
  <B extends string | Nullish>(
    that: Term<B>
  ): <A extends string | Nullish>(self: Expr<A>) => Expr<string | NullIf<A> | NullIf<B>>
  <A extends string | Nullish = string>(
    self: Term<A>,
    that: Term<A>,
    ...more: ReadonlyArray<Term<A>>
  ): Expr<string | NullIf<A>>
} = operator.variadic("$concat", aText, operator.nullable(text))

/**
 * The text in capital letters. It is empty if the text is null or missing.
 *
 * **Example** (A code)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Country = Schema.Struct({ _id: Bson.ObjectId, code: Schema.String })
 *
 * const codes = Pipeline.make(Country).pipe(Pipeline.select(($) => ({ code: Expr.toUpper($.code) })))
 * ```
 *
 * @see {@link concat} for several texts
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const toUpper: (self: Term<string | Nullish>) => Expr<string> = operator.unary(
  "$toUpper",
  aText,
  operator.always(text)
)

/**
 * The text with another text in the place of each one that is found. It is null if one of them is null or missing.
 *
 * **Example** (Spaces in the place of dashes)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Page = Schema.Struct({ _id: Bson.ObjectId, slug: Schema.String })
 *
 * const titles = Pipeline.make(Page).pipe(
 *   Pipeline.select(($) => ({ title: Expr.replaceAll($.slug, { find: "-", replacement: " " }) }))
 * )
 * ```
 *
 * @see {@link concat} for several texts
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const replaceAll: {
  <B extends string | Nullish = string>(
    options: { readonly find: Term<B>; readonly replacement: Term<B> }
  ): <A extends string | Nullish>(self: Expr<A>) => Expr<string | NullIf<A> | NullIf<B>>
  <A extends string | Nullish, B extends string | Nullish = string>(
    self: Expr<A>,
    options: { readonly find: Term<B>; readonly replacement: Term<B> }
  ): Expr<string | NullIf<A> | NullIf<B>>
} = operator.named("$replaceAll", { input: aText, find: aText, replacement: aText }, operator.nullable(text))

/**
 * The text in small letters. It is empty if the text is null or missing.
 *
 * **Example** (An address to compare)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const User = Schema.Struct({ _id: Bson.ObjectId, email: Schema.String })
 *
 * const values = Pipeline.make(User).pipe(Pipeline.select(($) => ({ value: Expr.toLower($.email) })))
 * ```
 *
 * @see {@link toUpper} for capital letters
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const toLower: (self: Term<string | Nullish>) => Expr<string> = operator.unary(
  "$toLower",
  aText,
  operator.always(text)
)

/**
 * What is cut off from a text.
 *
 * @see {@link trim} for what takes it
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface TrimOptions {
  /** The characters to cut off. White space, and the character of code 0, if left out. */
  readonly chars?: Term<string> | undefined
}

interface Trim {
  (options: TrimOptions): <A extends string | Nullish>(self: Expr<A>) => Expr<string | NullIf<A>>
  <A extends string | Nullish>(self: Expr<A>, options?: TrimOptions): Expr<string | NullIf<A>>
}

const trimming = (name: string): Trim => operator.named(name, { input: aText, chars: aText }, operator.nullable(text))

/** A part of a text, by a position and a length. */
interface Substring {
  (start: Term<number>, length: Term<number>): (self: Expr<string | Nullish>) => Expr<string>
  (self: Expr<string | Nullish>, start: Term<number>, length: Term<number>): Expr<string>
}

const cutting = (name: string): Substring => operator.positional(name, [aText, aNumber, aNumber], operator.always(text))

/** The position of a text in another one. */
interface IndexOf {
  (
    search: Term<string>,
    start?: Term<number>,
    end?: Term<number>
  ): <A extends string | Nullish>(self: Expr<A>) => Expr<number | NullIf<A>>
  <A extends string | Nullish>(
    self: Expr<A>,
    search: Term<string>,
    start?: Term<number>,
    end?: Term<number>
  ): Expr<number | NullIf<A>>
}

const indexing = (name: string): IndexOf =>
  operator.trailing(name, [aText, aText, aNumber, aNumber], operator.nullable(number))

/**
 * The text without white space at both ends, or without other characters. It is null if the text is null or missing.
 *
 * **Example** (A clean name)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const User = Schema.Struct({ _id: Bson.ObjectId, name: Schema.String })
 *
 * const values = Pipeline.make(User).pipe(Pipeline.select(($) => ({ value: Expr.trim($.name) })))
 * ```
 *
 * @see {@link ltrim} for the beginning alone
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const trim: Trim = trimming("$trim")

/**
 * The text without white space at the beginning, or without other characters. It is null if the text is null or missing.
 *
 * **Example** (A clean name)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const User = Schema.Struct({ _id: Bson.ObjectId, name: Schema.String })
 *
 * const values = Pipeline.make(User).pipe(Pipeline.select(($) => ({ value: Expr.ltrim($.name) })))
 * ```
 *
 * @see {@link rtrim} for the end
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const ltrim: Trim = trimming("$ltrim")

/**
 * The text without white space at the end, or without other characters. It is null if the text is null or missing.
 *
 * **Example** (A clean name)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const User = Schema.Struct({ _id: Bson.ObjectId, name: Schema.String })
 *
 * const values = Pipeline.make(User).pipe(Pipeline.select(($) => ({ value: Expr.rtrim($.name) })))
 * ```
 *
 * @see {@link ltrim} for the beginning
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const rtrim: Trim = trimming("$rtrim")

/**
 * The length of a text in bytes of UTF-8. The server fails where there is no text: replace one that may be missing with
 * `Expr.ifNull`.
 *
 * **Example** (The length of a name)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const User = Schema.Struct({ _id: Bson.ObjectId, name: Schema.String })
 *
 * const values = Pipeline.make(User).pipe(Pipeline.select(($) => ({ value: Expr.strLenBytes($.name) })))
 * ```
 *
 * @see {@link strLenCP} for characters
 * @stability unstable
 * @category getters
 * @since 0.1.0
 */
export const strLenBytes: (self: Expr<string>) => Expr<number> = operator.unary(
  "$strLenBytes",
  aText,
  operator.always(number)
)

/**
 * The length of a text in code points. The server fails where there is no text: replace one that may be missing with
 * `Expr.ifNull`.
 *
 * **Example** (The length of a name)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const User = Schema.Struct({ _id: Bson.ObjectId, name: Schema.String })
 *
 * const values = Pipeline.make(User).pipe(Pipeline.select(($) => ({ value: Expr.strLenCP($.name) })))
 * ```
 *
 * @see {@link strLenBytes} for bytes
 * @stability unstable
 * @category getters
 * @since 0.1.0
 */
export const strLenCP: (self: Expr<string>) => Expr<number> = operator.unary(
  "$strLenCP",
  aText,
  operator.always(number)
)

/**
 * A part of a text, by a position from 0 and a length in bytes of UTF-8. The server fails if that cuts a character. It is empty
 * if the text is null or missing.
 *
 * **Example** (The first letter)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const User = Schema.Struct({ _id: Bson.ObjectId, name: Schema.String })
 *
 * const values = Pipeline.make(User).pipe(Pipeline.select(($) => ({ value: Expr.substrBytes($.name, 0, 1) })))
 * ```
 *
 * @see {@link substrCP} for code points
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const substrBytes: Substring = cutting("$substrBytes")

/**
 * A part of a text, by a position from 0 and a length in code points. It is empty if the text is null or missing.
 *
 * **Example** (The first letter)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const User = Schema.Struct({ _id: Bson.ObjectId, name: Schema.String })
 *
 * const values = Pipeline.make(User).pipe(Pipeline.select(($) => ({ value: Expr.substrCP($.name, 0, 1) })))
 * ```
 *
 * @see {@link substrBytes} for bytes
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const substrCP: Substring = cutting("$substrCP")

/**
 * The position at which a text has another one first, from 0 in bytes of UTF-8. It is -1 if it does not have it. It is null if
 * the text is null or missing.
 *
 * **Details**
 *
 * `start` and `end` are positions between which it looks.
 *
 * **Example** (Where the domain begins)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const User = Schema.Struct({ _id: Bson.ObjectId, email: Schema.String })
 *
 * const values = Pipeline.make(User).pipe(Pipeline.select(($) => ({ value: Expr.indexOfBytes($.email, "@") })))
 * ```
 *
 * @see {@link indexOfCP} for code points
 * @stability unstable
 * @category getters
 * @since 0.1.0
 */
export const indexOfBytes: IndexOf = indexing("$indexOfBytes")

/**
 * The position at which a text has another one first, from 0 in code points. It is -1 if it does not have it. It is null if the
 * text is null or missing.
 *
 * **Details**
 *
 * `start` and `end` are positions between which it looks.
 *
 * **Example** (Where the domain begins)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const User = Schema.Struct({ _id: Bson.ObjectId, email: Schema.String })
 *
 * const values = Pipeline.make(User).pipe(Pipeline.select(($) => ({ value: Expr.indexOfCP($.email, "@") })))
 * ```
 *
 * @see {@link indexOfBytes} for bytes
 * @stability unstable
 * @category getters
 * @since 0.1.0
 */
export const indexOfCP: IndexOf = indexing("$indexOfCP")

/**
 * The parts of a text between delimiters. It is null if the text is null or missing. The server fails for an empty delimiter.
 *
 * **Example** (The words of a name)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const User = Schema.Struct({ _id: Bson.ObjectId, name: Schema.String })
 *
 * const values = Pipeline.make(User).pipe(Pipeline.select(($) => ({ value: Expr.split($.name, " ") })))
 * ```
 *
 * @see {@link concat} for the inverse
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const split: {
  (delimiter: Term<string>): <A extends string | Nullish>(self: Expr<A>) => Expr<ReadonlyArray<string> | NullIf<A>>
  <A extends string | Nullish>(self: Expr<A>, delimiter: Term<string>): Expr<ReadonlyArray<string> | NullIf<A>>
} = operator.positional("$split", [aText, aText], operator.nullable(arrayOf(text)))

/**
 * The order of two texts without regard to the case of ASCII letters: -1, 0 or 1. Null and what is missing count as empty text.
 *
 * **Example** (Names that are equal but for their case)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const User = Schema.Struct({ _id: Bson.ObjectId, name: Schema.String })
 *
 * const values = Pipeline.make(User).pipe(Pipeline.select(($) => ({ value: Expr.eq(Expr.strcasecmp($.name, "ada"), 0) })))
 * ```
 *
 * @see {@link cmp} for the order of other values
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const strcasecmp: {
  (that: Term<string | Nullish>): (self: Expr<string | Nullish>) => Expr<number>
  (self: Expr<string | Nullish>, that: Term<string | Nullish>): Expr<number>
} = operator.positional("$strcasecmp", [aText, aText], operator.always(number))

/**
 * The text with another text in the place of the first one that is found. It is null if one of them is null or missing.
 *
 * **Example** (A space in the place of the first dash)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const User = Schema.Struct({ _id: Bson.ObjectId, slug: Schema.String })
 *
 * const values = Pipeline.make(User).pipe(Pipeline.select(($) => ({ value: Expr.replaceOne($.slug, { find: "-", replacement: " " }) })))
 * ```
 *
 * @see {@link replaceAll} for all that are found
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const replaceOne: {
  <B extends string | Nullish = string>(
    options: { readonly find: Term<B>; readonly replacement: Term<B> }
  ): <A extends string | Nullish>(self: Expr<A>) => Expr<string | NullIf<A> | NullIf<B>>
  <A extends string | Nullish, B extends string | Nullish = string>(
    self: Expr<A>,
    options: { readonly find: Term<B>; readonly replacement: Term<B> }
  ): Expr<string | NullIf<A> | NullIf<B>>
} = operator.named("$replaceOne", { input: aText, find: aText, replacement: aText }, operator.nullable(text))

/**
 * What a regular expression found.
 *
 * @see {@link regexFind} for what gives it
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface RegexMatch {
  /** The text that was found. */
  readonly match: string
  /** Its position in code points, from 0. */
  readonly idx: number
  /** The text of each group, or null for a group that is not in it. */
  readonly captures: ReadonlyArray<string | null>
}

const regexMatchOf = struct({ match: text, idx: number, captures: arrayOf(nullOr(text)) })

/**
 * Whether a regular expression finds something in a text. It is false if the text is null or missing.
 *
 * **Details**
 *
 * The flags of the regular expression are `i`, `m` and `s`. Others are refused, since the server lacks them.
 *
 * **Example** (Whether a name has a digit)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const User = Schema.Struct({ _id: Bson.ObjectId, name: Schema.String })
 *
 * const values = Pipeline.make(User).pipe(Pipeline.select(($) => ({ value: Expr.regexMatch($.name, /\d/) })))
 * ```
 *
 * @see {@link regexFind} for what it finds
 * @stability unstable
 * @category predicates
 * @since 0.1.0
 */
export const regexMatch: {
  (regex: RegExp): (self: Expr<string | Nullish>) => Expr<boolean>
  (self: Expr<string | Nullish>, regex: RegExp): Expr<boolean>
} = operator.regex("$regexMatch", operator.always(boolean))

/**
 * The first thing that a regular expression finds in a text. It is null if it finds nothing, or if the text is null or missing.
 *
 * **Details**
 *
 * The flags of the regular expression are `i`, `m` and `s`. Others are refused, since the server lacks them.
 *
 * **Example** (The first number of a name)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const User = Schema.Struct({ _id: Bson.ObjectId, name: Schema.String })
 *
 * const values = Pipeline.make(User).pipe(Pipeline.select(($) => ({ value: Expr.regexFind($.name, /\d+/) })))
 * ```
 *
 * @see {@link regexFindAll} for all that it finds
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const regexFind: {
  (regex: RegExp): (self: Expr<string | Nullish>) => Expr<RegexMatch | null>
  (self: Expr<string | Nullish>, regex: RegExp): Expr<RegexMatch | null>
} = operator.regex("$regexFind", operator.always(nullOr(regexMatchOf)))

/**
 * All that a regular expression finds in a text. It is empty if the text is null or missing.
 *
 * **Details**
 *
 * The flags of the regular expression are `i`, `m` and `s`. Others are refused, since the server lacks them.
 *
 * **Example** (All numbers of a name)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const User = Schema.Struct({ _id: Bson.ObjectId, name: Schema.String })
 *
 * const values = Pipeline.make(User).pipe(Pipeline.select(($) => ({ value: Expr.regexFindAll($.name, /\d+/) })))
 * ```
 *
 * @see {@link regexFind} for the first one
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const regexFindAll: {
  (regex: RegExp): (self: Expr<string | Nullish>) => Expr<ReadonlyArray<RegexMatch>>
  (self: Expr<string | Nullish>, regex: RegExp): Expr<ReadonlyArray<RegexMatch>>
} = operator.regex("$regexFindAll", operator.always(arrayOf(regexMatchOf)))
