import { Effect, type Scope } from "effect"
import * as Driver from "mongodb"
import * as Net from "node:net"

/** What a stand-in answers to a command. */
export type Answer = (command: Driver.Document) => Driver.Document

const greeting = {
  ok: 1,
  ismaster: true,
  isWritablePrimary: true,
  helloOk: true,
  minWireVersion: 0,
  maxWireVersion: 27,
  maxBsonObjectSize: 16_777_216,
  maxMessageSizeBytes: 48_000_000,
  maxWriteBatchSize: 100_000
}

/** A message that answers another: in the old form to the old form of the handshake. */
const encode = (request: Buffer, reply: Driver.Document): Buffer => {
  const isOld = request.readInt32LE(12) === 2004
  const body = Driver.BSON.serialize(reply)
  const head = Buffer.alloc(isOld ? 36 : 21)
  head.writeInt32LE(head.length + body.length, 0)
  head.writeInt32LE(request.readInt32LE(4), 8)
  head.writeInt32LE(isOld ? 1 : 2013, 12)
  if (isOld) head.writeInt32LE(1, 32)
  return Buffer.concat([head, body])
}

/** The command of a message. What stands behind its document, a checksum for instance, is ignored. */
const decode = (message: Buffer): Driver.Document => {
  const start = message.readInt32LE(12) === 2004 ? message.indexOf(0, 20) + 9 : 21
  return Driver.BSON.deserialize(message.subarray(start, start + message.readInt32LE(start)))
}

/**
 * A stand-in for a process that is not to be had for tests, `mongot` or `mongocryptd`: as much of the wire protocol as its
 * clients need to ask it. Returns its port.
 */
export const standIn = (answer: Answer): Effect.Effect<number, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.promise<{ readonly server: Net.Server; readonly sockets: Set<Net.Socket> }>(() =>
        new Promise((resolve) => {
          const sockets = new Set<Net.Socket>()
          const server = Net.createServer((socket) => {
            sockets.add(socket)
            let received = Buffer.alloc(0)
            socket.on("error", () => undefined)
            socket.on("data", (data) => {
              received = Buffer.concat([received, data])
              while (received.length >= 4 && received.length >= received.readInt32LE(0)) {
                const message = received.subarray(0, received.readInt32LE(0))
                received = received.subarray(message.length)
                const command = decode(message)
                const isHello = "hello" in command || "isMaster" in command || "ismaster" in command
                socket.write(encode(message, isHello ? greeting : answer(command)))
              }
            })
          })
          server.listen(0, "127.0.0.1", () => resolve({ server, sockets }))
        })
      ),
      ({ server, sockets }) =>
        Effect.sync(() => {
          server.close()
          for (const socket of sockets) socket.destroy()
        })
    ),
    ({ server }) => (server.address() as Net.AddressInfo).port
  )
