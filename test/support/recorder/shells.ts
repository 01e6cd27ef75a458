import { anthropic } from "../models/anthropic.ts"
import { makeScenes, type Scene, type Size, type Troupe } from "./scenes.ts"
import type { Stage } from "./Stage.ts"

interface Options extends Size {
  readonly command: ReadonlyArray<string>
  /** The shell marks its prompts (OSC 133). */
  readonly marks?: boolean
}

const prompt = "\\[\\e]133;A\\a\\]dev@box:\\w$ \\[\\e]133;B\\a\\]"

const troupe = (version: string): Troupe<Options> => ({
  name: "shell",
  version,
  // No shell asks a model.
  dialect: anthropic,
  command: ({ command }) => command,
  prepare: (_place, { marks = false }) =>
    marks ? { PS1: prompt, PS0: "\\e]133;C\\a", PROMPT_COMMAND: "printf '\\e]133;D;%s\\a' $?" } : {}
})

const bash = { command: ["bash", "--norc"] }
const atPrompt = async (stage: Stage, why = "its prompt is there") => {
  await stage.until((text) => text.trimEnd().endsWith("$"))
  stage.label("idle", why)
  await stage.stay(3)
}

/** Types a command whose program works for about so long. */
const works = async (stage: Stage, command: string, why: string) => {
  await stage.enter(command)
  stage.label("working", why)
  await stage.stay(1)
  await atPrompt(stage, "it has ended")
}

const asks = async (stage: Stage, command: string, shown: RegExp, why: string, answer: () => void, seconds = 5) => {
  await stage.enter(command)
  stage.label("working", "it was started")
  await stage.until(shown)
  stage.label("waiting", why)
  await stage.stay(seconds)
  answer()
}

const makeLike = `for i in $(seq 1 12); do echo "cc -O2 -c part$i.c -o part$i.o"; sleep 0.4; done; sleep 8; echo "ld -o program"; sleep 2`

