/**
 * A proxy before a server: whoever connects to its address comes through it, as far as the link between the two allows.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { connect, createServer, type Server, type Socket } from "node:net"
import { type Link, type Links, undisturbed } from "./links.ts"
import { type Sender, senderOf } from "./sender.ts"

/** How much waits in the proxy for a link: bytes. More waits in the sender. */
const mostWaiting = 1024 ** 2

/** What travels: bytes, the end of them, or the news that the connection is broken. */
type Parcel = Buffer | "end" | "reset"

interface Travelling {
  readonly parcel: Parcel
  /** When it arrives, by `performance.now`, unless something before it is later. */
  readonly due: number
}

/** One direction of a connection. What was sent first arrives first. */
class Way {
  private readonly source: Socket
  private readonly sink: Socket
  private readonly link: Link
  private readonly reset: () => void
  private readonly queue: Array<Travelling> = []
  private waiting = 0
  private isFull = false
  private timer: NodeJS.Timeout | undefined

  constructor(source: Socket, sink: Socket, link: Link, reset: () => void) {
    this.source = source
    this.sink = sink
    this.link = link
    this.reset = reset
    source.on("data", (bytes: Buffer) => this.take(bytes))
    source.on("end", () => this.take("end"))
    source.on("error", () => this.take("reset"))
    sink.on("drain", () => {
      this.isFull = false
      this.flush()
    })
  }

  take(parcel: Parcel): void {
    const bytes = typeof parcel === "string" ? 0 : parcel.length
    if (bytes > 0 && this.link.breaks()) return this.reset()
    this.queue.push({ parcel, due: performance.now() + this.link.delayOf(bytes) })
    this.waiting += bytes
    if (this.waiting > mostWaiting) this.source.pause()
    this.flush()
  }

  /** Delivers what has arrived. */
  flush(): void {
    clearTimeout(this.timer)
    while (this.queue.length > 0 && !this.isFull && !this.link.isCut()) {
      const { due, parcel } = this.queue[0]!
      const early = due - performance.now()
      if (early > 0) {
        this.timer = setTimeout(() => this.flush(), Math.ceil(early))
        this.timer.unref()
        return
      }
      this.queue.shift()
      if (parcel === "reset") return this.reset()
      if (parcel === "end") this.sink.end()
      else {
        this.waiting -= parcel.length
        this.isFull = !this.sink.write(parcel)
      }
    }
    if (this.waiting <= mostWaiting) this.source.resume()
  }

  stop(): void {
    clearTimeout(this.timer)
    this.queue.length = 0
  }
}

/** Joins the one who connects with the server. */
const join = (
  socket: Socket,
  first: Buffer,
  port: number,
  links: Links,
  sender: Exclude<Sender, "check"> | undefined
) => {
  const server = connect({ port, host: "127.0.0.1", allowHalfOpen: true })
  const from = sender === undefined || sender === "client" ? "clients" : sender.port
  // Whether an address is its own must be clear to a member at all times.
  const link = sender === undefined ? undisturbed : links.of(from, port)
  const reset = () => {
    for (const way of ways) way.stop()
    for (const end of [socket, server]) end.resetAndDestroy()
    forget()
  }
  const ways = [new Way(socket, server, link, reset), new Way(server, socket, link, reset)]
  const forget = sender === undefined ? () => undefined : links.listen({
    from,
    to: port,
    changed: () => {
      for (const way of ways) way.flush()
    },
    reset
  })
  const closed = () => {
    if (socket.closed && server.closed) forget()
  }
  for (const end of [socket, server]) end.setNoDelay(true).unref().on("close", closed)
  ways[0]!.take(first)
  return server
}

/** Reads who connects, then joins the two. */
const greet = (socket: Socket, port: number, links: Links, keep: (socket: Socket) => void): void => {
  const parts: Array<Buffer> = []
  const onError = () => socket.destroy()
  const onData = (bytes: Buffer): void => {
    parts.push(bytes)
    const first = Buffer.concat(parts)
    const sender = senderOf(first)
    if (sender === undefined) return
    socket.off("data", onData).off("end", onError).off("error", onError)
    keep(join(socket, first, port, links, sender === "check" ? undefined : sender))
  }
  socket.unref().on("data", onData).on("end", onError).on("error", onError)
}

interface Proxy {
  readonly server: Server
  readonly sockets: Set<Socket>
}

const open = (port: number, links: Links): Promise<Proxy> =>
  new Promise((resolve, reject) => {
    const sockets = new Set<Socket>()
    const keep = (socket: Socket): void => {
      sockets.add(socket)
      socket.on("close", () => sockets.delete(socket))
    }
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      keep(socket)
      greet(socket, port, links, keep)
    })
    server.unref().once("error", reject).listen(0, "127.0.0.1", () => resolve({ server, sockets }))
  })

const close = ({ server, sockets }: Proxy): void => {
  server.close()
  for (const socket of sockets) socket.destroy()
}

/**
 * Puts a proxy before the server at a port of this machine. Returns the proxy's port, which is closed with the scope.
 *
 * @internal
 */
export const proxy = <E>(
  port: number,
  links: Links,
  onError: (cause: unknown) => E
): Effect.Effect<number, E, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.tryPromise({ try: () => open(port, links), catch: onError }),
      (proxy) => Effect.sync(() => close(proxy))
    ),
    ({ server }) => {
      const address = server.address()
      return typeof address === "object" && address !== null ? address.port : 0
    }
  )
