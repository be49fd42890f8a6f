/**
 * The compiled decoder and the interpreter together, for one document.
 *
 * @since 0.1.0
 */
import type { CompiledCodec } from "@mongofx/schema/internal/compiler/compiledCodec"
import { mismatch } from "@mongofx/schema/internal/compiler/program"
import { Effect, type Schema } from "effect"

/** What a collection makes of the bytes of one document: by the compiled decoder, and after a mismatch by the interpreter. */
export const decode = <S extends Schema.Constraint>({ decodeBytes, diagnose }: CompiledCodec<S>, bytes: Uint8Array) =>
  Effect.suspend(() => {
    const value = decodeBytes(bytes)
    return value === mismatch ? diagnose(bytes) : Effect.succeed(value)
  })
