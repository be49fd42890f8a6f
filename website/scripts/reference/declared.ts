import { type Context, type DeclarationReflection, type Reflection, ReflectionKind, SignatureReflection } from "typedoc"
import ts from "typescript"

/** The export of a name that a module takes from another file, where its documentation is. */
const exportOf = (file: ts.SourceFile, name: string): ts.Node | undefined => {
  for (const statement of file.statements) {
    if (!ts.isExportDeclaration(statement) || statement.exportClause === undefined) continue
    if (!ts.isNamedExports(statement.exportClause)) continue
    const found = statement.exportClause.elements.find((element) => element.name.text === name)
    if (found !== undefined) return ts.getJSDocCommentsAndTags(found).length > 0 ? found : statement
  }
  return undefined
}

/** Documents what a public module exports from an internal one by what the public module says of it. */
export const documentReExport = (context: Context, reflection: DeclarationReflection): void => {
  if (reflection.parent?.kind !== ReflectionKind.Module) return
  const file = context.getSymbolFromReflection(reflection.parent)?.declarations?.find(ts.isSourceFile)
  const node = file && exportOf(file, reflection.name)
  const comment = node && context.getNodeComment(node, false)
  if (comment !== undefined) reflection.comment = comment
}

/** Gives parameters the types that their declarations name. The compiler has resolved some aliases, to pages of text. */
export const keepDeclaredTypes = (
  context: Context,
  reflection: Reflection,
  declaration?: ts.SignatureDeclaration | ts.JSDocSignature
): void => {
  if (!(reflection instanceof SignatureReflection) || declaration === undefined) return
  const nodes: ReadonlyArray<ts.Node> = declaration.parameters
  for (const parameter of reflection.parameters ?? []) {
    const node = nodes.find((each): each is ts.ParameterDeclaration =>
      ts.isParameter(each) && each.name.getText() === parameter.name
    )
    if (node?.type !== undefined && parameter.type?.type !== "reference" && ts.isTypeReferenceNode(node.type)) {
      parameter.type = context.converter.convertType(context, node.type)
    }
  }
}
