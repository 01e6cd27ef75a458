import { Effect, Layer, Logger } from "effect"
import { mkdirSync, writeFileSync } from "node:fs"
import { basename, join } from "node:path"
import { assert, describe, it } from "vitest"
import { VERSION } from "../../src/config/version.ts"
import * as Daemon from "../../src/daemon/Daemon.ts"
import type { DaemonStatus } from "../../src/protocol/daemon.ts"
import { makeHome, until } from "../support/home.ts"
import {
  type Entry,
  readTranscript,
  record,
  replay,
  type Surroundings,
  writeTranscript
} from "../support/transcript.ts"
import { files, root } from "../support/tree.ts"

/** `HOB_RECORD=1 vitest run test/ground/transcripts.test.ts` takes the conversations down anew; look at the difference. */
const recording = process.env["HOB_RECORD"] === "1"

const quiet = Logger.layer([])

const isUp = async (surroundings: Surroundings): Promise<boolean> => {
  const ask: Entry = { dir: "in", line: { jsonrpc: "2.0", id: 1, method: "daemon.status" } }
  const answer = (await replay([ask, { dir: "out", line: {} }], surroundings)).at(-1)!
  const status = (answer.line as { readonly result?: DaemonStatus }).result
  if (status === undefined) return false
  return status.sessionHost !== null && status.concerns.every((concern) => concern.state === "up")
}

/** The daemon's own layers in this process, a real session-host and real programs, in a home of their own. */
const withDaemon = async <A>(use: (surroundings: Surroundings) => Promise<A>): Promise<A> => {
  const home = makeHome()
  const { paths } = home
  try {
    // A work tree of git, for who looks for one.
    mkdirSync(join(paths.home, "repo/.git/objects"), { recursive: true, mode: 0o700 })
    writeFileSync(join(paths.home, "repo/.git/HEAD"), "ref: refs/heads/main\n")
    const surroundings = { socket: paths.socket, home: paths.home, version: VERSION }
    const program = Effect.gen(function* () {
      yield* Layer.build(Daemon.layer({ paths, env: {} }))
      // A conversation about a daemon that is still finding its session-host would go differently each time.
      yield* Effect.promise(() => until("every concern is up", () => isUp(surroundings)))
      return yield* Effect.promise(() => use(surroundings))
    })
    return await Effect.runPromise(Effect.scoped(Effect.provide(program, quiet)))
  } finally {
    await home.destroy()
  }
}

describe("the native socket answers as recorded", () => {
  const transcripts = files("test/transcripts/native").filter((file) => file.endsWith(".ndjson"))

  it("there are transcripts", () => assert.isAbove(transcripts.length, 5))

  for (const file of transcripts) {
    const path = join(root, file)
    const transcript = readTranscript(path)
    it(basename(file, ".ndjson"), async () => {
      if (recording) writeTranscript(path, await withDaemon((surroundings) => record(transcript, surroundings)))
      else assert.deepStrictEqual(await withDaemon((surroundings) => replay(transcript, surroundings)), transcript)
    })
  }

  it("an answer that differs, is missing or is one too many is seen", async () => {
    const ping: Entry = { dir: "in", line: { jsonrpc: "2.0", id: 1, method: "daemon.ping" } }
    const pong: Entry = { dir: "out", line: { jsonrpc: "2.0", id: 1, result: { pong: true } } }
    await withDaemon(async (surroundings) => {
      const heard = (transcript: ReadonlyArray<Entry>) => replay(transcript, surroundings)
      assert.deepStrictEqual(await heard([ping, pong]), [ping, pong])
      assert.notDeepEqual(await heard([ping]), [ping])
      assert.notDeepEqual(await replay([ping, pong, pong], surroundings, 500), [ping, pong, pong])
      assert.notDeepEqual(await heard([ping, { dir: "out", line: { pong: true } }]), [
        ping,
        { dir: "out", line: { pong: true } }
      ])
    })
  })
})
