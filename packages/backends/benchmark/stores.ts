/**
 * The stores of queues that are compared, as the compiled packages have them.
 *
 * @since 0.1.0
 */
import { NodeRedis } from "@effect/platform-node"
import type * as Backends from "@mongofx/backends"
import type * as Core from "@mongofx/core"
import { type Effect, Layer, Redacted, Schema } from "effect"
import { PersistedQueue } from "effect/persistence"
import { useCompiled } from "../../core/benchmark/report.ts"

useCompiled()
const { MongoPersistedQueue } = await import(new URL("../dist/index.js", import.meta.url).href) as typeof Backends
const { MongoClient, MongoDatabase } = await import("@mongofx/core") as typeof Core

export type Kind = "mongo" | "redis" | "memory"

/** Another client of a store, as another process has it. Memory is of one process. */
export const layerOf = (kind: Kind, url: string): Layer.Layer<PersistedQueue.PersistedQueueFactory, unknown> => {
  switch (kind) {
    case "mongo":
      return MongoPersistedQueue.layer.pipe(
        Layer.provide(MongoDatabase.layer("bench")),
        Layer.provide(MongoClient.layer({ url: Redacted.make(url) }))
      )
    case "redis":
      return PersistedQueue.layer.pipe(
        Layer.provide(PersistedQueue.layerStoreRedis()),
        Layer.provide(NodeRedis.layer({ url }))
      )
    case "memory":
      return Layer.provide(PersistedQueue.layer, PersistedQueue.layerStoreMemory)
  }
}

/** What an element is: a mail to somebody. */
const Mail = Schema.Struct({ n: Schema.Int, to: Schema.String, subject: Schema.String })

export const mail = (n: number) => ({ n, to: `${n}@example.com`, subject: "Your order is on its way" })

export const queueOf = (name: string) => PersistedQueue.make({ name, schema: Mail })

export type Queue = Effect.Success<ReturnType<typeof queueOf>>
