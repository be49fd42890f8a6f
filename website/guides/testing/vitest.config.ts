import { defineConfig } from "vitest/config"

export default defineConfig({
  test: { globalSetup: ["@mongofx/testing/VitestGlobalSetup"] }
})
