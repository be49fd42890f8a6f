import { MongoClient, MongoDatabase, MongoMigrator } from "@mongofx/core"
import { Bson, TypedCollection } from "@mongofx/schema"
import * as MongoCli from "@mongofx/schema/MongoCli"
import { Context, Effect, Layer, Redacted, Schema } from "effect"
import { Command } from "effect/cli"
import { describe, expect, it } from "tstyche"

class Key extends Context.Service<Key, string>()("Key") {}

const User = Schema.Struct({ _id: Bson.ObjectId, name: Schema.String })
class Users extends TypedCollection.Service<Users>()("app/Users", { name: "users", schema: User }) {}

/** A schema that needs a service to decode. */
const Sealed = Schema.Struct({
  _id: Bson.ObjectId,
  text: Schema.String.pipe(Schema.middlewareDecoding((text) => Effect.andThen(Effect.asVoid(Key), text)))
})
class Secrets extends TypedCollection.Service<Secrets>()("app/Secrets", { name: "secrets", schema: Sealed }) {}

const Database = MongoDatabase.layer("app").pipe(
  Layer.provideMerge(MongoClient.layer({ url: Redacted.make("mongodb://localhost") }))
)

describe("MongoCli.make", () => {
  it("is a command of its name, which ends with a CliExit", () => {
    const command = MongoCli.make({
      name: "app-db",
      collections: [Users],
      layer: Users.layer.pipe(Layer.provideMerge(Database))
    })
    expect(command).type.toBe<Command.Command<"app-db", {}, {}, MongoCli.CliExit, Command.Environment>>()
  })

  it("needs nothing of its caller but the platform if the layer supplies all", () => {
    const run = Command.run(
      MongoCli.make({ collections: [Users], layer: Users.layer.pipe(Layer.provideMerge(Database)) }),
      { version: "1.0.0" }
    )
    expect<Effect.Services<typeof run>>().type.toBe<Command.Environment>()
  })

  it("needs what the layer does not supply: the database, collections, services of their schemas", () => {
    const command = MongoCli.make({
      collections: [Users, Secrets],
      layer: Users.layer.pipe(Layer.provideMerge(Database))
    })
    expect<Command.Services<typeof command>>().type.toBe<Secrets | Key | Command.Environment>()
    const without = MongoCli.make({ collections: [], layer: Layer.empty })
    expect<Command.Services<typeof without>>().type.toBe<MongoDatabase.MongoDatabase | Command.Environment>()
  })

  it("needs what migrations need, save what a run provides", () => {
    const migrations = {
      loader: MongoMigrator.fromRecord({
        "1_with-key": Effect.asVoid(Key),
        "2_with-steps": MongoMigrator.step("one", Effect.asVoid(MongoDatabase.MongoDatabase))
      })
    }
    const command = MongoCli.make({ collections: [], migrations, layer: Database })
    expect<Command.Services<typeof command>>().type.toBe<Key | Command.Environment>()
  })

  it("takes typed collections only", () => {
    expect(MongoCli.make).type.not.toBeCallableWith({ collections: [Key], layer: Database })
    expect(MongoCli.make).type.not.toBeCallableWith({ collections: ["users"], layer: Database })
  })
})
