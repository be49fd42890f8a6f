/**
 * A program without code generation. A test starts it in its own process.
 *
 * @since 0.1.0
 */
import { Effect, Exit, Schema } from "effect"
import { BSON } from "mongodb"
import { compile, decode } from "./codec.ts"

const codec = compile(Schema.Struct({ a: Schema.Int }))
const decoded = Effect.runSync(decode(codec, BSON.serialize({ a: 1 })))
process.stdout.write(JSON.stringify({
  compiled: codec.compiled,
  decoded,
  encoded: Effect.runSync(codec.encode(decoded)),
  failed: Exit.isFailure(Effect.runSyncExit(decode(codec, BSON.serialize({ a: "1" }))))
}))
