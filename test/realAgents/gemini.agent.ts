import { gemini } from "../support/models/gemini.ts"
import { promises } from "./promises.ts"
import { put } from "./stage.ts"

promises(
  {
    agent: "gemini",
    dialect: gemini,
    prepare: ({ home, url }) => {
      const settings = `{
  // As people have it.
  "security": { "auth": { "selectedType": "gemini-api-key" }, "folderTrust": { "enabled": false } },
  "general": { "disableAutoUpdate": true, "enableAutoUpdate": false },
  "privacy": { "usageStatisticsEnabled": false },
  "telemetry": { "enabled": false }
}
`
      put(home, ".gemini/settings.json", settings)
      return { GEMINI_API_KEY: "x", GOOGLE_GEMINI_BASE_URL: url }
    },
    write: (file_path, content) => ({ call: "write_file", input: { file_path, content } })
  },
  {
    once: (prompt) => ["--approval-mode", "auto_edit", "-p", prompt],
    interactive: ["--approval-mode", "auto_edit"],
    leave: "/quit"
  }
)
