/**
 * Calls of an upstream through hob, as shares of the same calls without it. The upstream is the stand-in of the tests, a
 * process of its own, and the same for both sides; they take turns within each round.
 *
 *     node scripts/build.mjs && node bench/upstream.ts [rounds] [calls per run]
 *
 * 1. `hob call mock.echo`, the whole command, of a bare Node script with `ws` that connects and logs in each time: with a
 *    password, and by SCRAM with 500,000 iterations. 2. One call after the other, by a client of the native socket and by an
 *    embedded daemon, of a bare `ws` connection that is open. 3. Calls a second of 64 callers, ten out at once. 4. One call
 *    while a job runs, of one without.
 */
import { Context, Effect, Layer } from "effect"
import { execFileSync, spawn } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { createInterface } from "node:readline"
import { WebSocket } from "ws"
import { type BareClient, open } from "../src/client/wire/bare.ts"
import { makePaths } from "../src/config/paths.ts"
import * as Daemon from "../src/daemon/Daemon.ts"
import { Upstreams } from "../src/upstream/Upstreams.ts"
import { spread } from "./support/statistics.ts"

const rounds = Number(process.argv[2] ?? 7)
const calls = Number(process.argv[3] ?? 4000)
const CALLERS = 64
const OUT = 10
const JOB_SECONDS = 10
const root = resolve(import.meta.dirname, "..")
const PASSWORD = "correct horse"
const KEY = "1-testkeymaterial0123456789abcdef"

interface Middleware {
  readonly uri: string
  readonly end: () => void
}

const startMiddleware = async (iterations: number): Promise<Middleware> => {
  const options = JSON.stringify({ rateLimitCalls: 1_000_000, scram: { iterations } })
  const child = spawn(process.execPath, [join(root, "test/support/middleware/main.ts"), options], {
    stdio: ["pipe", "pipe", "inherit"]
  })
  for await (const line of createInterface({ input: child.stdout })) {
    const { uri } = JSON.parse(line) as { uri: string }
    return { uri, end: () => void child.stdin.end() }
  }
  throw new Error("the stand-in did not start")
}

/** Milliseconds of a whole command. */
const timed = (program: string, args: ReadonlyArray<string>, env: NodeJS.ProcessEnv): number => {
  const began = performance.now()
  execFileSync(program, [...args], { env: { ...process.env, ...env }, stdio: ["ignore", "ignore", "inherit"] })
  return performance.now() - began
}

/** 1. */
const commands = async (kind: "password" | "scram", { uri }: Middleware, home: string): Promise<void> => {
  const env = { HOB_HOME: home }
  const hob = join(root, "bin/hob")
  const [secret, flag] = kind === "password" ? [PASSWORD, "--password-stdin"] : [KEY, "--api-key-stdin"]
  execFileSync(hob, ["upstream", "add", kind, uri, "--user", "admin", flag], {
    env: { ...process.env, ...env },
    input: secret
  })
  const ways = {
    hob: () => timed(hob, ["call", "mock.echo", "--upstream", kind], env),
    bare: () => timed(process.execPath, [join(root, "bench/support/bareCall.mjs"), uri, kind, secret, "mock.echo"], env)
  }
  ways.hob()
  const ratios: Array<number> = []
  for (let round = 0; round < rounds * 3; round++) ratios.push(ways.hob() / ways.bare())
  console.log(`hob call, the whole command, of a bare script that logs in (${kind}): ${spread(ratios)}`)
}

/** A bare client: no reading but of what it needs, as many requests out as its callers make. */
const bareClient = async (uri: string) => {
  const socket = new WebSocket(uri, { origin: "http://localhost", perMessageDeflate: false })
  await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject))
  const waiting = new Map<string, (result: unknown) => void>()
  socket.on("message", (data: Buffer) => {
    const { id, result } = JSON.parse(data.toString()) as { readonly id: string; readonly result: unknown }
    waiting.get(id)?.(result)
    waiting.delete(id)
  })
  let last = 0
  const call = (method: string, params: unknown): Promise<unknown> =>
    new Promise((resolve) => {
      const id = String(++last)
      waiting.set(id, resolve)
      socket.send(JSON.stringify({ jsonrpc: "2.0", method, id, params }))
    })
  await call("auth.login_ex", [{ mechanism: "PASSWORD_PLAIN", username: "admin", password: PASSWORD }])
  return { call, close: () => socket.close() }
}

const nativeCall = async (client: BareClient, method: string, params: string): Promise<string> => {
  for await (const item of client.subscribe("upstream.call", { name: "wide", method, params })) {
    const { result, type } = item as { readonly type: string; readonly result: string }
    if (type === "result") return result
  }
  throw new Error("no result")
}

