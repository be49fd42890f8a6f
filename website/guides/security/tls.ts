import { NodeRuntime } from "@effect/platform-node"
import { MongoClient } from "@mongofx/core"
import { MongoServer } from "@mongofx/testing"
import { Console, Effect } from "effect"
import { execFile } from "node:child_process"
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"

/** A folder with a certificate for 127.0.0.1 that is its own authority: for this page only. */
const certificate = Effect.acquireRelease(
  Effect.promise(async () => {
    const folder = await mkdtemp(join(tmpdir(), "mongofx-tls-"))
    const [key, cert, pem] = ["key.pem", "cert.pem", "server.pem"].map((name) => join(folder, name)) as [
      string,
      string,
      string
    ]
    const options = "-x509 -nodes -newkey rsa:2048 -days 1 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1"
    await promisify(execFile)("openssl", ["req", ...options.split(" "), "-keyout", key, "-out", cert])
    await writeFile(pem, `${await readFile(key, "utf8")}${await readFile(cert, "utf8")}`)
    return { folder, authority: cert, pem }
  }),
  ({ folder }) => Effect.promise(() => rm(folder, { recursive: true }))
)

const program = Effect.gen(function*() {
  const { authority, pem } = yield* certificate
  const { uri: url } = yield* MongoServer.startBinary({
    args: [
      "--tlsMode",
      "preferTLS",
      "--tlsCertificateKeyFile",
      pem,
      "--tlsCAFile",
      authority,
      "--tlsAllowConnectionsWithoutCertificates"
    ]
  })

  // #region connect
  const mongo = yield* MongoClient.make({ url, tls: true, tlsCAFile: authority })
  yield* mongo.ping
  yield* Console.log("connected over TLS, to a server that the authority vouches for")

  const unknown = yield* Effect.flip(
    MongoClient.make({ url, tls: true, serverSelectionTimeout: "1 second" })
  )
  yield* Console.log(unknown.reason._tag)
  // #endregion connect
}).pipe(Effect.scoped)

NodeRuntime.runMain(program)
