/**
 * Arguments of an operation. Whoever takes them must know each of them.
 *
 * @since 0.1.0
 */
import { asOption, type Document, MalformedTest } from "./format.ts"

export class Args {
  private readonly fields: Document
  private readonly where: string
  private readonly taken = new Set<string>()

  constructor(fields: Document, where: string) {
    this.fields = fields
    this.where = where
  }

  get(key: string): unknown {
    this.taken.add(key)
    return asOption(this.fields[key])
  }

  required(key: string): unknown {
    const value = this.get(key)
    if (value === undefined) throw new MalformedTest(`${this.where} has no ${key}`)
    return value
  }

  /** The given ones of these options. */
  options(...keys: ReadonlyArray<string>): Document {
    const given = keys.map((key) => [key, this.get(key)] as const).filter(([, value]) => value !== undefined)
    return Object.fromEntries(given)
  }

  /** The other arguments, for an operation that passes any argument on to its command. */
  rest(): Document {
    return this.options(...Object.keys(this.fields).filter((key) => !this.taken.has(key)))
  }

  /** An argument that nobody has taken is unknown. */
  done(): void {
    const unknown = Object.keys(this.fields).filter((key) => !this.taken.has(key))
    if (unknown.length > 0) throw new MalformedTest(`${this.where} has the unknown argument ${unknown.join(", ")}`)
  }
}
