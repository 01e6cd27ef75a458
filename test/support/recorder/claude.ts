import { readFileSync, unwatchFile, watchFile } from "node:fs"
import { join } from "node:path"
import { anthropic } from "../models/anthropic.ts"
import { lorem, makeScenes, type Place, type Scene, type Size, type Troupe } from "./scenes.ts"
import type { Stage } from "./Stage.ts"

const key = `sk-ant-api03-${"x".repeat(60)}`

interface Options extends Size {
  /** `offers`: what it offers at its first start has not been seen. */
  readonly configured?: "fully" | "offers" | "untrusted" | "no-key"
  readonly mode?: "default" | "plan"
  readonly hooks?: boolean
  readonly throughShell?: boolean
  /** The terminal says that it reads program status (OSC 7501), so Claude reports it. */
  readonly status?: boolean
  /** In the lines of the terminal, not on a screen of its own. */
  readonly inline?: boolean
}

const hookEvents = [
  "SessionStart",
  "UserPromptSubmit",
  "PreToolUse",
  "PermissionRequest",
  "PostToolUse",
  "Notification",
  "Stop"
]

const prepare = (place: Place, options: Options): Readonly<Record<string, string>> => {
  const { configured = "fully", hooks = false, inline = false, mode = "default", status = false } = options
  const hook = [{ hooks: [{ type: "command", command: "cat >> $HOME/hooks.jsonl; echo >> $HOME/hooks.jsonl" }] }]
  const settings = {
    permissions: { defaultMode: mode },
    tui: inline ? "default" : "fullscreen",
    ...(hooks ? { hooks: Object.fromEntries(hookEvents.map((event) => [event, hook])) } : {})
  }
  place.write(".claude/settings.json", JSON.stringify(settings))
  const project = { hasTrustDialogAccepted: true, hasCompletedProjectOnboarding: true }
  const config = {
    hasCompletedOnboarding: true,
    hasSeenAutoDefaultNudge: configured !== "offers",
    theme: "dark",
    ...(configured === "no-key" ? {} : { customApiKeyResponses: { approved: [key.slice(-20)], rejected: [] } }),
    ...(configured === "untrusted" || configured === "no-key" ? {} : { projects: { [place.project]: project } })
  }
  place.write(".claude.json", JSON.stringify(config))
  return {
    ANTHROPIC_BASE_URL: place.model.url,
    ANTHROPIC_API_KEY: key,
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
    DISABLE_AUTOUPDATER: "1",
    DISABLE_TELEMETRY: "1",
    ...(status ? { HOB_RECORDING_STATUS: "yes" } : {})
  }
}

/** What Claude's hooks were given goes into the recording as signs, when it comes. */
const followHooks = (place: Place, stage: Stage, { hooks = false }: Options): (() => void) => {
  if (!hooks) return () => {}
  const file = join(place.home, "hooks.jsonl")
  let seen = 0
  const look = () => {
    let lines: ReadonlyArray<string>
    try {
      lines = readFileSync(file, "utf8").split("\n").filter(Boolean)
    } catch {
      return
    }
    for (const line of lines.slice(seen)) {
      const said = JSON.parse(line) as { hook_event_name: string; notification_type?: string }
      stage.sign("claude", said.hook_event_name, said.notification_type)
    }
    seen = lines.length
  }
  watchFile(file, { interval: 50 }, look)
  return () => unwatchFile(file)
}

const troupe = (version: string): Troupe<Options> => ({
  name: "claude",
  version,
  dialect: anthropic,
  command: ({ throughShell = false }) => (throughShell ? ["bash", "--norc"] : ["claude"]),
  prepare,
  beside: followHooks
})

const footer = /for shortcuts|mode on/
const atPrompt = async (stage: Stage) => {
  await stage.until(footer)
  stage.label("idle", "its prompt is there")
  await stage.stay(3)
}

const bash = (command: string, more: Readonly<Record<string, unknown>> = {}) => ({
  call: "Bash",
  input: { command, description: "Run a command", ...more }
})
const permission = [/Do you want to|Would you like to/, "it asks for a permission"] as const
const yes = { press: ["enter"], leads: "working" } as const

