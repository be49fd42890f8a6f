import { NodeRuntime } from "@effect/platform-node"
import { MongoClient } from "@mongofx/core"
import { MongoServer } from "@mongofx/testing"
import { Console, Effect, Redacted } from "effect"

// #region roles
/** Whoever runs the database makes the user of a program once: it reads and writes in one database, and that is all. */
const createUser = (admin: MongoClient.MongoClient, password: Redacted.Redacted) =>
  admin.db("shop").command({
    createUser: "shop",
    pwd: Redacted.value(password),
    roles: [{ role: "readWrite", db: "shop" }]
  })
// #endregion roles

const program = Effect.gen(function*() {
  const { uri } = yield* MongoServer.startBinary({ replicaSet: false, args: ["--auth"] })
  const password = Redacted.make("correct horse")
  const root = { username: "root", password: Redacted.make("battery staple") }
  // A server without users lets a client on its own machine make the first one.
  yield* (yield* MongoClient.make({ url: uri })).db("admin").command({
    createUser: root.username,
    pwd: Redacted.value(root.password),
    roles: ["root"]
  })
  yield* createUser(yield* MongoClient.make({ url: uri, ...root }), password)

  // #region connect
  const mongo = yield* MongoClient.make({ url: uri, username: "shop", password, authSource: "shop" })
  yield* mongo.db("shop").collection("orders").insertOne({ product: "tea" })
  yield* Console.log("it may write its orders")

  const refused = yield* Effect.flip(mongo.db("payroll").collection("salaries").find({}))
  yield* Console.log(refused.reason._tag)

  const wrong = yield* Effect.flip(
    MongoClient.make({ url: uri, username: "shop", password: Redacted.make("guess"), authSource: "shop" })
  )
  yield* Console.log(wrong.message)
  // #endregion connect
}).pipe(Effect.scoped)

NodeRuntime.runMain(program)
