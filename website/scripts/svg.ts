// Draws bars as SVG. A chart that a page takes into its HTML has the colours of the page, light or dark. As a file of its own it has those of the
// reader's system.

/** A part of a bar: its value, and which of the colours it has. */
export interface Part {
  readonly name: string
  readonly value: number
  readonly colour: Colour
}

/** The colours of the parts. */
export type Colour = "mongofx" | "other" | "good" | "bad" | "neutral"

/** A line of a chart: a name, and one or more parts one after the other. */
export interface Bar {
  readonly name: string
  readonly parts: ReadonlyArray<Part>
  /** What is written behind the bar. */
  readonly label: string
}

/** A chart of bars. */
export interface Chart {
  readonly title: string
  /** What the chart shows, for those who do not see it. */
  readonly alt: string
  readonly bars: ReadonlyArray<Bar>
  /** A line across all bars, such as the driver's 1. */
  readonly mark?: { readonly value: number; readonly name: string } | undefined
  /** Names of the colours, where there is more than one. */
  readonly legend?: ReadonlyArray<readonly [Colour, string]> | undefined
}

const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(`"`, "&quot;")

const style = `
.mongofx-chart { width: 100%; min-width: 560px; height: auto; font-family: var(--vp-font-family-base, system-ui, sans-serif); font-size: 13px; }
.mongofx-chart text { fill: var(--vp-c-text-1, #213547); }
.mongofx-chart .quiet { fill: var(--vp-c-text-2, #5a6270); }
.mongofx-chart line { stroke: var(--vp-c-text-2, #5a6270); stroke-dasharray: 4 3; }
.mongofx-chart .mongofx { fill: #4f6bed; }
.mongofx-chart .other { fill: #8b93a1; }
.mongofx-chart .good { fill: #2f9e63; }
.mongofx-chart .bad { fill: #d9534f; }
.mongofx-chart .neutral { fill: #8b93a1; }
@media (prefers-color-scheme: dark) {
  svg.mongofx-chart:root { background: #1b1b1f; }
  svg.mongofx-chart:root text { fill: #dfdfd6; }
  svg.mongofx-chart:root .quiet, svg.mongofx-chart:root line { fill: #98989f; stroke: #98989f; }
}`.replaceAll("\n", " ").trim()

const width = 680
const row = 26

/** The SVG of a chart. */
export const draw = ({ alt, bars, legend = [], mark, title }: Chart): string => {
  const names = 7.2 * Math.max(...bars.map(({ name }) => name.length)) + 12
  const labels = 7.5 * Math.max(...bars.map(({ label }) => label.length)) + 12
  const most = Math.max(mark?.value ?? 0, ...bars.map(({ parts }) => parts.reduce((sum, { value }) => sum + value, 0)))
  const scale = (width - names - labels) / most
  const top = 34 + (legend.length > 0 ? 22 : 0)
  const height = top + bars.length * row + (mark === undefined ? 8 : 26)
  const at = (value: number) => value.toFixed(1)
  const lines = bars.map(({ label, name, parts }, i) => {
    const y = top + i * row
    let x = names
    const rects = parts.filter(({ value }) => value > 0).map((part) => {
      const rect = `<rect class="${part.colour}" x="${at(x)}" y="${y + 4}" width="${
        at(Math.max(part.value * scale, 1))
      }" height="${row - 9}" rx="2"><title>${escaped(part.name)}: ${part.value}</title></rect>`
      x += part.value * scale
      return rect
    })
    return `<text x="${at(names - 8)}" y="${y + 17}" text-anchor="end">${escaped(name)}</text>${
      rects.join("")
    }<text class="quiet" x="${at(x + 6)}" y="${y + 17}">${escaped(label)}</text>`
  })
  let keyX = 4
  const keys = legend.map(([colour, name]) => {
    const key = `<rect class="${colour}" x="${at(keyX)}" y="34" width="12" height="12" rx="2"/><text class="quiet" x="${
      at(keyX + 17)
    }" y="45">${escaped(name)}</text>`
    keyX += 32 + 7.2 * name.length
    return key
  })
  const marked = mark === undefined ? [] : [
    `<line x1="${at(names + mark.value * scale)}" x2="${at(names + mark.value * scale)}" y1="${top}" y2="${
      top + bars.length * row
    }"/>`,
    `<text class="quiet" x="${at(names + mark.value * scale)}" y="${
      top + bars.length * row + 16
    }" text-anchor="middle">${escaped(mark.name)}</text>`
  ]
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" class="mongofx-chart" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${
      escaped(alt)
    }">`,
    `<style>${style}</style>`,
    `<text x="4" y="18" font-weight="600">${escaped(title)}</text>`,
    ...keys,
    ...lines,
    ...marked,
    "</svg>",
    ""
  ].join("\n")
}
