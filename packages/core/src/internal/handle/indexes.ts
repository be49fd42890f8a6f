/**
 * The indexes of a collection, and the forms of their specifications.
 */
import * as Effect from "effect/Effect"
import type * as Driver from "mongodb"
import type { OptionsOf } from "../../OperationOptions.ts"
import type { Query } from "../../Query.ts"
import type { CallOptions } from "../call/call.ts"
import type { Operation } from "../call/description.ts"
import { defined, lengthOf } from "../call/options.ts"
import { plainNumbers } from "../driver/replyNumbers.ts"
import { checkGiven, checkOrdered, checkValue } from "../input/check.ts"
import { InvalidInput } from "../input/invalidInput.ts"
import { makePlain } from "../query/query.ts"
import { NamespaceHandle } from "./base.ts"
import { unlessAbsent, writeCommand } from "./ownCommands.ts"

/** Whether the driver reads a value as the direction of an index, and so as the second part of a pair. */
const isDirection = (value: unknown): boolean =>
  typeof value === "number" || value === "2d" || value === "2dsphere" || value === "text" || value === "hashed"

/**
 * The keys of an index, from any form of `Driver.IndexSpecification`: a name, a pair, an object, a Map, or an array of
 * these. The result is a Map, since an object would put keys that look like numbers first.
 */
const indexKeys = (specification: unknown, path: string): Map<string, unknown> => {
  const keys = new Map<string, unknown>()
  const isList = Array.isArray(specification) && !(specification.length === 2 && isDirection(specification[1]))
  for (const part of isList ? specification as ReadonlyArray<unknown> : [specification]) {
    if (typeof part === "string") keys.set(part, 1)
    else if (Array.isArray(part)) keys.set(part[0] as string, part[1] ?? 1)
    else if (typeof part === "object" && part !== null) {
      for (const [key, direction] of part instanceof Map ? part : Object.entries(part)) keys.set(key, direction)
    } else throw new InvalidInput(path, `${path} is not an index specification`)
  }
  if (keys.size === 0) throw new InvalidInput(path, `${path} has no keys`)
  return keys
}

/** Options of an index that have other names on the server. */
const serverNames: Readonly<Record<string, string>> = {
  version: "v",
  defaultLanguage: "default_language",
  languageOverride: "language_override"
}

/** Makes an index in the server's form, with the name that the driver would give it. */
const indexDocument = (keys: unknown, options: object | undefined, path: string): { readonly name: string } => {
  const key = indexKeys(keys, path)
  const others = Object.entries(defined(options) ?? {})
    .filter(([option]) => option !== "key")
    .map(([option, value]) => [serverNames[option] ?? option, value])
  return { name: [...key].flat().join("_"), ...Object.fromEntries(others), key }
}

/**
 * The operations of a collection on its indexes.
 *
 * @internal
 */
export abstract class CollectionIndexes<A extends Driver.Document> extends NamespaceHandle<Driver.Collection<A>> {
  abstract readonly name: string
  protected abstract override operation(name: string, command: string, batchSize?: number): Operation

  /** Sends a write command with the options that the driver's own method would drop. */
  private sendWrite(driver: Driver.Collection<A>, command: Driver.Document, options: CallOptions) {
    return this.connection.driver.db(driver.dbName).command(...writeCommand(command, options, driver.writeConcern))
  }

  private sendIndexes(
    driver: Driver.Collection<A>,
    indexes: ReadonlyArray<{ readonly name: string }>,
    options: CallOptions & Pick<Driver.CreateIndexOptions, "commitQuorum">
  ): Promise<Array<string>> {
    const { commitQuorum, ...others } = options
    const command = { createIndexes: this.name, indexes, ...defined({ commitQuorum }) }
    return this.sendWrite(driver, command, others).then(() => indexes.map(({ name }) => name))
  }

  createIndex(
    keys: Driver.IndexSpecification,
    indexOptions?: OptionsOf<Driver.IndexOptions>,
    options?: OptionsOf<Driver.CreateIndexOptions>
  ) {
    return this.run(this.operation("createIndex", "createIndexes"), options, (driver, options) => {
      checkOrdered(keys, "keys")
      checkGiven(indexOptions, "indexOptions")
      checkValue(indexOptions ?? {}, "indexOptions")
      const index = indexDocument(keys, indexOptions, "keys")
      return this.sendIndexes(driver, [index], options).then(() => index.name)
    })
  }

  createIndexes(
    indexes: ReadonlyArray<Driver.IndexDescription>,
    options?: OptionsOf<Driver.CreateIndexOptions>
  ) {
    return this.run(this.operation("createIndexes", "createIndexes", lengthOf(indexes)), options, (driver, options) => {
      if (!Array.isArray(indexes)) throw new InvalidInput("indexes", "indexes is not an array")
      checkOrdered(indexes, "indexes")
      const documents = (indexes as ReadonlyArray<Driver.IndexDescription>).map((index, place) =>
        indexDocument(index?.key, index, `indexes[${place}].key`)
      )
      return this.sendIndexes(driver, documents, options)
    })
  }

  dropIndex(index: string | Driver.IndexSpecification, options?: OptionsOf<Driver.DropIndexesOptions>) {
    return Effect.asVoid(
      this.run(this.operation("dropIndex", "dropIndexes"), options, (driver, options) => {
        checkOrdered(index, "index")
        const which = typeof index === "string" ? index : indexKeys(index, "index")
        return this.sendWrite(driver, { dropIndexes: this.name, index: which }, options)
      })
    )
  }

  dropIndexes(options?: OptionsOf<Driver.DropIndexesOptions>) {
    return this.run(
      this.operation("dropIndexes", "dropIndexes"),
      options,
      (driver, options) => unlessAbsent(this.sendWrite(driver, { dropIndexes: this.name, index: "*" }, options))
    )
  }

  listIndexes(options?: OptionsOf<Driver.ListIndexesOptions>): Query<Driver.IndexDescriptionInfo> {
    return makePlain(
      this,
      this.operation("listIndexes", "listIndexes"),
      (driver, options) => driver.listIndexes(options),
      options,
      {},
      plainNumbers
    )
  }

  indexExists(names: string | ReadonlyArray<string>, options?: OptionsOf<Driver.ListIndexesOptions>) {
    return this.run(
      this.operation("indexExists", "listIndexes"),
      options,
      (driver, options) => driver.indexExists(typeof names === "string" ? names : [...names], options)
    )
  }
}
