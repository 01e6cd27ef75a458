/**
 * Counts to `times` in a file that many of these share, each step under a lock: `counter.ts SOCKET FILE HOLDER TIMES`.
 * What protects the file is the token alone: a writer whose token is smaller than the file's stops. Tells over IPC how
 * far it has come, and is told there, after a daemon has gone, that there is another one.
 */
import { once } from "node:events"
import { readFileSync, renameSync, writeFileSync } from "node:fs"
import { connect, type Socket } from "node:net"
import { createInterface } from "node:readline"

const [path, file, holder, times] = process.argv.slice(2) as [string, string, string, string]
let daemons = 0
process.on("message", () => daemons++)

interface Line {
  readonly socket: Socket
  readonly answers: AsyncIterator<string>
}
let line: Line | undefined

const open = async (): Promise<Line> => {
  for (;;) {
    const before = daemons
    const socket = connect(path)
    try {
      await once(socket, "connect")
      socket.on("error", () => {})
      return { socket, answers: createInterface(socket)[Symbol.asyncIterator]() }
    } catch {
      // It has gone, and the next one is announced.
      if (daemons === before) await once(process, "message")
    }
  }
}

/** The answer; undefined when the daemon has gone before it gave one. */
const ask = async (method: string, params: object): Promise<any> => {
  line ??= await open()
  line.socket.write(`${JSON.stringify({ jsonrpc: "2.0", id: 1, method, params })}\n`)
  const answer = await line.answers.next().catch(() => undefined)
  if (answer !== undefined && answer.done !== true) return JSON.parse(answer.value)
  line = undefined
  return undefined
}

for (let counted = 0; counted < Number(times); counted++) {
  let answer: any
  while (answer?.result === undefined) {
    answer = await ask("locks.acquire", { name: "counter", holder, ttlMillis: 20_000, waitMillis: 60_000 })
  }
  const { token } = answer.result
  const [value, newest] = readFileSync(file, "utf8").split(" ").map(Number) as [number, number]
  if (token < newest) throw new Error(`token ${token} after ${newest}`)
  // Others would count to the same number here, were they let in.
  await new Promise((turn) => setImmediate(turn))
  writeFileSync(`${file}.${holder}`, `${value + 1} ${token}`)
  renameSync(`${file}.${holder}`, file)
  process.send?.(value + 1)
  // Whether a release that was not answered was heard is told by the token: a later lease of the same holder has another.
  while ((await ask("locks.release", { name: "counter", holder, token })) === undefined);
}
process.exit(0)
