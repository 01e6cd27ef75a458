// `npm run test:oldest [vitest arguments]`: the whole suite on the oldest Node that `engines` promises, bin/hob included.
// That Node is the npm package `node`, installed into a cache directory; the suite runs in a copy of this tree beside it,
// because bin/hob takes the Node of the tree it stands in.
import { spawnSync } from "node:child_process"
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { homedir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "hob-oldest")
const oldest = /(\d+)/.exec(JSON.parse(readFileSync(join(root, "package.json"), "utf8")).engines.node)[1]
const nodeHome = join(cache, `node-${oldest}`)
const nodePackage = join(nodeHome, "node_modules", "node")
const tree = join(cache, "tree")

const run = (file, args, options) => {
  const { error, signal, status } = spawnSync(file, args, { stdio: "inherit", ...options })
  if (error !== undefined) throw error
  if (status !== 0) process.exit(signal === null ? status : 1)
}

const installNode = () => {
  if (existsSync(join(nodePackage, "bin", "node"))) return
  console.error(`Installing Node ${oldest} into ${nodeHome} …`)
  mkdirSync(nodeHome, { recursive: true })
  const manifest = { private: true, dependencies: { node: `^${oldest}` }, allowScripts: { node: true } }
  writeFileSync(join(nodeHome, "package.json"), JSON.stringify(manifest))
  run("npm", ["install", "--no-audit", "--no-fund", "--loglevel=error", "--ignore-scripts=false"], { cwd: nodeHome })
}

/** Links to every installed package, so that each is loaded from where it is, except for Node itself. */
const linkModules = () => {
  const from = join(root, "node_modules")
  const to = join(tree, "node_modules")
  mkdirSync(join(to, ".bin"), { recursive: true })
  for (const name of readdirSync(from)) {
    if (!name.startsWith(".") && name !== "node") symlinkSync(join(from, name), join(to, name))
  }
  for (const name of readdirSync(join(from, ".bin"))) {
    if (name !== "node") symlinkSync(join(from, ".bin", name), join(to, ".bin", name))
  }
  symlinkSync(nodePackage, join(to, "node"))
  symlinkSync(join(nodePackage, "bin", "node"), join(to, ".bin", "node"))
}

installNode()
run(process.execPath, [join(root, "scripts", "setup.mjs")])
rmSync(tree, { recursive: true, force: true })
mkdirSync(tree, { recursive: true })
const left = new Set(["node_modules", ".git", "coverage", ".hob"])
for (const name of readdirSync(root)) {
  if (!left.has(name)) cpSync(join(root, name), join(tree, name), { recursive: true, verbatimSymlinks: true })
}
linkModules()
const node = join(tree, "node_modules", ".bin", "node")
const env = { ...process.env, PATH: `${dirname(node)}:${process.env.PATH}` }
run(node, ["--version"], { env })
run(node, [join(tree, "node_modules", "vitest", "vitest.mjs"), "run", ...process.argv.slice(2)], { cwd: tree, env })
