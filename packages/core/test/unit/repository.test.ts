/**
 * Checks the pages and settings of the repository that no program reads.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import * as Fs from "node:fs"
import { createRequire } from "node:module"
import * as Yaml from "yaml"

const root = new URL("../../../../", import.meta.url)

const read = (file: string): string => Fs.readFileSync(new URL(file, root), "utf8")

describe("docs/decisions.md", () => {
  it("says below each heading on which day the decision was taken", () => {
    const sections = read("docs/decisions.md").replace(/^```.*?^```$/gms, "").split(/^## /m).slice(1)
    assert.isAbove(sections.length, 60)
    for (const section of sections) {
      const [heading, empty, day = ""] = section.split("\n")
      assert.match(`${empty}${day}`, /^_Decided \d{4}-\d{2}-\d{2}\._$/, heading)
      const date = day.slice("_Decided ".length, -"._".length)
      assert.strictEqual(new Date(date).toISOString().slice(0, 10), date, heading)
    }
  })
})

interface Job {
  readonly permissions?: Readonly<Record<string, string>>
  readonly strategy?: { readonly matrix: Readonly<Record<string, ReadonlyArray<string | number>>> }
  readonly uses?: string
  readonly steps?: ReadonlyArray<{
    readonly uses?: string
    readonly run?: string
    readonly with?: Readonly<Record<string, unknown>>
  }>
}

interface Workflow {
  readonly permissions?: object
  readonly jobs: Readonly<Record<string, Job>>
}

const filesOf = (folder: string): ReadonlyArray<string> =>
  Fs.readdirSync(new URL(folder, root), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath}/${entry.name}`.slice(root.pathname.length))

/** Commands of pnpm that are not scripts of this repository. */
const ofPnpm = ["exec", "install"]

describe(".github", () => {
  const files = filesOf(".github")
  const parse = (file: string): unknown => Yaml.parse(read(file), { strict: true, uniqueKeys: true })
  const workflows = files.filter((file) => file.includes("/workflows/"))
    .map((file) => ({ file, jobs: Object.entries((parse(file) as Workflow).jobs), text: read(file) }))
  const steps = workflows.flatMap(({ file, jobs }) =>
    jobs.flatMap(([, job]) => [...job.steps ?? [], ...job.uses === undefined ? [] : [{ uses: job.uses }]])
      .map((step) => ({ file, ...step }))
  )

  it("names in its workflows only scripts and files that exist", () => {
    const scripts = Object.keys(JSON.parse(read("package.json"))["scripts"])
    const commands = steps.flatMap(({ file, run, with: inputs }) =>
      [run, ...Object.values(inputs ?? {})].flatMap((text) => typeof text === "string" ? [{ file, text }] : [])
    )
    let count = 0
    for (const { file, text } of commands) {
      for (const [, script] of text.matchAll(/\bpnpm@\d+ (?:--silent )?([\w:-]+)/g)) {
        count++
        assert.include([...scripts, ...ofPnpm], script, file)
      }
      for (const [path] of text.matchAll(/(?<![\w/])\.?(?:ci|scripts)\/[\w./-]+/g)) {
        count++
        assert.isTrue(Fs.existsSync(new URL(path, root)), `${file}: ${path}`)
      }
    }
    assert.isAbove(count, 10)
  })

  it("pins each action to a version", () => {
    const actions = steps.flatMap(({ file, uses }) => uses === undefined ? [] : [{ file, uses }])
    assert.isAbove(actions.length, 8)
    for (const { file, uses } of actions) {
      if (uses.startsWith("./")) assert.isTrue(Fs.existsSync(new URL(uses, root)), `${file}: ${uses}`)
      else assert.match(uses, /^[\w-]+\/[\w-]+@v\d+\.\d+\.\d+$/, file)
    }
  })

  it("gives each job the permissions that it names, and no others", () => {
    for (const { file, jobs } of workflows) {
      assert.deepStrictEqual((parse(file) as Workflow).permissions, {}, file)
      for (const [name, { permissions }] of jobs) assert.isDefined(permissions, `${file}: ${name}`)
    }
    const writers = workflows.flatMap(({ file, jobs }) =>
      jobs.flatMap(([name, { permissions = {} }]) =>
        Object.entries(permissions).filter(([, access]) => access === "write").map(([what]) =>
          `${file.slice(".github/workflows/".length)} ${name}: ${what}`
        )
      )
    )
    assert.deepStrictEqual(writers.sort(), [
      "costs.yml comment: pull-requests",
      "release.yml publish: contents",
      "release.yml publish: id-token",
      "release.yml version: contents",
      "release.yml version: pull-requests"
    ])
  })

  it("runs the tests on the oldest Node that the packages accept", () => {
    const floor = JSON.parse(read("packages/core/package.json"))["engines"]["node"].slice(">=".length)
    const { jobs } = workflows.find(({ file }) => file.endsWith("/check.yml"))!
    assert.include(Object.fromEntries(jobs)["node"]?.strategy?.matrix["node"], floor)
  })

  it("has forms whose fields have a label and a name of their own", () => {
    const forms = files.filter((file) => file.includes("/ISSUE_TEMPLATE/") && !file.endsWith("/config.yml"))
    assert.isAbove(forms.length, 1)
    for (const file of forms) {
      const { body, ...form } = parse(file) as {
        readonly name: string
        readonly description: string
        readonly body: ReadonlyArray<{
          readonly type: string
          readonly id?: string
          readonly attributes: { readonly label?: string; readonly value?: string }
        }>
      }
      assert.isAbove(form.name.length, 0)
      assert.isAbove(form.description.length, 0)
      const fields = body.filter(({ type }) => type !== "markdown")
      assert.isAbove(fields.length, 1)
      for (const { attributes, id, type } of fields) {
        assert.include(["textarea", "input", "dropdown", "checkboxes"], type, file)
        assert.match(id ?? "", /^\w+$/, file)
        assert.isAbove(attributes.label?.length ?? 0, 0, file)
      }
      assert.strictEqual(new Set(fields.map(({ id }) => id)).size, fields.length, file)
    }
  })

  it("is valid YAML, and names no registry", () => {
    for (const file of files) {
      if (/\.ya?ml$/.test(file)) assert.isObject(parse(file), file)
      assert.notMatch(read(file), /registry/, file)
    }
  })
})

