// Checks the packages before they are published: builds and packs them, lints the tarballs, then installs them in a new folder,
// as a user would, and imports and compiles against them, and follows the page "Start" with them. The last line counts the checks.
import { spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { followStart } from "./stranger.mjs"

const root = fileURLToPath(new URL("..", import.meta.url))
const temporary = mkdtempSync(join(tmpdir(), "mongofx-packages-"))
const bin = (name) => join(root, "node_modules/.bin", name)
const readJson = (...path) => JSON.parse(readFileSync(join(...path), "utf8"))

let passed = 0
let failed = 0
const check = (name, problem) => {
  if (problem === undefined) passed++
  else failed++
  console.log(problem === undefined ? `ok      ${name}` : `failed  ${name}\n${problem.replaceAll(/^/gm, "        ")}`)
  return problem === undefined
}
/** Runs a command; its output is the problem when it fails. */
const run = (cwd, command, ...args) => {
  const { error, status, stderr, stdout } = spawnSync(command, args, { cwd, encoding: "utf8", maxBuffer: 1 << 28 })
  if (error !== undefined) return String(error)
  return status === 0 ? undefined : `${stdout}${stderr}`.trim() || `${command} ended with ${status}`
}

const packages = readdirSync(join(root, "packages")).map((folder) => {
  const src = join(root, "packages", folder, "src")
  return {
    folder,
    name: readJson(root, "packages", folder, "package.json").name,
    tarball: join(temporary, `${folder}.tgz`),
    // Modules outside of the barrel do something when they are imported, or need an optional package.
    modules: readdirSync(src)
      .filter((file) => /^[A-Z]\w*\.ts$/.test(file))
      .filter((file) => !/^\/\/ @barrel: none$/m.test(readFileSync(join(src, file), "utf8")))
      .map((file) => file.slice(0, -3))
  }
})

/** Makes a package that depends on these tarballs, in a new folder. Returns the folder. */
const consumer = (name, tarballs) => {
  const folder = join(temporary, name)
  mkdirSync(folder)
  const version = (dependency) => readJson(root, "packages/core/node_modules", dependency, "package.json").version
  const files = Object.fromEntries(tarballs.map(({ name, tarball }) => [name, `file:${tarball}`]))
  writeFileSync(
    join(folder, "package.json"),
    JSON.stringify({
      name,
      private: true,
      type: "module",
      dependencies: { ...files, effect: version("effect"), mongodb: version("mongodb") },
      devDependencies: {
        "@types/node": version("@types/node"),
        // The first program of the README needs it.
        "@effect/platform-node": readJson(root, "examples/package.json").dependencies["@effect/platform-node"]
      },
      // The registry does not have the tarball's sibling yet.
      overrides: files
    })
  )
  check(`${name}: npm install`, run(folder, "npm", "install", "--no-audit", "--no-fund", "--loglevel=error"))
  return folder
}
/** Where each package is installed in a consumer. */
const installed = (folder) => Object.keys(readJson(folder, "node_modules/.package-lock.json").packages)

const runtime = `
const failures = []
for (const { name, modules } of ${JSON.stringify(packages)}) {
  const root = await import(name)
  for (const module of modules) {
    if (typeof root[module] !== "object") failures.push(name + " has no " + module)
    const deep = await import(name + "/" + module)
    if (deep !== root[module]) failures.push(name + "/" + module + " is not the same module as the one of the root")
  }
}
if (failures.length > 0) throw new Error(failures.join("\\n"))
`
/** Modules outside of the barrel that need no optional package. */
const apart = ["@mongofx/schema/MongoCli"]
const imported = (specifier) => `
const module = await import(${JSON.stringify(specifier)})
if (typeof module.make !== "function") throw new Error("it has no make")
`
const blocked = (specifier) => `
const code = await import(${JSON.stringify(specifier)}).then(() => "imported", (error) => error.code)
if (code !== "ERR_PACKAGE_PATH_NOT_EXPORTED") throw new Error(code)
`

const checkConsumer = () => {
  const folder = consumer("consumer", packages)
  check("imports of roots and modules", run(folder, process.execPath, "--input-type=module", "-e", runtime))
  for (const specifier of apart) {
    check(`import of ${specifier}`, run(folder, process.execPath, "--input-type=module", "-e", imported(specifier)))
  }
  for (const { folder: name } of packages) {
    for (const path of ["internal/client", "index"]) {
      const specifier = `@mongofx/${name}/${path}`
      check(`${specifier} is blocked`, run(folder, process.execPath, "--input-type=module", "-e", blocked(specifier)))
    }
  }
  for (const dependency of ["effect", "mongodb"]) {
    const copies = installed(folder).filter((path) => path.endsWith(`node_modules/${dependency}`))
    check(`one copy of ${dependency}`, copies.length === 1 ? undefined : copies.join("\n"))
  }
  // The first program of the README, and every module.
  const program = /```ts\n([\s\S]*?)```/.exec(readFileSync(join(root, "README.md"), "utf8"))[1]
  writeFileSync(join(folder, "program.ts"), program)
  writeFileSync(
    join(folder, "modules.ts"),
    [
      ...packages.flatMap(({ folder, modules, name }) => [
        `export * as ${folder} from "${name}"`,
        ...modules.map((module) => `export * as ${folder}${module} from "${name}/${module}"`)
      ]),
      ...apart.map((specifier, i) => `export * as apart${i} from "${specifier}"`)
    ].join("\n") + "\n"
  )
  writeFileSync(
    join(folder, "tsconfig.json"),
    JSON.stringify({
      files: ["program.ts", "modules.ts"],
      compilerOptions: {
        strict: true,
        exactOptionalPropertyTypes: true,
        noEmit: true,
        target: "ES2022",
        module: "NodeNext",
        types: ["node"]
      }
    })
  )
  check("a strict program compiles, declarations included", run(folder, bin("tsc"), "-p", "."))
}

const checkCoreAlone = () => {
  const folder = consumer("core-alone", packages.filter(({ folder }) => folder === "core"))
  const siblings = installed(folder).filter((path) => /@mongofx\/(?!core$)/.test(path))
  check("core pulls neither schema nor testing", siblings.length === 0 ? undefined : siblings.join("\n"))
}

const checkAll = async () => {
  // Otherwise pack would include modules that an earlier build left in dist.
  for (const { folder } of packages) rmSync(join(root, "packages", folder, "dist"), { recursive: true, force: true })
  if (!check("build", run(root, "npx", "-y", "pnpm@12", "build"))) return
  for (const { folder, name, tarball } of packages) {
    const cwd = join(root, "packages", folder)
    if (!check(`${name}: pack`, run(cwd, "npx", "-y", "pnpm@12", "pack", "--out", tarball))) continue
    check(`${name}: publint`, run(cwd, bin("publint"), "run", tarball, "--strict"))
    check(`${name}: attw`, run(cwd, bin("attw"), tarball, "--profile", "esm-only"))
  }
  checkConsumer()
  checkCoreAlone()
  await followStart({ check, folder: join(temporary, "start"), packages, root })
}

try {
  await checkAll()
} finally {
  rmSync(temporary, { recursive: true, force: true })
}
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed > 0 ? 1 : 0
