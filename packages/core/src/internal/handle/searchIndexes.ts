/**
 * The search indexes of a collection.
 */
import * as Effect from "effect/Effect"
import type * as Driver from "mongodb"
import type { SearchIndex, SearchIndexDescription, WaitUntilQueryableOptions } from "../../MongoCollection.ts"
import { IndexError, type MongoError } from "../../MongoError.ts"
import type { OptionsOf } from "../../OperationOptions.ts"
import type { Operation } from "../call/description.ts"
import { checking } from "../call/operation.ts"
import { defined, lengthOf, limitCommand } from "../call/options.ts"
import { serverSleep } from "../call/serverTime.ts"
import { plainNumbers } from "../driver/replyNumbers.ts"
import { ownFailure } from "../errors/ownFailure.ts"
import { checkFilter, checkGiven } from "../input/check.ts"
import { durationOf } from "../input/duration.ts"
import { InvalidInput } from "../input/invalidInput.ts"
import { makePlain } from "../query/query.ts"
import { CollectionIndexes } from "./indexes.ts"

const prepareSearchIndex = (description: SearchIndexDescription, path: string): SearchIndexDescription => {
  const given = typeof description === "object" && description !== null ? defined(description)! : description
  checkFilter(given, path)
  checkFilter(given.definition, `${path}.definition`)
  return given
}

/** An index that is not named would be another one. */
const checkIndexName = (name: string): string => {
  if (typeof name !== "string") throw new InvalidInput("name", "name is not a string")
  return name
}

/**
 * What a collection does with its search indexes.
 *
 * @internal
 */
export abstract class CollectionSearchIndexes<A extends Driver.Document> extends CollectionIndexes<A> {
  /**
   * A search index command, as the driver sends it, but in the session, with the time limit and with the signal that the
   * driver's methods do not take.
   */
  private searchCommand(
    operation: Operation,
    fields: () => Driver.Document
  ): Effect.Effect<Driver.Document, MongoError> {
    return this.run(operation, undefined, (driver, options) => {
      const command = { [operation.command]: this.name, ...fields() }
      return this.connection.driver.db(driver.dbName).command(...limitCommand(command, options))
    })
  }

  private createSearch(operation: Operation, indexes: () => ReadonlyArray<SearchIndexDescription>) {
    return Effect.map(
      this.searchCommand(operation, () => ({ indexes: indexes() })),
      (reply) => (reply["indexesCreated"] as Array<{ name: string }>).map((index) => index.name)
    )
  }

  createSearchIndex(description: SearchIndexDescription) {
    return Effect.map(
      this.createSearch(
        this.operation("createSearchIndex", "createSearchIndexes"),
        () => [prepareSearchIndex(description, "description")]
      ),
      (names) => names[0]!
    )
  }

  createSearchIndexes(descriptions: ReadonlyArray<SearchIndexDescription>) {
    return this.createSearch(
      this.operation("createSearchIndexes", "createSearchIndexes", lengthOf(descriptions)),
      () => {
        if (!Array.isArray(descriptions)) throw new InvalidInput("descriptions", "descriptions is not an array")
        return descriptions.map((description, index) => prepareSearchIndex(description, `descriptions[${index}]`))
      }
    )
  }

  updateSearchIndex(name: string, definition: Driver.Document) {
    return Effect.asVoid(this.searchCommand(this.operation("updateSearchIndex", "updateSearchIndex"), () => {
      checkFilter(definition, "definition")
      return { name: checkIndexName(name), definition }
    }))
  }

  dropSearchIndex(name: string) {
    return Effect.catchReason(
      Effect.asVoid(
        this.searchCommand(this.operation("dropSearchIndex", "dropSearchIndex"), () => ({ name: checkIndexName(name) }))
      ),
      "MongoError",
      "NamespaceNotFoundError",
      () => Effect.void
    )
  }

  listSearchIndexes(name?: string, options?: OptionsOf<Driver.ListSearchIndexesOptions, "out" | "cursor">) {
    return makePlain<SearchIndex, Driver.Collection<A>>(
      this,
      this.operation("listSearchIndexes", "aggregate"),
      (driver, options) =>
        name === undefined ? driver.listSearchIndexes(options) : driver.listSearchIndexes(name, options),
      options,
      {},
      plainNumbers
    )
  }

  waitUntilQueryable(
    names: string | ReadonlyArray<string>,
    options: WaitUntilQueryableOptions = {}
  ): Effect.Effect<void, MongoError> {
    const awaited = typeof names === "string" ? [names] : names
    const operation = this.operation("waitUntilQueryable", "aggregate")
    const fail = (kind: IndexError["kind"], message: string) => ownFailure(IndexError, operation, message, { kind })
    const check = Effect.flatMap(this.listSearchIndexes(), (indexes): Effect.Effect<boolean, MongoError> => {
      let ready = true
      for (const name of awaited) {
        const index = indexes.find((index) => index.name === name)
        if (index === undefined) return Effect.fail(fail("notFound", `the search index "${name}" does not exist`))
        if (index.queryable) continue
        if (index.status === "FAILED") {
          return Effect.fail(fail("searchFailed", `the server could not build the search index "${name}"`))
        }
        ready = false
      }
      return Effect.succeed(ready)
    })
    const interval = checking(operation, () => {
      checkGiven(options)
      return durationOf(options.interval ?? "1 second", "options.interval")
    })
    return Effect.flatMap(interval, (interval) => {
      const loop: Effect.Effect<void, MongoError> = Effect.flatMap(
        check,
        (ready) => ready ? Effect.void : Effect.andThen(serverSleep(interval), loop)
      )
      return loop
    })
  }
}
