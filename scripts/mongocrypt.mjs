// Builds the native part of mongodb-client-encryption, so that the tests of encryption run where its own install script can
// neither download nor compile it. Published packages do not contain it.
//
//   node scripts/mongocrypt.mjs            builds against the libmongocrypt of the system
//   node scripts/mongocrypt.mjs FOLDER     builds against one unpacked there, as by scripts/get-libmongocrypt.sh
//   node scripts/mongocrypt.mjs --remove   removes only what this script has built
//
// Ends with 2 if the machine lacks something that the build needs, and with 1 if the build fails.
//
// Needs g++, Node's headers and libmongocrypt with its headers (Debian: `apt-get install g++ libmongocrypt-dev`; the version of
// Debian 12 is too old for ranges, named providers and Queryable Encryption).
import { spawnSync } from "node:child_process"
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { dirname, join, resolve } from "node:path"

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

const shim = join(root, "build/shim.h")
const [folder] = process.argv.slice(2)

if (folder === "--remove") {
  const isOurs = existsSync(shim)
  if (isOurs) rmSync(join(root, "build"), { recursive: true, force: true })
  end(
    isOurs
      ? "removed the build of mongodb-client-encryption"
      : "nothing to remove: this script has not built mongodb-client-encryption",
    0
  )
}

const loadError = () => {
  try {
    process.dlopen({ exports: {} }, join(target, "mongocrypt.node"))
  } catch (error) {
    return error.message
  }
}

const version = load()
if (version.status === 0) {
  end(`nothing to build: mongodb-client-encryption works, with libmongocrypt ${version.stdout.trim()}`, 0)
}

const find = (what, ...paths) =>
  paths.find(existsSync) ?? end(`${what} not found in ${paths.join(", ")}: install the missing package`, 2)

const nodeHeaders = dirname(find(
  "Node's headers",
  join(process.execPath, "../../include/node/node_api.h"),
  "/usr/include/node/node_api.h"
))
const prefixes = folder === undefined
  ? ["/usr", "/usr/local"]
  : [join(folder, "usr"), folder].map((dir) => resolve(dir))
const cryptHeaders = dirname(find(
  "the headers of libmongocrypt",
  ...prefixes.map((prefix) => join(prefix, "include/mongocrypt/mongocrypt.h"))
))
/** The folder of a library that is unpacked but not installed: the folder of the machine's architecture, or the one above. */
const libraryFolder = () => {
  const above = join(cryptHeaders, "../../lib")
  const inside = readdirSync(above, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  return dirname(find(
    "libmongocrypt.so",
    ...[above, ...inside.map(({ name }) => join(above, name))].map((dir) => join(dir, "libmongocrypt.so"))
  ))
}
// A development dependency of mongodb-client-encryption, which the package manager has put next to it.
const addonApi = dirname(
  createRequire(join(root, "package.json")).resolve("node-addon-api/package.json")
)

const header = readdirSync(cryptHeaders).map((file) => readFileSync(join(cryptHeaders, file), "utf8")).join("\n")
const addon = readFileSync(join(root, "addon/mongocrypt.cc"), "utf8")

// Functions of newer versions: options that an old version leaves at its defaults, and features that it lacks.
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
  `static inline ${
    stubs[name]?.replace("NAME", name) ??
      end(`this libmongocrypt is too old, it lacks ${name}: use the one of scripts/get-libmongocrypt.sh`, 1)
  }`
)
const opaque = /struct _mongocrypt_binary_t\s*\{/.test(header)
  ? ""
  : "struct _mongocrypt_binary_t { void *data; uint32_t len; };"

const target = join(root, "build/Release")
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
// The older kind of rpath also applies to the libraries that the library needs.
const library = folder === undefined ? [] : ["-L", libraryFolder(), `-Wl,--disable-new-dtags,-rpath,${libraryFolder()}`]
const output = [...library, "-lmongocrypt", "-o", join(target, "mongocrypt.node")]
const { error, status } = spawnSync(
  "g++",
  options.concat("-include", shim, include, sources, output),
  { stdio: "inherit" }
)
// The package says only that it has no native part. The loader says what is wrong with the new one.
const reason = error?.message ?? (status === 0 ? loadError() : "g++ failed")
if (reason !== undefined) {
  rmSync(join(root, "build"), { recursive: true, force: true })
  end(reason, error === undefined ? 1 : 2)
}
const built = load()
end(`built mongodb-client-encryption against libmongocrypt ${built.stdout.trim()}`, 0)
