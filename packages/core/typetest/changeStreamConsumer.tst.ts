import {
  type ChangeStream,
  ChangeStreamConsumer,
  type MongoClient,
  type MongoCollection,
  type MongoDatabase,
  type MongoError,
  ResumeTokenStore
} from "@mongofx/core"
import type { Cause, Effect, Layer, Scope } from "effect"
import { describe, expect, it } from "tstyche"

interface User {
  readonly name: string
}

declare const users: MongoCollection.MongoCollection<User>
declare const db: MongoDatabase.MongoDatabase
declare const mongo: MongoClient.MongoClient
declare const mine: Effect.Effect<void, "mine", "service">

declare const handled: (event: ChangeStream.ChangeEvent<User>) => typeof mine

type Store = ResumeTokenStore.ResumeTokenStore

describe("consume", () => {
  it("never succeeds, needs a store, and fails as the handler does", () => {
    const run = ChangeStreamConsumer.consume({
      name: "mail",
      watch: (position) => users.watch([], position),
      handler: (event, checkpoint) => {
        expect(event).type.toBe<ChangeStream.ChangeEvent<User>>()
        expect(checkpoint).type.toBe<Effect.Effect<void, MongoError.MongoError>>()
        return mine
      }
    })
    expect(run).type.toBe<Effect.Effect<never, "mine" | MongoError.MongoError, "service" | Store>>()
  })

  it("knows the events whatever stands around them", () => {
    const settings = { name: "mail", checkpoint: { events: 10 } }
    ChangeStreamConsumer.consume({
      ...settings,
      watch: (position) => users.watch([{ $match: {} }], { maxAwaitTime: "1 second", ...position }),
      handler: (event) => {
        expect(event).type.toBe<ChangeStream.ChangeEvent<User>>()
        return mine
      }
    })
    expect(ChangeStreamConsumer.consume({
      ...settings,
      watch: (position) => users.watch([{ $match: {} }], { maxAwaitTime: "1 second", ...position }),
      handler: handled
    })).type.toBe<Effect.Effect<never, "mine" | MongoError.MongoError, "service" | Store>>()
    expect(ChangeStreamConsumer.consume({
      handler: handled,
      ...settings,
      watch: (position) => users.watch([], position)
    })).type.toBe<Effect.Effect<never, "mine" | MongoError.MongoError, "service" | Store>>()
  })

  it("takes the change streams of a database and of a client, and their bytes", () => {
    expect(ChangeStreamConsumer.consume).type.toBeCallableWith({
      name: "all",
      watch: (position: ChangeStreamConsumer.StartPosition) => mongo.watch([], position),
      handler: (_event: ChangeStream.ChangeEvent) => mine
    })
    ChangeStreamConsumer.consume({
      name: "copy",
      watch: (position) => db.watch<User>([], { rawDocuments: true, ...position }),
      handler: (event) => {
        expect(event).type.toBe<ChangeStream.RawChangeEvent<User>>()
        return mine
      }
    })
  })

  it("reads what is there already with errors of its own, and gives poison away", () => {
    ChangeStreamConsumer.consume({
      name: "mail",
      watch: (position) => users.watch([], position),
      onFirstStart: {} as Effect.Effect<void, MongoError.MongoError>,
      handler: () => mine,
      onPoison: {
        deadLetter: (event, cause) => {
          expect(event).type.toBe<ChangeStream.ChangeEvent<User>>()
          expect(cause).type.toBe<Cause.Cause<"mine">>()
          return mine
        }
      }
    })
    expect<"onFirstStart">().type.toBeAssignableTo<
      keyof ChangeStreamConsumer.ConsumeOptions<ChangeStream.ChangeEvent<User>, never, never>
    >()
    expect(ChangeStreamConsumer.consume).type.not.toBeCallableWith({
      name: "mail",
      watch: (position: ChangeStreamConsumer.StartPosition) => users.watch([], position),
      onFirstStart: "later",
      handler: () => mine
    })
  })
})

describe("concurrency", () => {
  it("leaves handlers without a checkpoint, unless it is 1", () => {
    const run = ChangeStreamConsumer.consume({
      name: "mail",
      watch: (position) => users.watch([], position),
      concurrency: 4,
      handler: (event, checkpoint) => {
        expect(event).type.toBe<ChangeStream.ChangeEvent<User>>()
        expect(checkpoint).type.toBe<ChangeStreamConsumer.NoCheckpoint>()
        return mine
      }
    })
    expect(run).type.toBe<Effect.Effect<never, "mine" | MongoError.MongoError, "service" | Store>>()
    ChangeStreamConsumer.make({
      handler: (_, checkpoint) => {
        expect(checkpoint).type.toBe<ChangeStreamConsumer.NoCheckpoint>()
        return mine
      },
      name: "mail",
      watch: (position) => users.watch([], position),
      concurrency: {} as number
    })
    ChangeStreamConsumer.consume({
      name: "mail",
      watch: (position) => users.watch([], position),
      concurrency: 1,
      handler: (_, checkpoint) => checkpoint
    })
    expect(ChangeStreamConsumer.consume).type.not.toBeCallableWith({
      name: "mail",
      watch: (position: ChangeStreamConsumer.StartPosition) => users.watch([], position),
      concurrency: 4,
      handler: (_: ChangeStream.ChangeEvent<User>, checkpoint: Effect.Effect<void, MongoError.MongoError>) => checkpoint
    })
  })
})

describe("partitions", () => {
  it("know the events, and leave handlers their checkpoint", () => {
    const run = ChangeStreamConsumer.consume({
      name: "mail",
      partitions: 8,
      watch: (position) => users.watch([], position),
      handler: (event, checkpoint) => {
        expect(event).type.toBe<ChangeStream.ChangeEvent<User>>()
        expect(checkpoint).type.toBe<Effect.Effect<void, MongoError.MongoError>>()
        return mine
      }
    })
    expect(run).type.toBe<Effect.Effect<never, "mine" | MongoError.MongoError, "service" | Store>>()
  })

  it("need a source that can be split", () => {
    const source = {} as ChangeStreamConsumer.Source<ChangeStream.ChangeEvent>
    expect(ChangeStreamConsumer.consume).type.toBeCallableWith({
      name: "mail",
      watch: () => source,
      handler: (_: ChangeStream.ChangeEvent) => mine
    })
    expect(ChangeStreamConsumer.consume).type.not.toBeCallableWith({
      name: "mail",
      partitions: 8,
      watch: () => source,
      handler: (_: ChangeStream.ChangeEvent) => mine
    })
  })
})

describe("make", () => {
  it("runs in a scope, and has what it fails with", () => {
    const consumer = ChangeStreamConsumer.make({
      name: "mail",
      watch: (position) => users.watch([], position),
      handler: () => mine
    })
    expect(consumer).type.toBe<
      Effect.Effect<
        ChangeStreamConsumer.ChangeStreamConsumer<"mine" | MongoError.MongoError>,
        "mine" | MongoError.MongoError,
        "service" | Store | Scope.Scope
      >
    >()
  })
})

describe("ResumeTokenStore", () => {
  it("in MongoDB needs a database", () => {
    expect(ResumeTokenStore.layerMongo()).type.toBe<Layer.Layer<Store, never, MongoDatabase.MongoDatabase>>()
  })
})
