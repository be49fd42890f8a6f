/**
 * The types of the client, the database and their layers.
 *
 * @since 0.1.0
 */
import { MongoClient, MongoCollection, MongoDatabase, type MongoError, Query, type Topology } from "@mongofx/core"
import { Config, Context, Effect, Layer, Redacted, type Scope, type Stream } from "effect"
import type * as Driver from "mongodb"
import { describe, expect, it } from "tstyche"

declare const mongo: MongoClient.MongoClient
declare const db: MongoDatabase.MongoDatabase
declare const unknown_: unknown

type Operation<A> = Effect.Effect<A, MongoError.MongoError, never>
const config = { url: Redacted.make("mongodb://localhost") }

describe("the client", () => {
  it("operations need nothing and fail with a MongoError only", () => {
    expect(mongo.ping).type.toBe<Operation<void>>()
    expect(mongo.serverInfo).type.toBe<Operation<Driver.Document>>()
    expect(mongo.listDatabases()).type.toBe<Operation<Array<MongoClient.DatabaseInfo>>>()
    expect(mongo.listDatabaseNames()).type.toBe<Operation<Array<string>>>()
    expect(mongo.dropDatabase("app")).type.toBe<Operation<void>>()
    expect(mongo.use(async () => 1)).type.toBe<Operation<number>>()
    expect(mongo.use).type.not.toBeCallableWith(() => 1)
    expect(mongo.topology).type.toBe<Effect.Effect<Topology.Topology, never, never>>()
    expect(mongo.topologyChanges).type.toBe<Stream.Stream<Topology.Topology, never, never>>()
    expect(mongo.db()).type.toBe<MongoDatabase.MongoDatabase>()
  })

  it("constructors and layers", () => {
    expect(MongoClient.make(config)).type.toBe<
      Effect.Effect<MongoClient.MongoClient, MongoError.MongoError, Scope.Scope>
    >()
    expect(MongoClient.fromClient({} as Driver.MongoClient)).type.toBe<
      Effect.Effect<MongoClient.MongoClient, never, Scope.Scope>
    >()
    expect(MongoClient.layer(config)).type.toBe<Layer.Layer<MongoClient.MongoClient, MongoError.MongoError, never>>()
    const read = MongoClient.layerConfig({
      url: Config.Redacted("MONGODB_URI"),
      maxPoolSize: Config.Int("POOL").pipe(Config.withDefault(4))
    })
    expect(read).type.toBe<Layer.Layer<MongoClient.MongoClient, Config.ConfigError | MongoError.MongoError, never>>()
    class Vault extends Context.Service<Vault, { readonly url: Redacted.Redacted }>()("Vault") {}
    const made = Effect.gen(function*() {
      const { url } = yield* Vault
      if (Redacted.value(url) === "") return yield* Effect.fail("empty" as const)
      return yield* MongoClient.make({ url })
    })
    // The scope is the layer's own.
    expect(MongoClient.layerFrom(made)).type.toBe<
      Layer.Layer<MongoClient.MongoClient, "empty" | MongoError.MongoError, Vault>
    >()
    expect(MongoClient.layer).type.not.toBeCallableWith({ url: "mongodb://localhost" })
    expect(MongoClient.layerConfig).type.not.toBeCallableWith({ url: Config.String("MONGODB_URI") })
    // A fixed setting is a Config too.
    const url = Config.Redacted("MONGODB_URI")
    expect(MongoClient.layerConfig({ url, serverSelectionTimeout: Config.succeed("5 seconds") })).type.toBe<
      typeof read
    >()
    expect(MongoClient.layerConfig).type.not.toBeCallableWith({ url, serverSelectionTimeout: "5 seconds" })
    expect(MongoClient.layerConfig).type.not.toBeCallableWith({ url, maxPoolSize: 5 })
    expect(MongoClient.layerConfig).type.not.toBeCallableWith({ url, compressors: ["zlib"] })
  })

  it("is the service of its key", () => {
    const program = MongoClient.MongoClient.use((mongo) => mongo.ping)
    expect(program).type.toBe<Effect.Effect<void, MongoError.MongoError, MongoClient.MongoClient>>()
    expect(Effect.provide(program, MongoClient.layer(config))).type.toBe<Operation<void>>()
  })

  it("a transaction keeps what its body needs, and adds a MongoError", () => {
    class Mailer extends Context.Service<Mailer, { readonly send: Effect.Effect<void, "bounced"> }>()("Mailer") {}
    const body = Effect.flatMap(Mailer, (mailer) => Effect.as(mailer.send, 1))
    expect(mongo.withTransaction(body)).type.toBe<Effect.Effect<number, "bounced" | MongoError.MongoError, Mailer>>()
    expect(mongo.withSession()(body)).type.toBe<Effect.Effect<number, "bounced" | MongoError.MongoError, Mailer>>()
    expect(mongo.withoutTransaction(body)).type.toBe<Effect.Effect<number, "bounced", Mailer>>()
    expect(mongo.afterCommit).type.toBeCallableWith(Effect.log("committed"))
    expect(mongo.afterCommit).type.not.toBeCallableWith(Effect.fail("failed"))
  })
})

