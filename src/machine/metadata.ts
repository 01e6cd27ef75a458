/** What this machine is. Looked at once for each connection; no program is run for it. */
import { Clock, Effect } from "effect"
import { constants } from "node:fs"
import { access, stat } from "node:fs/promises"
import { homedir, hostname, platform } from "node:os"
import { delimiter, join } from "node:path"
import { VERSION } from "../config/version.ts"
import { HAPPY_VERSION, type Metadata } from "./facts.ts"

const agents = ["claude", "codex", "gemini", "openclaw", "agy"]

export interface MetadataOptions {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Where the other program has its files. */
  readonly happyHome: string
  /** Where hob's program is. */
  readonly libDirectory: string
}

export const readMetadata = ({ env, happyHome, libDirectory }: MetadataOptions): Effect.Effect<Metadata> =>
  Effect.gen(function* () {
    const detectedAt = yield* Clock.currentTimeMillis
    const found = yield* Effect.promise(() =>
      Promise.all(agents.map(async (agent) => [agent, await isOnPath(agent, env["PATH"] ?? "")] as const))
    )
    return {
      host: hostname(),
      platform: platform(),
      happyCliVersion: HAPPY_VERSION,
      homeDir: homedir(),
      happyHomeDir: happyHome,
      happyLibDir: libDirectory,
      hobVersion: VERSION,
      cliAvailability: { ...Object.fromEntries(found), detectedAt },
      resumeSupport: {
        rpcAvailable: true,
        requiresSameMachine: true,
        requiresHappyAgentAuth: false,
        happyAgentAuthenticated: false,
        detectedAt
      }
    }
  })

const isOnPath = async (program: string, path: string): Promise<boolean> => {
  for (const directory of path.split(delimiter).filter(Boolean)) {
    const file = join(directory, program)
    const isThere = await access(file, constants.X_OK).then(
      async () => (await stat(file)).isFile(),
      () => false
    )
    if (isThere) return true
  }
  return false
}
