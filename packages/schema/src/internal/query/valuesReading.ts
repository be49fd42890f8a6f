/** Reads known values, without a server. */
import { Integration, MongoError } from "@mongofx/core"
import * as Iterable from "effect/Iterable"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import type { DecodePolicy } from "../../TypedQuery.ts"
import type { TypedReading } from "./decodedReading.ts"

const noBytes = Integration.failure(MongoError.InvalidArgumentError, {
  operation: "fromIterable",
  message: "a query of decoded values has no bytes"
})

/** @internal */
export class ValuesReading<A> extends Integration.ValuesReading<A> implements TypedReading<A, never> {
  override raw(): Stream.Stream<Uint8Array, MongoError.MongoError> {
    return Stream.fail(noBytes)
  }

  /** All values are decoded, so none is invalid. */
  onInvalid(policy: DecodePolicy): TypedReading<unknown, never> {
    return policy === "collect" ? new ValuesReading(Iterable.map(this.values, Result.succeed)) : this
  }
}
