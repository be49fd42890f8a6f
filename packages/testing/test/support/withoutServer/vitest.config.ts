import { fileURLToPath } from "node:url"
import { defineConfig } from "vitest/config"
import "../../../../../vitest.polyfill.ts"

export default defineConfig({
  resolve: { tsconfigPaths: true },
  test: {
    root: fileURLToPath(new URL(".", import.meta.url)),
    include: ["*.cases.ts"],
    globalSetup: ["../../../src/VitestGlobalSetup.ts"]
  }
})
