// Draws the spans of the guide to telemetry as a picture: `tsx scripts/waterfall.ts`, with MONGOD_BINARY for its server.
import { NodeRuntime } from "@effect/platform-node"
import { MongoServer } from "@mongofx/testing"
import { ConfigProvider, Effect, Layer, Redacted } from "effect"
import { writeFileSync } from "node:fs"
import { pathToFileURL } from "node:url"
import { Server, type Span, treeOf } from "../guides/telemetry/collector.ts"
import { collected } from "../guides/telemetry/shop.ts"

const width = 760
const names = 220
const row = 24
const head = 28

const client = 3
const failed = 2

const milliseconds = (nanos: bigint) => Number(nanos) / 1e6

const colourOf = ({ kind, status }: Span) =>
  status.code === failed ? "#c2410c" : kind === client ? "#0f766e" : "#4f46e5"

/** The picture: a row for each span, with a bar for when it began and how long it took. */
export const waterfall = (spans: ReadonlyArray<Span>): string => {
  const tree = treeOf(spans)
  const starts = spans.map(({ startTimeUnixNano }) => BigInt(startTimeUnixNano))
  const start = starts.reduce((a, b) => a < b ? a : b)
  const end = spans.map(({ endTimeUnixNano }) => BigInt(endTimeUnixNano)).reduce((a, b) => a > b ? a : b)
  const total = milliseconds(end - start)
  const x = (nanos: bigint) => names + (width - names - 70) * milliseconds(nanos - start) / total
  const height = head + row * tree.length + 8
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((part) => {
    const at = names + (width - names - 70) * part
    return `<line x1="${at.toFixed(1)}" y1="${head - 4}" x2="${at.toFixed(1)}" y2="${height - 8}" stroke="#e2e8f0"/>`
      + `<text x="${at.toFixed(1)}" y="18" text-anchor="middle" fill="#475569">${(total * part).toFixed(1)} ms</text>`
  })
  const rows = tree.map(({ depth, span }, i) => {
    const [from, to] = [BigInt(span.startTimeUnixNano), BigInt(span.endTimeUnixNano)]
    const y = head + row * i
    const left = x(from)
    const right = Math.max(x(to), left + 2)
    return `<text class="name" x="${10 + depth * 14}" y="${y + 16}" fill="#0f172a">${span.name}</text>`
      + `<rect x="${left.toFixed(1)}" y="${y + 5}" width="${(right - left).toFixed(1)}" height="14" rx="2" fill="${
        colourOf(span)
      }"/>`
      + `<text x="${(right + 5).toFixed(1)}" y="${y + 16}" fill="#475569">${
        milliseconds(to - from).toFixed(1)
      } ms</text>`
  })
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${width}" height="${height}" rx="6" fill="#ffffff"/>`,
    ...ticks,
    ...rows,
    "</svg>",
    ""
  ].join("\n")
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const draw = Effect.map(
    collected,
    (spans) => writeFileSync(new URL("../public/telemetry-traces.svg", import.meta.url), waterfall(spans))
  )
  const Uri = Layer.unwrap(
    Effect.map(
      MongoServer.startBinary(),
      ({ uri }) => ConfigProvider.layer(ConfigProvider.fromUnknown({ MONGODB_URI: Redacted.value(uri) }))
    )
  )
  NodeRuntime.runMain(Effect.provide(draw, Layer.merge(Server, Uri)))
}
