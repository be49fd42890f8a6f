import { NodeRuntime } from "@effect/platform-node"
import { Filter, Update } from "@mongofx/schema"
import { Console, Effect, Option } from "effect"
import { Live, Profiles } from "./profiles.ts"

// #region bodies
// The bodies of two requests, as a parser of JSON gives them: their type is `any`.
const login = JSON.parse(`{ "email": "ada@example.com", "passwordHash": { "$gt": "" } }`)
const tag = JSON.parse(`{ "interest": { "$each": [], "$slice": 0 } }`)
// #endregion bodies

const program = Effect.gen(function*() {
  const profiles = yield* Profiles
  yield* profiles.insertOne({
    email: "ada@example.com",
    name: "Ada",
    age: Option.some(36),
    interests: ["engines"],
    role: "admin",
    passwordHash: "5f4dcc3b"
  })
  const report = Effect.matchEffect({
    onFailure: ({ message }: { readonly message: string }) => Console.log(`refused: ${message}`),
    onSuccess: (found: number) => Console.log(`found ${found}`)
  })

  // #region untyped
  const { email, passwordHash } = login
  yield* report(profiles.untyped.countDocuments({ email, passwordHash }))
  // #endregion untyped

  // #region typed
  yield* report(profiles.countDocuments({ email: { $eq: email }, passwordHash: { $eq: passwordHash } }))
  yield* report(profiles.countDocuments(Filter.values(login)))
  yield* report(profiles.countDocuments(Filter.values(JSON.parse(`{ "$where": "sleep(1000)" }`))))
  // #endregion typed

  // #region update
  const push = profiles.updateOne({ email }, Update.values({ $push: { interests: tag.interest } }))
  yield* report(Effect.map(push, ({ modifiedCount }) => modifiedCount))
  // #endregion update

  // #region short
  yield* report(profiles.countDocuments({ email, passwordHash }))
  // #endregion short
})

NodeRuntime.runMain(Effect.provide(program, Live))
