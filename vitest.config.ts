import { defineConfig, mergeConfig, type ViteUserConfig } from "vitest/config"
import "./vitest.polyfill.ts"

const shared: ViteUserConfig = {
  resolve: { tsconfigPaths: true },
  test: {
    include: ["test/**/*.test.ts"],
    testTimeout: 30_000,
    hookTimeout: 60_000
  }
}
const project = (name: string, root: string) => mergeConfig(shared, { root, test: { name } })

export default defineConfig({
  resolve: { tsconfigPaths: true },
  test: {
    // One server for the whole run.
    globalSetup: ["./packages/testing/src/VitestGlobalSetup.ts"],
    projects: [
      project("core", "packages/core"),
      project("schema", "packages/schema"),
      project("testing", "packages/testing")
    ]
  }
})
