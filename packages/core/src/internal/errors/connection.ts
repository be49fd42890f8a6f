/**
 * The reasons of failed connections, and of failed attempts to connect.
 */
import * as Reasons from "../../MongoError.ts"
import { isMarked } from "./codes.ts"
import { type Rule, subjectOf } from "./fields.ts"
import { redactCredentials } from "./redact.ts"
import { codeOf, describe, read, text } from "./thrown.ts"

const dnsCodes = new Set([
  "ENOTFOUND",
  "EAI_AGAIN",
  "EAI_NODATA",
  "EAI_NONAME",
  "ENODATA",
  "ESERVFAIL",
  "EBADNAME",
  "ETIMEOUT",
  "EREFUSED"
])

const brokenCodes = new Set(["ECONNRESET", "EPIPE", "EHOSTUNREACH", "ENETUNREACH", "ECONNABORTED", "EADDRNOTAVAIL"])

const isTls = (code: string, message: string): boolean =>
  /^ERR_(SSL|TLS)_|^CERT_|^EPROTO$|CERT|UNABLE_TO_VERIFY/.test(code) ||
  /\b(?:SSL|TLS) (?:routines|handshake|connection)|wrong version number|\bcertificate\b|before secure TLS connection/i
    .test(message)

/**
 * What broke, by Node's code and message of an error or of one of its causes.
 *
 * @internal
 */
export const socketKind = (cause: unknown): "refused" | "dns" | "tls" | "timeout" | "network" | undefined => {
  for (
    let error = cause, depth = 0;
    error !== undefined && error !== null && depth < 8;
    error = read(error, "cause"), depth++
  ) {
    const code = text(read(error, "code")) ?? ""
    const message = text(read(error, "message")) ?? ""
    if (dnsCodes.has(code) || /\bgetaddrinfo\b|\bquery(?:Srv|Txt) /.test(message)) return "dns"
    if (code === "ECONNREFUSED" || /\bECONNREFUSED\b/.test(message)) return "refused"
    if (isTls(code, message)) return "tls"
    if (code === "ETIMEDOUT" || read(error, "name") === "MongoNetworkTimeoutError") return "timeout"
    if (brokenCodes.has(code)) return "network"
  }
  return undefined
}

/** Whether OpenSSL could not read a certificate or a key, before it connected. */
const isKeyMaterial = (cause: unknown): boolean => {
  for (let error = cause, depth = 0; error !== undefined && error !== null && depth < 8; depth++) {
    if (/^ERR_OSSL_(?!SSL_)/.test(text(read(error, "code")) ?? "")) return true
    error = read(error, "cause")
  }
  return false
}

/** The errors that the members of a topology reported. */
const memberErrors = (description: unknown): ReadonlyArray<unknown> => {
  const servers = read(description, "servers")
  return servers instanceof Map
    ? [...servers.values()].map((server) => read(server, "error")).filter((error) =>
      error !== undefined && error !== null
    )
    : []
}

/** The states of the members of a topology: `a:27017 is RSSecondary; b:27017 is Unknown: connection refused`. */
const statesOf = (description: unknown): string => {
  const servers = read(description, "servers")
  if (!(servers instanceof Map)) return ""
  return [...servers].map(([address, server]) => {
    const error = read(server, "error")
    const state = `${String(address)} is ${text(read(server, "type")) ?? "Unknown"}`
    return error === undefined || error === null ? state : `${state}: ${describe(error)}`
  }).join("; ")
}

/**
 * The driver found no server. The errors of the members decide the reason, if one of them says more.
 *
 * @internal
 */
export const selectionError: Rule = (cause, fields, { secrets }) => {
  const errors = [read(cause, "cause"), ...memberErrors(read(cause, "reason"))]
  if (errors.some(isKeyMaterial)) {
    const message = `${
      subjectOf(fields)
    }: the TLS certificate or its key cannot be read, or the password of the key is wrong: ${
      errors.map(describe).join("; ")
    }`
    return new Reasons.InvalidArgumentError({ ...fields, message: redactCredentials(message, secrets) })
  }
  const code = errors.map(codeOf).find((code) => isMarked(code, "login"))
  if (code !== undefined) return new Reasons.AuthenticationError({ ...fields, code })
  const isIncompatible = errors.some((error) => read(error, "name") === "MongoCompatibilityError")
  const kind = isIncompatible ?
    "incompatible" :
    errors.map(socketKind).find((kind) => kind !== undefined && kind !== "network") ??
      socketKind(new Error(describe(cause)))
  const states = statesOf(read(cause, "reason"))
  const message = states === "" || !/timed out/.test(fields.message) ?
    fields.message :
    redactCredentials(`${fields.message} (${states})`, secrets)
  return new Reasons.ConnectionError({ ...fields, message, kind: kind ?? "serverSelection" })
}

/** @internal */
export const addressOf = (cause: unknown): string | undefined => text(read(cause, "address"))

/**
 * The driver quotes the failure of another operation, even when no other operation failed.
 *
 * @internal
 */
export const poolCleared: Rule = (cause, fields) =>
  new Reasons.ConnectionError({
    ...fields,
    message: fields.message.replace(/ because another operation failed with: "undefined"$/, ""),
    kind: "poolCleared",
    address: addressOf(cause)
  })

/** @internal */
export const network: Rule = (cause, fields) =>
  new Reasons.ConnectionError({ ...fields, kind: socketKind(cause) ?? "network", address: addressOf(cause) })
