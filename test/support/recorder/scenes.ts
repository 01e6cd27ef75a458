import { mkdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { type Dialect, ModelServer, type Reply } from "../models/ModelServer.ts"
import type { Recording } from "./Recording.ts"
import { type Key, Stage } from "./Stage.ts"

/** What is said in answers: without any word that is on an agent's dialogs. */
export const lorem = "The parser reads a line, looks at its first word and hands the rest to whoever asked for it. "

/** What every scene is played on: a home of its own, a project in it, a model that says what it is told. */
export interface Place {
  readonly home: string
  readonly project: string
  readonly model: ModelServer
  readonly write: (path: string, content: string) => void
}

/** What the driver of a scene can do, beside what the stage does. Each labels what it does. */
export interface Acts {
  /** Sends a prompt that the model answers so, and resolves when the last of the answers has been given. */
  readonly turn: (prompt: string, ...replies: ReadonlyArray<Reply>) => Promise<void>
  /** Sends a prompt, and doesn't wait. */
  readonly prompt: (prompt: string, ...replies: ReadonlyArray<Reply>) => Promise<void>
  /** Resolves when all the answers of the last prompt have been given. */
  readonly answered: (why?: string) => Promise<void>
  /** Waits for a dialog, leaves it open for some seconds, and presses keys. */
  readonly dialog: (shown: RegExp, why: string, answer: Answer) => Promise<void>
}

export interface Answer {
  readonly press: ReadonlyArray<Key>
  readonly leads: "working" | "idle" | "waiting"
  readonly seconds?: number
}

export interface Size {
  readonly cols?: number
  readonly rows?: number
}

export type Play = (stage: Stage, acts: Acts, place: Place) => Promise<void>

export interface Scene {
  readonly name: string
  readonly about: string
  readonly play: () => Promise<Recording>
}

/** How a kind of program is put on the stage. */
export interface Troupe<Options> {
  readonly name: string
  readonly version: string
  readonly dialect: Dialect
  readonly command: (options: Options) => ReadonlyArray<string>
  /** Writes its configuration, and says which variables it gets. */
  readonly prepare: (place: Place, options: Options) => Readonly<Record<string, string>>
  /** Anything to be done beside the play; gives what ends it. */
  readonly beside?: (place: Place, stage: Stage, options: Options) => () => void
}

/** The variables that every program gets, and none of this machine's beside the way to programs. */
const environment = (home: string): Record<string, string> => ({
  PATH: process.env["PATH"] ?? "/usr/local/bin:/usr/bin:/bin",
  HOME: home,
  TERM: "xterm-256color",
  COLORTERM: "truecolor",
  LANG: "C.UTF-8",
  PS1: "dev@box:\\w$ ",
  PS2: "> "
})

const actsOn = (stage: Stage, model: ModelServer): Acts => {
  let expected = 0
  const prompt: Acts["prompt"] = async (text, ...replies) => {
    model.reply(...replies)
    expected = model.answered + Math.max(1, replies.length)
    await stage.enter(text)
    stage.label("working", "a prompt was sent")
  }
  const answered: Acts["answered"] = async (why = "the model's last answer ended") => {
    await model.until(() => model.answered >= expected)
    stage.label("idle", why)
  }
  return {
    prompt,
    answered,
    turn: async (text, ...replies) => {
      await prompt(text, ...replies)
      await answered()
    },
    dialog: async (shown, why, { leads, press, seconds = 4 }) => {
      await stage.until(shown)
      stage.label("waiting", why)
      await stage.stay(seconds)
      for (const [index, key] of press.entries()) {
        if (index > 0) await stage.stay(0.2)
        stage.press(key)
      }
      stage.label(leads, `answered with ${press.join(", ")}`)
    }
  }
}

const clear = (directory: string) => rmSync(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 300 })

/** Scenes of one troupe, in the order they are added. */
export const makeScenes = <Options extends Size>(troupe: Troupe<Options>) => {
  const scenes: Array<Scene> = []
  const add = (part: string, about: string, options: Options, play: Play) => {
    const name = `${troupe.name}-${part}`
    scenes.push({ name, about, play: () => record(troupe, { name, about, options, play }) })
  }
  return { scenes: scenes as ReadonlyArray<Scene>, add }
}

interface Script<Options> {
  readonly name: string
  readonly about: string
  readonly options: Options
  readonly play: Play
}

const record = async <Options extends Size>(troupe: Troupe<Options>, script: Script<Options>): Promise<Recording> => {
  const { about, name, options, play } = script
  // The same at each recording, and nobody's: it is on the screens.
  const home = join(tmpdir(), `hob-${troupe.name}`)
  clear(home)
  const project = join(home, "project")
  mkdirSync(project, { recursive: true })
  await using model = await ModelServer.start(troupe.dialect)
  const write = (path: string, content: string) => {
    mkdirSync(dirname(join(home, path)), { recursive: true })
    writeFileSync(join(home, path), content)
  }
  const place: Place = { home, project, model, write }
  const env = { ...environment(home), ...troupe.prepare(place, options) }
  const { cols = 100, rows = 30 } = options
  const { version } = troupe
  const stage = await Stage.open({
    name,
    about,
    version,
    command: troupe.command(options),
    cwd: project,
    env,
    cols,
    rows
  })
  const stop = troupe.beside?.(place, stage, options)
  let recording: Recording | undefined
  try {
    await play(stage, actsOn(stage, model), place)
  } finally {
    stop?.()
    recording = await stage.close()
    clear(home)
  }
  return recording
}
