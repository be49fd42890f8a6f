/**
 * What a random nemesis did, for the reader of a test that failed.
 */

/** @internal */
export interface Entry {
  readonly at: number
  readonly event: "begins" | "ends" | "skipped"
  readonly kind: string
  readonly description: string
}

/** How many entries are shown: those before a failure. */
const shown = 200

const line = ({ at, description, event, kind }: Entry): string =>
  `  ${(at / 1000).toFixed(3).padStart(8)} s  ${kind} ${event}${description === "" ? "" : `: ${description}`}`

/**
 * The text of a log, with the seed that repeats the choices.
 *
 * @internal
 */
export const textOfLog = (seed: string, entries: ReadonlyArray<Entry>): string => {
  const left = entries.length - shown
  return [
    `Nemesis.random with the seed ${JSON.stringify(seed)} did this, and the option { seed: ${
      JSON.stringify(seed)
    } } repeats its choices:`,
    ...(left > 0 ? [`  … ${left} earlier lines`] : []),
    ...(entries.length === 0 ? ["  nothing yet"] : entries.slice(-shown).map(line))
  ].join("\n")
}
