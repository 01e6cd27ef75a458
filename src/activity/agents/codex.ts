import type { Manifest } from "../manifest.ts"

/** Codex CLI; recorded with 0.169.0. */
export const codex: Manifest = {
  agent: "codex",
  kind: "agent",
  commands: ["^codex(\\.exe|-[a-z0-9_-]+)?$"],
  unattended: [
    "(^| )(--version|-V|--help|-h)( |$)",
    "^(exec|e|login|logout|mcp|mcp-server|app-server|completion|apply|proto|debug|cloud)\\b"
  ],
  programStatus: ["^codex"],
  screens: ["^ *>_ .*OpenAI Codex \\(v\\d"],
  rules: [
    {
      rule: "dialog",
      state: "waiting",
      when: [
        {
          in: "last 3",
          match:
            "\\b(enter|return) (to )?(confirm|continue|submit|select|approve)\\b|\\besc (to )?(cancel|go back|back|close|dismiss)\\b"
        }
      ]
    },
    {
      rule: "choice",
      state: "waiting",
      when: [
        { in: "last 12", match: "^[›>] \\d+\\. \\S" },
        { in: "last 4", not: "^› (?!\\d+\\. )" }
      ]
    },
    { rule: "spinning-title", state: "working", when: [{ in: "title", match: "^[⠁-⣿] " }] },
    {
      rule: "interruptible",
      state: "working",
      when: [{ in: "last 16", match: "^[•◦] .*\\((?:\\d+h )?(?:\\d+m )?\\d+s • esc to interrupt" }]
    },
    // While it prints its answer nothing but the title, and what it reports, tells that it works: without a title its
    // prompt alone says nothing.
    {
      rule: "prompt",
      state: "idle",
      when: [
        { in: "last 8", match: "^› " },
        { in: "title", match: "\\S" }
      ]
    },
    // Before its first answer there is no title yet either.
    {
      rule: "fresh",
      state: "idle",
      when: [
        { in: "last 8", match: "^› " },
        { in: "screen", match: "^ *>_ .*OpenAI Codex \\(v\\d" },
        { in: "screen", not: "^[•◦■] " }
      ]
    },
    {
      rule: "finished",
      state: "idle",
      when: [
        { in: "last 8", match: "^› " },
        { in: "last 10", match: "^ *(Worked for \\d|■ )" }
      ]
    }
  ],
  hooks: {
    UserPromptSubmit: "working",
    PreToolUse: "working",
    PostToolUse: "working",
    PermissionRequest: "waiting",
    Stop: "idle",
    StopFailure: "idle",
    SessionStart: "idle",
    "agent-turn-complete": "idle"
  }
}
