/** What the texts at one place have in common: few different ones, or the form of dates and identifiers. */

/** The different texts to keep, and their greatest length. Texts beyond that are no names of choices. */
const maxTexts = 50
const maxLength = 64

/** @internal */
export type Form = "dateTime" | "date" | "objectId" | "uuid"

const forms: ReadonlyArray<readonly [form: Form, pattern: RegExp]> = [
  ["dateTime", /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)$/],
  ["date", /^\d{4}-\d\d-\d\d$/],
  ["objectId", /^[0-9a-fA-F]{24}$/],
  ["uuid", /^[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$/]
]

/** @internal */
export const formOf = (text: string): Form | undefined => {
  if (text.length < 10 || text.length > 40) return undefined
  const form = forms.find(([, pattern]) => pattern.test(text))?.[0]
  return (form === "date" || form === "dateTime") && Number.isNaN(Date.parse(text)) ? undefined : form
}

/** @internal */
export class Texts {
  count = 0
  /** The different texts; `undefined` where there are too many. */
  different: Set<string> | undefined = new Set()
  readonly forms = new Map<Form, number>()

  add(text: string): void {
    this.count++
    this.keep(text)
    const form = formOf(text)
    if (form !== undefined) this.forms.set(form, (this.forms.get(form) ?? 0) + 1)
  }

  merge(that: Texts): void {
    this.count += that.count
    for (const [form, count] of that.forms) this.forms.set(form, (this.forms.get(form) ?? 0) + count)
    if (that.different === undefined) this.different = undefined
    else for (const text of that.different) this.keep(text)
  }

  private keep(text: string): void {
    if (this.different === undefined) return
    this.different.add(text)
    if (text.length > maxLength || this.different.size > maxTexts) this.different = undefined
  }
}
