import type { DeclarationReflection, ProjectReflection, Reflection } from "typedoc"
import { ReflectionKind } from "typedoc"

const partsOf = ({ comment }: Reflection) =>
  comment === undefined ? [] : [comment.summary, ...comment.blockTags.map((tag) => tag.content)].flat()

/** Links that name an export as a program does, `{@link Module.name}`, in files that do not import the module. */
export const linkByName = (project: ProjectReflection): void => {
  const modules = new Map(
    (project.getReflectionsByKind(ReflectionKind.Module) as Array<DeclarationReflection>)
      .map((module) => [module.name.replace(/^.*\//, ""), module] as const)
  )
  for (const reflection of Object.values(project.reflections)) {
    for (const part of partsOf(reflection)) {
      if (part.kind !== "inline-tag" || part.target !== undefined) continue
      const [module = "", ...names] = part.text.split(".")
      const target = names.length === 0 ? modules.get(module) : modules.get(module)?.getChildByName(names)
      if (target !== undefined) part.target = target
    }
  }
}
