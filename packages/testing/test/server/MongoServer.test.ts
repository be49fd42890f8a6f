import { assert, describe, it } from "@effect/vitest"
import { MongoClient, MongoError } from "@mongofx/core"
import { MongoServer } from "@mongofx/testing"
import { ConfigProvider, Effect, Exit, Fiber, Layer, Redacted, Scope, Stream } from "effect"
import type { Timestamp } from "mongodb"
import { spawn } from "node:child_process"
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statfsSync, writeFileSync } from "node:fs"
import { freemem, tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { hasBinary, processes, until } from "../support/processes.ts"

const binary = process.env["MONGOD_BINARY"]

const portOf = (server: MongoServer.MongoServer) =>
  new URL(Redacted.value(server.uri).replace(/^mongodb:/, "http:")).port

const dataOf = (port: string) => /--dbpath (\S+)/.exec(processes(`--port ${port} `)[0] ?? "")?.[1]

const script = (text: string) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const dir = mkdtempSync(join(tmpdir(), "mongofx-test-"))
      const file = join(dir, "mongod")
      writeFileSync(file, `#!/bin/sh\n${text}\n`)
      chmodSync(file, 0o755)
      return file
    }),
    (file) =>
      Effect.sync(() => rmSync(join(file, ".."), { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }))
  )

/** Runs a program in its own process, where nothing names a server. Returns what it prints, and how it ends. */
const runProgram = (file: string) =>
  Effect.promise(() =>
    new Promise<string>((resolve) => {
      const { MONGODB_URI: _, ...env } = process.env
      const child = spawn(process.execPath, ["--import", "tsx", fileURLToPath(new URL(file, import.meta.url))], {
        stdio: ["ignore", "pipe", "inherit"],
        env
      })
      let text = ""
      child.stdout.setEncoding("utf8").on("data", (chunk: string) => text += chunk)
      child.once("close", (code) => resolve(`${text.trim()} ended with ${code}`))
    })
  )

const withEnv = (env: Record<string, string>) => Effect.provide(ConfigProvider.layer(ConfigProvider.fromEnvRecord(env)))

