import { Effect } from "effect"
import { inspectConfig } from "../../config/loadConfig.ts"
import type { Shell } from "../completions/script.ts"
import type { Context } from "../context.ts"
import { statusOf } from "../verbs/service.ts"
import { launchd } from "../service/launchd.ts"
import { systemd } from "../service/systemd.ts"
import { probeDaemon, probeDialects, probeSockets } from "./probeDaemon.ts"
import { probeFiles, probeSessions } from "./probeFiles.ts"
import { probeInstallation, probeShell } from "./probeInstallation.ts"
import { probeSystem } from "./probeSystem.ts"
import type { ConfigFact, Snapshot } from "./snapshot.ts"

/** Looks at everything; starts nothing and changes nothing. */
export const probe = async (context: Context, script: (shell: Shell) => string): Promise<Snapshot> => {
  const { env, paths } = context
  const uid = process.geteuid?.() ?? -1
  const daemon = await probeDaemon(context)
  return {
    paths,
    env,
    platform: process.platform,
    uid,
    now: Date.now(),
    files: probeFiles(paths),
    sessions: probeSessions(paths),
    daemon,
    sockets: await probeSockets(context, daemon),
    installation: probeInstallation(),
    system: probeSystem(paths.home, env, daemon.status?.pid ?? null, daemon.status?.sessionHost?.pid ?? null, uid),
    shell: probeShell(env, script),
    config: await probeConfig(context),
    dialects: await probeDialects(context, daemon),
    service: await probeService(context)
  }
}

const probeConfig = async ({ env, paths, settings }: Context): Promise<ConfigFact> => {
  const found = await Effect.runPromise(inspectConfig({ paths, env, flags: settings }))
  return {
    mistakes: found.mistakes.map(({ message }) => message),
    warnings: found.warnings,
    maxSessions: found.settings.sessions.maxCount,
    detachKey: found.settings.sessions.detachKey
  }
}

const probeService = async (context: Context): Promise<Snapshot["service"]> => {
  const manager =
    process.platform === "linux" ? systemd(context) : process.platform === "darwin" ? launchd(context) : null
  if (manager === null || (await manager.problem()) !== null) return null
  return statusOf(context, manager)
}
