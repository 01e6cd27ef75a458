import { mkdirSync } from "node:fs"
import { dirname } from "node:path"
import { takeExclusiveLock } from "../config/exclusiveLock.ts"
import type { Paths } from "../config/paths.ts"
import { prepareRunDirectory } from "../wire/unixSocket.ts"
import { cgroups } from "./cgroup/Cgroups.ts"
import type { Limits } from "./Limits.ts"
import type { LogFs } from "./log/LogFs.ts"
import { HostServer, type HostServerOptions } from "./HostServer.ts"
import { clearUp, tidyCgroups } from "./remains.ts"
import { ScreensLink, type StartScreens } from "./ScreensLink.ts"
import { type Programs, SessionHost } from "./SessionHost.ts"
import type { Handover } from "./upgrade/state.ts"
import { removeStateFile } from "./upgrade/stateFile.ts"
import { takeOver, takeOverLock } from "./upgrade/takeOver.ts"
import { Upgrade } from "./upgrade/Upgrade.ts"

export type { Programs } from "./SessionHost.ts"

/** How long a host that has nothing to hold and nobody to serve stays. */
export const IDLE_MILLIS = 60_000

export interface RunHostOptions {
  readonly paths: Paths
  readonly programs: Programs
  readonly log: (message: string) => void
  /** The host has given back its socket and its lock; a process would end now. */
  readonly onEnd: () => void
  readonly idleMillis?: number
  readonly askScreen?: HostServerOptions["askScreen"]
  /** Starts the screens process; without it there is none. */
  readonly startScreens?: StartScreens
  readonly logFs?: LogFs
  readonly limits?: Limits
  /** What this process was before it was replaced, and goes on with. */
  readonly predecessor?: Handover | null
  /** How long a successor may take to say that it can take over. */
  readonly checkMillis?: number
}

export interface RunningHost {
  readonly host: SessionHost
  readonly server: HostServer
  /** As SIGTERM: ends when no session is held, else as soon as that is so. */
  readonly terminate: () => void
  /** Ends at once, whatever is held, as if the process had died; for hosts inside another process. */
  readonly end: () => Promise<void>
}

/**
 * Makes this process the session-host of its home: the lock, the sessions, the socket. Null when another process is
 * it already. Throws, with a message for people, when that is impossible here.
 */
export const runHost = async (options: RunHostOptions): Promise<RunningHost | null> => {
  const { log, paths, predecessor = null, programs } = options
  mkdirSync(paths.home, { recursive: true, mode: 0o700 })
  prepareRunDirectory(dirname(paths.hostSocket))
  let lock = predecessor === null ? takeExclusiveLock(paths.hostLock) : takeOverLock(paths.hostLock, predecessor)
  if (lock === null && predecessor === null) return null

  let ended: Promise<void> | null = null
  // Without the lock another host has this home: ours ends with its sessions.
  let terminating = predecessor !== null && (predecessor.terminating || lock === null)
  let idle: NodeJS.Timeout | null = null
  const giveBack = async () => {
    if (idle !== null) clearTimeout(idle)
    host.close()
    await screens.stop()
    await cgroups.settled()
    // The lock goes last: whoever gets it next must not have its socket taken away.
    await server.close()
    lock?.release()
    options.onEnd()
  }
  const end = () => (ended ??= giveBack())
  /** The lock's file went with the home; or another host has a new one by now. */
  const isDeserted = () => lock !== null && !lock.isStillOurs()
  const isIdle = () => host.held === 0 && server.connections === 0
  // Asked whenever something came or went, so that an idle host has no timer that keeps coming back.
  const check = () => {
    if (ended !== null) return
    if (terminating && host.held === 0) return void end()
    if (isIdle() && isDeserted()) {
      log("its home was deleted, and it holds nothing")
      return void end()
    }
    if (!isIdle()) {
      if (idle !== null) clearTimeout(idle)
      idle = null
    } else {
      idle ??= setTimeout(() => {
        idle = null
        if (!isIdle()) return
        log("nothing to hold and nobody to serve")
        void end()
      }, options.idleMillis ?? IDLE_MILLIS)
    }
  }
  /** Somebody may have removed the lock's file: then it is taken anew, unless another host was faster. */
  const keepLock = () => {
    if (lock !== null && !lock.isStillOurs()) lock = takeExclusiveLock(paths.hostLock) ?? lock
  }
  const screens = new ScreensLink({ start: options.startScreens ?? null, log })
  const host = new SessionHost({
    screens,
    directory: paths.sessions,
    programs,
    log,
    onChange: () => check(),
    ...(options.logFs === undefined ? {} : { logFs: options.logFs }),
    ...(options.limits === undefined ? {} : { limits: options.limits }),
    ...(predecessor === null ? {} : { startedAt: predecessor.startedAt })
  })
  const upgrade = new Upgrade({
    paths,
    host,
    server: () => server,
    log,
    terminating: () => terminating,
    keepLock,
    letGo: () => screens.stop(),
    takeBack: () => screens.resume(),
    ...(options.checkMillis === undefined ? {} : { checkMillis: options.checkMillis })
  })
  let server: HostServer
  const serverOptions: HostServerOptions = {
    path: paths.hostSocket,
    host,
    log,
    askScreen:
      options.askScreen ?? ((session, historyLines, head) => screens.snapshot(session, { historyLines, head })),
    onStop: () => void end(),
    onChange: () => check(),
    onGone: () => {
      check()
      return ended !== null
    },
    upgrade: upgrade.run
  }
  if (predecessor !== null) {
    server = await HostServer.adopt(serverOptions, predecessor.listener)
    takeOver(predecessor, host, server, paths, log)
    // The predecessor may have waited for some to become empty.
    tidyCgroups(paths.sessions)
  } else {
    // Of a host that died while it changed.
    removeStateFile(paths.hostState)
    try {
      // Before anybody can ask for a session.
      clearUp(paths.sessions, paths.hostLock, log)
      server = await HostServer.listen(serverOptions)
    } catch (error) {
      lock?.release()
      throw error
    }
  }
  check()
  return {
    host,
    server,
    end,
    terminate: () => {
      terminating = true
      if (host.held > 0)
        log(`SIGTERM: it stays while it holds ${host.held} ${host.held === 1 ? "session" : "sessions"}`)
      check()
    }
  }
}
