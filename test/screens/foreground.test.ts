import { afterEach, assert, describe } from "vitest"
import type { Foreground } from "../../src/activity/foreground.ts"
import { readForeground } from "../../src/screens/foreground.ts"
import { preflight } from "../../src/sessionhost/preflight.ts"
import type { Program } from "../../src/sessionhost/program.ts"
import { startPty } from "../../src/sessionhost/pty.ts"
import { needs } from "../support/needs.ts"

const started: Array<Program> = []
afterEach(() => {
  for (const program of started.splice(0)) program.signalAll("SIGKILL")
})

const start = async (...command: ReadonlyArray<string>): Promise<Program> => {
  const env = { PATH: process.env["PATH"] ?? "", TERM: "xterm-256color", PS1: "$ " }
  const file = await preflight(command, "/", env)
  const program = startPty(
    { file, args: command.slice(1), cwd: "/", env, cols: 80, rows: 24, inputQueueBytes: 1 << 16 },
    { output: () => {}, exited: () => {}, closed: () => {}, inputDrained: () => {} }
  )
  started.push(program)
  return program
}

/** Looks until it is so: a program needs its time to get there. */
const until = async (program: Program, so: (foreground: Foreground) => boolean): Promise<Foreground> => {
  for (;;) {
    const foreground = readForeground(program.pid)
    if (foreground !== null && so(foreground)) return foreground
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

const named = (name: string) => (foreground: Foreground) =>
  foreground.processes.some((process) => process.name === name)
const reads = ({ processes }: Foreground) => processes.some(({ reading }) => reading === true)

describe.skipIf(process.platform !== "linux")("who has the terminal", () => {
  needs("bash")("is the shell at its prompt, and it reads", async () => {
    const shell = await start("bash", "--norc")
    const foreground = await until(shell, reads)
    assert.isTrue(foreground.own)
    assert.deepStrictEqual(foreground.processes[0]?.argv.slice(1), ["--norc"])
  })

  needs("bash")("is a shell with its editor at the prompt, and without for `read`", async () => {
    const shell = await start("bash", "--norc")
    assert.strictEqual((await until(shell, reads)).processes[0]?.reads, "editor")
    shell.write(Buffer.from("read name\r"))
    await until(shell, ({ processes }) => processes[0]?.reads === "plainly")
    shell.write(Buffer.from("Ada\r"))
    await until(shell, ({ processes }) => processes[0]?.reads === "editor")
  })

  needs("dash")("is a shell without an editor, which still reads otherwise for `read`", async () => {
    const shell = await start("dash")
    await until(shell, ({ processes }) => processes[0]?.reads === "editor")
    shell.write(Buffer.from("read name\r"))
    await until(shell, ({ processes }) => processes[0]?.reads === "plainly")
  })

  needs("bash")("is the program that was started from there, and doesn't read unless it waits for a line", async () => {
    const shell = await start("bash", "--norc")
    await until(shell, reads)
    shell.write(Buffer.from("sleep 600\r"))
    const sleeping = await until(shell, named("sleep"))
    assert.deepStrictEqual([sleeping.own, reads(sleeping)], [false, false])
    shell.write(Buffer.from("\u0003cat\r"))
    const reading = await until(shell, (foreground) => named("cat")(foreground) && reads(foreground))
    assert.isFalse(reading.own)
  })

  needs("bash")("is the whole of a pipeline, whoever of it reads", async () => {
    const shell = await start("bash", "--norc")
    await until(shell, reads)
    shell.write(Buffer.from("sleep 600 | cat\r"))
    const both = await until(shell, (foreground) => named("sleep")(foreground) && named("cat")(foreground))
    // It reads, but not the terminal.
    assert.isFalse(reads(both))
  })

  needs("bash")("does not count what runs in the background", async () => {
    const shell = await start("bash", "--norc")
    await until(shell, reads)
    shell.write(Buffer.from("sleep 600 & cat\r"))
    const foreground = await until(shell, (foreground) => named("cat")(foreground) && reads(foreground))
    assert.isFalse(named("sleep")(foreground))
  })

  needs("sh")("is seen below a script too, and a question without a word of it on the screen", async () => {
    const script = await start("sh", "-c", "stty -echo; read secret; sleep 600")
    await until(script, reads)
    script.write(Buffer.from("x\r"))
    const after = await until(script, named("sleep"))
    assert.isTrue(after.own)
    assert.isFalse(reads(after))
  })

  needs("sh")("is nobody when the program has ended", async () => {
    const program = await start("sh", "-c", "exit 0")
    while (readForeground(program.pid) !== null) await new Promise((resolve) => setTimeout(resolve, 20))
  })
})
