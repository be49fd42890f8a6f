import { assert, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import type { Span } from "../guides/telemetry/collector.ts"
import { waterfall } from "../scripts/waterfall.ts"

const read = (file: string) => readFileSync(new URL(`../${file}`, import.meta.url), "utf8")

const span = (spanId: string, parentSpanId: string | undefined, name: string, start: number, end: number): Span => ({
  traceId: "t",
  spanId,
  parentSpanId,
  name,
  kind: 1,
  startTimeUnixNano: String(start * 1e6),
  endTimeUnixNano: String(end * 1e6),
  attributes: [],
  droppedAttributesCount: 0,
  events: [],
  droppedEventsCount: 0,
  status: { code: 1 },
  links: [],
  droppedLinksCount: 0
})

const namesOf = (svg: string) => [...svg.matchAll(/class="name"[^>]*>([^<]*)</g)].map(([, name]) => name)

it("a waterfall has each span below the one that it is in, in the order of their beginnings", () => {
  const svg = waterfall([
    span("c", "a", "second", 6, 10),
    span("b", "a", "first", 2, 4),
    span("a", undefined, "whole", 0, 10)
  ])
  assert.deepStrictEqual(namesOf(svg), ["whole", "first", "second"])
  const bars = [...svg.matchAll(/<rect x="([\d.]+)" y="\d+" width="([\d.]+)"/g)].map(([, x, width]) =>
    [x, width].map(Number)
  )
  // A bar is as long as its span: 470 pixels for 10 milliseconds, behind 220 pixels of names.
  assert.deepStrictEqual(bars, [[220, 470], [314, 94], [502, 188]])
})

it("the picture of the guide shows the spans that its program prints", () => {
  const printed = read("guides/telemetry/traces.out").trimEnd().split("\n").map((line) => line.trim().split("  ")[0])
  assert.deepStrictEqual(namesOf(read("public/telemetry-traces.svg")), printed)
})
