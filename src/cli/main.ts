/** The command's first lines, for whatever Node runs them; the rest is loaded once that is known to be one we support. */
import { existsSync, mkdirSync } from "node:fs"
import { enableCompileCache } from "node:module"
import { makePaths } from "../config/paths.ts"

const OLDEST_NODE = 24

if (Number(process.versions.node.split(".")[0]) < OLDEST_NODE) {
  process.stderr.write(
    `hob needs Node ${OLDEST_NODE} or newer; ${process.execPath} is ${process.version}.\n` +
      "In a checkout of hob, `npm run setup` installs one.\n"
  )
  process.exit(1)
}

// Only in a home that is there: looking at hob's state must not create any.
const paths = makePaths(process.env)
if (existsSync(paths.home)) {
  try {
    // Node would make it with whatever the umask leaves.
    mkdirSync(paths.cache, 0o700)
  } catch {
    // It is there, or can't be: then Node does without.
  }
  enableCompileCache(paths.cache)
}

const argv = process.argv.slice(2)
const isHook = argv[0] === "capture" && argv[1] === "hook"
void (isHook ? import("./runHook.ts") : import("./run.ts")).then(({ main }) => main(argv, paths))
