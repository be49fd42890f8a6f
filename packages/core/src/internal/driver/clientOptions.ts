import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import type * as Driver from "mongodb"
import type { MongoClientConfig } from "../../MongoClientConfig.ts"
import { defined } from "../call/options.ts"
import { kmsSecrets, toAutoEncryption } from "../encryption/kms.ts"
import { InvalidInput } from "../input/invalidInput.ts"
import { checkConnectionString } from "./connectionString.ts"
import { toLogOptions } from "./log.ts"

const milliseconds = (duration: Duration.Input | undefined): number | undefined =>
  duration === undefined ? undefined : Duration.toMillis(duration)

/**
 * For the driver 0 means without a limit. So an infinite duration becomes 0, since its timer would fire at once, and a duration of
 * less than a millisecond is rounded up.
 */
const bound = (duration: Duration.Input | undefined): number | undefined => {
  const value = milliseconds(duration)
  return value === undefined ? undefined : value === Infinity ? 0 : Math.ceil(value)
}

/**
 * Makes the driver's options of a configuration: durations in milliseconds, secrets unwrapped. The driver's log goes to the loggers
 * of the context.
 *
 * @internal
 */
export const toDriverOptions = (
  config: MongoClientConfig,
  context: Context.Context<never> = Context.empty()
): Driver.MongoClientOptions => {
  const {
    url,
    autoEncryption,
    commandSpans,
    connectTimeout,
    driverOptions,
    heartbeatFrequency,
    localThreshold,
    logging,
    maxIdleTime,
    password,
    proxyPassword,
    serverSelectionTimeout,
    socketTimeout,
    tlsCertificateKeyFilePassword,
    username,
    waitQueueTimeout,
    ...same
  } = config
  checkConnectionString(Redacted.value(url))
  const named = defined({
    ...same,
    ...(logging === undefined ? {} : toLogOptions(logging, context, secretsOf(config))),
    autoEncryption: autoEncryption && toAutoEncryption(autoEncryption),
    auth: username === undefined && password === undefined
      ? undefined
      : defined({ username, password: password && Redacted.value(password) }),
    connectTimeoutMS: bound(connectTimeout),
    heartbeatFrequencyMS: milliseconds(heartbeatFrequency),
    localThresholdMS: milliseconds(localThreshold),
    maxIdleTimeMS: bound(maxIdleTime),
    monitorCommands: commandSpans === undefined || commandSpans === false ? undefined : true,
    proxyPassword: proxyPassword && Redacted.value(proxyPassword),
    serverSelectionTimeoutMS: bound(serverSelectionTimeout),
    socketTimeoutMS: bound(socketTimeout),
    tlsCertificateKeyFilePassword: tlsCertificateKeyFilePassword && Redacted.value(tlsCertificateKeyFilePassword),
    waitQueueTimeoutMS: bound(waitQueueTimeout)
  })
  return { ...defined(driverOptions), ...named } as Driver.MongoClientOptions
}

/** A shorter password is too common a text to look for in messages. */
const shortestSecret = 4

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** Texts that may be passwords in a URI, even in a malformed one: the driver quotes parts of a URI that it cannot read. */
const passwordsOf = (url: string): ReadonlyArray<string> => {
  const rest = url.replace(/^[a-z][a-z0-9+.-]*:\/\//i, "")
  const at = rest.lastIndexOf("@")
  const parts = at < 0 ? rest.split(/[/?]/, 1)[0]!.split(",") : [rest.slice(0, at)]
  return parts
    .map((part) => part.includes(":") ? part.slice(part.indexOf(":") + 1) : "")
    .filter((password) => at >= 0 || !/^\d*$/.test(password))
}

/**
 * Texts of a configuration that must not appear in errors of connecting.
 *
 * @internal
 */
export const secretsOf = (config: MongoClientConfig): ReadonlyArray<string> => {
  const given = [config.password, config.proxyPassword, config.tlsCertificateKeyFilePassword]
    .flatMap((secret) => secret === undefined ? [] : [Redacted.value(secret)])
  const keys = config.autoEncryption === undefined ? [] : kmsSecrets(config.autoEncryption.kmsProviders)
  return [...passwordsOf(Redacted.value(config.url)), ...given, ...keys]
    .flatMap((secret) => [secret, decoded(secret), encodeURIComponent(secret)])
    .filter((secret) => secret.length >= shortestSecret)
}

/**
 * Refuses settings that are not a `Config`, or an object of them: `Config.unwrap` would read a number as no setting, and never end with a
 * text. The message names no values, since they may be secrets.
 *
 * @internal
 */
export const checkConfigs = (config: unknown, path = ""): void => {
  if (Config.isConfig(config)) return
  if (!Predicate.isObject(config) || ![Object.prototype, null].includes(Object.getPrototypeOf(config))) {
    const name = path === "" ? "the configuration" : path
    throw new InvalidInput(
      path === "" ? undefined : path,
      `${name} is not a Config: pass Config.succeed(value), or give plain values to MongoClient.layer`
    )
  }
  for (const [key, value] of Object.entries(config)) checkConfigs(value, path === "" ? key : `${path}.${key}`)
}
