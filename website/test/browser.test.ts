// The built site in a real browser, served from a subfolder: `pnpm website:build`, then `pnpm test website/test/browser.test.ts`.
// Without a build or a chromium vitest skips it and says so: the tests of `.ci/run` run before the build, and its step `website` after.
import { assert, describe, it, layer } from "@effect/vitest"
import axe from "axe-core"
import { Effect } from "effect"
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { filesOf, includesOf, parsePage, regionOf } from "../scripts/markdown.ts"
import { Browser, dist, type Opened, pages, reasonToSkip } from "./support/browser.ts"
import { idsOf, type Link, linksOf } from "./support/html.ts"

const website = new URL("..", import.meta.url)
const screenshots = fileURLToPath(new URL("node_modules/.cache/screenshots/", website))

const shown = pages.filter((page) => page !== "404.html")
const start = "index.html"
const guide = "guides/start.html"
const module = "reference/core/MongoClient.html"
const shot = ["index.html", "guides/typed-collections.html", module]
const examined = [start, guide, module, "choosing.html"]

/** A word that a reader searches, and a page that must be among the results. */
const terms: ReadonlyArray<readonly [string, string]> = [
  ["withTransaction", "reference/core/MongoClient"],
  ["layerConfig", "reference/core/MongoClient"],
  ["DuplicateKeyError", "reference/core/MongoError"],
  ["resume token", "reference/core/"],
  ["usesIndex", "reference/testing/MongoTest"],
  ["makeRepository", "reference/schema/MongoModel"],
  ["outbox", "guides/change-streams-and-outboxes"],
  ["GridFS", "guides/files"],
  ["typed collection", "guides/typed-collections"],
  ["arrayFilters", "guides/filters-and-updates"]
]

/** The first program that a page shows, or the part of it. */
const programOf = (file: string): string => {
  const page = parsePage(readFileSync(new URL(file, website), "utf8"))
  const { path, region } = includesOf(file, page).find(({ path }) => path.endsWith(".ts"))!
  const source = readFileSync(new URL(path, website), "utf8")
  return region === undefined ? source : regionOf(source, region)!
}

const idle = ({ page }: Opened): Effect.Effect<void> => Effect.promise(() => page.waitForLoadState("networkidle"))

describe.skipIf(reasonToSkip === undefined)(`the site in a browser is not tested: ${reasonToSkip}`, () => {
  it.skip("see the name of this suite", () => {})
})

