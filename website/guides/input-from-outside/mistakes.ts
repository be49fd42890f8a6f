import { Effect } from "effect"
import { Profiles } from "./profiles.ts"

// #region mistakes
export const find = Effect.fn("find")(function*(body: { readonly email: unknown }) {
  const profiles = yield* Profiles
  // @ts-expect-error
  return yield* profiles.findOne({ email: body.email })
})
// #endregion mistakes
