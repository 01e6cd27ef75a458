/**
 * Counts to `times` in a file that many of these share, each step under a lock: `counter.ts SOCKET FILE HOLDER TIMES`.
 * What protects the file is the token alone: a writer whose token is smaller than the file's stops. Prints `done`.
 */
import { readFileSync, renameSync, writeFileSync } from "node:fs"
import { connect, type Socket } from "node:net"

const [path, file, holder, times] = process.argv.slice(2) as [string, string, string, string]
let socket: Socket | undefined
let rest = ""
let hear: ((line: string) => void) | undefined

const open = (): Promise<Socket | undefined> =>
  new Promise((resolve) => {
    const next = connect(path)
    next.setEncoding("utf8")
    next.on("connect", () => resolve(next))
    next.on("error", () => resolve(undefined))
    next.on("close", () => {
      if (socket === next) socket = undefined
      hear?.("")
    })
    next.on("data", (chunk: string) => {
      rest += chunk
      for (let end = rest.indexOf("\n"); end >= 0; end = rest.indexOf("\n")) {
        const line = rest.slice(0, end)
        rest = rest.slice(end + 1)
        hear?.(line)
      }
    })
  })

/** The answer; undefined when the daemon has gone before it gave one. */
const ask = async (method: string, params: object): Promise<any> => {
  while (socket === undefined) {
    rest = ""
    socket = await open()
    if (socket === undefined) await new Promise((again) => setTimeout(again, 20))
  }
  socket.write(`${JSON.stringify({ jsonrpc: "2.0", id: 1, method, params })}\n`)
  const line = await new Promise<string>((resolve) => (hear = resolve))
  hear = undefined
  return line === "" ? undefined : JSON.parse(line)
}

let counted = 0
while (counted < Number(times)) {
  const answer = await ask("locks.acquire", { name: "counter", holder, ttlMillis: 20_000, waitMillis: 60_000 })
  if (answer?.result === undefined) continue
  const { token } = answer.result
  const [value, newest] = readFileSync(file, "utf8").split(" ").map(Number) as [number, number]
  if (token < newest) throw new Error(`token ${token} after ${newest}`)
  // Others would count to the same number here, were they let in.
  await new Promise((turn) => setImmediate(turn))
  writeFileSync(`${file}.${holder}`, `${value + 1} ${token}`)
  renameSync(`${file}.${holder}`, file)
  counted++
  // Whether a release that was not answered was heard is told by the token: a later lease of the same holder has another.
  while ((await ask("locks.release", { name: "counter", holder, token })) === undefined);
}
console.log("done")
process.exit(0)
