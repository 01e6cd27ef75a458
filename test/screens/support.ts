import { readFileSync } from "node:fs"
import { HostConnection } from "../../src/screens/HostConnection.ts"
import { Screens, type ScreensOptions } from "../../src/screens/Screens.ts"
import type { StartScreens } from "../../src/sessionhost/ScreensLink.ts"
import { TestHost } from "../sessionhost/support/host.ts"
import { Watch } from "../sessionhost/support/peers.ts"
import { isAlive, processesOf, until } from "../support/home.ts"

/** The screens processes of a home that run, by pid. */
export const screensOf = (home: string): ReadonlyArray<number> =>
  processesOf(home).filter((pid) => {
    try {
      return isAlive(pid) && readFileSync(`/proc/${pid}/environ`, "latin1").includes("\0HOB_SCREENS_TOKEN=")
    } catch {
      return false
    }
  })

/** Waits until there is one, other than `before`. */
export const screensPid = async (home: string, before?: number): Promise<number> => {
  const find = () => screensOf(home).find((pid) => pid !== before)
  await until("a screens process runs", () => find() !== undefined)
  return find()!
}

export interface InProcess extends AsyncDisposable {
  readonly host: TestHost
  readonly screens: () => Screens
  /** Asks the screens process, through the host. */
  readonly ask: <A>(request: object) => Promise<A>
  /** Ends it as it would end by itself; the host starts another one when it needs one. */
  readonly restart: () => Promise<void>
}

/** A host with programs on strings and its screens process, all in this process. */
export const inProcess = async (options: Partial<ScreensOptions> = {}): Promise<InProcess> => {
  const watch = new Watch()
  const all: Array<{ readonly host: HostConnection; readonly screens: Screens }> = []
  const said: Array<string> = []
  const startScreens: StartScreens = (token) => {
    let end = (_how: string) => {}
    const ended = new Promise<string>((resolve) => (end = resolve))
    const run = async () => {
      const host = await HostConnection.open(testHost.paths.hostSocket, token)
      const log = (message: string) => said.push(message)
      const screens = new Screens({
        host,
        directory: testHost.paths.sessions,
        agents: testHost.paths.agents,
        log,
        // However busy the machine is: what was printed before a question is in its answer.
        reachMillis: 60_000,
        snapshotReachMillis: 60_000,
        ...options
      })
      void host.closed.then(() => (screens.close(), end("closed")))
      await screens.start()
      all.push({ host, screens })
      watch.changed()
    }
    run().catch((error: unknown) => end(String(error)))
    return { kill: () => end("killed"), ended }
  }
  const testHost = await TestHost.start({ startScreens })
  return {
    host: testHost,
    screens: () => all.at(-1)!.screens,
    ask: (request) => testHost.control.ask("screens", { request }),
    restart: async () => {
      const { host } = all.at(-1)!
      host.end()
      await host.closed
      while (testHost.running.host.screens.connected) await new Promise((resolve) => setImmediate(resolve))
    },
    [Symbol.asyncDispose]: async () => {
      await testHost[Symbol.asyncDispose]()
      if (said.length > 0) throw new Error(said.join("\n"))
    }
  }
}
