/** The types of dotted paths. They follow one path at a time; nothing here lists the paths of a document. */

/**
 * The types that a path does not go into: values of BSON, of JavaScript and of Effect.
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
 * The message for a path that leads nowhere. See `Path.NoSuchPath`.
 *
 * @internal
 */
export interface NoSuchPath<Path, DidYouMean = never> {
  readonly "~no such path": [path: Path, didYouMean: DidYouMean]
}

/** The names of fields, without methods and brands of Effect. */
type Names<T> = {
  [K in keyof T]-?: K extends string ? K extends `~${string}` ? never : T[K] extends Function ? never : K : never
}[keyof T]

/** The type behind one name of a filter's path, or `never`. The path goes through an array with an index or without one. */
type Step<T, H extends string> = IsAny<T> extends true ? never
  : T extends Leaf ? never
  : T extends ReadonlyArray<infer E> ? H extends `${number}` ? E | StepElement<E, H> : StepElement<E, H>
  : Field<T, H>

type StepElement<E, H extends string> = E extends ReadonlyArray<unknown> ? never : Step<E, H>

type Field<T, H extends string> = H extends `~${string}` ? never
  : H extends keyof T ? T[H] extends Function ? never : string extends keyof T ? T[H] | undefined : T[H]
  : H extends `${infer N extends number}` ? N extends keyof T ? T[N] : never
  : never

/** The type behind one name of an update's path. It goes through an array with an index, `$`, `$[]` or `$[identifier]`. */
type WriteStep<T, H extends string> = IsAny<T> extends true ? never
  : T extends Leaf ? never
  : T extends ReadonlyArray<infer E> ? H extends Position ? E : never
  : Field<T, H>

type Position = `${number}` | "$" | `$[${string}]`

/** The type that has the last name of a path, and that name. */
type Last<T, P extends string> = P extends `${infer H}.${infer R}` ? Last<Step<T, H>, R> : [owner: T, name: P]

/**
 * The type of the value at a path of a filter, or `never` if the path leads nowhere.
 *
 * @internal
 */
export type At<T, P extends string> = Last<T, P> extends [infer Owner, infer N extends string] ? Step<Owner, N> : never

/**
 * The type of the value at a path of an update.
 *
 * @internal
 */
export type WriteAt<T, P extends string> = P extends `${infer H}.${infer R}` ? WriteAt<WriteStep<T, H>, R>
  : WriteStep<T, P>

/** A path without its last name. */
type Parent<P extends string, Before extends string = ""> = P extends `${infer H}.${infer R}`
  ? Parent<R, Before extends "" ? H : `${Before}.${H}`>
  : Before

/** The names that may follow a path, for completion and messages. */
type Following<T> = T extends Leaf ? never
  : T extends ReadonlyArray<infer E> ? E extends ReadonlyArray<unknown> ? "0" : Following<E> | "0"
  : string extends keyof T ? never
  : Names<T>

type WriteFollowing<T> = T extends Leaf ? never
  : T extends ReadonlyArray<unknown> ? "0" | "$" | "$[]"
  : string extends keyof T ? never
  : Names<T>

/**
 * The paths that a wrong one could have meant: those with another last name.
 *
 * @internal
 */
export type Siblings<T, P extends string> = `${Parent<P>}.${Following<At<T, Parent<P>>>}`

/** @internal */
export type WriteSiblings<T, P extends string> = `${Parent<P>}.${WriteFollowing<WriteAt<T, Parent<P>>>}`

/**
 * The keys that completion offers besides those that are written: the siblings of keys that lead nowhere.
 *
 * `infer R extends string` keeps the compiler from looking for a bound of an unknown type. That would go through all fields
 * of the document and cost more than everything else.
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
 * The bound that keys must meet before their values are checked: the names of the document's fields, and any text with a dot.
 * It costs nothing, and holds for a document whose type is not known yet.
 *
 * @internal
 */
export type Keys<A> = (keyof A & string) | AnyKey<A> | "_id" | `${string}.${string}`

/** The names of fields of any member of a union. */
type AnyKey<A> = A extends unknown ? keyof A & string : never

/**
 * The names with the same first letter as a wrong one.
 *
 * @internal
 */
export type Similar<A, P> = P extends `${infer H}${string}` ? Extract<keyof A, `${H}${string}`> : never

/**
 * The type of a field that only some members of a union have. `F` is the literal: its tags choose among the members.
 *
 * @internal
 */
export type OfMembers<A, P, F = {}> = A extends unknown
  ? P extends keyof A ? Fits<A, F> extends true ? A[P] : never : never
  : never

/** Whether the tags in a literal fit a member of a union. A tag may be one of several, or any text. */
type Fits<M, F> = {
  [K in keyof F & keyof M]: [F[K]] extends [string | number | boolean] ? [F[K] & M[K]] extends [never] ? K : never
    : never
}[keyof F & keyof M] extends never ? true : false

/**
 * The type of the value at a path of a filter whose other conditions may hold the tags of unions.
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

/** The conditions below a path, by the rest of their paths. */
type Under<F, Prefix extends string> = { [K in keyof F as K extends `${Prefix}.${infer R}` ? R : never]: F[K] }

/**
 * The paths that the annotation of a variable knows: the first two names exactly, and that something follows. The rest is
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
 * Whether a key is a pattern for many keys: `string`, or a template.
 *
 * @internal
 */
export type IsPattern<P> = P extends string ? {} extends { readonly [K in P]: 1 } ? true : false : false

/**
 * Whether a literal has computed keys.
 *
 * @internal
 */
export type IsLoose<F> = string extends keyof F ? true : number extends keyof F ? true : false

/**
 * Infers the type of a literal without any check.
 *
 * @internal
 */
export type Infer<F> = [never] extends [F] ? unknown : F

/**
 * Infers the keys of a literal apart from their checks: inferring into the checks works out all fields of the document, at ten
 * times the cost.
 *
 * @internal
 */
export type InferKeys<K extends PropertyKey> = { readonly [P in K]?: unknown }

/**
 * Offers names for completion, and leaves the values open.
 *
 * @internal
 */
export type Offered<A, More extends string = never> = { readonly [P in (keyof A & string) | "_id" | More]?: unknown }

/**
 * As `Offered`, for a literal of which the compiler knows nothing else when it infers its type. It keeps text and numbers from
 * being widened to `string` and `number`.
 *
 * @internal
 */
export type OfferedLiteral<A, More extends string = never> = {
  readonly [P in (keyof A & string) | "_id" | More]?: "" | 0 | {} | null | undefined
}

/**
 * Whether the compiler has inferred the bound of keys instead of the keys. Then some keys of the literal are not keys of the
 * document, and each must be checked.
 *
 * @internal
 */
export type IsBound<K> = `${string}.${string}` extends K ? true : false

/**
 * The keys of a literal without computed ones. A computed key is any text to the compiler, and would swallow the others.
 *
 * @internal
 */
export type Known<F> = keyof { [P in keyof F as string extends P ? never : number extends P ? never : P]: 1 }

/**
 * The type of the values at computed keys: anything but `undefined`. The operation checks more.
 *
 * @internal
 */
export type Computed<F> = string extends keyof F ? { readonly [key: string]: {} | null } : unknown
