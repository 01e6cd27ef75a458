// `npm start`: starts the daemon and shows, before the reader's eyes, what it is for: a session outlives kill -9 of the
// daemon. Works without a terminal, any number of times, and leaves nothing behind but the running daemon.
import { spawn } from "node:child_process"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("..", import.meta.url))
const binary = join(root, "bin", "hob")
const colours = process.stdout.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== "dumb"
const bold = (text) => (colours ? `\x1b[1m${text}\x1b[0m` : text)
const dim = (text) => (colours ? `\x1b[2m${text}\x1b[0m` : text)
const say = (text = "") => console.log(text)

class Failed extends Error {}

/** Runs `hob ARGS…` to its end and gives its standard output. */
const hob = (...args) =>
  new Promise((resolve, reject) => {
    const child = spawn(binary, args, { stdio: ["ignore", "pipe", "pipe"] })
    let stdout = ""
    let stderr = ""
    child.stdout.setEncoding("utf8").on("data", (text) => (stdout += text))
    child.stderr.setEncoding("utf8").on("data", (text) => (stderr += text))
    child.on("error", (error) => reject(new Failed(`${binary} could not be started: ${error.message}`)))
    child.on("close", (code) =>
      code === 0
        ? resolve(stdout)
        : reject(new Failed(`hob ${args.join(" ")} failed (exit ${code}).\n${stderr}${stdout}`))
    )
  })

/** The same, told to the reader. */
const tell = async (...args) => {
  say(bold(`$ hob ${args.map((word) => (/^[\w./=-]+$/.test(word) ? word : `'${word}'`)).join(" ")}`))
  const output = await hob(...args)
  say(output.trimEnd())
  return output
}

const until = async (what, check) => {
  const deadline = Date.now() + 30_000
  for (;;) {
    const value = await check()
    if (value !== undefined) return value
    if (Date.now() > deadline) throw new Failed(`Waited in vain until ${what}.`)
    await new Promise((again) => setTimeout(again, 100))
  }
}

const show = async (session) => JSON.parse(await hob("show", session, "--json"))
const daemon = async () => JSON.parse(await hob("status", "--json"))
const numbers = async (session) =>
  [...(await hob("output", session)).matchAll(/tick (\d+)\b/g)].map((match) => Number(match[1]))

const name = `tour-${process.pid}`
const program = 'i=0; while [ $i -lt 3000 ]; do i=$((i+1)); echo "tick $i"; sleep 0.1; done'

const tour = async () => {
  say(dim("# The daemon runs in the background, and everything else starts it when needed."))
  await tell("start")
  say()
  say(dim("# A session: a command that outlives the terminal it was started from."))
  await tell("run", "--detach", "--name", name, "--", "sh", "-c", program)
  const before = await show(name)
  const seen = await until("the session printed", async () => {
    const printed = await numbers(name)
    return printed.length >= 5 ? printed.length : undefined
  })
  await tell("output", name, "--tail", "5")
  say()
  const { pid } = await daemon()
  say(dim("# The daemon dies a sudden death. The session does not notice."))
  say(bold(`$ kill -9 ${pid}`))
  process.kill(pid, "SIGKILL")
  say()
  say(dim("# The next command starts a new daemon, which finds it."))
  await tell("ls")
  const after = await show(name)
  const printed = await until("it printed on", async () => {
    const all = await numbers(name)
    return all.length > seen + 5 ? all : undefined
  })
  await tell("output", name, "--tail", "5")
  const gap = printed.findIndex((number, index) => number !== index + 1)
  if (after.pid !== before.pid || after.state !== "running") {
    throw new Failed(`The session did not survive: process ${before.pid} before, ${after.pid} (${after.state}) after.`)
  }
  if (gap >= 0) throw new Failed(`The session's output is not complete: "tick ${gap + 1}" is missing.`)
  say(bold(`Same process (${after.pid}), new daemon (${(await daemon()).pid}), all ${printed.length} lines there.`))
  say()
  await tell("kill", name)
  await hob("rm", name)
}

const next = [
  ["hob run", "your shell in a session; Ctrl-\\ leaves it running"],
  ["hob run --detach --name web -- python3 -m http.server", "a command in the background"],
  ["hob ls", "what runs; --all shows what has ended"],
  ["hob attach web", "go to it, from any terminal"],
  ["hob --help", "everything else; `hob stop --all` ends it all"]
]

try {
  try {
    await tour()
  } catch (error) {
    await hob("rm", "--force", name).catch(() => {})
    throw error
  }
  say()
  say(`Next, with ${bold(`alias hob=${join(root, "bin", "hob")}`)}:`)
  const width = Math.max(...next.map(([command]) => command.length))
  for (const [command, what] of next) say(`  ${bold(command.padEnd(width))}  ${dim(`# ${what}`)}`)
} catch (error) {
  if (!(error instanceof Failed)) throw error
  console.error(`\nhob: ${error.message}`)
  console.error("`hob logs` may tell more.")
  process.exitCode = 1
}
