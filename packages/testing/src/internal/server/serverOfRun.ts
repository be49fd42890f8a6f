/**
 * How the setup of a whole run of tests tells their processes that there is no server: by an environment variable, which they inherit.
 */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import * as Schema from "effect/Schema"

const Failure = Schema.Struct({
  kind: Schema.Literals(["notFound", "cannotStart", "cannotDownload", "unreachable"]),
  message: Schema.String,
  log: Schema.Array(Schema.String)
})

/**
 * Why the run has no server.
 *
 * @internal
 */
export type Failure = typeof Failure.Type

/** @internal */
export const failureVariable = "MONGOFX_SERVER_FAILURE"

/** @internal */
export const failureText = ({ kind, log, message }: Failure): string => JSON.stringify({ kind, message, log })

/**
 * What the setup of this run has left, if it found no server.
 *
 * @internal
 */
export const failureOfRun: Effect.Effect<Option.Option<Failure>> = Effect.orDie(
  Config.option(Config.schema(Schema.fromJsonString(Failure), failureVariable))
)
