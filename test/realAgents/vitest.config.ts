import { resolve } from "node:path"
import { defineConfig } from "vitest/config"

/** Of `npm run test:agents`; the suite itself knows nothing of these files. */
export default defineConfig({
  root: resolve(import.meta.dirname, "../.."),
  test: {
    include: ["test/realAgents/*.agent.ts"],
    setupFiles: ["test/support/perFile.ts"],
    globalSetup: ["test/support/perRun.ts"],
    pool: "forks",
    maxWorkers: 1,
    testTimeout: 300_000,
    hookTimeout: 60_000
  }
})
