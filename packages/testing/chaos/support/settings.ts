/**
 * What the environment says of a run: `vitest.chaos.config.ts` sets what is missing.
 */

/** How long each scenario works under faults. */
export const seconds = Number(process.env["CHAOS_SECONDS"])

/** What repeats the choices of a run. Each scenario takes its own from it. */
export const seed = process.env["CHAOS_SEED"]!
