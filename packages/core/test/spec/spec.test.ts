/**
 * The official specification tests, where there is a folder of them: see `spec/conformance.ts`.
 *
 * They have their own servers, since they set fail points for all of a server and kill its sessions. On one member all tests run. On three members and
 * on a sharded cluster only those run that can differ there: see `differs`. MONGOFX_ALL_SPEC_TESTS=1 runs all tests on each, as `pnpm conformance` does.
 *
 * @since 0.1.0
 */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { MongoServer } from "@mongofx/testing"
import { Effect, Exit, Layer, Scope } from "effect"
import { existsSync } from "node:fs"
import { dirname, join } from "node:path"
import { bare } from "./bare.ts"
import { type Deployment, one, sharded, three } from "./deployments.ts"
import { mongofx } from "./drive.ts"
import { connect, connectionsLeft, type Environment } from "./environment.ts"
import { routerTests } from "./routers.ts"
import { hasBaseline, type SpecTest, specTests } from "./suite.ts"

const folder = process.env["MONGODB_SPEC_TESTS"] ?? ""
const hasBinary = (process.env["MONGOD_BINARY"] ?? "") !== ""

const runsAll = process.env["MONGOFX_ALL_SPEC_TESTS"] === "1"

/** Deadlines are the client's own affair, and their tests wait for fail points. */
const sameEverywhere = "client-side-operations-timeout"

/** Whether a test can differ from a run on one member: its requirements name the topology, and it is not for a single server too. */
const differs = (topology: string) => ({ suite, topologies }: SpecTest): boolean =>
  runsAll || (topologies.has(topology) && !topologies.has("single") && suite !== sameEverywhere)

/** Why a failure is one of mongofx: the bare driver passes the test. */
type Judge = (test: SpecTest, environment: Environment) => Promise<boolean>

/** A test that the bare driver fails too, or that nobody has counted, is not a failure of mongofx. */
const byBaseline: Judge = async ({ baseline }) => baseline === "pass" || !hasBaseline(folder)

/** Nobody has counted on this deployment: the driver runs the test here and now. */
const byDriver: Judge = async ({ run }, environment) => (await run(environment, bare)).outcome.status === "passed"

const runOn = (deployment: Deployment, tests: ReadonlyArray<SpecTest>, isRequired: Judge): void => {
  describe(deployment.title, () => {
    const scope = Scope.makeUnsafe()
    let environment: Environment

    beforeAll(async () => {
      const connected = Effect.gen(function*() {
        const context = yield* Layer.buildWithScope(deployment.layer, scope)
        return yield* Effect.provide(Effect.flatMap(MongoServer.MongoServer, connect), context)
      })
      environment = await Effect.runPromise(Scope.provide(connected, scope))
    })

    afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))

    for (const suite of new Set(tests.map(({ suite }) => suite))) {
      describe(suite, () => {
        for (const test of tests.filter((test) => test.suite === suite)) {
          it(test.id, { timeout: 90_000 }, async (context) => {
            const { left, outcome } = await test.run(environment, mongofx)
            assert.strictEqual(left.cursors, 0, "cursors that are left on the server")
            if (outcome.status === "passed") return
            if (outcome.status === "failed" && await isRequired(test, environment)) assert.fail(outcome.reason)
            context.skip(`${outcome.status}: ${outcome.reason}`)
          })
        }

        it("leaves no connections", async () => {
          assert.strictEqual(await connectionsLeft(environment), 0)
        })
      })
    }
  })
}

const skipped = folder === ""
  ? "MONGODB_SPEC_TESTS names no folder"
  : hasBinary
  ? undefined
  : "they need servers of their own, of the binary that MONGOD_BINARY names"
const tests = skipped === undefined ? specTests(folder) : []
if (skipped === undefined) {
  runOn(one, tests, byBaseline)
  runOn(three, tests.filter(differs("replicaset")), byDriver)
} else {
  it.skip(`the specification tests: ${skipped}`)
}

const mongos = process.env["MONGOS_BINARY"] ?? join(dirname(process.env["MONGOD_BINARY"] ?? ""), "mongos")
if (hasBinary && existsSync(mongos)) {
  runOn(sharded, [...routerTests, ...tests.filter(differs("sharded"))], byDriver)
} else {
  it.skip("the tests of sharded clusters: they need mongod and mongos, which MONGOD_BINARY and MONGOS_BINARY name")
}
