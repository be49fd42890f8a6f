// Follows the page "Start" in an empty folder, as a stranger does: writes each file and runs each command in the order of the page, with the
// packed packages. Compares what the page says that programs print, and says how long it took.
import { spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import { connect } from "node:net"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { stripVTControlCharacters } from "node:util"
import { findMongod } from "./find-mongod.mjs"

/** What the page asks for, in its order: files, commands for npm, and what the last command prints. */
export const stepsOf = (page, website) => {
  const steps = []
  const pattern = /^```(\w+)(?: \[([^\]]+)\])?\n([\s\S]*?)^```$|^<<< @\/(\S+?\.(\w+))(?:\{\w+\})?(?: \[([^\]]+)\])?$/gm
  for (const [, language, label, text, path, extension, name] of page.matchAll(pattern)) {
    if (path !== undefined) {
      const content = readFileSync(join(website, path), "utf8")
      if (extension === "out") steps.push({ kind: "prints", content, withoutServer: path.endsWith("missing.out") })
      else if (name !== undefined) steps.push({ kind: "file", name, content })
    } else if (language === "sh") {
      if (label === "npm") { for (const line of text.trim().split("\n")) steps.push({ kind: "command", line }) }
    } else if (label !== undefined) steps.push({ kind: "file", name: label, content: text })
  }
  return steps
}

/** A registry that has the packed packages only. Those of others come from the registry of this machine. */
const registryOf = async (packages) => {
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url)
    const host = `http://127.0.0.1:${server.address().port}`
    const found = packages.find(({ name }) => path === `/${name}` || path === `/${name}.tgz`)
    if (found === undefined) return response.writeHead(404).end()
    if (path.endsWith(".tgz")) return response.end(readFileSync(found.tarball))
    const { stdout } = spawnSync("tar", ["-xzOf", found.tarball, "package/package.json"], { encoding: "utf8" })
    const manifest = JSON.parse(stdout)
    const { name, version } = manifest
    const versions = { [version]: { ...manifest, dist: { tarball: `${host}/${name}.tgz` } } }
    response.setHeader("content-type", "application/json")
    response.end(JSON.stringify({ name, "dist-tags": { latest: version }, versions }))
  })
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve))
  return server
}

const listens = async (port) => {
  const socket = connect(port, "127.0.0.1")
  try {
    await once(socket, "connect")
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

/** The server that the page starts, on a port that is free. */
const startServer = async (folder) => {
  mkdirSync(join(folder, "data"))
  const binary = await findMongod()
  const port = 20_000 + process.pid % 20_000
  const child = spawn(binary, ["--dbpath", "data", "--port", String(port), "--bind_ip", "127.0.0.1"], {
    cwd: folder,
    stdio: "ignore"
  })
  for (let i = 0; i < 300 && child.exitCode === null && !await listens(port); i++) await sleep(100)
  return { binary, child, uri: `mongodb://127.0.0.1:${port}` }
}

const run = (folder, line, env) =>
  new Promise((resolve) => {
    const [command, ...args] = line.split(" ")
    const child = spawn(command, args, { cwd: folder, env: { ...process.env, ...env }, timeout: 300_000 })
    const printed = []
    child.stdout.on("data", (chunk) => printed.push(chunk))
    child.stderr.on("data", (chunk) => printed.push(chunk))
    child.on("error", (error) => resolve({ code: 127, printed: String(error) }))
    child.on("close", (code) => resolve({ code, printed: stripVTControlCharacters(Buffer.concat(printed).toString()) }))
  })

/** Follows the page. `check` takes the name of a step and its problem, if there is one. */
export const followStart = async ({ check, folder, packages, root }) => {
  mkdirSync(folder)
  const website = join(root, "website")
  const steps = stepsOf(readFileSync(join(website, "guides/start.md"), "utf8"), website)
  const registry = await registryOf(packages)
  const server = await startServer(folder)
  const started = Date.now()
  try {
    writeFileSync(
      join(folder, ".npmrc"),
      `@mongofx:registry=http://127.0.0.1:${registry.address().port}/\naudit=false\nfund=false\n`
    )
    // The tests of the page start a server of their own; its programs use the one that runs.
    const env = (line) =>
      line === "npm test" ? { MONGODB_URI: "", MONGOD_BINARY: server.binary, CI: "true" } : { MONGODB_URI: server.uri }
    let last
    for (const step of steps) {
      if (step.kind === "file") writeFileSync(join(folder, step.name), step.content)
      else if (step.kind === "command") {
        const { code, printed } = await run(folder, step.line, env(step.line))
        last = { line: step.line, printed }
        if (!check(`start: ${step.line}`, code === 0 ? undefined : printed || `it ended with ${code}`)) return
        if (step.line === "npm test") {
          check("start: npm test passes tests", /Tests +[1-9]\d* passed/.test(printed) ? undefined : printed)
        }
      } else {
        const { printed } = step.withoutServer
          ? await run(folder, last.line, { MONGODB_URI: "mongodb://127.0.0.1:1" })
          : last
        const expected = step.content.replace(/^exit code \d+\n/m, "").trim().split("\n")
        const missing = expected.filter((line) => !printed.includes(line))
        const name = `start: ${last.line} prints what the page says${
          step.withoutServer ? " when there is no server" : ""
        }`
        check(name, missing.length === 0 ? undefined : `${missing.join("\n")}\nis not in\n${printed}`)
      }
    }
    const files = steps.filter(({ kind }) => kind === "file").length
    const commands = steps.filter(({ kind }) => kind === "command").length
    const seconds = Math.round((Date.now() - started) / 1000)
    console.log(`        ${files} files and ${commands} commands of the page took ${seconds} seconds`)
    check(
      "start: ends with a test",
      commands >= 5 && last?.line === "npm test" ? undefined : "its last command is not npm test"
    )
    check("start: takes less than ten minutes", seconds < 600 ? undefined : `it took ${seconds} seconds`)
  } finally {
    server.child.kill("SIGKILL")
    registry.closeAllConnections()
    registry.close()
  }
}
