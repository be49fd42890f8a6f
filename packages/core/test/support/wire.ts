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

/** The command of a message. What follows its document, for instance a checksum, is ignored. */
const decode = (message: Buffer): Driver.Document => {
  const start = message.readInt32LE(12) === 2004 ? message.indexOf(0, 20) + 9 : 21
  return Driver.BSON.deserialize(message.subarray(start, start + message.readInt32LE(start)))
}

/** Listens on its own port until the scope closes, and then closes all sockets. Returns the port. */
const listen = (
  serve: (socket: Net.Socket, keep: (socket: Net.Socket) => Net.Socket) => void
): Effect.Effect<number, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.promise<{ readonly server: Net.Server; readonly sockets: Set<Net.Socket> }>(() =>
        new Promise((resolve) => {
          const sockets = new Set<Net.Socket>()
          const keep = (socket: Net.Socket) => {
            sockets.add(socket)
            return socket.on("error", () => undefined)
          }
          const server = Net.createServer((socket) => serve(keep(socket), keep))
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

/** Calls back with every whole message that arrives. */
const onMessage = (socket: Net.Socket, f: (message: Buffer) => void): void => {
  let received = Buffer.alloc(0)
  socket.on("data", (data) => {
    received = Buffer.concat([received, data])
    while (received.length >= 4 && received.length >= received.readInt32LE(0)) {
      const message = received.subarray(0, received.readInt32LE(0))
      received = received.subarray(message.length)
      f(message)
    }
  })
}

/** The bytes of a command in which every "~~~" becomes invalid UTF-8, which no driver would send. */
export const spoilt = (command: Driver.Document): Buffer => {
  const bytes = Buffer.from(Driver.BSON.serialize(command))
  for (let i = bytes.indexOf("~~~"); i >= 0; i = bytes.indexOf("~~~")) bytes.fill(0xff, i, i + 3)
  return bytes
}

/** Sends a command to the server of `uri` as it is. */
export const send = (uri: string, command: Uint8Array) =>
  Effect.promise(() =>
    new Promise<void>((resolve, reject) => {
      const { hostname, port } = new URL(uri.replace(/^mongodb:/, "http:"))
      const head = Buffer.alloc(21)
      head.writeInt32LE(head.length + command.length, 0)
      head.writeInt32LE(2013, 12)
      const socket = Net.connect(Number(port), hostname, () => socket.write(Buffer.concat([head, command])))
      socket.once("data", () => {
        socket.destroy()
        resolve()
      }).on("error", reject)
    })
  )

/**
 * A way to the server of `uri` on which commands take the milliseconds that `delay` says, separately for each connection. What was
 * sent arrives, even if its connection closes meanwhile. Returns the port.
 */
export const slowWay = (
  uri: string,
  delay: (command: Driver.Document) => number
): Effect.Effect<number, never, Scope.Scope> => {
  const { hostname, port } = new URL(uri.replace(/^mongodb:/, "http:"))
  return listen((socket, keep) => {
    const target = keep(Net.connect(Number(port), hostname))
    let sent = Promise.resolve()
    onMessage(socket, (message) => {
      sent = sent.then(async () => {
        await new Promise((resolve) => setTimeout(resolve, delay(decode(message))))
        target.write(message)
      })
    })
    socket.on("close", () => void sent.then(() => target.end()))
    target.on("data", (data) => socket.write(data)).on("close", () => socket.destroy())
  })
}

/**
 * A way to the server of `uri` that breaks a connection at a command that `loses` picks: when its reply comes, or when the command
 * itself comes, which the server then never gets. Returns the port.
 */
export const lossyWay = (
  uri: string,
  loses: (command: Driver.Document) => boolean,
  what: "reply" | "command" = "reply"
): Effect.Effect<number, never, Scope.Scope> => {
  const { hostname, port } = new URL(uri.replace(/^mongodb:/, "http:"))
  return listen((socket, keep) => {
    const target = keep(Net.connect(Number(port), hostname))
    let isLost = false
    onMessage(socket, (message) => {
      isLost ||= loses(decode(message))
      if (isLost && what === "command") socket.resetAndDestroy()
      else target.write(message)
    })
    socket.on("close", () => target.end())
    target.on("data", (data) => isLost ? socket.resetAndDestroy() : socket.write(data)).on(
      "close",
      () => socket.destroy()
    )
  })
}

/**
 * A stand-in for a process that is not available to tests, `mongot` or `mongocryptd`: as much of the wire protocol as its
 * clients need. Its answers have the given length in their head, if there is one. Returns its port.
 */
export const standIn = (answer: Answer, length?: number): Effect.Effect<number, never, Scope.Scope> =>
  listen((socket) =>
    onMessage(socket, (message) => {
      const command = decode(message)
      const isHello = "hello" in command || "isMaster" in command || "ismaster" in command
      const reply = encode(message, isHello ? greeting : answer(command))
      if (length !== undefined && !isHello) reply.writeInt32LE(length, 0)
      socket.write(reply)
    })
  )

/** A way to a server that can be broken. */
export interface BreakableWay {
  readonly port: number
  /** Resets all existing connections; new ones are served. */
  readonly breakAll: () => void
}

/** A way to the server of `uri` whose connections can be broken all at once. */
export const breakableWay = (uri: string): Effect.Effect<BreakableWay, never, Scope.Scope> => {
  const { hostname, port } = new URL(uri.replace(/^mongodb:/, "http:"))
  const open = new Set<Net.Socket>()
  return Effect.map(
    listen((socket, keep) => {
      const target = keep(Net.connect(Number(port), hostname))
      open.add(socket)
      socket.on("data", (data) => target.write(data)).on("close", () => {
        open.delete(socket)
        target.end()
      })
      target.on("data", (data) => socket.write(data)).on("close", () => socket.destroy())
    }),
    (port) => ({ port, breakAll: () => open.forEach((socket) => socket.resetAndDestroy()) })
  )
}