describe("docs/versions.md", () => {
  it("names the versions that the workflow runs, and those that the packages ask for", () => {
    const page = read("docs/versions.md")
    const jobs = (Yaml.parse(read(".github/workflows/check.yml")) as Workflow).jobs
    const listed = (job: string, name: string) =>
      (jobs[job]?.strategy?.matrix[name] ?? []).join(", ").replace(/, (?=[^,]*$)/, " and ")
    const { catalog } = Yaml.parse(read("pnpm-workspace.yaml")) as {
      readonly catalog: Readonly<Record<string, string>>
    }
    const rows = new Map(
      page.split("\n").filter((line) => line.startsWith("|")).map((line) => {
        const [, what = "", ...cells] = line.split("|").map((cell) => cell.trim().replaceAll("`", ""))
        return [what, cells.join(" ")]
      })
    )
    assert.include(rows.get("Node"), `the workflow check runs ${listed("node", "node")}`)
    assert.include(rows.get("MongoDB"), `the official images ${listed("mongodb", "mongodb")}`)
    for (const peer of ["effect", "mongodb"]) {
      assert.match(rows.get(peer) ?? "", new RegExp(`^${/\d+\.\d+/.exec(catalog[peer] ?? "")?.[0]} and newer`), peer)
    }
  })
})

describe(".changeset", () => {
  const { packages: globs } = Yaml.parse(read("pnpm-workspace.yaml")) as { readonly packages: ReadonlyArray<string> }
  const folders = globs.flatMap((glob) =>
    glob.endsWith("/*")
      ? Fs.readdirSync(new URL(glob.slice(0, -1), root)).map((name) => `${glob.slice(0, -1)}${name}`)
      : [glob]
  )
  const manifests = folders.map((folder) => `${folder}/package.json`)
    .filter((file) => Fs.existsSync(new URL(file, root)))
    .map((file) =>
      JSON.parse(read(file)) as { readonly name: string; readonly version: string; readonly private?: boolean }
    )
  const published = manifests.filter((manifest) => manifest.private !== true)
  const changesets = filesOf(".changeset").filter((file) => file.endsWith(".md"))

  it("names packages that are published, and says what changes", () => {
    for (const file of changesets) {
      const [, settings = "", text = ""] = /^---\n(.*?)^---\n(.*)$/ms.exec(read(file)) ?? []
      const packages = Yaml.parse(settings) as Readonly<Record<string, string>>
      assert.isNotEmpty(Object.keys(packages), file)
      for (const [name, kind] of Object.entries(packages)) {
        assert.include(published.map((manifest) => manifest.name), name, file)
        assert.include(["major", "minor", "patch"], kind, file)
      }
      assert.match(text, /^\n?\S.*\.\n$/s, file)
    }
  })

  it("gives all published packages one version, and leaves the others out", () => {
    const config = JSON.parse(read(".changeset/config.json"))
    assert.strictEqual(new Set(published.map(({ version }) => version)).size, 1)
    assert.deepStrictEqual(config["fixed"], [["@mongofx/*"]])
    const ignored: ReadonlyArray<string> = config["ignore"]
    const isIgnored = (name: string) =>
      ignored.some((each) => each.endsWith("*") ? name.startsWith(each.slice(0, -1)) : name === each)
    for (const manifest of manifests) {
      assert.strictEqual(isIgnored(manifest.name), manifest.private === true, manifest.name)
    }
  })

  it("becomes an item of the CHANGELOG with all its lines", async () => {
    const { getReleaseLine } = createRequire(import.meta.url)("../../../../.changeset/changelog.cjs") as {
      readonly getReleaseLine: (changeset: { readonly summary: string }) => Promise<string>
    }
    assert.strictEqual(
      await getReleaseLine({ summary: "One thing.\n\n- with a list\n- of two\n" }),
      "- One thing.\n\n  - with a list\n  - of two"
    )
  })
})
