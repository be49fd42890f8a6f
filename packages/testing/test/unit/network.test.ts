import { assert, describe, it } from "@effect/vitest"
import { retransmitting, varying } from "@mongofx/testing/internal/nemesis/delays"
import { between } from "@mongofx/testing/internal/nemesis/strike"
import { Links } from "@mongofx/testing/internal/network/links"
import { proxy } from "@mongofx/testing/internal/network/proxy"
import { senderOf } from "@mongofx/testing/internal/network/sender"
import { Effect } from "effect"
import { BSON } from "mongodb"
import { connect, createServer, type Socket } from "node:net"
import { until } from "../support/processes.ts"

/** A message of the protocol, in the form of today or that of old handshakes. */
const message = (command: BSON.Document, code: 2013 | 2004 = 2013): Buffer => {
  const body = BSON.serialize(command)
  const before = code === 2013
    ? Buffer.alloc(5)
    : Buffer.concat([Buffer.alloc(4), Buffer.from("admin.$cmd\0"), Buffer.alloc(8)])
  const header = Buffer.alloc(16)
  header.writeInt32LE(16 + before.length + body.length, 0)
  header.writeInt32LE(code, 12)
  return Buffer.concat([header, before, body])
}

describe("who opens a connection", () => {
  it("is a member if its greeting has a port, and a client otherwise", () => {
    for (const code of [2013, 2004] as const) {
      assert.deepStrictEqual(senderOf(message({ hello: 1, hostInfo: "vm:2701" }, code)), { port: 2701 })
      assert.strictEqual(senderOf(message({ hello: 1, client: {} }, code)), "client")
      assert.strictEqual(senderOf(message({ hello: 1, hostInfo: "vm" }, code)), "client")
      assert.strictEqual(senderOf(message({ _isSelf: 1 }, code)), "check")
    }
  })

  it("is not known before the whole greeting is there", () => {
    const whole = message({ hello: 1, hostInfo: "vm:2701" })
    for (let length = 0; length < whole.length; length++) assert.isUndefined(senderOf(whole.subarray(0, length)))
    assert.deepStrictEqual(senderOf(Buffer.concat([whole, whole])), { port: 2701 })
  })

  it("is a client if nobody understands it", () => {
    assert.strictEqual(senderOf(Buffer.from("GET / HTTP/1.1\r\n\r\n")), "client")
    const broken = message({ hello: 1 })
    broken.writeInt32LE(999, 21)
    assert.strictEqual(senderOf(broken), "client")
    const other = message({ hello: 1 })
    other.writeInt32LE(2012, 12)
    assert.strictEqual(senderOf(other), "client")
  })
})

describe("links", () => {
  it("are disturbed by all that applies to them, until it is over", () => {
    const links = new Links()
    const link = links.of(1, 2)
    const cut = links.disturb({ applies: (from, to) => from === 1 && to === 2, cut: true })
    const slow = links.disturb({ applies: () => true, delay: (bytes) => bytes })
    const slower = links.disturb({ applies: (from) => from === "clients", delay: () => 5 })
    assert.deepStrictEqual([link.isCut(), link.delayOf(3), link.breaks()], [true, 3, false])
    assert.deepStrictEqual([links.of("clients", 2).isCut(), links.of("clients", 2).delayOf(3)], [false, 8])
    cut()
    slow()
    slower()
    assert.deepStrictEqual([link.isCut(), link.delayOf(3)], [false, 0])
  })

  it("between groups are those of members of two groups", () => {
    const cut = between([[1, 2], [3, "clients"]])
    assert.deepStrictEqual([cut(1, 2), cut(1, 3), cut(3, 1), cut("clients", 1), cut("clients", 3)], [
      false,
      true,
      true,
      true,
      false
    ])
    assert.deepStrictEqual([cut(4, 1), cut(1, 4)], [false, false])
  })

  it("vary around their latency, and pay for each loss twice the time", () => {
    assert.deepStrictEqual([0, 0.5, 1].map((draw) => varying(100, 10, () => draw)()), [90, 100, 110])
    assert.strictEqual(varying(5, 10, () => 0)(), 0)
    const draws = [0.1, 0.1, 0.9]
    assert.strictEqual(retransmitting(0.5, () => draws.shift()!)(), 200 + 400)
    assert.strictEqual(retransmitting(0, () => 0)(), 0)
    assert.strictEqual(retransmitting(1, () => 0)(), 200 * 63)
  })
})

