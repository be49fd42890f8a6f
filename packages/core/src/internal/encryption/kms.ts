/** Makes the driver's options for key management and automatic encryption, and finds the secrets in them. */
import * as Duration from "effect/Duration"
import * as Redacted from "effect/Redacted"
import type * as Driver from "mongodb"
import type { AutoEncryptionOptions } from "../../MongoClientConfig.ts"
import type { KmsOptions, KmsProviders } from "../../MongoEncryption.ts"
import { connectionOf } from "../call/connection.ts"
import { defined } from "../call/options.ts"

/** The driver's providers, with unwrapped secrets. */
const unsealed = (providers: KmsProviders): Driver.KMSProviders =>
  Object.fromEntries(
    Object.entries(defined(providers)!).map(([name, provider]) => [
      name,
      Object.fromEntries(
        Object.entries(defined(provider as object)!).map(([key, value]) => [
          key,
          Redacted.isRedacted(value) ? Redacted.value(value) : value
        ])
      )
    ])
  ) as unknown as Driver.KMSProviders

/**
 * Texts of the providers that must not appear in errors.
 *
 * @internal
 */
export const kmsSecrets = (providers: KmsProviders): ReadonlyArray<string> =>
  Object.values(providers).flatMap((provider) =>
    Object.values(provider ?? {}).flatMap((value: unknown) => {
      const secret = Redacted.isRedacted(value) ? Redacted.value(value) : undefined
      return typeof secret === "string" ? [secret] : []
    })
  )

/** @internal */
export const toKmsOptions = (options: KmsOptions) => ({
  keyVaultNamespace: options.keyVault,
  kmsProviders: unsealed(options.kmsProviders),
  ...defined({
    keyVaultClient: options.keyVaultClient === undefined ? undefined : connectionOf(options.keyVaultClient).driver,
    // For the driver 0 means forever.
    keyExpirationMS: options.keyExpiration === undefined
      ? undefined
      : Duration.isFinite(Duration.fromInputUnsafe(options.keyExpiration))
      ? Math.max(1, Math.ceil(Duration.toMillis(options.keyExpiration)))
      : 0,
    credentialProviders: options.credentialProviders,
    tlsOptions: options.tlsOptions,
    proxyOptions: options.proxyOptions,
    kmsConnectCallback: options.kmsConnectCallback
  })
})

/**
 * Makes the driver's options for automatic encryption.
 *
 * @internal
 */
export const toAutoEncryption = (options: AutoEncryptionOptions): Driver.AutoEncryptionOptions => {
  const { bypassAutoEncryption, bypassQueryAnalysis, encryptedFieldsMap, extraOptions, schemaMap } = options
  return {
    ...toKmsOptions(options),
    ...defined({ bypassAutoEncryption, bypassQueryAnalysis, encryptedFieldsMap, extraOptions, schemaMap })
  } as Driver.AutoEncryptionOptions
}
