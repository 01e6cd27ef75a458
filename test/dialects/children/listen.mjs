// Listens at the path given, by a relative name when asked to, until it is killed.
import { createServer } from "node:net"
import { basename, dirname } from "node:path"

const [path, how] = process.argv.slice(2)
if (how === "relative") process.chdir(dirname(path))
createServer((socket) => socket.destroy()).listen(how === "relative" ? `./${basename(path)}` : path, () =>
  process.send("listening")
)
process.once("disconnect", () => process.exit())
