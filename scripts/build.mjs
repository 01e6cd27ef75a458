// Builds dist: the programs as bundles of their own, the library with its dependencies left outside, and with
// `--types` (always when packing) the type declarations.
import { execFileSync } from "node:child_process"
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { build } from "rolldown"
import { fingerprint, root } from "./fingerprint.mjs"

const source = (path) => join(root, "src", path)
const temporary = join(root, `dist.${process.pid}`)
const dist = join(root, "dist")

// What the command loads late, its tree has at once: there it is no news that this brings nothing.
const common = { cwd: root, platform: "node", logLevel: "warn", checks: { ineffectiveDynamicImport: false } }
/** Names survive, for stack traces and because effect keys some services by them. */
const minify = { compress: true, mangle: { toplevel: false, keepNames: true }, codegen: { removeWhitespace: true } }

/** A program: everything it needs in it, except native modules. What it imports later are files of their own. */
const program = (name, entry) => ({
  ...common,
  input: { [name]: source(entry) },
  external: ["node-pty", /\.node$/],
  output: { dir: temporary, format: "esm", entryFileNames: "[name].js", chunkFileNames: `${name}-[name].js`, minify }
})

/** Bundles of their own, by what the command imports them as: files shared with them would be more files for others. */
const apart = { "./tree.ts": "./hob-tree.js", "./runHook.ts": "./hob-hook.cjs" }

/**
 * The command's hot path. CommonJS, because Node loads its own modules 3 ms faster for it. `run`: what all commands of
 * this bundle load, where that is not the entry alone.
 */
const hotCommand = (name, entry, run = entry) => {
  const { output, ...options } = program(name, `cli/${entry}`)
  const bundlesApart = {
    name: "apart",
    resolveId: (id, importer) =>
      importer?.startsWith(source("cli/")) && Object.hasOwn(apart, id) ? { id: apart[id], external: true } : null,
    // 'import' of what is CommonJS would load Node's machinery for modules, which takes 3 ms.
    renderChunk: (code) =>
      code.replace(/\bimport\((["'`])(\.\/[\w-]+\.cjs)\1\)/g, 'Promise.resolve().then(() => require("$2"))')
  }
  const names = { entryFileNames: "[name].cjs", chunkFileNames: `${name}-[name].cjs` }
  // What every command loads is one file, also what some load that are apart: each more takes a third of a millisecond.
  const loadedAtOnce = (id, graph) => {
    const seen = new Set([id])
    for (const each of seen) {
      if (each === source(`cli/${run}`)) return "run"
      for (const importer of graph.getModuleInfo(each)?.importers ?? []) seen.add(importer)
    }
    return null
  }
  // The global `performance` loads a module of Node's that takes 0.8 ms; here it only bounds a few retries.
  const transform = { define: { "performance.now": "Date.now" } }
  return {
    ...options,
    plugins: [bundlesApart],
    // What is loaded late may have from the entry what that has already.
    preserveEntrySignatures: "allow-extension",
    transform,
    output: {
      ...output,
      ...names,
      format: "cjs",
      ...(run === entry ? {} : { codeSplitting: { groups: [{ name: loadedAtOnce, debugName: "loaded at once" }] } })
    }
  }
}

const library = {
  ...common,
  input: {
    index: source("index.ts"),
    client: source("client/index.ts"),
    protocol: source("protocol/index.ts"),
    methods: source("methodWorker/types.ts"),
    testing: source("testing.ts")
  },
  external: [/^effect(\/|$)/, /^@effect\//, /^@secretlint\//, "node-pty", /\.node$/],
  output: { dir: temporary, format: "esm", entryFileNames: "[name].js", chunkFileNames: "library-[name].js" }
}

const types = () => {
  const config = join(root, "tsconfig.types.tmp.json")
  writeFileSync(
    config,
    JSON.stringify({
      extends: "./tsconfig.json",
      compilerOptions: {
        noEmit: false,
        declaration: true,
        emitDeclarationOnly: true,
        rootDir: "src",
        outDir: join(temporary, "types")
      },
      include: ["src"]
    })
  )
  try {
    execFileSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", config], { stdio: "inherit" })
  } finally {
    rmSync(config, { force: true })
  }
}

/** There is hardly a moment without a dist, and none with half of one. Of two builds at once, the later one stays. */
const swap = () => {
  const old = `${temporary}.old`
  for (let attempt = 0; ; attempt++) {
    try {
      if (existsSync(dist)) renameSync(dist, old)
      renameSync(temporary, dist)
      break
    } catch (error) {
      if (attempt === 10) throw error
    } finally {
      rmSync(old, { recursive: true, force: true })
    }
  }
}

const withTypes = process.argv.includes("--types") || process.env.npm_lifecycle_event === "prepack"
const stamp = fingerprint()
mkdirSync(temporary, { recursive: true })
try {
  await build([
    hotCommand("hob", "main.ts", "run.ts"),
    hotCommand("hob-hook", "runHook.ts"),
    program("hob-tree", "cli/tree.ts"),
    program("daemon", "daemon/main.ts"),
    program("host", "sessionhost/main.ts"),
    program("screens", "screens/main.ts"),
    program("methodWorker", "methodWorker/main.ts"),
    library
  ])
  if (withTypes) types()
  writeFileSync(join(temporary, ".built-from"), stamp)
  swap()
} finally {
  rmSync(temporary, { recursive: true, force: true })
}
