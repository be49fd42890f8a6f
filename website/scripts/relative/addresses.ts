import ts from "typescript"

/** The folder that the site is built for. No address of a page may begin so. */
export const marker = "/__site__/"

/** From a file, by its path in the site, to the top folder of the site. */
const toTop = (file: string): string => "../".repeat(file.split("/").length - 1) || "./"

/**
 * A page with addresses that are relative to it. A folder gets the name of its page: only servers know which page that is, and the
 * pages are read from disks, too.
 */
export const relativeHtml = (file: string, html: string): string =>
  html.replaceAll(
    new RegExp(`${marker}([^"'<>\\s#?]*)`, "g"),
    (_, rest: string) => `${toTop(file)}${rest === "" || rest.endsWith("/") ? `${rest}index.html` : rest}`
  )

/** A stylesheet with addresses that are relative to it, as `url()` reads them. */
export const relativeCss = (file: string, css: string): string => css.replaceAll(marker, toTop(file))

const isText = (node: ts.Node): node is ts.LiteralLikeNode =>
  ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node) || ts.isTemplateHead(node) ||
  ts.isTemplateMiddle(node) || ts.isTemplateTail(node)

/** A text in its quotes, as an expression that has a variable where the marker was. */
const replaced = (node: ts.LiteralLikeNode, source: string, variable: string): string => {
  if (!ts.isStringLiteral(node)) return source.replaceAll(marker, `\${${variable}}`)
  const quote = source[0]!
  const text = source.split(marker).join(`${quote}+${variable}+${quote}`)
  return ts.isPropertyAssignment(node.parent) && node.parent.name === node ? `[${text}]` : `(${text})`
}

/** A module of JavaScript that asks where it lies, and makes addresses from that when it runs. */
export const relativeJs = (file: string, code: string): string => {
  if (!code.includes(marker)) return code
  const source = ts.createSourceFile(file, code, ts.ScriptTarget.Latest, true, ts.ScriptKind.JS)
  const variable = "__top__"
  if (code.includes(variable)) throw new Error(`${file} uses the name ${variable}`)
  const texts: Array<ts.LiteralLikeNode> = []
  const visit = (node: ts.Node): void => {
    if (isText(node) && node.getText(source).includes(marker)) texts.push(node)
    ts.forEachChild(node, visit)
  }
  visit(source)
  let out = ""
  let end = 0
  for (const node of texts) {
    if (ts.isImportDeclaration(node.parent) || ts.isExportDeclaration(node.parent)) {
      throw new Error(`${file} imports ${node.getText(source)}: only addresses within texts can be computed`)
    }
    out += code.slice(end, node.getStart(source)) + replaced(node, node.getText(source), variable)
    end = node.getEnd()
  }
  out += code.slice(end)
  if (out.includes(marker)) throw new Error(`${file} has ${marker} outside of a text`)
  return `const ${variable}=new URL("${toTop(file)}",import.meta.url).pathname;${out}`
}
