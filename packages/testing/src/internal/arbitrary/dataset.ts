/** Sets of documents of several collections, whose references lead to documents of the set. */
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import type * as Driver from "mongodb"
import { withFieldOf, withReference } from "./references.ts"
import { entriesOf, storedBy } from "./stored.ts"

/** @internal */
export interface Spec {
  /** What tells collections apart: the service or the collection. */
  readonly source: object
  readonly name: string
  readonly schema: Schema.Constraint
  readonly refs: ReadonlyArray<{ readonly path: string; readonly target: Spec }>
  /** The paths of each unique index. */
  readonly unique: ReadonlyArray<ReadonlyArray<string>>
  readonly minLength: number
  readonly maxLength: number
}

/**
 * The documents of one collection.
 *
 * @internal
 */
export interface Part {
  readonly source: object
  readonly name: string
  readonly documents: ReadonlyArray<unknown>
  readonly stored: ReadonlyArray<Driver.Document>
}

/** A document, others for its place, and where its references lead to. */
interface Seedling {
  readonly candidates: ReadonlyArray<unknown>
  readonly picks: ReadonlyArray<number>
}

/** How many other documents may take the place of one that cannot be stored, or whose keys are taken. Only the first one shrinks. */
const spares = 4

/**
 * Documents of a schema: the first is the one to use, the others take its place if it cannot be used.
 *
 * @internal
 */
export const candidates = (schema: Schema.Constraint): Arbitrary.Arbitrary<ReadonlyArray<unknown>> =>
  Arbitrary.all([
    Arbitrary.schema(schema),
    Arbitrary.array(Arbitrary.schema(schema, { shrink: () => [] }), { minLength: spares, maxLength: spares })
  ]).pipe(Arbitrary.map(([first, others]) => [first, ...others]))

const pick = Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1000 })))

const seedlings = ({ maxLength, minLength, refs, schema }: Spec): Arbitrary.Arbitrary<ReadonlyArray<Seedling>> =>
  Arbitrary.array(
    Arbitrary.all({
      candidates: candidates(schema),
      picks: Arbitrary.array(pick, { minLength: refs.length, maxLength: refs.length })
    }),
    { minLength, maxLength }
  )

/** The collections that others refer to before these, each once. */
const inOrder = (root: Spec): ReadonlyArray<Spec> => {
  const found = new Map<object, Spec>()
  const visit = (spec: Spec, above: ReadonlyArray<object>): void => {
    if (above.includes(spec.source)) {
      throw new Error(
        `MongoArbitrary.collection: ${spec.name} refers to itself, directly or through others: leave out one of these refs`
      )
    }
    for (const { target } of spec.refs) visit(target, [...above, spec.source])
    const known = found.get(spec.source)
    if (known !== undefined && known !== spec && hasSettings(known) && hasSettings(spec)) {
      throw new Error(
        `MongoArbitrary.collection: refs name ${spec.name} twice, with different settings: make its generator once and use it in both places`
      )
    }
    // A collection that is named without settings has those that another place names.
    if (known === undefined || hasSettings(spec)) found.set(spec.source, spec)
  }
  visit(root, [])
  // A spec with settings takes the place of one without, which may stand before its own refs.
  const order = new Set<Spec>()
  const add = (spec: Spec): void => {
    const chosen = found.get(spec.source)!
    for (const { target } of chosen.refs) add(target)
    order.add(chosen)
  }
  add(root)
  return [...order]
}

const hasSettings = ({ maxLength, minLength, refs, unique }: Spec): boolean =>
  refs.length > 0 || unique.length > 1 || minLength !== defaultLengths.minLength ||
  maxLength !== defaultLengths.maxLength

/** @internal */
export const defaultLengths = { minLength: 0, maxLength: 8 } as const

/**
 * The documents to try for one place: the first one, the same with other keys, and the others. The other fields of the first one stay as
 * long as they can, since only that one shrinks.
 */
const alternatives = (
  [first, ...others]: ReadonlyArray<unknown>,
  keys: ReadonlyArray<string>
): ReadonlyArray<unknown> => [
  first,
  ...others.map((other) => keys.reduce((document, key) => withFieldOf(document, other, key), first)),
  ...others
]

/** The documents of one collection: those that can be stored beside each other. */
const grow = (
  { name, refs, source, unique }: Spec,
  stored: (document: unknown) => Driver.Document | undefined,
  seedlings: ReadonlyArray<Seedling>,
  idsOf: (target: Spec) => ReadonlyArray<unknown>
): Part => {
  const taken = unique.map(() => new Set<string>())
  const keys = [...new Set(unique.flat().map((path) => path.split(".")[0]!))]
  const documents: Array<unknown> = []
  const storedDocuments: Array<Driver.Document> = []

  const refer = (candidate: unknown, picks: ReadonlyArray<number>, attempt: number): readonly [unknown] | undefined =>
    refs.reduce<readonly [unknown] | undefined>(
      (document, { path, target }, index) =>
        document && withReference(document[0], path, idsOf(target), picks[index]! + attempt),
      [candidate]
    )

  for (const { candidates, picks } of seedlings) {
    for (const [attempt, candidate] of alternatives(candidates, keys).entries()) {
      const document = refer(candidate, picks, attempt)
      const encoded = document && stored(document[0])
      if (document === undefined || encoded === undefined) continue
      const entries = unique.map((paths) => entriesOf(encoded, paths))
      if (entries.some((some, index) => some.some((entry) => taken[index]!.has(entry)))) continue
      entries.forEach((some, index) => some.forEach((entry) => taken[index]!.add(entry)))
      documents.push(document[0])
      storedDocuments.push(encoded)
      break
    }
  }
  return { source, name, documents, stored: storedDocuments }
}

/**
 * Sets of documents of a collection and those that it refers to, in the order in which they can be inserted.
 *
 * @internal
 */
export const parts = (root: Spec): Arbitrary.Arbitrary<ReadonlyArray<Part>> => {
  const specs = inOrder(root)
  const stored = new Map(specs.map((spec) => [spec, storedBy(spec.schema)]))
  return Arbitrary.all(specs.map(seedlings)).pipe(
    Arbitrary.map((sets: ReadonlyArray<ReadonlyArray<Seedling>>) => {
      const grown = new Map<object, Part>()
      const idsOf = ({ source }: Spec) => {
        const { documents } = grown.get(source)!
        return documents.map((document) => (document as { readonly _id: unknown })._id)
      }
      specs.forEach((spec, index) => grown.set(spec.source, grow(spec, stored.get(spec)!, sets[index]!, idsOf)))
      return [...grown.values()]
    }),
    Arbitrary.filter((parts) => parts.every(({ documents }, index) => documents.length >= specs[index]!.minLength))
  )
}
