/** This machine on the network: credentials, pairing, what the remote server is told, what devices may call. The front door of this folder. */
import { Clock, Effect, Layer, Option, Schema } from "effect"
import { readFileSync } from "node:fs"
import { Agents } from "../agents/Agents.ts"
import { Shutdown } from "../actors/Shutdown.ts"
import { entrypoint } from "../config/entrypoints.ts"
import { HobConfig } from "../config/HobConfig.ts"
import { sessionEnvironment } from "../config/environment.ts"
import { happyHome, machinePaths } from "../config/machinePaths.ts"
import type { Paths } from "../config/paths.ts"
import type { Settings } from "../config/settings.ts"
import { currentUser } from "../config/user.ts"
import { Sessions } from "../sessions/Sessions.ts"
import { readCalls, writeCalls } from "./fileCalls.ts"
import * as handlers from "./handlers.ts"
import * as Machine from "./Machine.ts"
import { readMetadata } from "./metadata.ts"
import { sessionCalls } from "./sessionCalls.ts"
import { shellCalls } from "./shellCalls.ts"
import { starting } from "./starting.ts"

export interface MachineLayerOptions {
  readonly paths: Paths
  readonly env: Readonly<Record<string, string | undefined>>
}

export const layer = ({ env, paths }: MachineLayerOptions) =>
  handlers.layer.pipe(
    Layer.provideMerge(
      Layer.unwrap(
        Effect.gen(function* () {
          const config = yield* HobConfig
          const sessions = yield* Sessions
          const shutdown = yield* Shutdown
          const startedAt = yield* Clock.currentTimeMillis
          const always = sessionCalls({ sessions, shutdown, starting: starting(yield* Agents), env })
          const { sessions: sessionSettings } = yield* config.get
          const permitted = ({ directories, fileBytes: maxBytes, permissions }: Settings["machine"]) => [
            ...(permissions.includes("read") ? readCalls({ directories, maxBytes }) : []),
            ...(permissions.includes("write") ? writeCalls({ directories, maxBytes }) : []),
            ...(permissions.includes("shell")
              ? shellCalls({ directories, maxBytes, environment: environmentOf(sessionSettings, env) })
              : [])
          ]
          return Machine.layer({
            paths,
            env,
            files: machinePaths(paths, env),
            metadata: readMetadata({ env, happyHome: happyHome(env), libDirectory: entrypoint("daemon") }),
            facts: Effect.sync(() => ({ pid: process.pid, startedAt, ...httpPortIn(paths.httpState) })),
            calls: (settings) => [...always, ...permitted(settings)]
          })
        })
      )
    )
  )

const HttpState = Schema.fromJsonString(Schema.Struct({ url: Schema.String, pid: Schema.Int }))
const decodeHttpState = Schema.decodeUnknownOption(HttpState)

/** The port of hob's own HTTP door, where that is open: it is told in a file. */
const httpPortIn = (path: string): { readonly httpPort?: number } => {
  try {
    const { pid, url } = Option.getOrThrow(decodeHttpState(readFileSync(path, "utf8")))
    const port = Number(new URL(url).port)
    return pid === process.pid && port > 0 ? { httpPort: port } : {}
  } catch {
    return {}
  }
}

/** What a command of a device gets to see: as a session that nobody's terminal has started. */
const environmentOf = (
  { environmentAllow, environmentDeny }: Settings["sessions"],
  env: Readonly<Record<string, string | undefined>>
) =>
  sessionEnvironment({
    caller: null,
    daemon: env,
    deny: environmentDeny,
    allow: environmentAllow,
    user: currentUser(),
    kind: "pipe",
    session: {}
  })
