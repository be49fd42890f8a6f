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

const sourceOfCore = /packages\/core\/src\//

/** What makes an effect of a promise. */
const bridges = new Set(["callback", "promise", "tryPromise"])

// Every promise of the driver becomes an effect in one folder, which gives it its session, signal, span, clock and error, and counts it. And
// what the driver does not publish is seen in one folder only.
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
          message: `Effect.${node.property.name} is left to internal/call: use its Call, or its bounded.ts.`
        })
      },
      ImportDeclaration(node) {
        if (!isDriver && node.source.value.endsWith("/driver/unpublished.ts")) {
          context.report({
            node,
            message: "Only internal/driver sees what the driver does not publish: add a function there."
          })
        }
        const names = node.specifiers.map((specifier) => specifier.imported?.name)
        if (!isCall && names.includes("recordOperation")) {
          context.report({ node, message: "An operation is counted by its Call, in internal/call." })
        }
      }
    }
  }
}

export default {
  meta: { name: "mongofx" },
  rules: { "driver-seam": driverSeam, "no-effect-barrel": noEffectBarrel, "published-modules": publishedModules }
}