describe.skipIf(!hasBinary)("a server from a binary (needs MONGOD_BINARY)", () => {
  // it.effect, since starting a server must take real time under TestClock.
  it.effect(
    "a started server is a replica set that accepts writes, and is gone with its data when the scope closes",
    () =>
      Effect.gen(function*() {
        const scope = yield* Scope.make()
        const server = yield* Scope.provide(MongoServer.startBinary(), scope)
        assert.strictEqual(server.source, "binary")
        assert.notInclude(JSON.stringify(server), "127.0.0.1")
        const port = portOf(server)
        const data = dataOf(port)!
        assert.isTrue(existsSync(data))
        yield* Effect.scoped(Effect.gen(function*() {
          const mongo = yield* MongoClient.make({ url: server.uri })
          yield* mongo.withTransaction(mongo.db("app").collection("items").insertOne({ a: 1 }))
          assert.strictEqual(yield* mongo.db("app").collection("items").countDocuments(), 1)
          const { enableTestCommands } = yield* mongo.db("admin").command({ getParameter: 1, enableTestCommands: 1 })
          assert.strictEqual(enableTestCommands, true)
        }))
        yield* Scope.close(scope, Exit.void)
        assert.deepStrictEqual(processes(`--port ${port} `), [])
        assert.isFalse(existsSync(data))
      }),
    60_000
  )

  it.live("a standalone server has no transactions, and the error says why", () =>
    Effect.gen(function*() {
      const server = yield* MongoServer.startBinary({ replicaSet: false })
      const mongo = yield* MongoClient.make({ url: server.uri })
      const error = yield* Effect.flip(mongo.withTransaction(mongo.db("app").collection("items").insertOne({ a: 1 })))
      assert.isTrue(MongoError.isMongoError(error))
      assert.strictEqual(error.reason._tag, "TransactionError")
      assert.include(error.message, "transactions need a replica set")
    }), 60_000)

  it.live("two servers run at the same time", () =>
    Effect.gen(function*() {
      const [a, b] = yield* Effect.all([MongoServer.startBinary(), MongoServer.startBinary()], { concurrency: 2 })
      assert.notStrictEqual(portOf(a), portOf(b))
    }), 60_000)

  // More than a server asks for, since other tests use memory at the same time.
  const isMemoryThere = existsSync("/dev/shm") && statfsSync("/dev/shm").bavail * statfsSync("/dev/shm").bsize > 4e9 &&
    freemem() > 4e9

  it.live.skipIf(!isMemoryThere)(
    "a server has its data in memory where there is enough of it",
    () =>
      Effect.gen(function*() {
        const server = yield* MongoServer.startBinary()
        assert.match(dataOf(portOf(server))!, /^\/dev\/shm\/mongofx-/)
      }),
    60_000
  )

  it.live("a durable server has its data on disk", () =>
    Effect.gen(function*() {
      const server = yield* MongoServer.startBinary({ durable: true })
      assert.isTrue(dataOf(portOf(server))!.startsWith(join(tmpdir(), "mongofx-")))
    }), 60_000)

  const configOf = (mongo: MongoClient.MongoClient) =>
    Effect.map(
      mongo.db("admin").command({ replSetGetConfig: 1 }),
      ({ config }) => config as { readonly writeConcernMajorityJournalDefault: boolean }
    )

  it.live(
    "majority writes and reads, change streams and transactions work while no write waits for the journal",
    () =>
      Effect.gen(function*() {
        const server = yield* MongoServer.startBinary()
        const mongo = yield* MongoClient.make({ url: server.uri, writeConcern: { w: "majority" } })
        assert.isFalse((yield* configOf(mongo)).writeConcernMajorityJournalDefault)
        const items = mongo.db("app").collection<{ readonly _id: number }>("items")
        yield* items.insertOne({ _id: 1 })
        assert.deepStrictEqual(yield* items.withOptions({ readConcern: { level: "majority" } }).find({}), [{ _id: 1 }])
        assert.deepStrictEqual(yield* items.withOptions({ readConcern: { level: "linearizable" } }).find({}), [
          { _id: 1 }
        ])
        yield* items.insertOne({ _id: 2 }, { writeConcern: { w: "majority", journal: true } })
        const { operationTime } = (yield* mongo.db("admin").command({ hello: 1 })) as {
          readonly operationTime: Timestamp
        }
        yield* mongo.withTransaction(Effect.all([items.insertOne({ _id: 3 }), items.insertOne({ _id: 4 })]))
        const events = yield* items.watch([], { startAtOperationTime: operationTime }).pipe(
          Stream.map((event) => event.operationType === "insert" ? event.fullDocument._id : 0),
          Stream.filter((id) => id > 2),
          Stream.take(2),
          Stream.runCollect
        )
        assert.deepStrictEqual(events, [3, 4])
      }),
    60_000
  )

  it.live("a durable server keeps what it has confirmed when it crashes", () =>
    Effect.gen(function*() {
      const server = yield* MongoServer.startBinary({ durable: true })
      const port = portOf(server)
      const data = dataOf(port)!
      const pid = Number(processes(`--port ${port} `).find((line) => line.includes("--replSet"))!.trim().split(" ")[0])
      yield* Effect.scoped(Effect.gen(function*() {
        const mongo = yield* MongoClient.make({ url: server.uri })
        assert.isTrue((yield* configOf(mongo)).writeConcernMajorityJournalDefault)
        yield* mongo.db("app").collection<{ readonly _id: number }>("items").insertMany(
          Array.from({ length: 100 }, (_, _id) => ({ _id })),
          { writeConcern: { w: "majority" } }
        )
        process.kill(pid, "SIGKILL")
      }))
      yield* until("the server is gone", () => !existsSync(`/proc/${pid}`) && processes(`--port ${port} `).length < 2)
      const args = ["--dbpath", data, "--port", port, "--bind_ip", "127.0.0.1", "--nounixsocket", "--replSet", "rs"]
      yield* Effect.acquireRelease(
        Effect.sync(() => spawn(binary!, args, { stdio: "ignore" })),
        (again) => Effect.sync(() => again.kill("SIGKILL"))
      )
      const mongo = yield* MongoClient.make({ url: server.uri })
      assert.strictEqual(yield* mongo.db("app").collection("items").countDocuments(), 100)
    }), 60_000)

  const historyOf = (args: ReadonlyArray<string>, durable: boolean) =>
    Effect.scoped(Effect.gen(function*() {
      const server = yield* MongoServer.startBinary({ args, durable })
      const mongo = yield* MongoClient.make({ url: server.uri })
      const { minSnapshotHistoryWindowInSeconds } = yield* mongo.db("admin").command({
        getParameter: 1,
        minSnapshotHistoryWindowInSeconds: 1
      })
      return minSnapshotHistoryWindowInSeconds
    }))

  it.live(
    "a server keeps little history, unless it is durable or its arguments say how much",
    () =>
      Effect.gen(function*() {
        assert.strictEqual(yield* historyOf([], false), 10)
        assert.strictEqual(yield* historyOf(["--setParameter", "minSnapshotHistoryWindowInSeconds=30"], false), 30)
        assert.strictEqual(yield* historyOf([], true), 300)
      }),
    60_000
  )

  it.live("further arguments replace those of the same name", () =>
    Effect.gen(function*() {
      const server = yield* MongoServer.startBinary({ args: ["--oplogSize", "300", "--wiredTigerCacheSizeGB=0.5"] })
      const mongo = yield* MongoClient.make({ url: server.uri })
      const { parsed } = yield* mongo.db("admin").command({ getCmdLineOpts: 1 })
      const { replication, storage } = parsed as Record<string, Record<string, unknown>>
      assert.strictEqual(Number(replication!["oplogSizeMB"]), 300)
      assert.deepNestedPropertyVal(storage!, "wiredTiger.engineConfig.cacheSizeGB", 0.5)
    }), 60_000)

  /** A server in a process of its own, and its port. */
  const startElsewhere = Effect.fnUntraced(function*(env: NodeJS.ProcessEnv = {}) {
    const program = fileURLToPath(new URL("../support/startServer.ts", import.meta.url))
    const parent = yield* Effect.acquireRelease(
      Effect.sync(() =>
        spawn(process.execPath, ["--import", "tsx", program], {
          stdio: ["ignore", "pipe", "inherit"],
          env: { ...process.env, MONGODB_URI: "", ...env }
        })
      ),
      (parent) => Effect.sync(() => parent.kill("SIGKILL"))
    )
    const port = yield* Effect.promise(() =>
      new Promise<string>((resolve, reject) => {
        parent.stdout.setEncoding("utf8").once("data", (text: string) => resolve(text.trim()))
        parent.once("exit", (code) => reject(new Error(`ended with ${code}`)))
      })
    )
    return { parent, port }
  })

  it.live(
    "a server is killed and its data removed when the process that started it is killed",
    () =>
      Effect.gen(function*() {
        const { parent, port } = yield* startElsewhere()
        const data = dataOf(port)!
        assert.isTrue(existsSync(data))
        parent.kill("SIGKILL")
        yield* until("the server is gone", () => processes(`--port ${port} `).length === 0)
        yield* until("its data is gone", () => !existsSync(data))
      }),
    60_000
  )

  it.live.skipIf(process.platform !== "linux")(
    "a start removes the server and the data of a process that was killed with its watchdog",
    () =>
      Effect.gen(function*() {
        // A folder of its own, on disk: other runs on this machine tidy up too.
        const folder = yield* Effect.acquireRelease(
          Effect.sync(() => mkdtempSync(join(tmpdir(), "mongofx-test-"))),
          (dir) => Effect.sync(() => rmSync(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }))
        )
        const env = { TMPDIR: folder, MONGOFX_TEST_DURABLE: "1" }
        const { parent, port } = yield* startElsewhere(env)
        const data = dataOf(port)!
        const watchdogs = processes(data).filter((line) => !line.includes(`--port ${port} `))
        assert.isAbove(watchdogs.length, 0)
        for (const line of watchdogs) process.kill(Number(line.trim().split(" ")[0]), "SIGKILL")
        parent.kill("SIGKILL")
        yield* until("the process is gone", () => processes(`${parent.pid} `).every((line) => line.includes("defunct")))
        yield* startElsewhere(env)
        yield* until("the server is gone", () => processes(`--port ${port} `).length === 0)
        yield* until("its data is gone", () => !existsSync(data))
      }),
    60_000
  )

  it.live("the layers of a process share one server, which ends with the process", () =>
    Effect.gen(function*() {
      const output = yield* runProgram("../support/shareServer.ts")
      const [, first, second] = /^(\d+)\n(\d+) ended with 0$/.exec(output) ?? assert.fail(output)
      assert.strictEqual(first, second)
      yield* until("the server is gone", () => processes(`--port ${first} `).length === 0)
    }), 60_000)

  // A binary that lets another server take the port first, at its first starts.
  const latecomer = (times: number) =>
    Effect.flatMap(
      script(`
        for last; do case $last in --port) next=port;; *) test "$next" = port && port=$last; next=;; esac; done
        cd "$(dirname "$0")"
        n=$(cat starts 2>/dev/null || echo 0); n=$((n + 1)); echo $n > starts
        if [ $n -le ${times} ]; then
          mkdir data$n
          "${binary}" --dbpath data$n --port $port --bind_ip 127.0.0.1 --nounixsocket --replSet rs --logpath log$n \\
            --wiredTigerCacheSizeGB 0.25 > /dev/null 2>&1 &
          echo $! >> pids
          until grep -q 'Waiting for connections' log$n 2>/dev/null; do sleep 0.05; done
          # Time enough to take the other server for this one by mistake.
          sleep 1
        fi
        exec "${binary}" "$@"`),
      (file) =>
        Effect.as(
          Effect.addFinalizer(() =>
            Effect.sync(() => {
              const pids = join(file, "../pids")
              if (!existsSync(pids)) return
              for (const pid of readFileSync(pids, "utf8").trim().split("\n")) process.kill(Number(pid), "SIGKILL")
            })
          ),
          file
        )
    )

  it.live(
    "a server whose port another one takes starts on a new port, and leaves the other server alone",
    () =>
      Effect.gen(function*() {
        const file = yield* latecomer(2)
        const server = yield* MongoServer.startBinary({ binary: file })
        assert.strictEqual(readFileSync(join(file, "../starts"), "utf8").trim(), "3")
        const mongo = yield* MongoClient.make({ url: server.uri })
        yield* mongo.withTransaction(mongo.db("app").collection("items").insertOne({ a: 1 }))
        const { parsed } = yield* mongo.db("admin").command({ getCmdLineOpts: 1 })
        assert.strictEqual(String((parsed as { net: { port: number } }).net.port), portOf(server))
        for (const data of ["data1", "data2"]) {
          const [line] = processes(`--dbpath ${data} `)
          const other = yield* MongoClient.make({
            url: Redacted.make(`mongodb://127.0.0.1:${/--port (\d+)/.exec(line!)![1]}/?directConnection=true`)
          })
          assert.notProperty(yield* other.db("admin").command({ hello: 1 }), "setName")
        }
      }),
    60_000
  )

  it.live("a server whose ports are all taken gives up after five, and says so", () =>
    Effect.gen(function*() {
      const file = yield* script("echo >> \"$0.starts\"; exit 48")
      const error = yield* Effect.flip(Effect.scoped(MongoServer.startBinary({ binary: file })))
      assert.strictEqual(error.kind, "cannotStart")
      assert.include(error.message, "five ports in a row were taken")
      assert.strictEqual(readFileSync(`${file}.starts`, "utf8"), "\n".repeat(5))
    }), 60_000)

  it.live(
    "the global setup of vitest starts a server, names it in MONGODB_URI, and ends it after the run",
    () =>
      Effect.gen(function*() {
        const output = yield* runProgram("../support/globalSetup.ts")
        const [, port] = /^127.0.0.1:(\d+) answers\nMONGODB_URI is undefined again ended with 0$/.exec(output) ??
          assert.fail(output)
        assert.deepStrictEqual(processes(`--port ${port} `), [])
      }),
    60_000
  )

  it.live("an interrupted start leaves no process", () =>
    Effect.gen(function*() {
      const fiber = yield* Effect.forkChild(Effect.scoped(MongoServer.startBinary({ replicaSet: "interrupted" })))
      yield* until("the process runs", () => processes("--replSet interrupted").length > 0)
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(processes("--replSet interrupted"), [])
    }), 60_000)

  it.live("a server that refuses its arguments says so with the last lines of its log", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(Effect.scoped(MongoServer.startBinary({ args: ["--nonsense"] })))
      assert.strictEqual(error.kind, "cannotStart")
      assert.match(error.message, /ended with code \d+/)
      assert.match(error.message, /unrecognised option '--nonsense'/)
      assert.isAbove(error.log.length, 0)
    }), 60_000)
})

