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

export default { meta: { name: "mongofx" }, rules: { "no-effect-barrel": noEffectBarrel } }
