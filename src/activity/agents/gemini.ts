import type { Manifest } from "../manifest.ts"

/** Its input below a line and a hint; prompts of before have no line above them. */
const promptBox = "^─{8,}\\n(?:.*\\n){0,3}? [>!*] "

/** Gemini CLI; recorded with 0.61.0. */
export const gemini: Manifest = {
  agent: "gemini",
  kind: "agent",
  commands: ["^gemini(-cli)?$"],
  unattended: [
    "(^| )(-p|--prompt|--version|-v|--help|-h|--list-extensions)( |=|$)",
    "^(mcp|extensions|hooks|skills)\\b"
  ],
  programStatus: ["^gemini"],
  titles: ["^(✦ |✋ |◇ ) ?(Working…|Action Required|Ready)"],
  screens: ["Gemini CLI v\\d"],
  rules: [
    { rule: "restarting", state: "working", when: [{ in: "last 2", match: "Gemini CLI is restarting" }] },
    { rule: "title-asks", state: "waiting", when: [{ in: "title", match: "^✋ " }] },
    {
      rule: "choice",
      state: "waiting",
      when: [
        { in: "last 16", match: "^[│ ]+● (?:\\d+\\. )?\\S" },
        { in: "last 14", not: promptBox }
      ]
    },
    { rule: "title-works", state: "working", when: [{ in: "title", match: "^(✦|⏲) " }] },
    {
      rule: "cancellable",
      state: "working",
      when: [{ in: "last 14", match: "^ [⠁-⣿] .*\\(esc to cancel" }]
    },
    // So it calls a command that has been silent for a while.
    { rule: "silent-command", state: "working", when: [{ in: "last 14", match: "^ ! Shell awaiting input" }] },
    { rule: "prompt", state: "idle", when: [{ in: "last 14", match: promptBox }] }
  ],
  hooks: {
    BeforeAgent: "working",
    BeforeTool: "working",
    AfterTool: "working",
    BeforeModel: "working",
    "Notification:ToolPermission": "waiting",
    AfterAgent: "idle",
    SessionStart: "idle"
  }
}