describe("without a server", () => {
  it.live("a missing binary fails with the error of the system", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(Effect.scoped(MongoServer.startBinary({ binary: "/no/such/mongod" })))
      assert.strictEqual(error.kind, "cannotStart")
      assert.include(error.message, "ENOENT")
    }))

  it.live("a binary that crashes shows its last lines", () =>
    Effect.gen(function*() {
      const file = yield* script("echo 'error while loading shared libraries: libnope.so.1' >&2; exit 127")
      const error = yield* Effect.flip(Effect.scoped(MongoServer.startBinary({ binary: file })))
      assert.include(error.message, "ended with code 127")
      assert.include(error.message, "libnope.so.1")
    }))

  it.live("a binary that does not become ready fails after its time", () =>
    Effect.gen(function*() {
      const file = yield* script("exec sleep 1000")
      const error = yield* Effect.flip(
        Effect.scoped(MongoServer.startBinary({ binary: file, startTimeout: "300 millis" }))
      )
      assert.include(error.message, "not ready within 300ms")
      assert.include(error.message, "since it did not answer")
    }))

  it.live("a failed download says which version it is about", () =>
    Effect.gen(function*() {
      const before = { ...process.env }
      // Nobody listens at this mirror, so the test downloads nothing on any machine.
      Object.assign(process.env, {
        MONGOMS_DOWNLOAD_MIRROR: "http://127.0.0.1:1",
        MONGOMS_DOWNLOAD_DIR: mkdtempSync(join(tmpdir(), "mongofx-test-"))
      })
      yield* Effect.addFinalizer(() =>
        Effect.sync(() => {
          rmSync(process.env["MONGOMS_DOWNLOAD_DIR"]!, { recursive: true, force: true })
          process.env = before
        })
      )
      const error = yield* Effect.flip(Effect.scoped(Layer.build(MongoServer.layerDownload({ version: "8.2.0" }))))
      assert.strictEqual(error.kind, "cannotDownload")
      assert.include(error.message, "MongoDB 8.2.0 cannot be downloaded")
    }), 60_000)

  it.effect("the message says what to do when nothing names a server and no mongod is found", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(
        Layer.build(MongoServer.layer).pipe(withEnv({ PATH: "/nonsense" }), Effect.scoped)
      )
      assert.strictEqual(error.kind, "notFound")
      assert.include(error.message, "MONGODB_URI")
      assert.include(error.message, "MONGOD_BINARY")
    }))

  it.effect("MONGOD_BINARY that names nothing", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(
        Layer.build(MongoServer.layer).pipe(withEnv({ PATH: "", MONGOD_BINARY: "/no/such/mongod" }), Effect.scoped)
      )
      assert.include(error.message, "/no/such/mongod")
    }))
})

describe("a server that is named", () => {
  it.effect("by MONGODB_URI is taken, before any binary", () =>
    Effect.gen(function*() {
      const server = yield* MongoServer.MongoServer.pipe(
        Effect.provide(MongoServer.layer),
        withEnv({ MONGODB_URI: "mongodb://ada:secret@db.example.test/", MONGOD_BINARY: "/no/such/mongod" })
      )
      assert.strictEqual(server.source, "uri")
      assert.strictEqual(Redacted.value(server.uri), "mongodb://ada:secret@db.example.test/")
      assert.notInclude(String(server.uri), "secret")
    }))

  it.effect("by layerUri", () =>
    Effect.gen(function*() {
      const uri = Redacted.make("mongodb://db.example.test/")
      const server = yield* Effect.provide(MongoServer.MongoServer, MongoServer.layerUri(uri))
      assert.deepStrictEqual(server, { uri, source: "uri" })
    }))
})
