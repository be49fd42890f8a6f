/** Dotted paths, worked out when they are asked for: nothing here lists the paths of a document. */

/**
 * What a path does not go into: values of BSON, of JavaScript and of effect.
 *
 * @internal
 */
export type Leaf =
  | string
  | number
  | bigint
  | boolean
  | symbol
  | null
  | undefined
  | Date
  | RegExp
  | ArrayBuffer
  | ArrayBufferView
  | ReadonlyMap<unknown, unknown>
  | ReadonlySet<unknown>
  | { readonly _bsontype: string }
  | { readonly pipe: Function }
  | Function

type IsAny<T> = 0 extends 1 & T ? true : false

/**
 * A path that is refused. See `Path.NoSuchPath`.
 *
 * @internal
 */
export interface NoSuchPath<Path, DidYouMean = never> {
  readonly "~no such path": [path: Path, didYouMean: DidYouMean]
}

/** The names of fields: no methods, and no brands of effect. */
type Names<T> = {
  [K in keyof T]-?: K extends string ? K extends `~${string}` ? never : T[K] extends Function ? never : K : never
}[keyof T]

/** What one name of a filter's path leads to; never where it leads nowhere. An array is passed by an index, or without a word. */
type Step<T, H extends string> = IsAny<T> extends true ? never
  : T extends Leaf ? never
  : T extends ReadonlyArray<infer E> ? H extends `${number}` ? E | StepElement<E, H> : StepElement<E, H>
  : Field<T, H>

type StepElement<E, H extends string> = E extends ReadonlyArray<unknown> ? never : Step<E, H>

type Field<T, H extends string> = H extends `~${string}` ? never
  : H extends keyof T ? T[H] extends Function ? never : string extends keyof T ? T[H] | undefined : T[H]
  : H extends `${infer N extends number}` ? N extends keyof T ? T[N] : never
  : never

/** What one name of an update's path leads to: an array is passed by an index, `$`, `$[]` or `$[identifier]`. */
type WriteStep<T, H extends string> = IsAny<T> extends true ? never
  : T extends Leaf ? never
  : T extends ReadonlyArray<infer E> ? H extends Position ? E : never
  : Field<T, H>

type Position = `${number}` | "$" | `$[${string}]`

/** The type that has the last name of a path, and that name. */
type Last<T, P extends string> = P extends `${infer H}.${infer R}` ? Last<Step<T, H>, R> : [owner: T, name: P]

/**
 * The type of what stands at a path of a filter; never where there is no such path.
 *
 * @internal
 */
export type At<T, P extends string> = Last<T, P> extends [infer Owner, infer N extends string] ? Step<Owner, N> : never

/**
 * The type of what stands at a path of an update.
 *
 * @internal
 */
export type WriteAt<T, P extends string> = P extends `${infer H}.${infer R}` ? WriteAt<WriteStep<T, H>, R>
  : WriteStep<T, P>

/** A path without its last name. */
type Parent<P extends string, Before extends string = ""> = P extends `${infer H}.${infer R}`
  ? Parent<R, Before extends "" ? H : `${Before}.${H}`>
  : Before

/** The names that may follow a path: completion shows these, and messages. */
type Following<T> = T extends Leaf ? never
  : T extends ReadonlyArray<infer E> ? E extends ReadonlyArray<unknown> ? "0" : Following<E> | "0"
  : string extends keyof T ? never
  : Names<T>

type WriteFollowing<T> = T extends Leaf ? never
  : T extends ReadonlyArray<unknown> ? "0" | "$" | "$[]"
  : string extends keyof T ? never
  : Names<T>

/**
 * What a path that leads nowhere could have been: the names that stand beside its last one.
 *
 * @internal
 */
export type Siblings<T, P extends string> = `${Parent<P>}.${Following<At<T, Parent<P>>>}`

/** @internal */
export type WriteSiblings<T, P extends string> = `${Parent<P>}.${WriteFollowing<WriteAt<T, Parent<P>>>}`

/**
 * What completion offers besides the keys that are there: the siblings of those that lead nowhere.
 *
 * `infer R extends string` keeps the compiler from looking for a bound of what it does not know yet: it would go through
 * all fields of the document, at the cost of everything else.
 *
 * @internal
 */
export type Suggested<T, K> = K extends `${string}.${string}`
  ? SuggestedFor<T, K> extends infer R extends string ? R : never
  : never

type SuggestedFor<T, K extends string> = [At<T, K>] extends [never] ? Siblings<T, K> : never

/** @internal */
export type WriteSuggested<T, K> = K extends `${string}.${string}`
  ? WriteSuggestedFor<T, K> extends infer R extends string ? R : never
  : never

type WriteSuggestedFor<T, K extends string> = [WriteAt<T, K>] extends [never] ? WriteSiblings<T, K> : never

/**
 * What keys are checked against before their values are: the names of the document's fields, and anything with a dot in it.
 * It costs nothing, and holds for a document whose type is not known yet.
 *
 * @internal
 */
export type Keys<A> = (keyof A & string) | AnyKey<A> | "_id" | `${string}.${string}`

/** The names of fields of any member of a union. */
type AnyKey<A> = A extends unknown ? keyof A & string : never

