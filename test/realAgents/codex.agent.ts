import { responses } from "../support/models/responses.ts"
import { promises } from "./promises.ts"
import { put } from "./stage.ts"

promises(
  {
    agent: "codex",
    dialect: responses,
    prepare: ({ home, repo, url }) => {
      const config = `model = "gpt-5.5"
model_provider = "local"
approval_policy = "never"
sandbox_mode = "danger-full-access"
check_for_update_on_startup = false
[model_providers.local]
name = "Local"
base_url = "${url}/v1"
env_key = "LOCAL_KEY"
wire_api = "responses"
[projects."${repo}"]
trust_level = "trusted"
[analytics]
enabled = false
`
      put(home, ".codex/config.toml", config)
      return { LOCAL_KEY: "x" }
    },
    // Whether it may run the hooks, once for each change of them; and what it would like to sell: the second answer of each.
    answer: (screen) => (/Hooks need review|Use existing model/.test(screen) ? ["Down", "Enter"] : null),
    write: (file, content) => ({
      call: "apply_patch",
      input: { patch: `*** Begin Patch\n*** Add File: ${file}\n${content.replace(/^(?=.)/gm, "+")}*** End Patch\n` }
    })
  },
  { once: (prompt) => ["exec", prompt], interactive: ["--no-daemon"], leave: "/quit" }
)
