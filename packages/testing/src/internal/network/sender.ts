/**
 * Who opens a connection to a server: the first message says so. Members and routers name their port in it while test commands are enabled, for
 * proxies such as MongoDB's own `mongobridge`.
 */
import { BSON } from "mongodb"

const headerLength = 16

/** The longest message that a server takes: bytes. */
const longestMessage = 48_000_000

const opQuery = 2004
const opMsg = 2013

/**
 * Who opens a connection. Before a member has a configuration, it asks each address whether it is its own (`check`).
 *
 * @internal
 */
export type Sender = { readonly port: number } | "client" | "check"

/** Where the document of a message begins. */
const documentAt = (message: Buffer): number | undefined => {
  const opCode = message.readInt32LE(12)
  // After the flags comes the kind of the section.
  if (opCode === opMsg) return headerLength + 5
  // After the flags come the namespace with its zero, and two numbers.
  if (opCode === opQuery) return message.indexOf(0, headerLength + 4) + 9
  return undefined
}

const senderOfCommand = (command: BSON.Document): Sender => {
  if ("_isSelf" in command) return "check"
  const port = Number(/:(\d+)$/.exec(String(command["hostInfo"] ?? ""))?.[1])
  return Number.isInteger(port) ? { port } : "client"
}

/**
 * The sender of the first bytes of a connection; `undefined` while they do not say it yet. Whatever is not understood comes from a client.
 *
 * @internal
 */
export const senderOf = (bytes: Buffer): Sender | undefined => {
  if (bytes.length < headerLength) return undefined
  const length = bytes.readInt32LE(0)
  if (length < headerLength || length > longestMessage) return "client"
  if (bytes.length < length) return undefined
  try {
    const start = documentAt(bytes.subarray(0, length))
    if (start === undefined) return "client"
    return senderOfCommand(BSON.deserialize(bytes.subarray(start, start + bytes.readInt32LE(start))))
  } catch {
    return "client"
  }
}
