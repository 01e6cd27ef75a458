// Makes a checkout ready: installs what is missing, builds what is old, and does nothing when nothing is to do. Runs
// before `npm start` and `npm test`. Plain JavaScript for Node 20, with nothing but Node's own modules: it must work
// before anything is installed.
import { spawn } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { isFresh, root } from "./fingerprint.mjs"

const modules = join(root, "node_modules")
const installedStamp = join(modules, ".hob-installed-from")
const nodeBinary = join(modules, "node", "bin", "node")
const interactive = process.stderr.isTTY === true

const say = (text) => process.stderr.write(`${text}\n`)

class SetupFailed extends Error {}

/** Runs a program quietly, with a sign of life for people; what it printed is shown only when it fails. */
const run = (what, file, args) =>
  new Promise((resolve, reject) => {
    const started = Date.now()
    if (!interactive) say(`${what} …`)
    const child = spawn(file, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] })
    const output = []
    child.stdout.on("data", (chunk) => output.push(chunk))
    child.stderr.on("data", (chunk) => output.push(chunk))
    const seconds = () => Math.round((Date.now() - started) / 1000)
    const tick = () => interactive && process.stderr.write(`\r${what} … ${seconds()} s`)
    tick()
    const timer = setInterval(tick, 1000)
    const end = (error) => {
      clearInterval(timer)
      if (interactive) process.stderr.write(`\r${what} … ${error === undefined ? "done" : "failed"} (${seconds()} s)\n`)
      if (error === undefined) return resolve()
      say(Buffer.concat(output).toString("utf8").trimEnd())
      reject(new SetupFailed(error))
    }
    child.on("error", (error) => end(`${file} could not be started: ${error.message}`))
    child.on("close", (code, signal) => end(code === 0 ? undefined : `${what} failed (${signal ?? `exit ${code}`}).`))
  })

const lockHash = () =>
  createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex")

/** npm writes its own lock file into node_modules; a checkout installed by hand with `npm ci` counts as installed. */
const isInstalled = () => {
  if (!existsSync(nodeBinary)) return false
  if (existsSync(installedStamp)) return readFileSync(installedStamp, "utf8") === lockHash()
  return sameVersions()
}

const sameVersions = () => {
  try {
    const wanted = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")).packages
    const present = JSON.parse(readFileSync(join(modules, ".package-lock.json"), "utf8")).packages
    return Object.entries(wanted).every(
      ([path, { optional, version }]) => path === "" || optional === true || present[path]?.version === version
    )
  } catch {
    return false
  }
}

/** The npm that runs us, else the one on the PATH. */
const npm = () => {
  const script = process.env.npm_execpath
  return script !== undefined && /\.c?js$/.test(script) ? [process.execPath, [script]] : ["npm", []]
}

const main = async () => {
  if (process.platform === "win32") throw new SetupFailed("hob runs on Linux and macOS.")
  if (Number(process.versions.node.split(".")[0]) < 20) {
    throw new SetupFailed(`npm needs Node 20 or newer to install hob; this is ${process.version}.`)
  }
  if (!isInstalled()) {
    const [file, args] = npm()
    await run("Installing dependencies", file, [...args, "ci", "--no-audit", "--no-fund", "--loglevel=error"])
    if (!existsSync(nodeBinary)) {
      throw new SetupFailed(
        `npm did not install ${nodeBinary}. It comes from the npm package "node", whose install script must be allowed to run.`
      )
    }
    writeFileSync(installedStamp, lockHash())
  }
  if (!isFresh()) await run("Building", nodeBinary, [join(root, "scripts", "build.mjs")])
}

try {
  await main()
} catch (error) {
  if (!(error instanceof SetupFailed)) throw error
  say(`hob: ${error.message}`)
  process.exitCode = 1
}
