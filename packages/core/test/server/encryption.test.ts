/**
 * Client-side encryption against a real server, with a master key of this process.
 *
 * The native part of `mongodb-client-encryption` is not installed with the other packages (see CONTRIBUTING.md). Without it
 * the tests check only that the failure says so.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { Integration, MongoClient, MongoEncryption } from "@mongofx/core"
import { Cause, Effect, Exit, Option, Redacted, Stream } from "effect"
import * as Driver from "mongodb"
import { inspect } from "node:util"
import { canEncrypt, encrypting } from "../support/encrypting.ts"
import { type Fixture, reasonOf, setup, uri } from "../support/utils.ts"
import { standIn } from "../support/wire.ts"

const isInstalled = canEncrypt()

const bytes = Buffer.alloc(96, "mongofx master key ")
const key = Redacted.make<Uint8Array>(bytes, { label: "master key" })

const deterministic = "AEAD_AES_256_CBC_HMAC_SHA_512-Deterministic"
const random = "AEAD_AES_256_CBC_HMAC_SHA_512-Random"

const optionsOf = ({ db }: Fixture): MongoEncryption.MongoEncryptionOptions => ({
  keyVault: `${db.name}.keys`,
  kmsProviders: { local: { key } }
})

const make = (fixture: Fixture, options: Partial<MongoEncryption.MongoEncryptionOptions> = {}) =>
  MongoEncryption.make({ ...optionsOf(fixture), ...options }).pipe(
    Effect.provideService(MongoClient.MongoClient, fixture.mongo)
  )

const prepared = Effect.gen(function*() {
  const fixture = yield* setup()
  const encryption = yield* make(fixture)
  const keys = fixture.db.collection<Driver.DataKey>("keys")
  yield* keys.createIndex(
    { keyAltNames: 1 },
    { unique: true, partialFilterExpression: { keyAltNames: { $exists: true } } }
  )
  return { ...fixture, encryption, keys }
})

/** Asserts that no way to print a value shows the master key. */
const assertSealed = (value: unknown) => {
  for (const text of [inspect(value, { depth: 20 }), JSON.stringify(value) ?? "", String(value)]) {
    assert.notInclude(text, "mongofx master key")
    assert.notInclude(text, bytes.toString("base64").slice(0, 20))
    assert.notInclude(text, bytes.toString("hex").slice(0, 20))
  }
}

describe.skipIf(isInstalled)("without the native part of mongodb-client-encryption", () => {
  it.live("making a client for encryption fails with an EncryptionError that says so", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const reason = yield* reasonOf(make(fixture))
      assert.strictEqual(reason._tag, "EncryptionError")
      assert.include(reason.message, "mongodb-client-encryption")
      assert.isFalse(reason.isRetryable)
      assertSealed(reason)
    }))

  it.live("a client with automatic encryption fails with an EncryptionError that says so", () =>
    Effect.gen(function*() {
      const reason = yield* reasonOf(MongoClient.make({
        url: Redacted.make(uri),
        autoEncryption: { keyVault: "a.keys", kmsProviders: { local: { key } } }
      }))
      assert.strictEqual(reason._tag, "EncryptionError")
      assert.include(reason.message, "mongodb-client-encryption")
      assertSealed(reason)
    }))
})

