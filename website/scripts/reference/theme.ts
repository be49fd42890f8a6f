import {
  type DeclarationReflection,
  makeRecursiveVisitor,
  type Options,
  type Reflection,
  ReflectionType,
  type SignatureReflection,
  type SomeType
} from "typedoc"
import { type MarkdownPageEvent, MarkdownTheme, MarkdownThemeContext } from "typedoc-plugin-markdown"
import { wrapped } from "./signature.ts"

/** The commented members of a type that is written where it is used. */
const membersOf = (type: SomeType | undefined): DeclarationReflection | undefined =>
  type instanceof ReflectionType && type.declaration.children?.some((child) => child.hasComment()) === true
    ? type.declaration
    : undefined

const stabilityOf = (reflection: Reflection): string | undefined => {
  const comment = reflection.comment ?? (reflection as DeclarationReflection).signatures?.[0]?.comment
  return comment?.getTag("@stability")?.content.map(({ text }) => text).join("").trim()
}

/** What may name types: a declaration, a signature, a parameter or a type parameter. */
interface Typed {
  readonly type?: SomeType | undefined
  readonly default?: SomeType | undefined
  readonly typeParameters?: ReadonlyArray<Typed> | undefined
  readonly parameters?: ReadonlyArray<Typed> | undefined
}

class ReferenceContext extends MarkdownThemeContext {
  constructor(theme: MarkdownTheme, page: MarkdownPageEvent<Reflection>, options: Options) {
    super(theme, page, options)
    const original = { ...this.partials }
    Object.assign(this.partials, {
      comment: (...[comment, settings]: Parameters<typeof original.comment>) => {
        const shown = comment.clone()
        shown.removeTags("@stability")
        return original.comment(shown, { ...settings, headingLevel: undefined as never })
      },
      memberTitle: (model: DeclarationReflection) => {
        const stability = stabilityOf(model)
        const badge = stability === undefined
          ? ""
          : ` <Badge type="${stability === "stable" ? "tip" : "info"}" text="${stability}" />`
        return `${original.memberTitle(model)}${badge}`
      },
      declarationTitle: (model: DeclarationReflection) => this.linked(original.declarationTitle(model), model),
      signatureTitle: (...[model, settings]: Parameters<typeof original.signatureTitle>) =>
        this.linked(original.signatureTitle(model, settings), model),
      signature: (...[model, settings]: Parameters<typeof original.signature>) => this.signature(model, settings),
      hierarchy: () => "",
      inheritance: () => "",
      typeParametersList: () => ""
    })
  }

  /** A signature with its comment. The types of its parameters and of its result stand in the code above. */
  private signature(
    model: SignatureReflection,
    { accessor, headingLevel, hideTitle = false, multipleSignatures = false }: Parameters<
      MarkdownThemeContext["partials"]["signature"]
    >[1]
  ): string {
    const comment = multipleSignatures ? model.comment : model.comment ?? model.parent.comment
    const parameters = model.parameters?.filter((parameter) => membersOf(parameter.type) !== undefined) ?? []
    const result = membersOf(model.type)
    return [
      ...hideTitle ? [] : [this.partials.signatureTitle(model, { accessor: accessor as never })],
      ...comment === undefined ? [] : [this.partials.comment(comment, { showSummary: true, showTags: false })],
      ...parameters.flatMap((parameter) => [
        `**${parameter.name}**`,
        this.partials.typeDeclaration(membersOf(parameter.type)!, { headingLevel })
      ]),
      ...result === undefined ? [] : ["**Result**", this.partials.typeDeclaration(result, { headingLevel })],
      ...comment === undefined ? [] : [this.partials.comment(comment, { showSummary: false, showTags: true })]
    ].join("\n\n")
  }

  /** Code whose types lead to their documentation: `.vitepress/signatures.ts` makes the links. */
  private linked(block: string, model: Typed): string {
    const urls = new Map<string, Set<string>>()
    const visitor = makeRecursiveVisitor({
      reference: ({ name, reflection }) => {
        const url = reflection !== undefined && this.router.hasUrl(reflection)
          ? `/reference/${this.router.getFullUrl(reflection).replace(".md", "")}`
          : ""
        urls.set(name, (urls.get(name) ?? new Set()).add(url))
      }
    })
    const visit = (model: Typed): void => {
      model.type?.visit(visitor)
      model.default?.visit(visitor)
      model.typeParameters?.forEach(visit)
      model.parameters?.forEach(visit)
      if (model.type instanceof ReflectionType) model.type.declaration.signatures?.forEach(visit)
    }
    visit(model)
    const links = [...urls].filter(([, { size }]) => size === 1).map(([name, [url]]) => [name, url] as const)
      .filter(([, url]) => url !== "").map(([name, url]) => `${name}=${url}`)
    return block.replace(
      /^```ts\n([\s\S]*?)\n```$/,
      (_, code: string) => `\`\`\`ts signature ${links.join(" ")}\n${wrapped(code)}\n\`\`\``
    )
  }
}

/** Writes short pages: signatures as code, tags as paragraphs, the stability beside the name. */
export class ReferenceTheme extends MarkdownTheme {
  override getRenderContext(page: MarkdownPageEvent<Reflection>): MarkdownThemeContext {
    return new ReferenceContext(this, page, this.application.options)
  }
}
