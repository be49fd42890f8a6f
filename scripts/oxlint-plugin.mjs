import { posix } from "node:path"

// Sources import effect by module path, never through its barrel: a consumer's bundle then holds only what is used.
const noEffectBarrel = {
  meta: { type: "problem" },
  create(context) {
    return {
      ImportDeclaration(node) {
        const file = context.filename ?? context.getFilename()
        if (node.source.value === "effect" && /packages\/[^/]+\/src\//.test(file)) {
          context.report({ node, message: "Import from a module path such as \"effect/Effect\", not from \"effect\"." })
        }
      }
    }
  }
}

/** The folder of a file's package and the package's name: `packages/schema` is `schema`. Programs of `examples` have none. */
const packageOf = (file) => /^(.*?packages\/([^/]+))\//.exec(file) ?? []

/** What is wrong with what a file imports, if it is of another package and not published by it. */
const trespass = (file, specifier) => {
  const [, folder, name] = packageOf(file)
  const [, other, path] = /^@mongofx\/([^/]+)(?:\/(.*))?$/.exec(specifier) ?? []
  if (other !== undefined && other !== name && /^(internal|src|dist|index)(\/|$)/.test(path ?? "")) {
    return `"${specifier}" is not published: import a module of @mongofx/${other}, such as its Integration.`
  }
  if (folder === undefined || !specifier.startsWith(".") || !file.startsWith(`${folder}/src/`)) return undefined
  return posix.join(posix.dirname(file), specifier).startsWith(`${folder}/`)
    ? undefined
    : `"${specifier}" leads out of the package: import another package by its name.`
}

// A package uses of another what that one publishes, and nothing else.
const publishedModules = {
  meta: { type: "problem" },
  create(context) {
    const file = (context.filename ?? context.getFilename()).replaceAll("\\", "/")
    const check = (source) => {
      const message = typeof source?.value === "string" ? trespass(file, source.value) : undefined
      if (message !== undefined) context.report({ node: source, message })
    }
    return {
      ImportDeclaration: (node) => check(node.source),
      ExportNamedDeclaration: (node) => check(node.source),
      ExportAllDeclaration: (node) => check(node.source),
      ImportExpression: (node) => check(node.source),
      TSImportType: (node) => check(node.source ?? node.argument?.literal ?? node.argument)
    }
  }
}

export default {
  meta: { name: "mongofx" },
  rules: { "no-effect-barrel": noEffectBarrel, "published-modules": publishedModules }
}