describe.skipIf(!isInstalled)("explicit encryption", () => {
  it.live("encrypts and decrypts every kind of value", () =>
    Effect.gen(function*() {
      const { encryption } = yield* prepared
      const keyId = yield* encryption.createDataKey("local")
      assert.instanceOf(keyId, Driver.UUID)
      const id = new Driver.ObjectId()
      for (
        const value of ["text", 12, 1.5, true, id, new Date(7), { a: { b: [1, "x"] } }, [1, 2], Driver.Long.ONE]
      ) {
        const sealed = yield* encryption.encrypt(value, { algorithm: random, keyId })
        assert.strictEqual(sealed.sub_type, 6)
        const opened = yield* encryption.decrypt(sealed)
        assert.deepStrictEqual(opened, value instanceof Driver.Long ? 1 : value)
      }
      const a = yield* encryption.encrypt("a", { algorithm: deterministic, keyId })
      assert.deepStrictEqual(yield* encryption.encrypt("a", { algorithm: deterministic, keyId }), a)
      assert.notDeepEqual(
        yield* encryption.encrypt("a", { algorithm: random, keyId }),
        yield* encryption.encrypt("a", { algorithm: random, keyId })
      )
      for (const algorithm of ["Indexed", "Unindexed"] as const) {
        const sealed = yield* encryption.encrypt("a", {
          algorithm,
          keyId,
          ...(algorithm === "Indexed" ? { contentionFactor: 0 } : {})
        })
        assert.strictEqual(yield* encryption.decrypt<string>(sealed), "a")
      }
      assert.match(encryption.libmongocryptVersion, /^\d+\.\d+/)
    }))

  it.live("stores unreadable values that can be found", () =>
    Effect.gen(function*() {
      const { admin, db, encryption } = yield* prepared
      yield* encryption.createDataKey("local", { keyAltNames: ["people"] })
      const seal = (ssn: string) => encryption.encrypt(ssn, { algorithm: deterministic, keyAltName: "people" })
      const people = db.collection<{ name: string; ssn: Driver.Binary }>("people")
      yield* people.insertOne({ name: "Ada", ssn: yield* seal("123-45-6789") })
      const stored = yield* Effect.promise(() => admin.db(db.name).collection("people").find().toArray())
      assert.notInclude(Driver.BSON.EJSON.stringify(stored), "123-45")
      const found = Option.getOrThrow(yield* people.findOne({ ssn: yield* seal("123-45-6789") }))
      assert.strictEqual(yield* encryption.decrypt(found.ssn), "123-45-6789")
      assert.isTrue(Option.isNone(yield* people.findOne({ ssn: yield* seal("other") })))
    }))

  it.live("keeps data keys: finds, lists, names and deletes them", () =>
    Effect.gen(function*() {
      const { encryption, keys } = yield* prepared
      const first = yield* encryption.createDataKey("local", { keyAltNames: ["a", "b"] })
      const second = yield* encryption.createDataKey("local")
      assert.strictEqual(Option.getOrThrow(yield* encryption.getKey(first)).masterKey["provider"], "local")
      assert.deepStrictEqual(Option.getOrThrow(yield* encryption.getKey(second))._id, second)
      assert.deepStrictEqual(Option.getOrThrow(yield* encryption.getKeyByAltName("b"))._id, first)
      assert.isTrue(Option.isNone(yield* encryption.getKeyByAltName("c")))
      assert.isTrue(Option.isNone(yield* encryption.getKey(new Driver.UUID())))
      assert.strictEqual((yield* encryption.getKeys()).length, 2)
      assert.strictEqual(yield* Stream.runCount(encryption.getKeys().stream), 2)

      const before = Option.getOrThrow(yield* encryption.addKeyAltName(second, "c"))
      assert.isUndefined(before.keyAltNames)
      assert.deepStrictEqual(Option.getOrThrow(yield* encryption.getKeyByAltName("c"))._id, second)
      yield* encryption.removeKeyAltName(first, "a")
      assert.deepStrictEqual(Option.getOrThrow(yield* encryption.getKey(first)).keyAltNames, ["b"])
      const named = Option.getOrThrow(yield* encryption.removeKeyAltName(second, "c"))
      assert.deepStrictEqual(named.keyAltNames, ["c"])
      assert.strictEqual(yield* keys.countDocuments({ keyAltNames: { $exists: true } }), 1)
      assert.isTrue(Option.isNone(yield* encryption.addKeyAltName(new Driver.UUID(), "d")))
      const duplicate = yield* reasonOf(encryption.createDataKey("local", { keyAltNames: ["b"] }))
      assert.strictEqual(duplicate._tag, "DuplicateKeyError")

      assert.strictEqual((yield* encryption.deleteKey(second)).deletedCount, 1)
      assert.strictEqual((yield* encryption.getKeys()).length, 1)
    }))

  it.live("encrypts data keys anew, and their values stay readable", () =>
    Effect.gen(function*() {
      const { encryption, keys } = yield* prepared
      const keyId = yield* encryption.createDataKey("local", { keyAltNames: ["a"] })
      const sealed = yield* encryption.encrypt("a", { algorithm: random, keyId })
      const before = Option.getOrThrow(yield* keys.findOne())
      const result = yield* encryption.rewrapManyDataKey({ keyAltNames: "a" }, { provider: "local" })
      assert.strictEqual(Option.getOrThrow(result).modifiedCount, 1)
      const after = Option.getOrThrow(yield* keys.findOne())
      assert.notDeepEqual(after.keyMaterial, before.keyMaterial)
      assert.strictEqual(yield* encryption.decrypt(sealed), "a")
      assert.isTrue(Option.isNone(yield* encryption.rewrapManyDataKey({ keyAltNames: "nothing" })))
      assert.strictEqual(
        (yield* reasonOf(encryption.rewrapManyDataKey({ keyAltNames: undefined as never })))._tag,
        "InvalidArgumentError"
      )
    }))

  it.live("takes key material from the caller", () =>
    Effect.gen(function*() {
      const { encryption } = yield* prepared
      const keyMaterial = Redacted.make<Uint8Array>(Buffer.alloc(96, 3))
      const [a, b] = yield* Effect.all([
        encryption.createDataKey("local", { keyMaterial }),
        encryption.createDataKey("local", { keyMaterial })
      ])
      // The same key under two names encrypts to the same bytes, except for the key's own name in front of them.
      const [x, y] = yield* Effect.all([
        encryption.encrypt("a", { algorithm: deterministic, keyId: a }),
        encryption.encrypt("a", { algorithm: deterministic, keyId: b })
      ])
      assert.notDeepEqual(a, b)
      assert.strictEqual(x.buffer.length, y.buffer.length)
      const short = yield* reasonOf(
        encryption.createDataKey("local", { keyMaterial: Redacted.make<Uint8Array>(Buffer.alloc(5)) })
      )
      assert.strictEqual(short._tag, "EncryptionError")
    }))

  it.live("fails with typed errors that show no keys", () =>
    Effect.gen(function*() {
      const fixture = yield* prepared
      const { encryption } = fixture
      const keyId = yield* encryption.createDataKey("local")
      const broken = yield* encryption.encrypt("a", { algorithm: random, keyId })
      broken.buffer[broken.buffer.length - 1]! ^= 1
      const reasons = yield* Effect.all([
        reasonOf(encryption.encrypt("a", { algorithm: "nonsense" as never, keyId })),
        reasonOf(encryption.encrypt("a", { algorithm: random, keyId: new Driver.UUID() })),
        reasonOf(encryption.encrypt("a", { algorithm: random })),
        reasonOf(encryption.encrypt("a", { algorithm: random, keyId, keyAltName: "a" })),
        reasonOf(encryption.encrypt(null, { algorithm: random, keyId })),
        reasonOf(encryption.decrypt(broken)),
        reasonOf(encryption.createDataKey("aws", { masterKey: { region: "x", key: "y" } }))
      ])
      for (const [index, reason] of reasons.entries()) {
        assert.strictEqual(reason._tag, "EncryptionError", `${index}: ${reason.message}`)
        assertSealed(reason)
      }
      assert.strictEqual(reasons[0]!.operation, "encrypt")
      assert.strictEqual(reasons[0]!.namespace, `${fixture.db.name}.keys`)
      const refused = yield* Effect.all([
        reasonOf(encryption.encrypt(undefined, { algorithm: random, keyId })),
        reasonOf(encryption.encrypt({ a: new Date(Number.NaN) }, { algorithm: random, keyId })),
        reasonOf(encryption.encryptExpression({ $and: [{ a: undefined }] }, { algorithm: "Range", keyId })),
        reasonOf(make(fixture, { keyVault: "nonsense" })),
        reasonOf(
          make(fixture, { kmsProviders: { local: { key: Redacted.make<Uint8Array>(Buffer.alloc(5, "secret")) } } })
        ),
        reasonOf(make(fixture, { kmsProviders: { "nonsense": {} } as never }))
      ])
      for (const reason of refused) assert.strictEqual(reason._tag, "InvalidArgumentError", reason.message)
      assertSealed(encryption)
      assert.isTrue(MongoEncryption.isMongoEncryption(encryption))
      assert.isFalse(MongoEncryption.isMongoEncryption(fixture.mongo))
      assert.strictEqual(encryption[MongoEncryption.TypeId], MongoEncryption.TypeId)
    }))

  it.live("is a service with a layer, and stays outside of a transaction", () =>
    Effect.gen(function*() {
      const fixture = yield* prepared
      const program = Effect.gen(function*() {
        const mongo = yield* MongoClient.MongoClient
        const encryption = yield* MongoEncryption.MongoEncryption
        return yield* Effect.exit(mongo.withTransaction(Effect.gen(function*() {
          const keyId = yield* encryption.createDataKey("local")
          yield* encryption.encrypt("a", { algorithm: random, keyId })
          return yield* Effect.fail("aborted")
        })))
      })
      const exit = yield* program.pipe(
        Effect.provide(MongoEncryption.layer(optionsOf(fixture))),
        Effect.provideService(MongoClient.MongoClient, fixture.mongo)
      )
      assert.deepStrictEqual(
        Exit.isFailure(exit) ? Cause.findErrorOption(exit.cause) : undefined,
        Option.some("aborted")
      )
      assert.strictEqual(yield* fixture.keys.countDocuments(), 1)
    }))

  it.live("reads keys with its own client, if it is given one", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const vault = yield* setup()
      const encryption = yield* make(fixture, { keyVaultClient: vault.mongo, keyExpiration: "10 millis" })
      const keyId = yield* encryption.createDataKey("local")
      yield* encryption.encrypt("a", { algorithm: random, keyId })
      assert.strictEqual((yield* encryption.getKeys()).length, 1)
      assert.deepStrictEqual(fixture.sent(), [])
      const names = vault.commands.map(({ commandName }) => commandName)
      assert.include(names, "insert")
      assert.include(names, "find")
    }))
})

