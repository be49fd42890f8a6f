import { Effect } from "effect"
import { connect, createServer, type Socket } from "node:net"

/** A network to a server that can be cut and mended. */
export const network = (host: string, port: number) =>
  Effect.gen(function*() {
    const open = new Set<Socket>()
    let cut = false
    const proxy = createServer((client) => {
      if (cut) return void client.destroy()
      const server = connect(port, host)
      for (const [socket, other] of [[client, server], [server, client]] as const) {
        open.add(socket)
        socket.on("error", () => other.destroy()).on("close", () => other.destroy() && open.delete(socket)).pipe(other)
      }
    })
    yield* Effect.acquireRelease(
      Effect.callback<void>((resume) => void proxy.listen(0, "127.0.0.1", () => resume(Effect.void))),
      () => Effect.sync(() => proxy.close())
    )
    const address = proxy.address()
    return {
      port: address !== null && typeof address === "object" ? address.port : 0,
      cut: Effect.sync(() => {
        cut = true
        for (const socket of open) socket.destroy()
      }),
      mend: Effect.sync(() => {
        cut = false
      })
    }
  })
