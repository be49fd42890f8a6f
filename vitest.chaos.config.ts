// The scenarios of `pnpm test:chaos`: several servers, minutes of faults, one scenario after the other. They are not part of `pnpm test`.
import { randomUUID } from "node:crypto"
import { defineConfig } from "vitest/config"
import "./vitest.polyfill.ts"

const seed = process.env["CHAOS_SEED"] ?? randomUUID()
const seconds = process.env["CHAOS_SECONDS"] ?? "8"
process.stdout.write(`CHAOS_SEED=${seed} CHAOS_SECONDS=${seconds} repeats these choices.\n`)

export default defineConfig({
  resolve: { tsconfigPaths: true },
  test: {
    name: "chaos",
    include: ["packages/*/chaos/**/*.test.ts"],
    env: { CHAOS_SEED: seed, CHAOS_SECONDS: seconds },
    reporters: ["verbose", "./packages/testing/chaos/support/reporter.ts"],
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 120_000
  }
})
