/**
 * Records agents and shells anew: `node test/corpus/agents/record.ts claude|codex|gemini|shells [PART-OF-A-NAME [DIRECTORY]]`.
 * The agents are those of the PATH; each is told that its model is at a stand-in's address of this machine.
 */
import { execFileSync } from "node:child_process"
import { claudeScenes } from "../../support/recorder/claude.ts"
import { codexScenes } from "../../support/recorder/codex.ts"
import { geminiScenes } from "../../support/recorder/gemini.ts"
import { writeRecording } from "../../support/recorder/Recording.ts"
import type { Scene } from "../../support/recorder/scenes.ts"
import { shellScenes } from "../../support/recorder/shells.ts"

const version = (program: string): string => {
  const said = execFileSync(program, ["--version"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] })
  return /\d+\.\d+(\.\d+)?/.exec(said)?.[0] ?? said.trim()
}

const casts: Record<string, () => ReadonlyArray<Scene>> = {
  claude: () => claudeScenes(version("claude")),
  codex: () => codexScenes(version("codex")),
  gemini: () => geminiScenes(version("gemini")),
  shells: () => shellScenes(version("bash"))
}

const [cast = "", part = "", directory = import.meta.dirname] = process.argv.slice(2)
const scenes = casts[cast]?.().filter(({ name }) => name.includes(part))
if (scenes === undefined || scenes.length === 0) {
  console.error(`Which of ${Object.keys(casts).join(", ")}?`)
  process.exit(64)
}
for (const { name, play } of scenes) {
  try {
    const recording = await play()
    writeRecording(directory, recording)
    console.log(`${name}: ${recording.seconds} s, ${recording.events.length} events, ${recording.labels.length} labels`)
  } catch (error) {
    console.error(`${name}: ${(error as Error).message}`)
    process.exitCode = 1
  }
}
process.exit()