export const claudeScenes = (version: string): ReadonlyArray<Scene> => {
  const { add, scenes } = makeScenes(troupe(version))

  add(
    "first-dialogs",
    "A key it has not used, a directory it has not seen",
    { configured: "no-key" },
    async (stage, { dialog }) => {
      await dialog(/trust/, "it asks whether the directory is trusted", { press: ["down", "enter"], leads: "waiting" })
      await dialog(/Detected a custom API key/, "it asks whether to use the key", {
        press: ["up", "enter"],
        leads: "working"
      })
      await stage.until(footer)
      stage.label("idle", "its prompt is there")
      await stage.stay(4)
    }
  )

  add(
    "trust",
    "It asks whether the directory is trusted; no, and it ends",
    { configured: "untrusted", throughShell: true },
    async (stage, { dialog }) => {
      await stage.until(/\$$/m)
      stage.label("idle", "the shell's prompt is there")
      await stage.stay(2)
      await stage.enter("claude")
      stage.label("working", "claude starts")
      await dialog(/trust/, "it asks whether the directory is trusted", {
        press: ["enter"],
        leads: "working",
        seconds: 6
      })
      await stage.until(/trusted[\s\S]*\$$/m)
      stage.label("idle", "the shell's prompt is there")
      await stage.stay(3)
    }
  )

  add("offers", "At its first start it makes an offer", { configured: "offers" }, async (stage, { dialog, turn }) => {
    await dialog(/Make auto mode/, "it offers another mode", { press: ["down", "enter"], leads: "idle" })
    await stage.stay(3)
    await turn("explain the parser", [{ say: lorem.repeat(2), everyMillis: 80 }])
    await stage.stay(3)
  })

  for (const [kind, options] of [
    ["", {}],
    ["-status", { status: true }],
    ["-inline", { inline: true }]
  ] as const) {
    add(`turns${kind}`, "Two prompts, streamed slowly; typing in between", options, async (stage, { turn }) => {
      await atPrompt(stage)
      await turn("explain the parser", [{ say: lorem.repeat(6), everyMillis: 80 }])
      await stage.stay(4)
      for (const word of "and now tell me more about it".split(" ")) {
        stage.type(`${word} `)
        await stage.stay(0.4)
      }
      await turn("please", [
        { think: lorem.repeat(2), everyMillis: 100 },
        { say: lorem.repeat(3), everyMillis: 80 }
      ])
      await stage.stay(5)
    })

    add(
      `permission${kind}`,
      "A command, a new file and a change are asked for; yes, yes, no",
      options,
      async (stage, { answered, dialog, prompt }, place) => {
        place.write("project/notes.md", "one\ntwo\nthree\n")
        await atPrompt(stage)
        await prompt(
          "run the tests",
          [{ say: "I will run them.", everyMillis: 80 }, bash("sleep 4; touch tested")],
          [{ say: `They pass. ${lorem.repeat(3)}`, everyMillis: 60 }]
        )
        await dialog(...permission, yes)
        await answered()
        await stage.stay(3)
        const file = join(place.project, "hello.txt")
        await prompt(
          "write a file",
          [{ call: "Write", input: { file_path: file, content: "hello\nworld\n" } }],
          [{ say: "It is written.", everyMillis: 80 }]
        )
        await dialog(...permission, yes)
        await answered()
        await stage.stay(3)
        await prompt("change the notes", [bash("rm notes.md")])
        await dialog(...permission, { press: ["escape"], leads: "idle", seconds: 6 })
        await stage.stay(4)
      }
    )

    add(
      `question${kind}`,
      "It asks its user a question with choices",
      options,
      async (stage, { answered, dialog, prompt }) => {
        await atPrompt(stage)
        const choices = [
          { label: "SQLite", description: "One file" },
          { label: "PostgreSQL", description: "A server" }
        ]
        const questions = [
          { question: "Which database shall it be?", header: "Database", multiSelect: false, options: choices }
        ]
        await prompt(
          "choose a database",
          [
            { say: "Let me ask.", everyMillis: 60 },
            { call: "AskUserQuestion", input: { questions } }
          ],
          [{ say: "SQLite it is. ".repeat(10), everyMillis: 80 }]
        )
        await dialog(/Which database[\s\S]*PostgreSQL/, "it asks a question", { ...yes, seconds: 5 })
        await answered()
        await stage.stay(3)
      }
    )

    add(
      `background${kind}`,
      "A command runs on in the background; when it ends, Claude goes on by itself",
      options,
      async (stage, { answered, dialog, prompt, turn }, { model }) => {
        await atPrompt(stage)
        await prompt(
          "start the server",
          [{ say: "I will start it.", everyMillis: 60 }, bash("touch started; sleep 30", { run_in_background: true })],
          [{ say: "It is running. ".repeat(5), everyMillis: 80 }]
        )
        await dialog(...permission, { ...yes, seconds: 2 })
        await answered("the model's last answer ended")
        stage.label("working", "its command runs on")
        await stage.stay(6)
        await turn("explain the parser meanwhile", [{ say: lorem.repeat(2), everyMillis: 80 }])
        stage.label("working", "its command runs on")
        const before = model.answered
        model.reply([{ say: "The server has ended. ".repeat(6), everyMillis: 80 }])
        await model.until(() => model.answered > before)
        stage.label("idle", "it has heard of the end, and said so")
        await stage.stay(4)
      }
    )
  }

  add(
    "plan",
    "In plan mode it shows a plan and wants it approved",
    { mode: "plan" },
    async (stage, { answered, dialog, prompt }) => {
      await atPrompt(stage)
      const plan = "# Plan\n\n1. Read the parser\n2. Change it\n"
      await prompt(
        "plan the change",
        [
          { say: "I have looked at it. ".repeat(8), everyMillis: 60 },
          { call: "ExitPlanMode", input: { plan } }
        ],
        [{ say: "It is done. ".repeat(10), everyMillis: 60 }]
      )
      await dialog(/Exit plan mode|Would you like to proceed/, "it wants the plan approved", { ...yes, seconds: 5 })
      await answered()
      await stage.stay(3)
    }
  )

  add("retries", "The model is overloaded, and answers in the end; then it refuses", {}, async (stage, { turn }) => {
    await atPrompt(stage)
    await turn(
      "try",
      { status: 529, error: "Overloaded" },
      { status: 529, error: "Overloaded" },
      { status: 500, error: "Internal server error" },
      { status: 500, error: "Internal server error" },
      [{ say: "Here I am again. ".repeat(10), everyMillis: 60 }]
    )
    await stage.stay(3)
    await turn("once more", { status: 400, error: "This request can't be answered" })
    await stage.stay(4)
  })

  add(
    "interrupt",
    "Interrupted by Escape while it answers, and while a command runs",
    {},
    async (stage, { dialog, prompt }) => {
      await atPrompt(stage)
      await prompt("a long story", [{ say: lorem.repeat(30), everyMillis: 60 }])
      await stage.stay(5)
      stage.press("escape")
      stage.label("idle", "interrupted")
      await stage.stay(5)
      await prompt("wait a minute", [bash("python3 -c 'import time; time.sleep(60)'")])
      await dialog(...permission, { ...yes, seconds: 2 })
      await stage.stay(6)
      stage.press("escape")
      stage.label("idle", "interrupted")
      await stage.stay(4)
    }
  )

  add(
    "long",
    "Minutes of work with silent stretches: a slow model, a long command",
    { cols: 120, rows: 40 },
    async (stage, { answered, dialog, prompt }, place) => {
      place.write("project/slow.sh", "sleep 40\necho made\n")
      await atPrompt(stage)
      await prompt(
        "take your time",
        [
          { pauseMillis: 25_000 },
          { think: lorem, everyMillis: 200 },
          { say: lorem, everyMillis: 200 },
          bash("sh slow.sh")
        ],
        [
          { pauseMillis: 15_000 },
          { say: lorem.repeat(2), everyMillis: 200 },
          { pauseMillis: 20_000 },
          { say: lorem, everyMillis: 100 }
        ]
      )
      await dialog(...permission, { ...yes, seconds: 3 })
      await answered()
      await stage.stay(5)
    }
  )

  for (const [shape, cols, rows] of [
    ["narrow", 60, 20],
    ["wide", 200, 50]
  ] as const) {
    add(
      shape,
      `A turn and a permission at ${cols}×${rows}`,
      { cols, rows },
      async (stage, { answered, dialog, prompt, turn }) => {
        await atPrompt(stage)
        await turn("explain the parser", [
          { think: lorem, everyMillis: 100 },
          { say: lorem.repeat(3), everyMillis: 80 }
        ])
        await stage.stay(3)
        await prompt(
          "make a file",
          [bash("sleep 3; touch a-file-with-a-rather-long-name")],
          [{ say: lorem.repeat(2), everyMillis: 80 }]
        )
        await dialog(...permission, yes)
        await answered()
        await stage.stay(3)
      }
    )
  }

  add(
    "resized",
    "The terminal changes its size while it works and while it waits",
    {},
    async (stage, { answered, prompt }) => {
      await atPrompt(stage)
      await prompt(
        "make a file",
        [{ say: lorem.repeat(4), everyMillis: 80 }, bash("sleep 3; touch made")],
        [{ say: lorem.repeat(2), everyMillis: 80 }]
      )
      await stage.stay(2)
      stage.resize(72, 24)
      await stage.until(permission[0])
      stage.label("waiting", permission[1])
      await stage.stay(3)
      stage.resize(130, 40)
      await stage.stay(3)
      stage.press("enter")
      stage.label("working", "answered")
      await stage.stay(1)
      stage.resize(80, 24)
      await answered()
      await stage.stay(3)
    }
  )

  add("subagent", "A subagent works on its behalf", {}, async (stage, { answered, prompt }) => {
    await atPrompt(stage)
    const input = {
      description: "Look at the parser",
      prompt: "Look at the parser",
      subagent_type: "general-purpose",
      run_in_background: false
    }
    await prompt(
      "let somebody look at it",
      [
        { say: "I will send somebody.", everyMillis: 60 },
        { call: "Agent", input }
      ],
      [{ pauseMillis: 6000 }, { say: lorem.repeat(2), everyMillis: 100 }],
      [{ say: "They say that it is fine. ".repeat(5), everyMillis: 80 }]
    )
    await answered()
    await stage.stay(6)
  })

  add(
    "talk-of-dialogs",
    "It answers with what looks like a dialog and like its own spinner",
    {},
    async (stage, { turn }) => {
      await atPrompt(stage)
      const fake = [
        "This is what the dialog looks like:\n\n```\n",
        " Do you want to proceed?\n ❯ 1. Yes\n   2. Yes, and don't ask again\n   3. No (esc)\n\n Esc to cancel · Tab to amend\n",
        "\n✻ Thinking… (12s · ↓ 400 tokens · esc to interrupt)\n```\n\nShall I go on?"
      ]
      await turn("show me your dialogs", [{ say: fake.join(""), everyMillis: 40 }])
      await stage.stay(8)
      await turn("go on", [
        { say: "Press Enter to continue, or Esc to cancel. Do you want to proceed? (y/n)", everyMillis: 80 }
      ])
      await stage.stay(6)
    }
  )

  add(
    "menus",
    "Its user opens a list and closes it; a prompt is queued while it works",
    {},
    async (stage, { answered, prompt }) => {
      await atPrompt(stage)
      await stage.enter("/model")
      await stage.until(/Select model|Switch between/i)
      stage.label("waiting", "a list to choose from is open")
      await stage.stay(4)
      stage.press("escape")
      stage.label("idle", "closed")
      await stage.stay(3)
      await prompt(
        "explain the parser",
        [{ say: lorem.repeat(6), everyMillis: 80 }],
        [{ say: lorem.repeat(2), everyMillis: 80 }]
      )
      await stage.stay(2)
      await stage.enter("and the lexer")
      await answered("both are answered")
      await stage.stay(4)
    }
  )

  add(
    "hooks",
    "A turn and a permission, with what its hooks were told",
    { hooks: true },
    async (stage, { answered, dialog, prompt }) => {
      await atPrompt(stage)
      await prompt(
        "make a file",
        [{ say: lorem, everyMillis: 80 }, bash("sleep 2; touch made")],
        [{ say: lorem.repeat(2), everyMillis: 80 }]
      )
      await dialog(...permission, { ...yes, seconds: 9 })
      await answered()
      await stage.stay(6)
    }
  )

  add(
    "through-a-shell",
    "Started by hand in a shell, and left again",
    { throughShell: true },
    async (stage, { turn }) => {
      await stage.until(/\$$/m)
      stage.label("idle", "the shell's prompt is there")
      await stage.stay(3)
      await stage.enter("claude")
      stage.label("working", "claude starts")
      await atPrompt(stage)
      await turn("explain the parser", [{ say: lorem.repeat(2), everyMillis: 80 }])
      await stage.stay(3)
      await stage.enter("/exit")
      await stage.until(/\$$/m)
      stage.label("idle", "the shell's prompt is there again")
      await stage.stay(3)
    }
  )
  return scenes
}
