import { availableParallelism } from "node:os"
import { defineConfig, mergeConfig, type ViteUserConfig } from "vitest/config"
import "./vitest.polyfill.ts"

const shared: ViteUserConfig = {
  resolve: { tsconfigPaths: true },
  test: {
    include: ["test/**/*.test.ts"],
    setupFiles: [new URL("./vitest.setup.ts", import.meta.url).pathname],
    testTimeout: 30_000,
    hookTimeout: 60_000
  }
}
const project = (name: string, root: string) => mergeConfig(shared, { root, test: { name } })

export default defineConfig({
  resolve: { tsconfigPaths: true },
  test: {
    globalSetup: ["./vitest.globalSetup.ts"],
    // The tests mostly wait for servers, so there may be more workers than processors.
    maxWorkers: Math.min(8, availableParallelism() + 2),
    projects: [
      project("core", "packages/core"),
      project("schema", "packages/schema"),
      project("testing", "packages/testing"),
      project("backends", "packages/backends"),
      project("shop", "examples/shop"),
      project("failover", "examples/failover"),
      project("workflow", "examples/workflow"),
      // The guides show tests too.
      mergeConfig(project("website", "website"), { test: { include: ["guides/**/*.test.ts"] } })
    ]
  }
})
