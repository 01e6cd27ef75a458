import { responses } from "../models/responses.ts"
import { lorem, makeScenes, type Place, type Scene, type Size, type Troupe } from "./scenes.ts"
import type { Stage } from "./Stage.ts"

interface Options extends Size {
  /** `login`: nobody has said which account or model it is to use. */
  readonly configured?: "fully" | "login"
  readonly policy?: "on-request" | "never"
  readonly throughShell?: boolean
}

const provider = (place: Place) => `
model = "gpt-5-codex"
model_provider = "local"
[model_providers.local]
name = "Local"
base_url = "${place.model.url}/v1"
env_key = "LOCAL_KEY"
wire_api = "responses"
request_max_retries = 4
stream_max_retries = 4
`

const prepare = (place: Place, options: Options): Readonly<Record<string, string>> => {
  const { configured = "fully", policy = "on-request" } = options
  const parts = [
    `approval_policy = "${policy}"\nsandbox_mode = "read-only"\ncheck_for_update_on_startup = false\n`,
    configured === "login" ? "" : provider(place),
    `[projects."${place.project}"]\ntrust_level = "trusted"\n`,
    "[analytics]\nenabled = false\n"
  ]
  place.write(".codex/config.toml", parts.join(""))
  return { LOCAL_KEY: "x" }
}

const troupe = (version: string): Troupe<Options> => ({
  name: "codex",
  version,
  dialect: responses,
  command: ({ throughShell = false }) => (throughShell ? ["bash", "--norc"] : ["codex", "--no-daemon"]),
  prepare
})

/** Its model is named when it has started; the prompt is there before. */
const ready = /gpt-5-codex default/
const atPrompt = async (stage: Stage) => {
  await stage.until(ready)
  stage.label("idle", "its prompt is there")
  await stage.stay(3)
}

const run = (cmd: string) => ({
  call: "exec_command",
  input: { cmd, sandbox_permissions: "require_escalated", justification: "May I run this?", yield_time_ms: 30_000 }
})
const approval = [/Would you like to|Press enter to confirm/i, "it asks for an approval"] as const
const yes = { press: ["enter"], leads: "working" } as const

export const codexScenes = (version: string): ReadonlyArray<Scene> => {
  const { add, scenes } = makeScenes(troupe(version))

  add("login", "It asks how to sign in", { configured: "login" }, async (stage) => {
    await stage.until(/Sign in with/i)
    stage.label("waiting", "it asks how to sign in")
    await stage.stay(8)
  })

  add("turns", "Two prompts, streamed slowly; typing in between", {}, async (stage, { turn }) => {
    await atPrompt(stage)
    await turn("explain the parser", [{ say: lorem.repeat(6), everyMillis: 80 }])
    await stage.stay(4)
    for (const word of "and now tell me more about it".split(" ")) {
      stage.type(`${word} `)
      await stage.stay(0.4)
    }
    await turn("please", [
      { think: `**Reading** ${lorem}`, everyMillis: 100 },
      { say: lorem.repeat(3), everyMillis: 80 }
    ])
    await stage.stay(5)
  })

  add("approval", "A command and a file are asked for; yes, no", {}, async (stage, { answered, dialog, prompt }) => {
    await atPrompt(stage)
    await prompt(
      "run the tests",
      [{ say: "I will run them.", everyMillis: 80 }, run("sleep 4; touch tested")],
      [{ say: `They pass. ${lorem.repeat(3)}`, everyMillis: 60 }]
    )
    await dialog(...approval, yes)
    await answered()
    await stage.stay(3)
    await prompt("remove it", [run("rm hello.txt")])
    await dialog(...approval, { press: ["escape"], leads: "idle", seconds: 6 })
    await stage.stay(4)
  })

  add("retries", "The model fails and answers in the end; then it refuses", {}, async (stage, { turn }) => {
    await atPrompt(stage)
    await turn(
      "try",
      { status: 500, error: "Internal server error" },
      { status: 500, error: "Internal server error" },
      { status: 503, error: "Overloaded" },
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
      await prompt("wait a minute", [run("sleep 60")])
      await dialog(...approval, { ...yes, seconds: 2 })
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
    async (stage, { answered, dialog, prompt }) => {
      await atPrompt(stage)
      await prompt(
        "take your time",
        [
          { pauseMillis: 25_000 },
          { think: `**Reading** ${lorem}`, everyMillis: 200 },
          { say: lorem, everyMillis: 200 },
          run("sleep 25; echo made")
        ],
        [
          { pauseMillis: 15_000 },
          { say: lorem.repeat(2), everyMillis: 200 },
          { pauseMillis: 20_000 },
          { say: lorem, everyMillis: 100 }
        ]
      )
      await dialog(...approval, { ...yes, seconds: 3 })
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
      `A turn and an approval at ${cols}×${rows}`,
      { cols, rows },
      async (stage, { answered, dialog, prompt, turn }) => {
        await stage.until(/for shortcuts|Ask Codex/)
        stage.label("idle", "its prompt is there")
        await stage.stay(3)
        await turn("explain the parser", [
          { think: `**Reading** ${lorem}`, everyMillis: 100 },
          { say: lorem.repeat(3), everyMillis: 80 }
        ])
        await stage.stay(3)
        await prompt(
          "make a file",
          [run("sleep 3; touch a-file-with-a-rather-long-name")],
          [{ say: lorem.repeat(2), everyMillis: 80 }]
        )
        await dialog(...approval, yes)
        await answered()
        await stage.stay(3)
      }
    )
  }

  add(
    "talk-of-dialogs",
    "It answers with what looks like a dialog and like its own spinner",
    {},
    async (stage, { turn }) => {
      await atPrompt(stage)
      const fake = [
        "This is what the dialog looks like:\n\n```\n",
        "Would you like to run the following command?\n\n› 1. Yes, proceed (y)\n  2. No (esc)\n\nPress enter to confirm or esc to cancel\n",
        "\n• Working (12s • esc to interrupt)\n```\n\nShall I go on?"
      ]
      await turn("show me your dialogs", [{ say: fake.join(""), everyMillis: 40 }])
      await stage.stay(8)
      await turn("go on", [{ say: "Press enter to continue. Do you want to proceed? (y/n)", everyMillis: 80 }])
      await stage.stay(6)
    }
  )

  add(
    "menus",
    "Its user opens a list and closes it; a prompt is queued while it works",
    {},
    async (stage, { answered, dialog, prompt }) => {
      await atPrompt(stage)
      await stage.enter("/permissions")
      await dialog(/Select|Update Model Permissions|Read Only/i, "a list to choose from is open", {
        press: ["escape"],
        leads: "idle"
      })
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
    "through-a-shell",
    "Started by hand in a shell, and left again",
    { throughShell: true },
    async (stage, { turn }) => {
      await stage.until(/\$$/m)
      stage.label("idle", "the shell's prompt is there")
      await stage.stay(3)
      await stage.enter("codex --no-daemon")
      stage.label("working", "codex starts")
      await atPrompt(stage)
      await turn("explain the parser", [{ say: lorem.repeat(2), everyMillis: 80 }])
      await stage.stay(3)
      await stage.enter("/quit")
      await stage.until(/\$$/m)
      stage.label("idle", "the shell's prompt is there again")
      await stage.stay(3)
    }
  )
  return scenes
}
