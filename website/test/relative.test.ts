import { assert, describe, it } from "@effect/vitest"
import { linkedText } from "../.vitepress/signatures.ts"
import { wrapped } from "../scripts/reference/signature.ts"
import { marker, relativeCss, relativeHtml, relativeJs } from "../scripts/relative/addresses.ts"
import { idsOf, linksOf } from "./support/html.ts"

/** What a module exports, run as if it lay at an address. */
const run = (code: string, address: string): unknown => {
  const body = code.replaceAll("import.meta.url", JSON.stringify(address)).replace(
    /export default ([^;]*);?$/,
    "return $1"
  )
  return new Function(body)()
}

describe("addresses of the built site", () => {
  it("are relative in a page, by its depth", () => {
    const html =
      `<link href="${marker}assets/a.css"><a href="${marker}">x</a><a href="${marker}reference/#a">y</a><a href="https://a.b/">z</a>`
    assert.strictEqual(
      relativeHtml("index.html", html),
      "<link href=\"./assets/a.css\"><a href=\"./index.html\">x</a><a href=\"./reference/index.html#a\">y</a><a href=\"https://a.b/\">z</a>"
    )
    assert.include(relativeHtml("a/b/c.html", html), "href=\"../../assets/a.css\"")
  })

  it("are relative in a stylesheet", () => {
    assert.strictEqual(relativeCss("assets/a.css", `a{b:url(${marker}c.svg)}`), "a{b:url(../c.svg)}")
  })

  it("are computed in a module, in texts of every kind", () => {
    const code =
      `const a="${marker}",b='<a href="${marker}x.html">${marker}y</a>',c=\`${marker}\${a}${marker}\`,d={"${marker}k":1};` +
      `export default [a,b,c,d,\`${marker}z\`,"it's"]`
    const top = "/some/wh%20ere/"
    assert.deepStrictEqual(run(relativeJs("assets/chunks/a.js", code), `http://localhost${top}assets/chunks/a.js`), [
      top,
      `<a href="${top}x.html">${top}y</a>`,
      `${top}${top}${top}`,
      { [`${top}k`]: 1 },
      `${top}z`,
      "it's"
    ])
  })

  it("leave a module without the marker as it is", () => {
    assert.strictEqual(relativeJs("assets/a.js", "export default 1"), "export default 1")
  })

  it("cannot be computed in imports and comments: those fail the build", () => {
    assert.throws(() => relativeJs("a.js", `import "${marker}b.js"`), /imports/)
    assert.throws(() => relativeJs("a.js", `/* ${marker} */export default 1`), /outside of a text/)
  })
})

describe("signatures of the reference", () => {
  it("have a parameter on each line if they are long", () => {
    assert.strictEqual(wrapped("function f(a: string): number;"), "function f(a: string): number;")
    const [a, b] = [
      "aaaaaaaaaaaaaaaa: Map<string, (x: number, y: string) => void>",
      "b: { c: \"(\"; d: ReadonlyArray<E<F, G>> }"
    ]
    assert.strictEqual(
      wrapped(`readonly f: <A>(${a}, ${b}) => Effect<A>;`),
      `readonly f: <A>(\n  ${a},\n  ${b}\n) => Effect<A>;`
    )
  })

  it("lead to their types", () => {
    assert.strictEqual(
      linkedText("<span>: Effect&lt;Query</span>, Queries", new Map([["Query", "/q.html#query"]])),
      "<span>: Effect&lt;<a href=\"/q.html#query\">Query</a></span>, Queries"
    )
  })
})

describe("what a page links to", () => {
  it("is read from its attributes", () => {
    const html =
      `<style>a[href="x"]{}</style><a id="top" href="../b/c.html#d%20e">x</a><a href="#top">y</a><a href="https://a.b">z</a>` +
      `<script>document.write('<a href="no.html">')</script>`
    assert.deepStrictEqual(linksOf("a/f.html", html), [{ file: "b/c.html", anchor: "d e" }, {
      file: "a/f.html",
      anchor: "top"
    }])
    assert.deepStrictEqual([...idsOf(html)], ["top"])
  })
})
