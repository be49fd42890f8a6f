import { assert, it } from "@effect/vitest"
import { MongoClient, MongoDatabase, MongoEncryption } from "@mongofx/core"
import { MongoTest } from "@mongofx/testing"
import { Effect, Redacted } from "effect"
import type { Binary } from "mongodb"
import { createRequire } from "node:module"

/** Whether the native part of `mongodb-client-encryption` is here. */
const isInstalled = (() => {
  try {
    createRequire(import.meta.url)("mongodb-client-encryption")
    return true
  } catch {
    return false
  }
})()

// #region encryption
interface Patient {
  readonly _id: string
  readonly insurance: Binary
}

/** 96 bytes. In production a key management service has the master key, such as `aws`, `azure`, `gcp` or `kmip`. */
const master = Redacted.make<Uint8Array>(new Uint8Array(96).fill(7))

const program = Effect.gen(function*() {
  const db = yield* MongoDatabase.MongoDatabase
  const patients = db.collection<Patient>("patients")
  const encryption = yield* MongoEncryption.make({
    keyVault: `${db.name}.keys`,
    kmsProviders: { local: { key: master } }
  })
  yield* encryption.createDataKey("local", { keyAltNames: ["patients"] })
  // Deterministic: the same text gives the same bytes, so that a filter finds it.
  const seal = (text: string) =>
    encryption.encrypt(text, {
      algorithm: "AEAD_AES_256_CBC_HMAC_SHA_512-Deterministic",
      keyAltName: "patients"
    })

  yield* patients.insertOne({ _id: "ada", insurance: yield* seal("A-123") })
  const found = yield* patients.find({ insurance: yield* seal("A-123") }).one
  return { stored: found.insurance, opened: yield* encryption.decrypt<string>(found.insurance) }
})
// #endregion encryption

it.live.skipIf(!isInstalled)("the server stores bytes that only the client can read", () =>
  Effect.gen(function*() {
    const { opened, stored } = yield* program
    assert.strictEqual(opened, "A-123")
    assert.notInclude(Buffer.from(stored.buffer).toString("latin1"), "A-123")
  }).pipe(Effect.provide(MongoTest.layer)))

it.live.skipIf(isInstalled)(
  "without the native part the failure says so, and nothing is stored",
  () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(program)
      assert(error._tag === "MongoError" && error.reason._tag === "EncryptionError")
      assert.include(error.message, "mongodb-client-encryption")
      const mongo = yield* MongoClient.MongoClient
      const { name } = yield* MongoDatabase.MongoDatabase
      assert.strictEqual(yield* mongo.db(name).collection("patients").countDocuments(), 0)
    }).pipe(Effect.provide(MongoTest.layer))
)
