import { gemini } from "../models/gemini.ts"
import { lorem, makeScenes, type Place, type Scene, type Size, type Troupe } from "./scenes.ts"
import type { Stage } from "./Stage.ts"

interface Options extends Size {
  /** `login`: nobody has said which account it is to use. */
  readonly configured?: "fully" | "untrusted" | "login"
  readonly throughShell?: boolean
  /** It leaves the title of the terminal alone. */
  readonly noTitle?: boolean
}

const prepare = (
  place: Place,
  { configured = "fully", noTitle = false }: Options
): Readonly<Record<string, string>> => {
  const settings = {
    security: {
      ...(configured === "login" ? {} : { auth: { selectedType: "gemini-api-key" } }),
      folderTrust: { enabled: configured === "untrusted" }
    },
    general: { disableAutoUpdate: true, enableAutoUpdate: false, retryFetchErrors: true },
    privacy: { usageStatisticsEnabled: false },
    telemetry: { enabled: false },
    ui: { hideWindowTitle: noTitle, dynamicWindowTitle: !noTitle }
  }
  place.write(".gemini/settings.json", JSON.stringify(settings))
  const key = { GEMINI_API_KEY: "x" }
  return { ...(configured === "login" ? {} : key), GOOGLE_GEMINI_BASE_URL: place.model.url }
}

const troupe = (version: string): Troupe<Options> => ({
  name: "gemini",
  version,
  dialect: gemini,
  command: ({ throughShell = false }) => (throughShell ? ["bash", "--norc"] : ["gemini"]),
  prepare
})

const ready = /Type your message/
const atPrompt = async (stage: Stage) => {
  await stage.until(ready)
  stage.label("idle", "its prompt is there")
  await stage.stay(3)
}

const run = (command: string) => ({ call: "run_shell_command", input: { command, description: "Run a command" } })
const approval = [/Allow execution|Apply this change|Allow once/, "it asks for an approval"] as const
const yes = { press: ["enter"], leads: "working" } as const

export const geminiScenes = (version: string): ReadonlyArray<Scene> => {
  const { add, scenes } = makeScenes(troupe(version))

  add("login", "It asks how to sign in", { configured: "login" }, async (stage) => {
    await stage.until(/How would you like to authenticate|Get started/)
    stage.label("waiting", "it asks how to sign in")
    await stage.stay(8)
  })

  add("trust", "It asks whether the directory is trusted", { configured: "untrusted" }, async (stage, { dialog }) => {
    await dialog(/trust/i, "it asks whether the directory is trusted", {
      press: ["enter"],
      leads: "working",
      seconds: 5
    })
    await stage.until(ready)
    stage.label("idle", "its prompt is there")
    await stage.stay(4)
  })

  for (const [kind, options] of [
    ["", {}],
    ["-no-title", { noTitle: true }]
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
        { think: `**Reading** ${lorem}`, everyMillis: 100 },
        { say: lorem.repeat(3), everyMillis: 80 }
      ])
      await stage.stay(5)
    })

    add(
      `approval${kind}`,
      "A command, a file and a command are asked for; yes, yes, no",
      options,
      async (stage, { answered, dialog, prompt }, place) => {
        await atPrompt(stage)
        await prompt(
          "run the tests",
          [{ say: "I will run them.", everyMillis: 80 }, run("sleep 4; touch tested")],
          [{ say: `They pass. ${lorem.repeat(3)}`, everyMillis: 60 }]
        )
        await dialog(...approval, yes)
        await answered()
        await stage.stay(3)
        await prompt(
          "write a file",
          [{ call: "write_file", input: { file_path: `${place.project}/hello.txt`, content: "hello\nworld\n" } }],
          [{ say: "It is written. ".repeat(5), everyMillis: 60 }]
        )
        await dialog(...approval, yes)
        await answered()
        await stage.stay(3)
        await prompt("remove it", [run("rm hello.txt")])
        await dialog(...approval, { press: ["escape"], leads: "idle", seconds: 6 })
        await stage.stay(4)
      }
    )
  }

  add("retries", "The model is overloaded, and answers in the end", {}, async (stage, { turn }) => {
    await atPrompt(stage)
    await turn("try", { status: 503, error: "Overloaded" }, { status: 503, error: "Overloaded" }, [
      { say: "Here I am again. ".repeat(10), everyMillis: 60 }
    ])
    await stage.stay(3)
    await turn("once more", { status: 400, error: "This request can't be answered" })
    await stage.stay(4)
  })

  add("interrupt", "Interrupted by Escape while it answers", {}, async (stage, { prompt }) => {
    await atPrompt(stage)
    await prompt("a long story", [{ say: lorem.repeat(30), everyMillis: 60 }])
    await stage.stay(5)
    stage.press("escape")
    stage.label("idle", "interrupted")
    await stage.stay(5)
  })

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
        await atPrompt(stage)
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
        "Allow execution of [Shell]?\n\n● 1. Allow once\n  2. Allow for this session\n  3. No, suggest changes (esc)\n",
        "\n⠙ Thinking... (esc to cancel, 0s)\n```\n\nShall I go on?"
      ]
      await turn("show me your dialogs", [{ say: fake.join(""), everyMillis: 40 }])
      await stage.stay(8)
      await turn("go on", [{ say: "Press enter to continue. Do you want to proceed? (y/n)", everyMillis: 80 }])
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
      await stage.enter("gemini")
      stage.label("working", "gemini starts")
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
