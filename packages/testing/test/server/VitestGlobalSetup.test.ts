import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { execFile, execFileSync, spawn } from "node:child_process"
import { createHash } from "node:crypto"
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync
} from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const binary = process.env["MONGOD_BINARY"]
const hasBinary = binary !== undefined && binary !== ""

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url))

const temporaryFolder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "mongofx-test-"))),
  (dir) => Effect.sync(() => rmSync(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }))
)

const version = "8.2.0"
const archiveName = `mongodb-linux-x86_64-ubuntu2204-${version}.tgz`

/** An archive as MongoDB publishes them. Its mongod is a script that runs the real one, as long as the downloader wants it at least. */
const archive = (dir: string): Buffer => {
  const bin = join(dir, "mongodb/bin")
  mkdirSync(bin, { recursive: true })
  writeFileSync(join(bin, "mongod"), `#!/bin/sh\nexec "${binary}" "$@"\n${"#".repeat(1024 * 1024)}\n`)
  chmodSync(join(bin, "mongod"), 0o755)
  execFileSync("tar", ["-czf", join(dir, "archive.tgz"), "-C", dir, "mongodb"])
  return readFileSync(join(dir, "archive.tgz"))
}

/** A site with an archive and its checksum. `answer` says how long a request for the archive waits; those that it does not answer stay open. */
const site = (bytes: Buffer, answer: (request: number) => number | "never") =>
  Effect.map(
    Effect.acquireRelease(
      Effect.promise(async () => {
        const requests: Array<string> = []
        const server = createServer((request, response) => {
          if (request.url?.endsWith(".md5") === true) {
            const md5 = createHash("md5").update(bytes).digest("hex")
            response.writeHead(200, { "content-length": md5.length }).end(md5)
            return
          }
          requests.push(request.url ?? "")
          const delay = answer(requests.length)
          if (delay === "never") return
          setTimeout(() => response.writeHead(200, { "content-length": bytes.length }).end(bytes), delay)
        })
        await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
        return { server, requests }
      }),
      ({ server }) =>
        Effect.sync(() => {
          server.closeAllConnections()
          server.close()
        })
    ),
    ({ requests, server }) => ({ requests, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })
  )

/** A process that downloads from a site into a folder, starts the server and uses it. */
const downloader = (url: string, folder: string) => {
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    MONGODB_URI: "",
    MONGOD_BINARY: "",
    MONGOFX_TEST_VERSION: version,
    MONGOMS_ARCHIVE_NAME: archiveName,
    MONGOMS_DOWNLOAD_DIR: folder,
    MONGOMS_DOWNLOAD_MIRROR: url,
    MONGOMS_USE_HTTP: "true",
    HOME: folder
  }
  for (const name of Object.keys(env)) if (/proxy/i.test(name)) delete env[name]
  const child = spawn(process.execPath, ["--import", "tsx", at("../support/downloadServer.ts")], {
    stdio: ["ignore", "pipe", "inherit"],
    env
  })
  let text = ""
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => text += chunk)
  const ended = new Promise<string>((resolve) =>
    child.once("close", (code, signal) => resolve(`${text.trim().split("\n").at(-1)} ended with ${code ?? signal}`))
  )
  return { child, ended }
}

const until = async (what: string, condition: () => boolean) => {
  const deadline = Date.now() + 20_000
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`waited in vain: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

describe.skipIf(!hasBinary || process.platform === "win32")("a setup that downloads (needs MONGOD_BINARY)", () => {
  it.live("two runs that start at the same time download once, and both have a server", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      const { requests, url } = yield* site(archive(yield* temporaryFolder), () => 1500)
      const [one, two] = [downloader(url, folder), downloader(url, folder)]
      const ends = yield* Effect.promise(() => Promise.all([one.ended, two.ended]))
      assert.deepStrictEqual(ends, ["answers ended with 0", "answers ended with 0"])
      assert.strictEqual(requests.length, 1)
      assert.include(requests[0], archiveName)
      assert.deepStrictEqual(readdirSync(join(folder, "mongofx.lock")), [])

      const later = downloader(url, folder)
      assert.strictEqual(yield* Effect.promise(() => later.ended), "answers ended with 0")
      assert.strictEqual(requests.length, 1)
    }), 90_000)

  it.live("the next run downloads when the one before was killed in its download", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      const { requests, url } = yield* site(archive(yield* temporaryFolder), (request) => request === 1 ? "never" : 0)
      const killed = downloader(url, folder)
      yield* Effect.promise(() => until("the download begins", () => requests.length === 1))
      const next = downloader(url, folder)
      const lock = join(folder, "mongofx.lock")
      assert.isTrue(existsSync(lock))
      killed.child.kill("SIGKILL")
      assert.strictEqual(yield* Effect.promise(() => next.ended), "answers ended with 0")
      assert.strictEqual(requests.length, 2)
      assert.deepStrictEqual(readdirSync(lock), [])
    }), 90_000)
})

/** Runs vitest on a few tests, in an environment. */
const runVitest = (env: Readonly<Record<string, string>>) =>
  Effect.promise(() =>
    new Promise<string>((resolve) => {
      const { MONGOFX_TEST_SERVERS: _, VITEST: __, ...rest } = process.env
      execFile(
        process.execPath,
        [
          join(at("../../node_modules/vitest"), "vitest.mjs"),
          "run",
          "--config",
          at("../support/withoutServer/vitest.config.ts"),
          "--reporter=verbose",
          "--no-color"
        ],
        { cwd: at("../.."), env: { ...rest, ...env }, timeout: 80_000 },
        (_, stdout, stderr) => resolve(stdout + stderr)
      )
    })
  )

describe("a run without a server", () => {
  it.live(
    "fails only the tests that need the server of MONGODB_URI, which does not answer, and says so",
    () =>
      Effect.gen(function*() {
        const output = yield* runVitest({
          MONGODB_URI: "mongodb://ada:secret@127.0.0.1:1/?serverSelectionTimeoutMS=300"
        })
        assert.match(output, /2 passed/)
        assert.match(output, /1 failed/)
        assert.match(output, /✓ .*adds/)
        assert.match(output, /✓ .*multiplies/)
        assert.match(output, /The tests have no MongoDB server. The server that MONGODB_URI names cannot be used: /)
        assert.match(output, /MongoServerError: The server that MONGODB_URI names cannot be used: .*127\.0\.0\.1:1/)
        assert.notInclude(output, "secret")
      }),
    90_000
  )

  it.live("fails only the tests that need a server when no mongod is found", () =>
    Effect.gen(function*() {
      const output = yield* runVitest({ MONGODB_URI: "", MONGOD_BINARY: "/no/such/mongod" })
      assert.match(output, /2 passed/)
      assert.match(output, /1 failed/)
      assert.match(output, /MongoServerError: MONGOD_BINARY names \/no\/such\/mongod, which is not an executable file/)
    }), 90_000)
})
