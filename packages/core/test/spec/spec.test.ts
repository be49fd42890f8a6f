/**
 * The official specification tests, where there is a folder of them: see `spec/conformance.ts`.
 *
 * They have their own server, since they set fail points for all of it and kill its sessions.
 *
 * @since 0.1.0
 */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { MongoServer } from "@mongofx/testing"
import { Effect, Exit, Redacted, Scope } from "effect"
import { mongofx } from "./drive.ts"
import { connect, connectionsLeft, type Environment } from "./runner.ts"
import { hasBaseline, specTests } from "./suite.ts"

const folder = process.env["MONGODB_SPEC_TESTS"] ?? ""
const hasBinary = (process.env["MONGOD_BINARY"] ?? "") !== ""

if (folder === "") {
  it.skip("the specification tests: MONGODB_SPEC_TESTS names no folder")
} else if (!hasBinary) {
  it.skip("the specification tests: they need a server of their own, which MONGOD_BINARY names")
} else {
  describe("the specification tests", () => {
    const scope = Scope.makeUnsafe()
    let environment: Environment

    beforeAll(async () => {
      const { uri } = await Effect.runPromise(Scope.provide(MongoServer.startBinary(), scope))
      environment = await connect(Redacted.value(uri))
    })

    afterAll(async () => {
      await environment?.admin.close()
      await Effect.runPromise(Scope.close(scope, Exit.void))
    })

    const tests = specTests(folder)
    for (const suite of new Set(tests.map(({ suite }) => suite))) {
      describe(suite, () => {
        for (const test of tests.filter((test) => test.suite === suite)) {
          it(test.id, { timeout: 90_000 }, async (context) => {
            const { left, outcome } = await test.run(environment, mongofx)
            assert.strictEqual(left.cursors, 0, "cursors that are left on the server")
            if (outcome.status === "passed") return
            // A test that the bare driver fails too, or that nobody has counted, is not a failure of mongofx.
            const isRequired = test.baseline === "pass" || !hasBaseline(folder)
            if (outcome.status === "failed" && isRequired) assert.fail(outcome.reason)
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
