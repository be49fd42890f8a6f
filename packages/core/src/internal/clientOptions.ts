import * as Duration from "effect/Duration"
import * as Redacted from "effect/Redacted"
import type * as Driver from "mongodb"
import type { MongoClientConfig } from "../MongoClient.ts"
import { defined } from "./options.ts"

const milliseconds = (duration: Duration.Input | undefined): number | undefined =>
  duration === undefined ? undefined : Duration.toMillis(duration)

/**
 * The driver's options for a configuration: durations in milliseconds, secrets unwrapped.
 *
 * @internal
 */
export const toDriverOptions = (config: MongoClientConfig): Driver.MongoClientOptions => {
  const {
    url: _url,
    commandSpans,
    connectTimeout,
    driverOptions,
    heartbeatFrequency,
    localThreshold,
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
  const named = defined({
    ...same,
    auth: username === undefined && password === undefined
      ? undefined
      : defined({ username, password: password && Redacted.value(password) }),
    connectTimeoutMS: milliseconds(connectTimeout),
    heartbeatFrequencyMS: milliseconds(heartbeatFrequency),
    localThresholdMS: milliseconds(localThreshold),
    maxIdleTimeMS: milliseconds(maxIdleTime),
    monitorCommands: commandSpans === undefined || commandSpans === false ? undefined : true,
    proxyPassword: proxyPassword && Redacted.value(proxyPassword),
    serverSelectionTimeoutMS: milliseconds(serverSelectionTimeout),
    socketTimeoutMS: milliseconds(socketTimeout),
    tlsCertificateKeyFilePassword: tlsCertificateKeyFilePassword && Redacted.value(tlsCertificateKeyFilePassword),
    waitQueueTimeoutMS: milliseconds(waitQueueTimeout)
  })
  return { ...defined(driverOptions), ...named } as Driver.MongoClientOptions
}