describe("a proxy", () => {
  /** A server that echoes, a proxy before it, and a connection through both. */
  const echo = Effect.gen(function*() {
    const sockets = new Set<Socket>()
    const keep = (socket: Socket) => {
      sockets.add(socket.on("error", () => undefined))
      return socket
    }
    const server = yield* Effect.acquireRelease(
      Effect.promise<ReturnType<typeof createServer>>(() =>
        new Promise((resolve) => {
          const server = createServer((socket) => keep(socket).pipe(socket))
          server.listen(0, "127.0.0.1", () => resolve(server))
        })
      ),
      (server) =>
        Effect.sync(() => {
          server.close()
          for (const socket of sockets) socket.destroy()
        })
    )
    const { port } = server.address() as { readonly port: number }
    const links = new Links()
    const entry = yield* proxy(port, links, String)
    const open = () => {
      const got: Array<Buffer> = []
      const seen = { bytes: 0, error: "", ended: false }
      const socket = keep(connect(entry, "127.0.0.1"))
      socket.on("data", (chunk: Buffer) => {
        got.push(chunk)
        seen.bytes += chunk.length
      })
      socket.on("error", (error: { readonly code?: string }) => seen.error = error.code ?? "?")
      socket.on("end", () => seen.ended = true)
      return { socket, seen, text: () => Buffer.concat(got) }
    }
    return { links, open, port, server, sockets }
  })

  const hello = message({ hello: 1 })

  it.live("passes on what it gets, in order, also more than it keeps itself", () =>
    Effect.gen(function*() {
      const { links, open } = yield* echo
      const heal = links.disturb({ applies: () => true, cut: true })
      const { seen, socket, text } = open()
      const big = Buffer.alloc(24 * 1024 ** 2, "0123456789")
      socket.write(hello.subarray(0, 7))
      socket.write(hello.subarray(7))
      socket.write(big)
      const drained = yield* Effect.promise(() =>
        Promise.race([
          new Promise<boolean>((resolve) => socket.once("drain", () => resolve(true))),
          new Promise<boolean>((resolve) => setTimeout(resolve, 300, false))
        ])
      )
      assert.isFalse(drained, "the sender waits while the proxy is full")
      assert.strictEqual(seen.bytes, 0)
      heal()
      yield* until("all is back", () => seen.bytes === hello.length + big.length)
      assert.isTrue(text().equals(Buffer.concat([hello, big])))
      socket.end()
      yield* until("the end comes back", () => seen.ended)
    }))

  it.live("passes on nothing while the link is cut, and other links do not matter", () =>
    Effect.gen(function*() {
      const { links, open, port } = yield* echo
      const { seen, socket } = open()
      socket.write(hello)
      yield* until("the greeting is back", () => seen.bytes === hello.length)
      links.disturb({ applies: (from) => from === 1, cut: true })
      socket.write("a")
      yield* until("it passes", () => seen.bytes === hello.length + 1)
      const heal = links.disturb({ applies: (from, to) => from === "clients" && to === port, cut: true })
      socket.write("b")
      const other = open()
      other.socket.write(message({ hello: 1, hostInfo: "vm:7" }))
      yield* until("a member passes", () => other.seen.bytes > 0)
      assert.strictEqual(seen.bytes, hello.length + 1)
      heal()
      yield* until("it arrives late", () => seen.bytes === hello.length + 2)
    }))

  it.live("keeps the order of what is late, and lets a check for oneself pass at all times", () =>
    Effect.gen(function*() {
      const { links, open } = yield* echo
      const delays = [0, 120, 0, 0]
      links.disturb({ applies: () => true, delay: () => delays.shift() ?? 0 })
      const { seen, socket, text } = open()
      socket.setNoDelay(true).write(hello)
      yield* until("the greeting is back", () => seen.bytes === hello.length)
      socket.write("first ")
      yield* until("it is under way", () => delays.length === 1 || seen.bytes > hello.length)
      socket.write("second")
      yield* until("both are back", () => seen.bytes === hello.length + 12)
      assert.strictEqual(text().subarray(hello.length).toString(), "first second")
      links.disturb({ applies: () => true, cut: true })
      const check = open()
      check.socket.write(message({ _isSelf: 1 }))
      yield* until("the check passes", () => check.seen.bytes > 0)
    }))

  it.live("breaks connections, those of the link alone, and when nobody listens", () =>
    Effect.gen(function*() {
      const { links, open, server, sockets } = yield* echo
      const [own, other] = [open(), open()]
      own.socket.write(hello)
      other.socket.write(message({ hello: 1, hostInfo: "vm:7" }))
      yield* until("both are there", () => own.seen.bytes > 0 && other.seen.bytes > 0)
      links.reset((from) => from === "clients")
      yield* until("the connection breaks", () => own.seen.error === "ECONNRESET")
      assert.strictEqual(other.seen.error, "")
      const heal = links.disturb({ applies: () => true, breaks: () => true })
      other.socket.write("x")
      yield* until("the piece breaks it", () => other.seen.error === "ECONNRESET")
      heal()
      server.close()
      for (const socket of sockets) socket.destroy()
      const late = open()
      late.socket.write(hello)
      yield* until("it is refused", () => late.seen.error === "ECONNRESET")
    }))

  it.live("closes all connections with its scope", () =>
    Effect.gen(function*() {
      let closed = false
      yield* Effect.scoped(Effect.gen(function*() {
        const { open } = yield* echo
        const { seen, socket } = open()
        socket.on("close", () => closed = true).write(hello)
        yield* until("the greeting is back", () => seen.bytes > 0)
      }))
      yield* until("the connection is closed", () => closed)
    }))
})
