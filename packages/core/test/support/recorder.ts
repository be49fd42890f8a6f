import { Effect, type Exit, Tracer } from "effect"

/** A tracer that keeps its spans, and what each span was given at its start. */
export class Recorder {
  readonly spans: Array<Tracer.NativeSpan> = []
  readonly tracer = Tracer.make({
    span: (options) => {
      const span = new Tracer.NativeSpan(options)
      this.spans.push(span)
      return span
    }
  })

  readonly in = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.provideService(effect, Tracer.Tracer, this.tracer)
}

/** How a span ended. It must have ended. */
export const exitOf = (span: Tracer.Span): Exit.Exit<unknown, unknown> => {
  if (span.status._tag !== "Ended") throw new Error(`the span ${span.name} has not ended`)
  return span.status.exit
}