const encryptedFields = {
  fields: [
    { path: "ssn", bsonType: "string", keyId: null, queries: [{ queryType: "equality", contention: 0 }] },
    { path: "notes", bsonType: "string", keyId: null }
  ]
}

describe.skipIf(!isInstalled)("an encrypted collection", () => {
  it.live("is made with its data keys", () =>
    Effect.gen(function*() {
      const { db, encryption, keys } = yield* prepared
      const made = yield* encryption.createEncryptedCollection(db, "people", { provider: "local", encryptedFields })
      assert.strictEqual(made.collection.fullName, `${db.name}.people`)
      assert.strictEqual(yield* keys.countDocuments(), 2)
      const fields = made.encryptedFields["fields"] as Array<Driver.Document>
      for (const { keyId } of fields) assert.isTrue(Option.isSome(yield* encryption.getKey(keyId)))
      const names = yield* db.listCollectionNames()
      assert.includeMembers(names, ["people", "enxcol_.people.esc", "enxcol_.people.ecoc"])
      assert.isNull(encryptedFields.fields[0]!.keyId)
    }))

  it.live("reports the fields with the new keys when it cannot be made", () =>
    Effect.gen(function*() {
      const { db, encryption } = yield* prepared
      yield* db.createCollection("people")
      const reason = yield* reasonOf(
        encryption.createEncryptedCollection(db, "people", { provider: "local", encryptedFields })
      )
      if (reason._tag !== "EncryptionError") return assert.fail(reason._tag)
      const { fields } = reason.encryptedFields as { fields: Array<Driver.Document> }
      assert.instanceOf(fields[0]!["keyId"], Driver.UUID)
      assert.strictEqual(reason.operation, "createEncryptedCollection")
      assert.strictEqual(reason.namespace, `${db.name}.people`)
      assertSealed(reason)
    }))
})

