/**
 * Whether some order of operations explains their results: each operation takes effect at one moment between its start and its end.
 *
 * A state of the search is how far each lane has come, and the model that this has led to. No state is looked at twice, so that lanes of
 * few operations are searched in no time, although their orders are many.
 */
import * as Equal from "effect/Equal"

/**
 * One operation that has ended. The times only order starts and ends.
 *
 * @internal
 */
export interface Operation<Model> {
  readonly started: number
  readonly ended: number
  /** The model after the operation; nothing if the operation's result does not fit the model. */
  readonly step: (model: Model) => readonly [Model] | undefined
}

/** Lanes of things that happen one after the other; those of different lanes happen in any order. */
type Lanes<A> = ReadonlyArray<ReadonlyArray<A>>

/** The states that were seen, by how far the lanes have come. Models with the same content are the same. */
class Seen<Model> {
  private readonly models = new Map<string, Array<Model>>()

  /** Whether the state is new. */
  add(positions: ReadonlyArray<number>, model: Model): boolean {
    const key = positions.join()
    const models = this.models.get(key)
    if (models === undefined) {
      this.models.set(key, [model])
      return true
    }
    if (models.some((other) => Equal.equals(other, model))) return false
    models.push(model)
    return true
  }
}

const advanced = (positions: ReadonlyArray<number>, lane: number): ReadonlyArray<number> =>
  positions.map((position, index) => index === lane ? position + 1 : position)

const isDone = <A>(lanes: Lanes<A>, positions: ReadonlyArray<number>): boolean =>
  positions.every((position, lane) => position === lanes[lane]!.length)

/** The lanes whose next operation started before every operation that is left has ended. */
const nextLanes = <Model>(
  lanes: Lanes<Operation<Model>>,
  positions: ReadonlyArray<number>
): ReadonlyArray<number> => {
  const next = positions.flatMap((position, lane) => {
    const operation = lanes[lane]![position]
    return operation === undefined ? [] : [{ lane, operation }]
  })
  const firstEnd = Math.min(...next.map(({ operation }) => operation.ended))
  return next.filter(({ operation }) => operation.started <= firstEnd).map(({ lane }) => lane)
}

/**
 * An order that explains the results of all operations: the lane of each operation. `undefined` if there is none.
 *
 * @internal
 */
export const linearize = <Model>(
  initial: Model,
  lanes: Lanes<Operation<Model>>
): ReadonlyArray<number> | undefined => {
  const seen = new Seen<Model>()
  const search = (positions: ReadonlyArray<number>, model: Model): ReadonlyArray<number> | undefined => {
    if (isDone(lanes, positions)) return []
    for (const lane of nextLanes(lanes, positions)) {
      const after = lanes[lane]![positions[lane]!]!.step(model)
      if (after === undefined) continue
      const further = advanced(positions, lane)
      if (!seen.add(further, after[0])) continue
      const rest = search(further, after[0])
      if (rest !== undefined) return [lane, ...rest]
    }
    return undefined
  }
  return search(lanes.map(() => 0), initial)
}

/**
 * Whether each call is allowed in every order of the lanes, by the models that lead there.
 *
 * @internal
 */
export const isAllowedInEveryOrder = <Model, Call>(
  initial: Model,
  lanes: Lanes<Call>,
  isAllowed: (model: Model, call: Call) => boolean,
  next: (model: Model, call: Call) => Model
): boolean => {
  const seen = new Seen<Model>()
  const search = (positions: ReadonlyArray<number>, model: Model): boolean =>
    positions.every((position, lane) => {
      const call = lanes[lane]![position]
      if (call === undefined) return true
      if (!isAllowed(model, call)) return false
      const further = advanced(positions, lane)
      const after = next(model, call)
      return !seen.add(further, after) || search(further, after)
    })
  return search(lanes.map(() => 0), initial)
}
