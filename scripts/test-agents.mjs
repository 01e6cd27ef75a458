// `npm run test:agents [-- --latest] [vitest arguments]`: capture with the real Claude Code, Codex and Gemini CLI, from
// npm, against stand-ins for the servers of their models. They are installed once into a cache directory, anew with
// `--latest`. What could not be installed is told by its tests, which then fail.
import { spawnSync } from "node:child_process"
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { homedir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "hob-agents")
const programs = {
  claude: "@anthropic-ai/claude-code",
  codex: "@openai/codex",
  gemini: "@google/gemini-cli"
}
const isLatest = process.argv.includes("--latest")
const rest = process.argv.slice(2).filter((argument) => argument !== "--latest")

const run = (file, args, options) => spawnSync(file, args, { encoding: "utf8", ...options })

/** Installs one by itself, so that none stands in the way of another; what it says of its version. */
const install = (name, packageName) => {
  const directory = join(cache, name)
  const binary = join(directory, "node_modules", ".bin", name)
  if (isLatest || !existsSync(binary)) {
    console.error(`Installing ${packageName} into ${directory} …`)
    rmSync(directory, { recursive: true, force: true })
    mkdirSync(directory, { recursive: true })
    const manifest = { private: true, dependencies: { [packageName]: "latest" }, allowScripts: { [packageName]: true } }
    writeFileSync(join(directory, "package.json"), JSON.stringify(manifest))
    const args = ["install", "--no-audit", "--no-fund", "--loglevel=error", "--ignore-scripts=false"]
    const { error, status, stderr } = run("npm", args, { cwd: directory, timeout: 600_000 })
    if (error !== undefined || status !== 0) {
      rmSync(directory, { recursive: true, force: true })
      return { problem: `npm could not install ${packageName}: ${error?.message ?? stderr.trim()}` }
    }
  }
  const { version } = JSON.parse(readFileSync(join(directory, "node_modules", packageName, "package.json"), "utf8"))
  const said = run(binary, ["--version"], { timeout: 60_000, env: { ...process.env, HOME: directory } })
  if (said.status !== 0)
    return { problem: `${packageName} ${version} does not run: ${said.error?.message ?? said.stderr}` }
  return { binary, version, said: said.stdout.trim() }
}

const setup = spawnSync(process.execPath, [join(root, "scripts", "setup.mjs")], { stdio: "inherit" })
if (setup.status !== 0) process.exit(1)
const node = join(root, "node_modules", ".bin", "node")
process.env.PATH = `${dirname(node)}:${process.env.PATH}`
const installed = Object.fromEntries(
  Object.entries(programs).map(([name, packageName]) => [name, install(name, packageName)])
)
for (const [name, { problem, said, version }] of Object.entries(installed)) {
  console.error(`${name}: ${problem ?? `${version} (${said})`}`)
}
const { status } = spawnSync(
  node,
  [join(root, "node_modules", "vitest", "vitest.mjs"), "run", "--config", "test/realAgents/vitest.config.ts", ...rest],
  { cwd: root, stdio: "inherit", env: { ...process.env, REAL_AGENTS: JSON.stringify(installed) } }
)
for (const [name, { problem, version }] of Object.entries(installed)) console.error(`${name}: ${problem ?? version}`)
process.exit(status ?? 1)
