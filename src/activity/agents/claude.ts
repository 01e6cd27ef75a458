import type { Manifest } from "../manifest.ts"

/** Its input between two lines, with what stands below it, at the end of the screen. Text of answers is never there. */
const promptBox = "^─{8,}.*\\n❯(?:[ \\u00a0].*)?(?:\\n[ \\u00a0]{2}.*)*\\n─{8,}.*(?:\\n.*){0,4}(?![\\s\\S])"

/** Claude Code 2.1; recorded with 2.1.329. */
export const claude: Manifest = {
  agent: "claude",
  kind: "agent",
  commands: ["^claude(\\.exe)?$", "^claude-code$"],
  unattended: [
    "(^| )(-p|--print|--version|-v|--help|-h)( |$)",
    "^(mcp|config|update|doctor|install|daemon|setup-token)\\b"
  ],
  programStatus: ["^claude-code$"],
  titles: ["^[✳◐◑◒◓] "],
  screens: ["▐▛.*Claude Code v\\d", promptBox],
  rules: [
    {
      rule: "dialog",
      state: "waiting",
      when: [
        {
          in: "last 3",
          match: "Esc to (cancel|go back|exit)|Enter to (confirm|select|submit|continue|approve)|↑/↓ to"
        },
        { in: "last 20", not: promptBox }
      ]
    },
    {
      rule: "choice",
      state: "waiting",
      when: [
        { in: "last 14", match: "^( *)❯ (?:\\d+\\. )?\\S.*\\n(?:.*\\n){0,3}?\\1 {2}(?:\\d+\\. )?\\S" },
        { in: "last 20", not: promptBox }
      ]
    },
    { rule: "spinning-title", state: "working", when: [{ in: "title", match: "^[◐◑◒◓⠁-⣿] " }] },
    { rule: "interruptible", state: "working", when: [{ in: "last 4", match: "\\besc to interrupt\\b" }] },
    { rule: "spinner", state: "working", when: [{ in: "last 14", match: "^[·✢✳✶✻✽*∗] \\S[^\\n]*…(?: \\(|$)" }] },
    {
      rule: "background",
      state: "working",
      when: [{ in: "last 4", match: "· \\d+ (shell|monitor|background task|local agent|agent)s?\\b" }]
    },
    { rule: "prompt", state: "idle", when: [{ in: "last 20", match: promptBox }] }
  ],
  hooks: {
    UserPromptSubmit: "working",
    PreToolUse: "working",
    PostToolUse: "working",
    PostToolUseFailure: "working",
    PermissionRequest: "waiting",
    "Notification:permission_prompt": "waiting",
    "Notification:elicitation_dialog": "waiting",
    "Notification:idle_prompt": "idle",
    Stop: "idle",
    StopFailure: "idle",
    SessionStart: "idle"
  }
}
