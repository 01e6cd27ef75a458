import { Context, Effect, Exit, Layer, Scope } from "effect"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { HobClient } from "../../src/client/HobClient.ts"
import { makePaths } from "../../src/config/paths.ts"
import * as Daemon from "../../src/daemon/Daemon.ts"
import { noLimits, type Programs, runHost, scriptedPrograms } from "../../src/testing.ts"

/** Programs on strings in place of real ones. */
const scripted = () => {
  const { start, started } = scriptedPrograms()
  const programs: Programs = {
    pty: start,
    pipe: start,
    preflight: async (command) => `/bin/${command[0]}`,
    ptyUnavailable: () => null
  }
  return { programs, started }
}

/**
 * A whole daemon in this process: a home of its own, a real socket, a real session-host with scripted programs, and a
 * client. The clock is whichever the test has.
 */
export const embedded = (options: { readonly env?: Readonly<Record<string, string>> } = {}) =>
  Effect.gen(function* () {
    const home = yield* Effect.acquireRelease(
      Effect.sync(() => mkdtempSync(join(tmpdir(), "hob-"))),
      (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true, maxRetries: 20 }))
    )
    const paths = makePaths({ HOB_HOME: home })
    const { programs, started } = scripted()
    const host = yield* Effect.acquireRelease(
      Effect.promise(async () => {
        const host = await runHost({
          paths,
          programs,
          limits: noLimits(),
          log: () => undefined,
          onEnd: () => undefined
        })
        if (host === null) throw new Error("another host has this home")
        return host
      }),
      (host) => Effect.promise(() => host.end())
    )
    const running = yield* Scope.fork(yield* Scope.Scope)
    const context = yield* Layer.buildWithScope(Daemon.layer({ paths, env: options.env ?? {} }), running)
    /** Ends the daemon; its home and its session-host stay. */
    const stop = Scope.close(running, Exit.void)
    /** One more client, for as long as its scope. */
    const connect = Effect.map(Layer.build(Layer.fresh(HobClient.layer({ paths, start: false }))), (built) =>
      Context.get(built, HobClient)
    )
    return { connect, context, host, paths, started, stop }
  })
