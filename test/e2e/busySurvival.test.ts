import { readFileSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { afterEach, assert, beforeEach } from "vitest"
import { connect } from "../../src/client/index.ts"
import type { Session } from "../../src/protocol/index.ts"
import { startPty } from "../../src/sessionhost/pty.ts"
import { describePty, itPty } from "../sessionhost/program/run.ts"
import { binary, type Home, isAlive, makeHome, until } from "../support/home.ts"

const KILLS = 10

/** Prints numbered lines until it has read `stop`, and takes down every line it reads. */
const program = `
const { appendFileSync } = require("node:fs")
process.stdin.setRawMode(true)
let rest = "", number = 0, resized = 0
process.on("SIGWINCH", () => resized++)
process.stdin.setEncoding("latin1").on("data", (text) => {
  const lines = (rest + text).split("\\n")
  rest = lines.pop()
  appendFileSync(process.env.TAKEN, lines.map((line) => line + "\\n").join(""))
  if (lines.includes("stop")) { console.log("end after " + number + ", resized " + (resized > 0)); process.exit(0) }
})
setInterval(() => { for (let i = 0; i < 50; i++) console.log("line " + number++) }, 2)
`

/** What should not take long, with a name for when it does. */
const within = async <A>(what: string, promise: Promise<A>): Promise<A> => {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited in vain for ${what}`)), 110_000)
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

const resize = async (home: Home, rows: number) => {
  await using client = await connect({ paths: home.paths })
  await client["sessions.resize"]({ session: "busy", cols: 100, rows })
}

describePty("the daemon is killed while much goes on", () => {
  let home: Home
  beforeEach(() => {
    home = makeHome({ HOB_SESSIONS_LOG_SEGMENT_BYTES: "65536", HOB_SESSIONS_LOG_INPUT: "false" })
  })
  afterEach(() => home.destroy())

  itPty("attaching, resizing, pasting and new log files lose and double nothing", { timeout: 300_000 }, async () => {
    const root = dirname(home.paths.home)
    const [script, taken] = [join(root, "program.cjs"), join(root, "taken")]
    writeFileSync(script, program)
    writeFileSync(taken, "")
    await home.ok(["run", "--detach", "--name", "busy", "--env", `TAKEN=${taken}`, "--", process.execPath, script])
    const follower = home.start(["output", "-f", "busy"])
    let followed = ""
    follower.stdout!.setEncoding("latin1").on("data", (text: string) => (followed += text))
    const end = new Promise((done) => follower.once("close", done))

    const acknowledged: Array<string> = []
    for (let kill = 0; kill < KILLS; kill++) {
      await within("the list", home.ok(["ls"]))
      const pid = await home.daemonPid()
      const paste = Array.from({ length: 2_000 }, (_, line) => `${kill}.${line} ${"x".repeat(40)}\n`).join("")
      const env = Object.fromEntries(Object.entries(home.env).map(([name, value]) => [name, value ?? ""]))
      const attached = startPty(
        {
          file: binary,
          args: ["attach", "busy"],
          cwd: root,
          env: { ...env, TERM: "xterm" },
          cols: 60 + kill,
          rows: 20,
          inputQueueBytes: 65_536
        },
        { output: () => {}, exited: () => {}, closed: () => {}, inputDrained: () => {} }
      )
      const sending = home.hob(["send", "busy", "-"], { input: paste })
      const resizing = resize(home, 30 + kill).catch(() => {})
      // Each time at another moment of all that; the last time when a part of what is pasted has been typed.
      const before = followed.length
      await until("more was printed", () => followed.length > before + kill * 4_000)
      if (kill === KILLS - 1) await until("it is being pasted", () => readFileSync(taken).includes(`${kill}.0 `))
      process.kill(pid, "SIGKILL")
      await until("the daemon is gone", () => !isAlive(pid))
      const { code, stderr } = await within("what was pasted", sending)
      if (code === 0) acknowledged.push(paste)
      else assert.match(stderr, /The first (?:0|65536) bytes were typed; whether the next \d+ were is not known/)
      await within("the resize", resizing)
      attached.signalAll("SIGKILL")
    }

    // What could not be typed to its end may have left a part of a line.
    await within("the stop", home.ok(["send", "busy", "\nstop\n"]))
    await within("the follower", end)
    await within("the end", home.ok(["wait", "busy"]))
    assert.strictEqual(await home.ok(["output", "busy"]), followed)
    const lines = followed.split("\r\n").slice(0, -1)
    const last = /^end after (\d+), resized true$/.exec(lines.pop()!)
    assert.strictEqual(lines.length, Number(last?.[1]))
    assert.deepStrictEqual(
      lines.findIndex((line, number) => line !== `line ${number}`),
      -1
    )
    const text = readFileSync(taken, "latin1")
    for (const paste of acknowledged) assert.strictEqual(text.split(paste).length, 2)
    const { output } = await home.json<Session>(["show", "busy"])
    assert.isAbove(output.end, 65_536)
  })
})
