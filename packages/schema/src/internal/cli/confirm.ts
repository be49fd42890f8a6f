/**
 * The question before something that cannot be undone.
 */
import * as Prompt from "effect/cli/Prompt"
import * as Effect from "effect/Effect"
import { CommandError } from "./failure.ts"
import type { Screen } from "./screen.ts"

/**
 * Asks before what these lines say happens, unless there is nothing to ask for. `--yes` answers in advance, and a pipeline has to say it.
 *
 * @internal
 */
export const confirm = (
  { canAsk, note, notePaint }: Screen,
  yes: boolean,
  consequences: ReadonlyArray<string>
): Effect.Effect<void, CommandError | Effect.Error<Prompt.Prompt<boolean>>, Prompt.Environment> =>
  Effect.gen(function*() {
    if (yes || consequences.length === 0) return
    for (const consequence of consequences) yield* note(`${notePaint.warning("!")} ${consequence}`)
    if (!canAsk) {
      return yield* new CommandError({
        kind: "Unconfirmed",
        message: "this needs a confirmation, and nothing was changed: pass --yes"
      })
    }
    const answer = yield* Prompt.run(Prompt.Confirm({ message: "Go on?" }))
    if (!answer) {
      return yield* new CommandError({ kind: "Unconfirmed", message: "not confirmed, and nothing was changed" })
    }
  })
