import { NodeHttpServer } from "@effect/platform-node"
import { Context, Effect, Layer } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import type { OtlpTracer } from "effect/observability"
import { createServer } from "node:http"

type OtlpSpan = OtlpTracer.ScopeSpan["spans"][number]

export interface Span extends OtlpSpan {}

// #region collector
/** Collects the spans that it gets at `/v1/traces`, as an OpenTelemetry collector does, in the JSON of OTLP. */
export class Collector extends Context.Service<Collector, { readonly spans: Array<Span> }>()("guide/Collector") {
  static readonly layer = Layer.sync(this, () => ({ spans: [] }))
}

const Traces = HttpRouter.add(
  "POST",
  "/v1/traces",
  Effect.gen(function*() {
    const request = yield* HttpServerRequest.HttpServerRequest
    const { resourceSpans } = (yield* request.json) as unknown as OtlpTracer.TraceData
    const { spans } = yield* Collector
    spans.push(...resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)))
    return HttpServerResponse.jsonUnsafe({})
  })
)
// #endregion collector

export const Server = HttpRouter.serve(Traces, { disableLogger: true, disableListenLog: true }).pipe(
  Layer.provideMerge(NodeHttpServer.layer(createServer, { host: "127.0.0.1", port: 0 })),
  Layer.provideMerge(Collector.layer)
)

const byStart = (a: Span, b: Span) => a.startTimeUnixNano < b.startTimeUnixNano ? -1 : 1

/** The spans as a tree: each one with its depth, after the one that it is in. */
export const treeOf = (spans: ReadonlyArray<Span>) => {
  const below = (parent: string | undefined, depth: number): Array<{ readonly span: Span; readonly depth: number }> =>
    spans.filter(({ parentSpanId }) => parentSpanId === parent).sort(byStart)
      .flatMap((span) => [{ span, depth }, ...below(span.spanId, depth + 1)])
  return below(undefined, 0)
}