describe.skipIf(!isInstalled)("automatic encryption", () => {
  it.live("decrypts what it reads", () =>
    Effect.gen(function*() {
      const fixture = yield* prepared
      const keyId = yield* fixture.encryption.createDataKey("local")
      const sealed = yield* fixture.encryption.encrypt("123-45-6789", { algorithm: random, keyId })
      yield* fixture.db.collection("people").insertOne({ name: "Ada", ssn: sealed })
      const mongo = yield* MongoClient.make({
        url: Redacted.make(uri),
        autoEncryption: {
          ...optionsOf(fixture),
          keyVaultClient: fixture.mongo,
          keyExpiration: "1 minute",
          bypassAutoEncryption: true
        }
      })
      const people = mongo.db(fixture.db.name).collection("people")
      assert.strictEqual(Option.getOrThrow(yield* people.findOne({ name: "Ada" }))["ssn"], "123-45-6789")
      assert.deepStrictEqual((yield* people.find()).map((person) => person["ssn"]), ["123-45-6789"])
      assert.isTrue(yield* mongo.use(async (driver) => driver.options.autoEncryption !== undefined))
      assertSealed(mongo)
    }))

  it.live("encrypts the fields of its schemas, as mongocryptd marks them", () =>
    Effect.gen(function*() {
      const fixture = yield* prepared
      const keyId = yield* fixture.encryption.createDataKey("local")
      const namespace = `${fixture.db.name}.people`
      const encrypt = { bsonType: "string", algorithm: deterministic, keyId: [keyId] }
      const schemaMap = { [namespace]: { bsonType: "object", properties: { ssn: { encrypt } } } }
      const schemas: Array<unknown> = []
      const mark = (v: unknown) =>
        new Driver.Binary(Buffer.concat([Buffer.from([0]), Driver.BSON.serialize({ a: 1, ki: keyId, v })]), 6)
      // It stands in for mongocryptd: it finds the values that the schema wants encrypted.
      const port = yield* standIn(({ $db: _, isRemoteSchema: __, jsonSchema, lsid: ___, ...command }) => {
        if (command["ping"] !== undefined) return { ok: 1 }
        schemas.push(jsonSchema)
        const result = { ...command }
        if (command["insert"] !== undefined) {
          result["documents"] = [{ ...command["documents"][0], ssn: mark(command["documents"][0].ssn) }]
        }
        if (command["find"] !== undefined) {
          result["filter"] = { ssn: mark(command["filter"].ssn.$eq ?? command["filter"].ssn) }
        }
        return { ok: 1, hasEncryptionPlaceholders: true, schemaRequiresEncryption: true, result }
      })
      const mongo = yield* MongoClient.make({
        url: Redacted.make(uri),
        autoEncryption: {
          ...optionsOf(fixture),
          schemaMap,
          extraOptions: { mongocryptdBypassSpawn: true, mongocryptdURI: `mongodb://127.0.0.1:${port}` }
        }
      })
      const people = mongo.db(fixture.db.name).collection("people")
      yield* people.insertOne({ name: "Ada", ssn: "123-45-6789" })
      assert.deepInclude(schemas[0], { bsonType: "object" })
      const stored = yield* Effect.promise(() => fixture.admin.db(fixture.db.name).collection("people").findOne())
      assert.strictEqual(stored?.["ssn"].sub_type, 6)
      assert.strictEqual(yield* fixture.encryption.decrypt(stored?.["ssn"]), "123-45-6789")
      const found = Option.getOrThrow(yield* people.findOne({ ssn: "123-45-6789" }))
      assert.deepStrictEqual([found["name"], found["ssn"]], ["Ada", "123-45-6789"])
      assert.isTrue(Option.isNone(yield* people.findOne({ ssn: "other" })))
    }))

  it.live("encrypts the documents of bulk writes, which otherwise are sent as bytes", () =>
    Effect.gen(function*() {
      const { db, stored } = yield* encrypting
      const people = db.collection<Driver.Document>("people")
      assert.isFalse(Integration.sendsBytes(people))
      const bytes = (name: string, ssn: string) => {
        const document = { _id: new Driver.ObjectId(), name, ssn }
        return new Integration.SerializedDocument(Driver.BSON.serialize(document), document._id)
      }
      yield* people.insertMany([{ name: "a", ssn: "1" }, bytes("b", "2")])
      yield* people.insertMany([{ name: "c", ssn: "3" }, bytes("d", "4")], { ordered: false })
      yield* people.bulkWrite([{ insertOne: { document: { name: "e", ssn: "5" } } }])
      yield* people.bulkWrite([{ insertOne: { document: bytes("f", "6") } }], { ordered: false })
      yield* people.bulkWrite([{ replaceOne: { filter: { name: "a" }, replacement: { name: "a", ssn: "10" } } }])
      const expected = [["a", "10"], ["b", "2"], ["c", "3"], ["d", "4"], ["e", "5"], ["f", "6"]]
      assert.deepStrictEqual(yield* stored, expected)
    }))

  it.live("refuses bad options with an error that shows no keys", () =>
    Effect.gen(function*() {
      const secret = "not 96 bytes: top secret"
      const reason = yield* reasonOf(MongoClient.make({
        url: Redacted.make(uri),
        autoEncryption: {
          keyVault: "a.keys",
          kmsProviders: { local: { key: Redacted.make(secret) } },
          bypassAutoEncryption: true
        }
      }))
      assert.strictEqual(reason._tag, "InvalidArgumentError")
      assert.notInclude(inspect(reason, { depth: 20 }), secret)
    }))
})