/** Milliseconds for `count` calls by so many callers. */
const run = async (callers: number, count: number, call: () => Promise<unknown>): Promise<number> => {
  let left = count
  const lane = async (): Promise<void> => {
    while (left-- > 0) await call()
  }
  const began = performance.now()
  await Promise.all(Array.from({ length: callers }, lane))
  return performance.now() - began
}

const PARAMS = '[{"name": "tank", "position": 12}, ["id", "=", 7]]'

const takeTurns = async (
  ways: Readonly<Record<string, () => Promise<number>>>,
  told: (times: Readonly<Record<string, ReadonlyArray<number>>>) => void
): Promise<void> => {
  const times: Record<string, Array<number>> = {}
  for (let round = 0; round <= rounds; round++) {
    for (const [name, way] of Object.entries(ways)) {
      const time = await way()
      // The first warms up.
      if (round > 0) (times[name] ??= []).push(time)
    }
  }
  told(times)
}

const ratio = (a: ReadonlyArray<number>, b: ReadonlyArray<number>) => spread(a.map((each, at) => each / b[at]!))

const inProcess = (uri: string, home: string) =>
  Effect.gen(function* () {
    const paths = makePaths({ HOB_HOME: home })
    const context = yield* Layer.build(Daemon.layer({ paths, env: {} }))
    const upstreams = Context.get(context, Upstreams)
    yield* upstreams.add({
      name: "wide",
      uri,
      user: "admin",
      credential: { kind: "password", secret: PASSWORD },
      concurrency: OUT
    })
    const embedded = (method = "mock.echo", params = PARAMS) =>
      Effect.runPromise(upstreams.call({ name: "wide", method, params }))
    yield* Effect.promise(async () => {
      const client = await open(paths.socket)
      const bare = await bareClient(uri)
      const params: unknown = JSON.parse(PARAMS)
      const few = Math.ceil(calls / 4)
      // 2.
      await takeTurns(
        {
          bare: () => run(1, few, () => bare.call("mock.echo", params)),
          native: () => run(1, few, () => nativeCall(client, "mock.echo", PARAMS)),
          embedded: () => run(1, few, () => embedded())
        },
        ({ bare = [], embedded = [], native = [] }) => {
          console.log(`one call after the other by the native socket, of an open ws connection: ${ratio(native, bare)}`)
          console.log(`the same by an embedded daemon: ${ratio(embedded, bare)}`)
        }
      )
      // 3.
      await takeTurns(
        {
          bare: () => run(OUT, calls, () => bare.call("mock.echo", params)),
          native: () => run(CALLERS, calls, () => nativeCall(client, "mock.echo", PARAMS)),
          embedded: () => run(CALLERS, calls, () => embedded())
        },
        ({ bare = [], embedded = [], native = [] }) => {
          console.log(
            `calls a second, ${CALLERS} callers, ${OUT} out, embedded, of a bare client with ${OUT} out: ${ratio(bare, embedded)}`
          )
          console.log(`the same by the native socket, its client in the same process: ${ratio(bare, native)}`)
        }
      )
      // 4.
      const alone: Array<number> = []
      const beside: Array<number> = []
      const block = Math.ceil(few / 10)
      for (let round = 0; round < rounds * 2; round++) {
        alone.push(await run(1, block, () => embedded()))
        const began = Promise.withResolvers<number>()
        const job = Effect.runPromise(
          Effect.flip(
            upstreams.call({
              name: "wide",
              method: "mock.job",
              params: `[{"steps": ${JOB_SECONDS * 10}, "interval": 0.1}]`,
              job: true,
              onJob: began.resolve
            })
          )
        )
        const id = await began.promise
        beside.push(await run(1, block, () => embedded()))
        await embedded("core.job_abort", `[${id}]`)
        await job
      }
      console.log(`one call while a job of ${JOB_SECONDS} s runs, of one without: ${ratio(beside, alone)}`)
      client.close()
      bare.close()
    })
  })

const directory = mkdtempSync(join(tmpdir(), "hob-bench-"))
const [password, scram] = [await startMiddleware(50_000), await startMiddleware(500_000)]
try {
  const home = join(directory, "c")
  await commands("password", password, home)
  await commands("scram", scram, home)
  execFileSync(join(root, "bin/hob"), ["stop", "--all"], { env: { ...process.env, HOB_HOME: home }, stdio: "ignore" })
  await Effect.runPromise(Effect.scoped(inProcess(password.uri, join(directory, "e"))))
} finally {
  password.end()
  scram.end()
  rmSync(directory, { recursive: true, force: true })
}
// The embedded daemon's session-host may still be there for a while.
process.exit(0)
