import { Console, Effect } from "effect"

const width = 24

/** A bar of a share between 0 and 1. */
export const bar = (share: number): string => {
  const full = Math.round(Math.min(1, Math.max(0, share)) * width)
  return "█".repeat(full) + "·".repeat(width - full)
}

export const heading = (text: string): Effect.Effect<void> => Console.log(`\n${text}`)

/** Draws the progress on one line of a terminal; elsewhere it prints only the end. */
export const progress = (done: number, all: number): Effect.Effect<void> =>
  Effect.sync(() => {
    const line = `  ${bar(done / all)}  ${done} of ${all}`
    if (process.stdout.isTTY) process.stdout.write(done === all ? `\r${line}\n` : `\r${line}`)
    else if (done === all) process.stdout.write(`${line}\n`)
  })
