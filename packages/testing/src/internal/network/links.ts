/**
 * The links between the servers of a cluster and their clients, and what disturbs them at this moment.
 */

/**
 * One end of a link: a server, by its own port, or the clients together.
 *
 * @internal
 */
export type End = number | "clients"

/**
 * What disturbs some links. A link is a way from the one who connects to a server, and back.
 *
 * @internal
 */
export interface Disturbance {
  readonly applies: (from: End, to: number) => boolean
  /** Whether nothing passes. What is sent waits until the link is whole again. */
  readonly cut?: boolean | undefined
  /** How much later some bytes arrive: milliseconds. */
  readonly delay?: ((bytes: number) => number) | undefined
  /** Says of some bytes whether they break their connection. */
  readonly breaks?: (() => boolean) | undefined
}

/**
 * What a connection must know of its link.
 *
 * @internal
 */
export interface Link {
  readonly isCut: () => boolean
  readonly delayOf: (bytes: number) => number
  readonly breaks: () => boolean
}

/** A connection that is told of changes. */
interface Listener {
  readonly from: End
  readonly to: number
  /** Looks again whether something may pass. */
  readonly changed: () => void
  /** Breaks. */
  readonly reset: () => void
}

/** @internal */
export class Links {
  private readonly disturbances = new Set<Disturbance>()
  private readonly listeners = new Set<Listener>()

  /** Disturbs links until the function that it returns is called. */
  disturb(disturbance: Disturbance): () => void {
    this.disturbances.add(disturbance)
    return () => {
      this.disturbances.delete(disturbance)
      for (const { changed } of this.listeners) changed()
    }
  }

  /** Breaks the connections that are open at this moment. */
  reset(applies: Disturbance["applies"]): void {
    for (const { from, reset, to } of this.listeners) if (applies(from, to)) reset()
  }

  listen(listener: Listener): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  of(from: End, to: number): Link {
    // Most of the time there are none.
    const active = () => [...this.disturbances].filter(({ applies }) => applies(from, to))
    const none = () => this.disturbances.size === 0
    return {
      isCut: () => !none() && active().some(({ cut }) => cut === true),
      delayOf: (bytes) => none() ? 0 : active().reduce((sum, { delay }) => sum + (delay?.(bytes) ?? 0), 0),
      breaks: () => !none() && active().some(({ breaks }) => breaks?.() === true)
    }
  }
}

/**
 * A link that nothing disturbs.
 *
 * @internal
 */
export const undisturbed: Link = { isCut: () => false, delayOf: () => 0, breaks: () => false }
