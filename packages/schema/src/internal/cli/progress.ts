/**
 * The line that shows how far long work has come. It stands on the terminal of standard error, and goes away at the end.
 */
import { displayWidth } from "effect/cli/CliOutput"
import { counted } from "../words.ts"

/** @internal */
export interface Step {
  readonly label: string
  readonly done: number
  /** How much there is, if somebody knows. */
  readonly total?: number | undefined
}

const barWidth = 24
const blocks = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"]

const bar = (share: number): string => {
  const eighths = Math.round(share * barWidth * 8)
  const full = Math.floor(eighths / 8)
  const part = blocks[eighths % 8]!
  return "█".repeat(full) + part + "░".repeat(barWidth - full - (part === "" ? 0 : 1))
}

/** The longest beginning of a text that fits. */
const cut = (text: string, width: number): string => {
  if (displayWidth(text) <= width) return text
  let short = ""
  for (const character of text) {
    if (displayWidth(short + character) >= width) break
    short += character
  }
  return width < 1 ? "" : `${short}…`
}

/**
 * The line of a step, in at most so many columns.
 *
 * @internal
 */
export const line = ({ done, label, total }: Step, columns: number): string => {
  // A line that fills the last column may wrap.
  const width = Math.max(0, columns - 1)
  if (total === undefined) return cut(done === 0 ? `${label} …` : `${label}  ${counted(done)}`, width)
  const share = total <= 0 ? 1 : Math.min(1, Math.max(0, done / total))
  const numbers = `${String(Math.floor(share * 100)).padStart(3)} %  ${counted(done)} of ${counted(total)}`
  const long = `${label}  ${bar(share)}  ${numbers}`
  return displayWidth(long) <= width ? long : cut(`${label}  ${numbers.trimStart()}`, width)
}
