import { anthropic } from "../support/models/anthropic.ts"
import { promises } from "./promises.ts"
import { put } from "./stage.ts"

const key = `sk-ant-api03-${"x".repeat(60)}`

promises(
  {
    agent: "claude",
    dialect: anthropic,
    prepare: ({ home, repo, url }) => {
      const project = { hasTrustDialogAccepted: true, hasCompletedProjectOnboarding: true }
      const config = {
        hasCompletedOnboarding: true,
        hasSeenAutoDefaultNudge: true,
        theme: "dark",
        customApiKeyResponses: { approved: [key.slice(-20)], rejected: [] },
        projects: { [repo]: project }
      }
      put(home, ".claude.json", JSON.stringify(config))
      return {
        ANTHROPIC_BASE_URL: url,
        ANTHROPIC_API_KEY: key,
        CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
        DISABLE_AUTOUPDATER: "1",
        DISABLE_TELEMETRY: "1"
      }
    },
    write: (file_path, content) => ({ call: "Write", input: { file_path, content } })
  },
  {
    once: (prompt) => ["--permission-mode", "acceptEdits", "-p", prompt],
    interactive: ["--permission-mode", "acceptEdits"],
    leave: "/exit",
    bringsHooks: true
  }
)