describe.skipIf(reasonToSkip !== undefined)("the built site", () => {
  it("has the pages that have a source, and the reference", () => {
    const sources = filesOf(fileURLToPath(website), ".md").map((file) => file.replace(/\.md$/, ".html"))
    const built = pages.filter((page) => !page.startsWith("reference/"))
    assert.deepStrictEqual(built, ["404.html", ...sources].sort())
  })

  it("has a page for each link, and a place for each anchor", () => {
    const texts = new Map(pages.map((page) => [page, readFileSync(`${dist}${page}`, "utf8")]))
    const ids = new Map([...texts].map(([page, html]) => [page, idsOf(html)]))
    const files = new Set<string>()
    const isThere = ({ anchor, file }: Link): boolean => {
      if (file.endsWith(".html")) return ids.get(file)?.has(anchor) === true || anchor === "" && ids.has(file)
      if (!files.has(file)) readFileSync(`${dist}${file}`)
      files.add(file)
      return true
    }
    const links = [...texts].flatMap(([page, html]) => linksOf(page, html).map((link) => [page, link] as const))
    assert.isAbove(links.length, 1000)
    const dead = links.filter(([, link]) => !isThere(link)).map(([page, { anchor, file }]) =>
      `${page}: ${file}#${anchor}`
    )
    assert.deepStrictEqual([...new Set(dead)], [])
  })

  layer(Browser.layer, { excludeTestServices: true, timeout: "60 seconds" })((it) => {
    it.effect("shows every page without an error, and without asking another host", () =>
      Effect.gen(function*() {
        const { open, url } = yield* Browser
        const problems = yield* Effect.forEach(shown, (path) =>
          Effect.scoped(Effect.gen(function*() {
            const { page, problems } = yield* open(`${url}${path}`)
            const title = yield* Effect.promise(() => page.locator("h1").first().innerText())
            return [...problems, ...title.trim() === "" ? ["no title"] : []].map((problem) => `${path}: ${problem}`)
          })), { concurrency: 3 })
        assert.deepStrictEqual(problems.flat(), [])
      }), 240_000)

    it.effect("leads from page to page without loading the site again", () =>
      Effect.gen(function*() {
        const { open, url } = yield* Browser
        const opened = yield* open(`${url}${start}`)
        yield* Effect.promise(async () => {
          await opened.page.evaluate(() => Object.assign(globalThis, { isSame: true }))
          await opened.page.locator(".VPNavBarMenu a", { hasText: "Reference" }).click()
          await opened.page.waitForURL(`${url}reference/`)
          await opened.page.locator(".vp-doc a", { hasText: /^MongoClient$/ }).click()
          await opened.page.waitForURL(`${url}${module}`)
          await opened.page.locator(".vp-doc .signature a", { hasText: /^MongoClientConfig$/ }).first().click()
          await opened.page.waitForURL(`${url}reference/core/MongoClientConfig.html#mongoclientconfig`)
          await opened.page.locator(".VPNavBarMenu a", { hasText: "Start" }).click()
          await opened.page.waitForURL(`${url}guides/start.html`)
          await opened.page.locator(".VPNavBarTitle a").click()
          await opened.page.waitForURL(url)
        })
        yield* idle(opened)
        assert.isTrue(yield* Effect.promise(() => opened.page.evaluate(() => "isSame" in globalThis)))
        assert.deepStrictEqual(opened.problems, [])
      }), 120_000)

    it.effect("finds what readers search", () =>
      Effect.gen(function*() {
        const { open, url } = yield* Browser
        const opened = yield* open(`${url}${guide}`)
        const { page } = opened
        const missing = yield* Effect.promise(async () => {
          await page.locator("#local-search button").first().click()
          const missing: Array<string> = []
          for (const [term, path] of terms) {
            await page.locator("#localsearch-input").fill(term)
            const result = page.locator(`.VPLocalSearchBox a.result[href^="${new URL(url).pathname}${path}"]`).first()
            await result.waitFor({ timeout: 20_000 }).catch(() => missing.push(`${term} does not find ${path}`))
          }
          await page.locator("#localsearch-input").fill("withTransaction")
          await page.locator(".VPLocalSearchBox a.result").first().click()
          await page.waitForURL((address) => address.pathname !== new URL(`${url}${guide}`).pathname)
          return missing
        })
        assert.deepStrictEqual(missing, [])
        assert.deepStrictEqual(opened.problems, [])
      }), 240_000)

    it.effect("copies the program that a guide shows", () =>
      Effect.gen(function*() {
        const { open, url } = yield* Browser
        const { page } = yield* open(`${url}${guide}`)
        const copied = yield* Effect.promise(async () => {
          const code = page.locator(".vp-doc div.language-ts").first()
          await code.hover()
          await code.locator("button.copy").click()
          return await page.evaluate(() => navigator.clipboard.readText())
        })
        assert.isAbove(copied.length, 40)
        assert.strictEqual(copied.trim(), programOf(guide.replace(".html", ".md")).trim())
      }), 60_000)

    it.effect("turns dark, and stays so", () =>
      Effect.gen(function*() {
        const { open, url } = yield* Browser
        const { page } = yield* open(`${url}${guide}`)
        const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor)
        yield* Effect.promise(async () => {
          const light = await background()
          await page.locator(".VPNavBarAppearance button").click()
          await page.locator("html.dark").waitFor()
          const dark = await background()
          assert.notStrictEqual(dark, light)
          await page.reload({ waitUntil: "networkidle" })
          assert.strictEqual(await background(), dark)
        })
      }), 60_000)

    it.effect("fits a telephone", () =>
      Effect.gen(function*() {
        const { open, url } = yield* Browser
        const wide = yield* Effect.forEach(
          shown.filter((page) => !page.startsWith("reference/") || page === module),
          (path) =>
            Effect.scoped(Effect.gen(function*() {
              const { page } = yield* open(`${url}${path}`, { width: 390 })
              const width = yield* Effect.promise(() => page.evaluate(() => document.documentElement.scrollWidth))
              return width > 390 ? [`${path} is ${width} wide`] : []
            })),
          { concurrency: 3 }
        )
        assert.deepStrictEqual(wide.flat(), [])
      }), 180_000)

    it.effect("can be read by everybody: axe finds nothing serious, in light and dark", () =>
      Effect.gen(function*() {
        const { open, url } = yield* Browser
        const views = examined.flatMap((path) => (["light", "dark"] as const).map((scheme) => ({ path, scheme })))
        const found = yield* Effect.forEach(views, ({ path, scheme }) =>
          Effect.scoped(Effect.gen(function*() {
            const { page } = yield* open(`${url}${path}`, { scheme })
            return yield* Effect.promise(async () => {
              // The switch of the theme gets its name from the script of the page.
              await page.locator(".VPSwitchAppearance:not([title=''])").first().waitFor({ state: "attached" })
              await page.evaluate(axe.source)
              const { violations } = await page.evaluate(() => (globalThis as unknown as { axe: typeof axe }).axe.run())
              return violations.filter(({ impact }) => impact === "serious" || impact === "critical").map((violation) =>
                `${path} (${scheme}): ${violation.id}, ${violation.help}: ${
                  violation.nodes.slice(0, 3).map(({ html }) => html).join("\n")
                }`
              )
            })
          })), { concurrency: 2 })
        assert.deepStrictEqual(found.flat(), [])
      }), 180_000)

    it.effect("can be read from a copied folder, without a server", () =>
      Effect.gen(function*() {
        const { open } = yield* Browser
        const copy = yield* Effect.acquireRelease(
          Effect.sync(() => {
            const folder = mkdtempSync(join(tmpdir(), "mongofx pages "))
            cpSync(dist, folder, { recursive: true })
            return folder
          }),
          (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
        )
        const { page } = yield* open(new URL(`file://${copy}/${guide}`).href)
        yield* Effect.promise(async () => {
          assert.include(await page.locator("h1").innerText(), "Start")
          const styled = await page.evaluate(() => getComputedStyle(document.querySelector(".vp-doc h1")!).fontSize)
          assert.strictEqual(styled, "32px")
          await page.locator(".VPSidebar a", { hasText: "All modules" }).click()
          await page.locator("h1", { hasText: "Reference" }).waitFor()
          await page.locator(".vp-doc a", { hasText: /^MongoClient$/ }).click()
          await page.locator("h1", { hasText: "MongoClient" }).waitFor()
          await page.locator(".VPNavBarTitle a").click()
          await page.locator("h1", { hasText: "mongofx" }).first().waitFor()
          assert.match(page.url(), /^file:.*\/index\.html$/)
        })
      }), 60_000)

    it.effect("has its picture taken, for people to look at", () =>
      Effect.gen(function*() {
        const { open, url } = yield* Browser
        mkdirSync(screenshots, { recursive: true })
        const views = [["light", 1360], ["dark", 1360], ["light", 390]] as const
        for (const path of shot) {
          for (const [scheme, width] of views) {
            yield* Effect.scoped(Effect.gen(function*() {
              const { page } = yield* open(`${url}${path}`, { scheme, width })
              const name = `${path.replace(".html", "").replaceAll("/", "-")}-${width === 390 ? "narrow" : scheme}.png`
              const picture = yield* Effect.promise(() => page.screenshot({ path: `${screenshots}${name}` }))
              assert.isAbove(picture.length, 10_000)
            }))
          }
        }
      }), 120_000)
  })
})