export const shellScenes = (version: string): ReadonlyArray<Scene> => {
  const { add, scenes } = makeScenes(troupe(version))

  for (const [name, options] of [
    ["bash", bash],
    ["bash-marks", { ...bash, marks: true }],
    ["dash", { command: ["dash"] }]
  ] as const) {
    add(name, "Commands, silent and talkative; one in the background", options, async (stage) => {
      await atPrompt(stage)
      await works(stage, "sleep 6", "it sleeps")
      await works(stage, makeLike, "it builds")
      await works(stage, "sleep 30 & echo started", "it starts something")
      for (const word of "echo one two three".split(" ")) {
        stage.type(`${word} `)
        await stage.stay(0.5)
      }
      stage.press("enter")
      await stage.stay(3)
      await works(stage, "(echo a; sleep 3; echo b) | cat; sleep 2", "a pipeline")
      await stage.enter("sleep 50")
      stage.label("working", "it sleeps")
      await stage.stay(4)
      stage.press("ctrl-c")
      await atPrompt(stage, "interrupted")
    })
  }

  add(
    "questions",
    "Programs that ask: a line, yes or no, a password, all of standard input",
    bash,
    async (stage, _acts, place) => {
      place.write(
        "project/ask.js",
        "const r = require('node:readline').createInterface({ input: process.stdin, output: process.stdout }); r.question('Project name: ', (n) => { r.question('Overwrite it? [y/N] ', () => { r.close(); setTimeout(() => {}, 4000) }) })\n"
      )
      place.write("project/password.py", "import getpass, time\ngetpass.getpass('Password for dev: ')\ntime.sleep(4)\n")
      await atPrompt(stage)
      await asks(stage, `read -p "Your name? " name; sleep 3`, /^Your name\?/m, "it asks for a line", () =>
        stage.type("Ada\r")
      )
      stage.label("working", "answered")
      await atPrompt(stage, "it has ended")
      await asks(
        stage,
        "python3 password.py",
        /^Password for dev:/m,
        "it asks for a password",
        () => stage.type("x\r"),
        7
      )
      stage.label("working", "answered")
      await atPrompt(stage, "it has ended")
      await asks(stage, "node ask.js", /^Project name:/m, "it asks for a name", () => stage.type("parser\r"))
      stage.label("waiting", "it asks for a yes")
      await stage.stay(4)
      stage.type("y\r")
      stage.label("working", "answered")
      await atPrompt(stage, "it has ended")
      await stage.enter("cat > notes")
      stage.label("waiting", "it reads what is typed")
      await stage.stay(5)
      stage.type("one line\r")
      await stage.stay(2)
      stage.press("ctrl-d")
      await atPrompt(stage, "it has ended")
      await asks(
        stage,
        "sh -c 'sleep 3; printf \"Proceed? [Y/n] \"; read x; sleep 4'",
        /^Proceed\?/m,
        "it asks for a yes",
        () => stage.type("y\r")
      )
      stage.label("working", "answered")
      await atPrompt(stage, "it has ended")
    }
  )

  add("full-screen", "An editor, a pager, and the pager of a long pipeline", bash, async (stage, _acts, place) => {
    place.write("project/text", Array.from({ length: 200 }, (_, line) => `line ${line}\n`).join(""))
    await atPrompt(stage)
    await asks(
      stage,
      "vim -u NONE text",
      /line 10/,
      "an editor wants to be closed",
      () => stage.type("ihello \u001b"),
      4
    )
    await stage.stay(4)
    stage.type(":wq\r")
    await stage.stay(0.2)
    await atPrompt(stage, "closed")
    await asks(stage, "less text", /line 10/, "a pager wants to be closed", () => stage.type(" "), 4)
    await stage.stay(3)
    stage.type("q")
    await stage.stay(0.2)
    await atPrompt(stage, "closed")
    await asks(stage, "sort text | less", /line 10/, "a pager wants to be closed", () => stage.type("q"), 4)
    await stage.stay(0.2)
    await atPrompt(stage, "closed")
  })

  for (const [name, start, calculate] of [
    ["python", ["python3", "-q"], "import time; time.sleep(6)"],
    ["node-repl", ["node"], "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 6000)"]
  ] as const) {
    add(
      name,
      "A program of questions and answers, started by itself: at its prompt, and at work",
      { command: start },
      async (stage) => {
        await stage.until(/^>+ ?$/m)
        stage.label("idle", "its prompt is there")
        await stage.stay(4)
        await stage.enter(calculate)
        stage.label("working", "it calculates")
        await stage.stay(5)
        await stage.until((text) => /^>+$/.test(text.trimEnd().split("\n").at(-1) ?? ""))
        stage.label("idle", "its prompt is there again")
        await stage.stay(4)
      }
    )
  }

  add("python-in-bash", "The same, from a shell", bash, async (stage) => {
    await atPrompt(stage)
    await stage.enter("python3 -q")
    stage.label("working", "it starts")
    await stage.until(/^>>> ?$/m)
    stage.label("idle", "its prompt is there")
    await stage.stay(4)
    await stage.enter("import time; time.sleep(6)")
    stage.label("working", "it calculates")
    await stage.stay(5)
    await stage.until((text) => /^>>>$/.test(text.trimEnd().split("\n").at(-1) ?? ""))
    stage.label("idle", "its prompt is there again")
    await stage.stay(3)
    stage.press("ctrl-d")
    await atPrompt(stage, "left")
  })

  add(
    "script",
    "A script without a shell above it: it works, asks, works and ends",
    {
      command: [
        "sh",
        "-c",
        `echo begin; sleep 4; printf "Name: "; read name; echo "hello $name"; sleep 4; echo end; sleep 2`
      ]
    },
    async (stage) => {
      stage.label("working", "it sleeps")
      await stage.until(/^Name:/m)
      stage.label("waiting", "it asks for a line")
      await stage.stay(5)
      stage.type("Ada\r")
      stage.label("working", "answered")
      await stage.stay(5)
    }
  )

  add(
    "server",
    "A program that says nothing of itself: it prints now and then",
    { command: ["sh", "-c", "while true; do echo listening; sleep 5; done"] },
    async (stage) => {
      stage.label("working", "it runs")
      await stage.stay(16)
    }
  )
  return scenes
}
