// Starts a server for each worker of vitest when the worker first asks. A server has one fail point of each name, so tests that
// share a server wait for each other. If MONGODB_URI names a server, all workers share that one.
import { MongoServer } from "@mongofx/testing"
import { Effect, Exit, Redacted, Scope } from "effect"
import { createServer } from "node:http"

const setup = async (): Promise<(() => Promise<void>) | undefined> => {
  if ((process.env["MONGODB_URI"] ?? "") !== "") return undefined
  const scope = Scope.makeUnsafe()
  const servers = new Map<string, Promise<string>>()
  const start = () =>
    Effect.runPromise(
      Effect.map(Scope.provide(MongoServer.startBinary(), scope), ({ uri }) => Redacted.value(uri))
    )
  const broker = createServer((request, response) => {
    const worker = request.url ?? ""
    const server = servers.get(worker) ?? start()
    servers.set(worker, server)
    server.then((uri) => response.end(uri), (error: unknown) => response.writeHead(500).end(String(error)))
  })
  await new Promise<void>((resolve, reject) => broker.on("error", reject).listen(0, "127.0.0.1", resolve))
  process.env["MONGOFX_TEST_SERVERS"] = `http://127.0.0.1:${(broker.address() as { readonly port: number }).port}`
  return async () => {
    broker.closeAllConnections()
    broker.close()
    await Promise.allSettled(servers.values())
    await Effect.runPromise(Scope.close(scope, Exit.void))
  }
}

export default setup
