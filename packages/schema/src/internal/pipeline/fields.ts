/** Fields that a stage sets, at their paths. */
import type * as SchemaAST from "effect/SchemaAST"
import type { Slot } from "../ast/calculus.ts"
import { changeField, storedPath } from "../ast/fields.ts"
import type { Writing } from "../expression/writing.ts"
import { setOwn } from "../plainObject.ts"
import { refuse } from "../refusal.ts"

interface SetField {
  readonly path: string
  readonly slot: Slot
  readonly write: (writing: Writing) => unknown
}

/**
 * Refuses a path that the server does not set.
 *
 * @internal
 */
export const checkPath = (path: string, at: string): void => {
  if (path.split(".").some((name) => name === "" || name.startsWith("$"))) refuse(at, "is not a path")
}

/**
 * The schema of documents with these fields, and how the fields are written. Only some stages set a field in each element of an
 * array.
 *
 * @internal
 */
export const setFields = (
  documents: SchemaAST.AST,
  fields: ReadonlyArray<SetField>,
  { entersArrays }: { readonly entersArrays: boolean }
) => {
  const written = fields.map(({ path, write }) => ({ path, stored: storedPath(documents, path), write }))
  return {
    ast: fields.reduce(
      (ast, { path, slot }) => changeField(ast, path, path, { change: () => slot, creates: true, entersArrays }),
      documents
    ),
    write: (writing: Writing): object => {
      const out = {}
      for (const { path, stored, write } of written) setOwn(out, stored, write(writing.at(path)))
      return out
    }
  }
}
