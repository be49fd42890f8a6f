/** Tells of a program that has failed. */
import * as Exit from "effect/Exit"
import { show, showCause } from "../failureText.ts"
import type { Refuted } from "./check.ts"
import type { Call } from "./program.ts"
import type { Event } from "./run.ts"

const showResult = (result: Exit.Exit<unknown, unknown>): string =>
  Exit.isSuccess(result) ? show(result.value) : showCause(result.cause)

const showCall = <Model, R>({ args, name }: Call<Model, R>): string =>
  `${name}(${args === undefined ? "" : show(args)})`

const showEvent = <Model, R>({ call, result }: Event<Model, R>): string => `${showCall(call)} -> ${showResult(result)}`

/** @internal */
export const report = <Model, R>(
  { documents, history, problem, repeated, runs, seed, shrinks }: Refuted<Model, R>
): string => {
  const { after, before, branches } = history
  const different = problem._tag === "Different" ? problem.event : undefined
  const line = (event: Event<Model, R>) =>
    event === different && problem._tag === "Different"
      ? [
        showEvent(event),
        typeof problem.expected === "function"
          ? "  the model does not expect this result"
          : `  the model expects: ${showResult(problem.expected)}`
      ]
      : [showEvent(event)]
  const lines = [
    problem._tag === "NoOrder"
      ? "No order of the commands explains the results of this program:"
      : "A result of this program is not the one of the model:",
    "",
    ...before.flatMap(line).map((text) => `  ${text}`),
    ...branches.flatMap((events, index) => [
      index === 0 ? "  at the same time:" : "  and:",
      ...events.flatMap(line).map((text) => `    ${text}`)
    ]),
    ...(branches.length > 0 && after.length > 0 ? ["  then:"] : []),
    ...after.flatMap(line).map((text) => branches.length > 0 ? `    ${text}` : `  ${text}`),
    "",
    `The model ${problem._tag === "NoOrder" ? "before the commands at the same time" : "before that command"}: ${
      show(problem.model)
    }`,
    ...(documents.length === 0
      ? ["It has left no documents."]
      : ["The documents that it has left, as Extended JSON:", ...documents.map((text) => `  ${text}`)]),
    "",
    `Found by run ${runs}, made smaller ${shrinks === 1 ? "by 1 more run" : `by ${shrinks} more runs`}. ${
      repeated.runs === 1 ? "" : `This program fails in ${repeated.failed} of ${repeated.runs} runs. `
    }seed: ${seed} begins with the program that failed.`
  ]
  return lines.join("\n")
}
