/** Requests to resolvers of MongoDB, and how a batch learns that nobody waits for it any more. */
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import type * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Hash from "effect/Hash"
import * as Request from "effect/Request"
import type * as RequestResolver from "effect/RequestResolver"

/**
 * A request whose types do not matter at run time.
 *
 * @internal
 */
export interface AnyRequest extends Request.Request<unknown, unknown, unknown> {
  readonly payload: unknown
}

/** @internal */
export type Entry = Request.Entry<AnyRequest>

/** @internal */
export type Resolver = RequestResolver.RequestResolver<AnyRequest>

/** A request that knows whether somebody waits for it. */
interface Waited extends AnyRequest {
  isGone?: boolean
  /** Waits for the end of its batch, if that has no more reason to run. */
  onGone?: (() => Effect.Effect<void>) | undefined
}

const prototype = {
  ...Request.Class.prototype,
  [Equal.symbol](this: AnyRequest, that: AnyRequest): boolean {
    return Equal.equals(this.payload, that.payload)
  },
  [Hash.symbol](this: AnyRequest): number {
    return Hash.hash(this.payload)
  }
}

/** @internal */
export const makeRequest = (payload: unknown): AnyRequest =>
  Object.assign(Object.create(prototype) as AnyRequest, { payload })

/** The caller may run a request of its own several times: each run is another entry. */
interface Answerable extends Entry {
  isAnswered?: boolean
}

const leave = (request: Waited): Effect.Effect<void> =>
  Effect.suspend(() => {
    request.isGone = true
    return request.onGone?.() ?? Effect.void
  })

/**
 * Answers a request.
 *
 * @internal
 */
export const answer = (entry: Answerable, exit: Exit.Exit<unknown, unknown>): void => {
  entry.isAnswered = true
  entry.completeUnsafe(exit)
}

/**
 * Asks a resolver. Each run is a request of its own.
 *
 * @internal
 */
export const ask = (payload: unknown, resolver: Resolver): Effect.Effect<unknown, unknown, unknown> =>
  Effect.suspend(() => {
    const request = makeRequest(payload)
    return Effect.onInterrupt(Effect.request(request, resolver), () => leave(request))
  })

/**
 * Asks resolvers several things at once, without a fiber for each.
 *
 * @internal
 */
export const askAll = (
  questions: ReadonlyArray<{ readonly payload: unknown; readonly resolver: Resolver }>
): Effect.Effect<ReadonlyArray<Exit.Exit<unknown, unknown>>> =>
  questions.length === 0 ? Effect.succeed([]) : Effect.contextWith((context) =>
    Effect.callback((resume) => {
      const exits: Array<Exit.Exit<unknown, unknown>> = []
      let left = questions.length
      const cancels = questions.map(({ payload, resolver }, i) => {
        const request = makeRequest(payload)
        const cancel = Effect.requestUnsafe(request, {
          resolver,
          context,
          onExit: (exit) => {
            exits[i] = exit
            if (--left === 0) resume(Effect.succeed(exits))
          }
        })
        return Effect.suspend(() => {
          cancel()
          return leave(request)
        })
      })
      return Effect.all(cancels, { discard: true })
    })
  )

/**
 * Interrupts the batch of a fiber when nobody waits for any of its requests.
 *
 * @internal
 */
export const whileWanted = <A, E, R>(
  entries: ReadonlyArray<Entry>,
  self: Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  Effect.withFiber((fiber: Fiber.Fiber<unknown, unknown>) => {
    // A cache makes an entry uninterruptible while others wait for it.
    const isWanted = ({ isAnswered, request, uninterruptible }: Answerable): boolean => {
      const { isGone }: Waited = request
      return isAnswered !== true && (uninterruptible || isGone !== true)
    }
    let first = 0
    const onGone = () => {
      while (first < entries.length && !isWanted(entries[first]!)) first++
      return first < entries.length ? Effect.void : Fiber.interrupt(fiber)
    }
    for (const entry of entries) {
      const request: Waited = entry.request
      request.onGone = onGone
    }
    return self
  })
