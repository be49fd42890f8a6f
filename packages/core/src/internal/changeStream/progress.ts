import * as Option from "effect/Option"
import * as Semaphore from "effect/Semaphore"
import type * as Driver from "mongodb"
import type { Turn } from "../../ResumeTokenStore.ts"
import { Hold } from "../lease/holding.ts"

/**
 * An event whose handling has begun.
 *
 * @internal
 */
export interface Begun {
  token: Driver.ResumeToken
  /** Its number in the turn. */
  readonly position: number
  isFinished: boolean
}

/**
 * How far one instance has come in its turn. Events may finish in any order: the token is the one after which every event is unfinished
 * or has not begun.
 *
 * @internal
 */
export class Progress extends Hold<Turn> {
  /** The token after everything that was handled, and its position. */
  token: Driver.ResumeToken | undefined
  tokenAt = 0
  started: boolean
  /** Whether the store knows all of this. */
  isSaved = true
  savedAt: number
  handledSince = 0
  /** When the interval of the next checkpoint began. */
  waitingSince: number
  /** The change stream's failure, if its history is lost. */
  historyLost: unknown
  /** The store takes one token after the other: one that arrived after a later one would look like one of an earlier turn. */
  readonly saving = Semaphore.makeUnsafe(1)
  /** Counts the events whose handling has begun. */
  private position = 0
  /** The earliest unfinished event, and everything that has begun after it. */
  private readonly begun: Array<Begun> = []

  constructor(turn: Turn, started: boolean, leasedUntil: number, now: number) {
    super(turn, leasedUntil)
    this.savedAt = this.waitingSince = now
    this.token = Option.getOrUndefined(turn.saved)?.token
    this.started = started || Option.exists(turn.saved, ({ started }) => started)
  }

  private pass({ position, token }: Pick<Begun, "token" | "position">): void {
    this.token = token
    this.tokenAt = position
    this.isSaved = false
  }

  /** Begins an event. */
  begin(token: Driver.ResumeToken): Begun {
    const event = { token, position: ++this.position, isFinished: false }
    this.begun.push(event)
    return event
  }

  /** Finishes an event. Returns how many events have come to their end by that: it, and finished ones that waited for it. */
  finish(event: Begun): number {
    event.isFinished = true
    const unfinished = this.begun.findIndex(({ isFinished }) => !isFinished)
    const ended = this.begun.splice(0, unfinished < 0 ? this.begun.length : unfinished)
    if (ended.length > 0) this.pass(ended[ended.length - 1]!)
    return ended.length
  }

  /** Takes a token behind all events that have begun. */
  note(token: Driver.ResumeToken): void {
    const last = this.begun[this.begun.length - 1]
    if (last !== undefined) last.token = token
    else if (token !== this.token) this.pass({ token, position: ++this.position })
  }
}
