import { defineConfig } from "vitest/config"

/**
 * Files that compute, in memory: they start no process, listen nowhere and change nothing of their own process. These
 * share processes, and so load effect and our modules once instead of once for each. Any file may be taken out.
 */
const pure = [
  "test/activity/*.test.ts",
  "test/channels/{patterns,plainPublish,Window}.test.ts",
  "test/config/{cgroups,editConfigFile,jsonText,loadConfig}.test.ts",
  "test/cron/*.test.ts",
  "test/locks/{decide,fifo,histories,linearizable,plain}.test.ts",
  "test/masking/*.test.ts",
  "test/webhooks/{auth,signatures}.test.ts",
  "test/wire/{lines,members,outbox,plainJson,remember}.test.ts"
]
const setupFiles = ["test/support/perFile.ts"]

export default defineConfig({
  test: {
    globalSetup: ["test/support/perRun.ts"],
    pool: "forks",
    // Most files wait for processes of their own; more at once than there are cores is what keeps the suite short.
    maxWorkers: 4,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    projects: [
      { extends: true, test: { name: "whole", include: ["test/**/*.test.ts"], exclude: pure, setupFiles } },
      { extends: true, test: { name: "pure", include: pure, setupFiles, isolate: false } }
    ]
  }
})
