// Writes the reference of the API into website/reference, a page for each public module: `tsx scripts/reference.ts`.
// TypeDoc reads the sources by the TypeScript of this package, the newest that it knows.
import { readFileSync, rmSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import {
  Application,
  Converter,
  type DeclarationReflection,
  type PageEvent,
  ReflectionKind,
  type TypeDocOptions
} from "typedoc"
import { MarkdownPageEvent, type PluginOptions } from "typedoc-plugin-markdown"
import { introductionOf, modulesOf, packages, sentenceOf, sourcesOf } from "./modules.ts"
import { documentReExport, keepDeclaredTypes } from "./reference/declared.ts"
import { linkByName } from "./reference/links.ts"
import { Messages } from "./reference/messages.ts"
import { foldReasons } from "./reference/reasons.ts"
import { ReferenceTheme } from "./reference/theme.ts"

const path = (relative: string): string => fileURLToPath(new URL(`../${relative}`, import.meta.url))

const out = path("reference")

const app = await Application.bootstrapWithPlugins(
  {
    plugin: ["typedoc-plugin-markdown"],
    entryPoints: packages.flatMap((name) => modulesOf(name).map((module) => `${sourcesOf(name)}${module}.ts`)),
    tsconfig: path("tsconfig.reference.json"),
    out,
    readme: "none",
    router: "module",
    entryFileName: "index",
    excludeExternals: true,
    excludeInternal: true,
    excludePrivate: true,
    excludeCategories: ["type IDs"],
    excludeTags: ["@since"],
    blockTags: ["@stability", "@category", "@since", "@see", "@param"],
    disableSources: true,
    categorizeByGroup: false,
    hideGroupHeadings: true,
    hideBreadcrumbs: true,
    hidePageHeader: true,
    hidePageTitle: true,
    useCodeBlocks: true,
    useCustomAnchors: true,
    expandObjects: true,
    expandParameters: true,
    parametersFormat: "none",
    sanitizeComments: true,
    useHTMLEncodedBrackets: true,
    validation: { invalidLink: true, notExported: false, notDocumented: false }
  } satisfies Partial<TypeDocOptions & PluginOptions> as Partial<TypeDocOptions>
)
const messages = new Messages()
app.logger = messages
app.renderer.defineTheme("reference", ReferenceTheme)
app.options.setValue("theme", "reference")

app.converter.on(Converter.EVENT_CREATE_DECLARATION, documentReExport)
app.converter.on(Converter.EVENT_CREATE_SIGNATURE, keepDeclaredTypes)
app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
  const modules = project.getReflectionsByKind(ReflectionKind.Module) as Array<DeclarationReflection>
  for (const module of modules) {
    module.name = module.name.replace("/src/", "/")
    for (const member of module.children?.flatMap((each) => each.children ?? []) ?? []) {
      // Constructors of errors and models take what Schema's classes take; members that begin so are marks.
      if (member.kindOf(ReflectionKind.Constructor) || member.name.startsWith("~")) project.removeReflection(member)
    }
  }
})
app.converter.on(Converter.EVENT_RESOLVE_END, ({ project }) => {
  linkByName(project)
  foldReasons(project)
  for (const module of project.getReflectionsByKind(ReflectionKind.Module) as Array<DeclarationReflection>) {
    for (const category of module.categories ?? []) {
      const { title } = category
      category.title = `${title.charAt(0).toUpperCase()}${title.slice(1)} {#category-${title.replaceAll(/\W+/g, "-")}}`
    }
  }
}, -1000)

app.renderer.on(MarkdownPageEvent.END, (page: PageEvent) => {
  const { name, kind } = page.model as DeclarationReflection
  if (kind !== ReflectionKind.Module || page.contents === undefined) return
  const [folder = "", module = ""] = name.split("/")
  const apart = !readFileSync(`${sourcesOf(folder)}index.ts`, "utf8").includes(` as ${module} `)
  const from = apart ? `@mongofx/${folder}/${module}` : `@mongofx/${folder}`
  const head = [
    "---",
    `title: ${module}`,
    "editLink: false",
    `package: ${folder}`,
    "---",
    "",
    `# ${module} {#module}`,
    "",
    introductionOf(folder, module),
    "",
    "```ts",
    `import ${apart ? `* as ${module}` : `{ ${module} }`} from "${from}"`,
    "```",
    ""
  ]
  // Headings that no link leads to would take the addresses of others.
  const body = page.contents.replaceAll(/^#{4,6} (?!.*\{#[^}]*\}$)(.*)$/gm, "**$1**")
  page.contents = `${head.join("\n")}\n${body}`
})

rmSync(out, { recursive: true, force: true })
const project = await app.convert()
if (project === undefined) throw new Error("TypeDoc could not read the sources")
app.validate(project)
await app.generateOutputs(project)
const index = packages.map((name) => {
  const rows = modulesOf(name).map((module) =>
    `- [${module}](/reference/${name}/${module}): ${sentenceOf(name, module)}`
  )
  return `## @mongofx/${name}\n\n${rows.join("\n")}\n`
})
const introduction = `---
title: Reference
editLink: false
---

# Reference

Every export of every public module, from the documentation in the sources. A badge beside a name says how stable it is.
`
writeFileSync(`${out}/index.md`, `${introduction}\n${index.join("\n")}`)
if (messages.problems.length > 0) {
  throw new Error(`The reference has problems:\n${messages.problems.join("\n")}`)
}
