import { posix } from "node:path"

// Sources import effect by module path, never through its barrel, so that a consumer's bundle has only the modules in use.
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

/** The folder of a file's package and the package's name: `packages/schema` is `schema`. Programs of `examples` have no package. */
const packageOf = (file) => /^(.*?packages\/([^/]+))\//.exec(file) ?? []

/** What is wrong with an import: it names a module of another package that this package does not publish. */
const trespass = (file, specifier) => {
  const [, folder, name] = packageOf(file)
  const [, other, path] = /^@mongofx\/([^/]+)(?:\/(.*))?$/.exec(specifier) ?? []
  if (other !== undefined && other !== name && /^(internal|src|dist|index)(\/|$)/.test(path ?? "")) {
    return `"${specifier}" is not published: import a public module of @mongofx/${other}, such as Integration of core.`
  }
  if (folder === undefined || !specifier.startsWith(".") || !file.startsWith(`${folder}/src/`)) return undefined
  return posix.join(posix.dirname(file), specifier).startsWith(`${folder}/`)
    ? undefined
    : `"${specifier}" leads out of the package: import another package by its name.`
}

// A package imports only published modules of another.
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

const sourceOfCore = /packages\/core\/src\//

/** The functions that make an effect of a promise. */
const bridges = new Set(["callback", "promise", "tryPromise"])

// One folder turns every promise of the driver into an effect: it gives the promise its session, signal, span, clock and error, and counts it.
// And only one folder sees members that the driver does not publish.
const driverSeam = {
  meta: { type: "problem" },
  create(context) {
    const file = (context.filename ?? context.getFilename()).replaceAll("\\", "/")
    if (!sourceOfCore.test(file)) return {}
    const isCall = file.includes("/internal/call/")
    const isDriver = file.includes("/internal/driver/")
    return {
      MemberExpression(node) {
        if (isCall || node.object.name !== "Effect" || !bridges.has(node.property.name)) return
        context.report({
          node,
          message: `Effect.${node.property.name} belongs to internal/call: use its Call, or its bounded.ts.`
        })
      },
      ImportDeclaration(node) {
        if (!isDriver && node.source.value.endsWith("/driver/unpublished.ts")) {
          context.report({
            node,
            message: "Only internal/driver imports unpublished.ts: add a function there and import that."
          })
        }
        const names = node.specifiers.map((specifier) => specifier.imported?.name)
        if (!isCall && names.includes("recordOperation")) {
          context.report({ node, message: "The Call of an operation counts it: use the Call of internal/call." })
        }
      }
    }
  }
}

export default {
  meta: { name: "mongofx" },
  rules: { "driver-seam": driverSeam, "no-effect-barrel": noEffectBarrel, "published-modules": publishedModules }
}