describe("the database", () => {
  it("operations need nothing and fail with a MongoError only", () => {
    expect(db.collection("users")).type.toBe<MongoCollection.MongoCollection<Driver.Document>>()
    expect(db.collection<{ a: number }>("users")).type.toBe<MongoCollection.MongoCollection<{ a: number }>>()
    expect(db.withOptions({})).type.toBe<MongoDatabase.MongoDatabase>()
    expect(db.createCollection<{ a: number }>("users")).type.toBe<
      Operation<MongoCollection.MongoCollection<{ a: number }>>
    >()
    expect(db.renameCollection("users", "people")).type.toBe<
      Operation<MongoCollection.MongoCollection<Driver.Document>>
    >()
    expect(db.dropCollection("users")).type.toBe<Operation<boolean>>()
    expect(db.listCollections()).type.toBe<Query.Query<Driver.CollectionInfo>>()
    expect(db.listCollections()).type.toBeAssignableTo<Operation<Array<Driver.CollectionInfo>>>()
    expect(db.listCollectionNames()).type.toBe<Operation<Array<string>>>()
    expect(db.command({ ping: 1 })).type.toBe<Operation<Driver.Document>>()
    expect(db.command<{ n: number }>({ count: "users" })).type.toBe<Operation<{ n: number }>>()
    expect(db.runCursorCommand<{ a: number }>({ find: "users" })).type.toBe<Query.Query<{ a: number }>>()
    expect(db.aggregate<{ a: number }>()).type.toBe<Query.AggregateQuery<{ a: number }>>()
    expect(db.stats()).type.toBe<Operation<Driver.Document>>()
    expect(db.validateCollection("users")).type.toBe<Operation<Driver.Document>>()
    expect(db.dropDatabase()).type.toBe<Operation<void>>()
  })

  it("its layer needs a client and cannot fail", () => {
    expect(MongoDatabase.layer("app")).type.toBe<
      Layer.Layer<MongoDatabase.MongoDatabase, never, MongoClient.MongoClient>
    >()
    const live = Layer.provide(MongoDatabase.layer(), MongoClient.layer(config))
    expect(live).type.toBe<Layer.Layer<MongoDatabase.MongoDatabase, MongoError.MongoError, never>>()
    const program = MongoDatabase.MongoDatabase.use((db) => db.stats())
    expect(Effect.provide(program, live)).type.toBe<Operation<Driver.Document>>()
  })
})

describe("guards", () => {
  it("narrow", () => {
    if (MongoClient.isMongoClient(unknown_)) expect(unknown_).type.toBe<MongoClient.MongoClient>()
    if (MongoDatabase.isMongoDatabase(unknown_)) expect(unknown_).type.toBe<MongoDatabase.MongoDatabase>()
    if (MongoCollection.isMongoCollection(unknown_)) expect(unknown_).type.toBe<MongoCollection.MongoCollection>()
    if (Query.isQuery(unknown_)) expect(unknown_).type.toBe<Query.Query<unknown>>()
  })

  it("what is made of one kind is not of another", () => {
    expect<MongoClient.MongoClient>().type.not.toBeAssignableTo<MongoDatabase.MongoDatabase>()
    expect<MongoDatabase.MongoDatabase>().type.not.toBeAssignableTo<MongoCollection.MongoCollection>()
  })
})
