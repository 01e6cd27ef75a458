import { connect } from "node:net"

/**
 * As gitify-prompt's own client does it: a connection for each request, compact JSON without an end, its side left open;
 * only what comes in the first read is looked at.
 */
export const ask = (path: string, command: string, args: object = {}): Promise<any> =>
  new Promise((resolve, reject) => {
    const socket = connect(path)
    socket.on("connect", () => socket.write(JSON.stringify({ command, ...args })))
    socket.once("data", (data) => {
      socket.end()
      try {
        resolve(JSON.parse(data.toString()))
      } catch (error) {
        reject(error)
      }
    })
    socket.on("error", reject)
  })

/** Everything that is answered to these writes, one after another on one connection, until so many lines have come. */
export const converse = (
  path: string,
  writes: ReadonlyArray<string | Buffer>,
  answers: number
): Promise<ReadonlyArray<any>> =>
  new Promise((resolve, reject) => {
    const socket = connect(path)
    let text = ""
    const next = (index: number): void => {
      if (index < writes.length) socket.write(writes[index]!, () => setImmediate(() => next(index + 1)))
    }
    socket.on("connect", () => next(0))
    socket.on("data", (data) => {
      text += data.toString()
      const lines = text.split("\n").slice(0, -1)
      if (lines.length < answers) return
      socket.destroy()
      resolve(lines.map((line) => JSON.parse(line)))
    })
    socket.on("close", () => reject(new Error(`closed after ${JSON.stringify(text)}`)))
    socket.on("error", reject)
  })
