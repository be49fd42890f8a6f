/**
 * How links delay what passes. Pure, save for the random numbers that they are given.
 */

/** A random number from 0 up to 1. */
type Draw = () => number

/** How long a sender waits for the confirmation of a packet until it sends it again, at first: milliseconds. */
const firstRetransmission = 200

/** How often it sends a packet again at most. */
const mostRetransmissions = 6

/**
 * A delay that varies: milliseconds.
 *
 * @internal
 */
export const varying = (latency: number, jitter: number, draw: Draw) => (): number =>
  Math.max(0, latency + jitter * (2 * draw() - 1))

/**
 * What a lost packet costs: TCP sends it again, each time after twice the time, and what comes behind it waits.
 *
 * @internal
 */
export const retransmitting = (probability: number, draw: Draw) => (): number => {
  let delay = 0
  for (let lost = 0; lost < mostRetransmissions && draw() < probability; lost++) {
    delay += firstRetransmission * 2 ** lost
  }
  return delay
}
