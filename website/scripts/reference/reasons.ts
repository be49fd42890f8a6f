import {
  Comment,
  type CommentDisplayPart,
  type DeclarationReflection,
  type ProjectReflection,
  ReflectionKind
} from "typedoc"

const childrenOf = (reflection: DeclarationReflection): ReadonlyArray<DeclarationReflection> =>
  reflection.children ?? []

const isReason = (reflection: DeclarationReflection): boolean =>
  reflection.extendedTypes?.some((type) => type.toString().includes("ReasonMembers")) === true

/**
 * Says once what all reasons of a `MongoError` have, in the text of the module, and takes it out of each reason: otherwise the page
 * repeats it 29 times.
 */
export const foldReasons = (project: ProjectReflection): void => {
  const module = (project.getReflectionsByKind(ReflectionKind.Module) as Array<DeclarationReflection>)
    .find(({ name }) => name === "core/MongoError")
  const reasons = module === undefined ? [] : childrenOf(module).filter(isReason)
  const [first, ...others] = reasons
  if (module === undefined || first === undefined) throw new Error("core/MongoError has no reasons to fold")
  const common = childrenOf(first).filter(({ name }) =>
    others.every((other) => childrenOf(other).some((child) => child.name === name))
  )
  const names = new Set(common.map(({ name }) => name))
  const fields = common.flatMap((field) => {
    const text = field.comment?.summary ?? field.signatures?.[0]?.comment?.summary ??
      field.getSignature?.comment?.summary
    return text === undefined ? [] : [
      { kind: "text", text: "\n- " },
      { kind: "code", text: `\`${field.name}${field.flags.isOptional ? "?" : ""}\`` },
      { kind: "text", text: ": " },
      ...text
    ] satisfies ReadonlyArray<CommentDisplayPart>
  })
  if (fields.length === 0) throw new Error("The reasons of core/MongoError have no documented members in common")
  const introduction = "\n\nEvery reason has these members, and those of its own entry:\n"
  module.comment ??= new Comment()
  module.comment.summary.push({ kind: "text", text: introduction }, ...fields)
  for (const reason of reasons) {
    for (const child of childrenOf(reason).filter(({ name }) => names.has(name))) project.removeReflection(child)
    for (const group of reason.groups ?? []) group.children = group.children.filter(({ name }) => !names.has(name))
    if (reason.groups !== undefined) reason.groups = reason.groups.filter(({ children }) => children.length > 0)
  }
}
