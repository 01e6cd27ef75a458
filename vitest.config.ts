import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    setupFiles: ["test/support/perFile.ts"],
    globalSetup: ["test/support/perRun.ts"],
    pool: "forks",
    // Most files wait for processes of their own; more at once than there are cores is what keeps the suite short.
    maxWorkers: 4,
    testTimeout: 120_000,
    hookTimeout: 60_000
  }
})
