/**
 * Holds `LOCK`, bound to its connection or not, until it is killed: `holder.ts SOCKET LOCK BIND [TTL [WITNESS]]`. Prints
 * what it is answered, a line each; releases the lock when it is told to on standard input. `WITNESS` is a socket that
 * it is connected to for as long as it lives.
 */
import { connect } from "node:net"
import { createInterface } from "node:readline"

const [path, name, bind, ttl = "600000", witness] = process.argv.slice(2) as [string, string, string, string?, string?]
if (witness !== undefined) connect(witness)
const holder = `holder ${process.pid}`
const ask = (id: number, method: string, params: object) =>
  socket.write(`${JSON.stringify({ jsonrpc: "2.0", id, method, params })}\n`)
const socket = connect(path)
let token: number | undefined
createInterface(socket).on("line", (line) => {
  token ??= (JSON.parse(line) as { readonly result?: { readonly token: number } }).result?.token
  process.stdout.write(`${line}\n`)
})
ask(1, "locks.acquire", { name, holder, ttlMillis: Number(ttl), bind })
process.stdin.once("data", () => ask(2, "locks.release", { name, holder, token }))
