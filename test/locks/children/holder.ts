/** Holds `LOCK`, bound to its connection or not, until it is killed: `holder.ts SOCKET LOCK BIND`. Prints what it was answered. */
import { connect } from "node:net"

const [path, name, bind] = process.argv.slice(2) as [string, string, string]
const params = { name, holder: `holder ${process.pid}`, ttlMillis: 600_000, bind }
connect(path)
  .on("data", (data) => process.stdout.write(data))
  .write(`${JSON.stringify({ jsonrpc: "2.0", id: 1, method: "locks.acquire", params })}\n`)