/**
 * The names that start as a wrong one does.
 *
 * @internal
 */
export type Similar<A, P> = P extends `${infer H}${string}` ? Extract<keyof A, `${H}${string}`> : never

/**
 * A field that not all members of a union have. `F` is the literal: its tags choose among the members.
 *
 * @internal
 */
export type OfMembers<A, P, F = {}> = A extends unknown
  ? P extends keyof A ? Fits<A, F> extends true ? A[P] : never : never
  : never

/** Whether the tags in a literal may be those of a member of a union. A tag may be one of several, or any text. */
type Fits<M, F> = {
  [K in keyof F & keyof M]: [F[K]] extends [string | number | boolean] ? [F[K] & M[K]] extends [never] ? K : never
    : never
}[keyof F & keyof M] extends never ? true : false

/**
 * The type of what stands at a path of a filter, among whose conditions are the tags of unions.
 *
 * @internal
 */
export type AtWith<T, P extends string, F> = Last<T, P> extends [infer Owner, infer N extends string]
  ? IsUnion<Owner> extends true ? MemberStep<Owner, N, Under<F, Parent<P>>> : Step<Owner, N>
  : never

type IsUnion<T, U = T> = [T] extends [never] ? false : T extends Leaf | ReadonlyArray<unknown> ? never
: [U] extends [T] ? false
: true

type MemberStep<T, P extends string, F> = T extends Leaf | ReadonlyArray<unknown> ? Step<T, P>
  : T extends unknown ? Fits<T, F> extends true ? Step<T, P> : never
  : never

/** The conditions below a path, by what follows it. */
type Under<F, Prefix extends string> = { [K in keyof F as K extends `${Prefix}.${infer R}` ? R : never]: F[K] }

/**
 * The paths that a variable's annotation knows: two names of them exactly, and that something follows. What follows is
 * checked where the value is used.
 *
 * @internal
 */
export type Shallow<A> = Names<A> | { [H in Names<A>]: `${H}.${Second<A[H & keyof A]>}` }[Names<A>]

type Second<T> = T extends Leaf ? never
  : T extends ReadonlyArray<infer E> ? `${number}` | `${number}.${ThirdOfElement<E>}` | SecondOfElement<E>
  : string extends keyof T ? string
  : Third<T>

type SecondOfElement<E> = E extends Leaf | ReadonlyArray<unknown> ? never : string extends keyof E ? string : Third<E>

type ThirdOfElement<E> = E extends Leaf ? never : E extends ReadonlyArray<unknown> ? string
: string extends keyof E ? string
: Third<E>

type Third<T> = Names<T> | { [H in Names<T>]: T[H & keyof T] extends Leaf ? never : `${H}.${string}` }[Names<T>]

/** @internal */
export type WriteShallow<A> = Names<A> | { [H in Names<A>]: `${H}.${WriteSecond<A[H & keyof A]>}` }[Names<A>]

type WriteSecond<T> = T extends Leaf ? never
  : T extends ReadonlyArray<infer E> ? Position | `${Position}.${ThirdOfElement<E>}`
  : string extends keyof T ? string
  : Third<T>

/**
 * Whether a key stands for many: `string`, or a template.
 *
 * @internal
 */
export type IsPattern<P> = P extends string ? {} extends { readonly [K in P]: 1 } ? true : false : false

/**
 * Whether a literal has keys that are computed.
 *
 * @internal
 */
export type IsLoose<F> = string extends keyof F ? true : number extends keyof F ? true : false

/**
 * Infers the type of a literal without asking anything of it.
 *
 * @internal
 */
export type Infer<F> = [never] extends [F] ? unknown : F

/**
 * Infers the keys of a literal. Apart from what they are checked against: inferring into that works out all fields of the
 * document, at ten times the cost.
 *
 * @internal
 */
export type InferKeys<K extends PropertyKey> = { readonly [P in K]?: unknown }

/**
 * Names for completion: they say nothing about values.
 *
 * @internal
 */
export type Offered<A, More extends string = never> = { readonly [P in (keyof A & string) | "_id" | More]?: unknown }

/**
 * The same where it is the only thing that the compiler knows of a literal when it infers its type: text and numbers in it
 * stay what they are, and are not widened to `string` and `number`.
 *
 * @internal
 */
export type OfferedLiteral<A, More extends string = never> = {
  readonly [P in (keyof A & string) | "_id" | More]?: "" | 0 | {} | null | undefined
}

/**
 * Whether the compiler has inferred the bound of keys instead of keys: then not all of a literal's are keys of the document,
 * and each has to be looked at.
 *
 * @internal
 */
export type IsBound<K> = `${string}.${string}` extends K ? true : false

/**
 * The keys of a literal. A computed key is any text to the compiler, and would swallow the others.
 *
 * @internal
 */
export type Known<F> = keyof { [P in keyof F as string extends P ? never : number extends P ? never : P]: 1 }

/**
 * What the values of computed keys must be, where there are such: anything but `undefined`. More is checked at run time.
 *
 * @internal
 */
export type Computed<F> = string extends keyof F ? { readonly [key: string]: {} | null } : unknown
