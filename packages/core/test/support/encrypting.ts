/**
 * A client that really encrypts: its native part does, and a stand-in for mongocryptd says which values.
 *
 * @since 0.1.0
 */
import { MongoClient, MongoEncryption } from "@mongofx/core"
import { Effect, Redacted } from "effect"
import * as Driver from "mongodb"
import { createRequire } from "node:module"
import { setup, uri } from "./utils.ts"
import { standIn } from "./wire.ts"

/** Whether the native part of `mongodb-client-encryption` is installed (see CONTRIBUTING.md). */
export const canEncrypt = (): boolean => {
  try {
    createRequire(import.meta.url)("mongodb-client-encryption")
    return true
  } catch {
    return false
  }
}

type Fields = Driver.Document

/** A database whose collection `people` has an encrypted field `ssn`, with a client that encrypts it. */
export const encrypting = Effect.gen(function*() {
  const fixture = yield* setup()
  const options: MongoEncryption.MongoEncryptionOptions = {
    keyVault: `${fixture.db.name}.keys`,
    kmsProviders: { local: { key: Redacted.make<Uint8Array>(Buffer.alloc(96, 7)) } }
  }
  const encryption = yield* MongoEncryption.make(options).pipe(
    Effect.provideService(MongoClient.MongoClient, fixture.mongo)
  )
  const keyId = yield* encryption.createDataKey("local")
  const encrypt = {
    bsonType: "string",
    algorithm: "AEAD_AES_256_CBC_HMAC_SHA_512-Deterministic",
    keyId: [keyId]
  }
  const mark = (document: Fields): Fields => ({
    ...document,
    ssn: new Driver.Binary(
      Buffer.concat([Buffer.from([0]), Driver.BSON.serialize({ a: 1, ki: keyId, v: document["ssn"] })]),
      6
    )
  })
  const port = yield* standIn(({ $db: _, isRemoteSchema: __, jsonSchema: ___, lsid: ____, ...command }) => {
    if (command["ping"] !== undefined) return { ok: 1 }
    const result: Fields = { ...command }
    if (command["insert"] !== undefined) result["documents"] = command["documents"].map(mark)
    if (command["update"] !== undefined) {
      result["updates"] = command["updates"].map((update: Fields) => ({ ...update, u: mark(update["u"]) }))
    }
    return { ok: 1, hasEncryptionPlaceholders: true, schemaRequiresEncryption: true, result }
  })
  const mongo = yield* MongoClient.make({
    url: Redacted.make(uri),
    autoEncryption: {
      ...options,
      schemaMap: { [`${fixture.db.name}.people`]: { bsonType: "object", properties: { ssn: { encrypt } } } },
      extraOptions: { mongocryptdBypassSpawn: true, mongocryptdURI: `mongodb://127.0.0.1:${port}` }
    }
  })
  /** The names in `people`, with the field as the server has it, decrypted. It fails if a field is not encrypted. */
  const stored = Effect.gen(function*() {
    const people = yield* Effect.promise(() =>
      fixture.admin.db(fixture.db.name).collection("people").find().sort({ name: 1 }).toArray()
    )
    return yield* Effect.forEach(people, (person) => {
      const sealed: unknown = person["ssn"]
      if (!(sealed instanceof Driver.Binary) || sealed.sub_type !== 6) {
        throw new Error(`${person["name"]} is not sealed`)
      }
      return Effect.map(encryption.decrypt(sealed), (ssn): ReadonlyArray<unknown> => [person["name"], ssn])
    })
  })
  return { db: mongo.db(fixture.db.name), stored }
})
