// Builds the native part of mongodb-client-encryption against the libmongocrypt that the system has, so that the tests of
// encryption run where its own install script can neither download nor compile it. Never part of a published package.
// Needs g++, Node's headers and libmongocrypt with its headers (Debian: `apt-get install g++ libmongocrypt-dev`).
import { spawnSync } from "node:child_process"
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"

const require = createRequire(import.meta.url)
const root = dirname(require.resolve("mongodb-client-encryption/package.json"))

const end = (message, status) => {
  console.error(message)
  process.exit(status)
}

const load = () =>
  spawnSync(process.execPath, [
    "-p",
    `require(${JSON.stringify(root)}).MongoCrypt.libmongocryptVersion`
  ], { encoding: "utf8" })

const version = load()
if (version.status === 0) end(`mongodb-client-encryption is complete, with libmongocrypt ${version.stdout.trim()}`, 0)

const find = (what, ...paths) => paths.find(existsSync) ?? end(`${what} not found in ${paths.join(", ")}`, 1)

const nodeHeaders = dirname(find(
  "Node's headers",
  join(process.execPath, "../../include/node/node_api.h"),
  "/usr/include/node/node_api.h"
))
const cryptHeaders = dirname(find(
  "the headers of libmongocrypt",
  "/usr/include/mongocrypt/mongocrypt.h",
  "/usr/local/include/mongocrypt/mongocrypt.h"
))
// A development dependency of mongodb-client-encryption's, which the package manager has put next to it.
const addonApi = dirname(
  createRequire(join(root, "package.json")).resolve("node-addon-api/package.json")
)

const header = readdirSync(cryptHeaders).map((file) => readFileSync(join(cryptHeaders, file), "utf8")).join("\n")
const addon = readFileSync(join(root, "addon/mongocrypt.cc"), "utf8")

// What newer versions have: options that an old one leaves at its defaults, and what it cannot do.
const stubs = {
  mongocrypt_ctx_setopt_algorithm_text: "bool NAME(mongocrypt_ctx_t*, mongocrypt_binary_t*) { return false; }",
  mongocrypt_kms_ctx_fail: "bool NAME(mongocrypt_kms_ctx_t*) { return false; }",
  mongocrypt_kms_ctx_usleep: "int64_t NAME(mongocrypt_kms_ctx_t*) { return 0; }",
  mongocrypt_setopt_enable_multiple_collinfo: "void NAME(mongocrypt_t*) {}",
  mongocrypt_setopt_key_expiration: "bool NAME(mongocrypt_t*, uint64_t) { return true; }",
  mongocrypt_setopt_retry_kms: "bool NAME(mongocrypt_t*, bool) { return true; }",
  mongocrypt_setopt_use_range_v2: "bool NAME(mongocrypt_t*) { return true; }"
}
const missing = [...new Set(addon.match(/\bmongocrypt_\w+(?=\()/g))].filter((name) => !header.includes(name))
const lines = missing.map((name) =>
  `static inline ${stubs[name]?.replace("NAME", name) ?? end(`this libmongocrypt is too old: it has no ${name}`, 1)}`
)
const opaque = /struct _mongocrypt_binary_t\s*\{/.test(header)
  ? ""
  : "struct _mongocrypt_binary_t { void *data; uint32_t len; };"

const target = join(root, "build/Release")
const shim = join(root, "build/shim.h")
mkdirSync(target, { recursive: true })
writeFileSync(
  shim,
  [
    "#pragma once",
    "#include <stdbool.h>",
    "#include <stdint.h>",
    "extern \"C\" {",
    "#include <mongocrypt/mongocrypt.h>",
    opaque,
    ...lines,
    "}",
    ""
  ].join("\n")
)
const include = [join(root, "addon"), nodeHeaders, addonApi, cryptHeaders, dirname(cryptHeaders)].flatMap((
  path
) => ["-I", path])
const options = "-std=c++17 -O1 -fPIC -shared -w -DNODE_GYP_MODULE_NAME=mongocrypt".split(" ")
const sources = [join(root, "addon/mongocrypt.cc"), join(root, "addon/openssl-crypto.cc")]
const output = ["-lmongocrypt", "-o", join(target, "mongocrypt.node")]
const { error, status } = spawnSync(
  "g++",
  options.concat("-include", shim, include, sources, output),
  { stdio: "inherit" }
)
const built = load()
if (error !== undefined || status !== 0 || built.status !== 0) {
  rmSync(join(root, "build"), { recursive: true, force: true })
  end(error === undefined ? `g++ failed. ${built.stderr}` : error.message, 1)
}
end(`built mongodb-client-encryption against libmongocrypt ${built.stdout.trim()}`, 0)
