import { Context, Effect, Layer, type Scope } from "effect"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { delimiter, join } from "node:path"
import { fileURLToPath } from "node:url"
import { type Browser as Chromium, chromium, type Page } from "playwright-core"

/** The built site. */
export const dist = fileURLToPath(new URL("../../dist/", import.meta.url))

/** The folder of the server that the site lies in: it works in any. */
const folder = "/some/where/"

const binaryOf = (): string | undefined => {
  const named = process.env["CHROMIUM_BINARY"] ?? ""
  if (named !== "") return named
  return (process.env["PATH"] ?? "").split(delimiter).map((path) => join(path, "chromium")).find((file) =>
    existsSync(file)
  )
}
const binary = binaryOf()

/** Why the pages cannot be opened in a browser here, if they cannot. */
export const reasonToSkip: string | undefined = binary === undefined
  ? "there is no chromium: set CHROMIUM_BINARY, or put it on the PATH"
  : !existsSync(`${dist}index.html`)
  ? "there is no build: run pnpm website:build"
  : undefined

/** The built pages, as paths below `website/dist`. */
export const pages: ReadonlyArray<string> = existsSync(dist)
  ? readdirSync(dist, { encoding: "utf8", recursive: true }).filter((file) => file.endsWith(".html")).sort()
  : []

const types: Readonly<Record<string, string>> = {
  css: "text/css",
  html: "text/html; charset=utf-8",
  js: "text/javascript",
  json: "application/json",
  png: "image/png",
  svg: "image/svg+xml",
  txt: "text/plain; charset=utf-8"
}

/** A server of the site that knows nothing of it: files, and the `index.html` of folders. */
const serve = Effect.acquireRelease(
  Effect.promise(() =>
    new Promise<{ readonly url: string; readonly close: () => void }>((resolve) => {
      const server = createServer((request, response) => {
        const { pathname } = new URL(request.url ?? "/", "http://localhost")
        const path = decodeURIComponent(pathname)
        const file = `${dist}${path.slice(folder.length)}${path.endsWith("/") ? "index.html" : ""}`
        if (!path.startsWith(folder) || path.includes("..") || !existsSync(file)) {
          response.writeHead(404).end()
          return
        }
        const type = types[file.replace(/^.*\./, "")]
        response.writeHead(200, type === undefined ? {} : { "content-type": type }).end(readFileSync(file))
      })
      server.listen(0, "127.0.0.1", () =>
        resolve({
          url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${folder}`,
          close: () => {
            server.closeAllConnections()
            server.close()
          }
        }))
    })
  ),
  ({ close }) => Effect.sync(close)
)

export interface View {
  readonly scheme?: "light" | "dark" | undefined
  readonly width?: number | undefined
}

/** A page of the browser, and what went wrong in it. */
export interface Opened {
  readonly page: Page
  readonly problems: ReadonlyArray<string>
}

export class Browser extends Context.Service<Browser, {
  /** Where the site is, with a slash at its end. */
  readonly url: string
  /** Opens an address in a window of its own, until the scope closes. */
  readonly open: (address: string, view?: View) => Effect.Effect<Opened, never, Scope.Scope>
}>()("website/test/Browser") {
  static readonly layer = Layer.effect(
    Browser,
    Effect.gen(function*() {
      const { url } = yield* serve
      const browser: Chromium = yield* Effect.acquireRelease(
        Effect.promise(() =>
          chromium.launch({ executablePath: binary!, args: ["--no-sandbox", "--disable-background-networking"] })
        ),
        (launched) => Effect.promise(() => launched.close())
      )
      const open = Effect.fnUntraced(function*(address: string, { scheme = "light", width = 1360 }: View = {}) {
        const context = yield* Effect.acquireRelease(
          Effect.promise(() =>
            browser.newContext({
              colorScheme: scheme,
              viewport: { width, height: 900 },
              permissions: ["clipboard-read", "clipboard-write"]
            })
          ),
          (opened) => Effect.promise(() => opened.close())
        )
        const problems: Array<string> = []
        const page = yield* Effect.promise(() => context.newPage())
        page.setDefaultTimeout(60_000)
        page.on("console", (message) => {
          if (message.type() === "error" || message.type() === "warning") problems.push(message.text())
        })
        page.on("pageerror", (error) => problems.push(String(error)))
        page.on("requestfailed", (request) => problems.push(`${request.url()} failed`))
        page.on("request", (request) => {
          if (!request.url().startsWith(url) && !/^(data|file):/.test(request.url())) {
            problems.push(`${request.url()} is not part of the site`)
          }
        })
        page.on("response", (response) => {
          if (response.status() >= 400) problems.push(`${response.url()} gives ${response.status()}`)
        })
        yield* Effect.promise(() => page.goto(address, { waitUntil: "networkidle" }))
        return { page, problems }
      })
      return { url, open }
    })
  )
}
