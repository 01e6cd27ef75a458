/** Many raw connections from one process: `{ connect: n }`, `{ ping: true }`, `{ leave: true }`. */
import * as net from "node:net"
import { connect } from "../../../src/wire/unixSocket.ts"

const path = process.argv[2]!
let sockets: Array<net.Socket> = []

/** Connects `n` times at once; tells how many were served, refused with which code, or closed. */
const arrive = async (n: number): Promise<Record<string, number>> => {
  const counts: Record<string, number> = {}
  const count = (what: string): void => void (counts[what] = (counts[what] ?? 0) + 1)
  await Promise.all(Array.from({ length: n }, () => arriveOnce(count)))
  return counts
}

const arriveOnce = async (count: (what: string) => void): Promise<void> => {
  let socket: net.Socket
  try {
    socket = await connect(path, { timeoutMillis: 240_000 })
  } catch (error) {
    return count(String(error))
  }
  socket.on("error", () => {})
  const { error } = await ping(socket)
  if (error === undefined) {
    count("served")
    sockets.push(socket)
  } else count(String(error))
}

const ping = (socket: net.Socket): Promise<{ readonly error?: number | "closed"; readonly millis: number }> =>
  new Promise((resolve) => {
    const began = performance.now()
    let text = ""
    const done = (error?: number | "closed") => {
      socket.off("data", data)
      socket.off("close", closed)
      const millis = performance.now() - began
      resolve(error === undefined ? { millis } : { error, millis })
    }
    const closed = () => done("closed")
    const data = (chunk: Buffer) => {
      text += String(chunk)
      if (text.endsWith("\n")) done(JSON.parse(text).error?.code)
    }
    socket.on("data", data)
    socket.on("close", closed)
    socket.write('{"jsonrpc":"2.0","id":1,"method":"toy.echo","params":{"text":"ping"}}\n')
  })

process.on("message", async (order: { connect?: number; ping?: true; leave?: true }) => {
  if (order.connect !== undefined) process.send!(await arrive(order.connect))
  else if (order.ping === true) {
    const pings = await Promise.all(sockets.map(ping))
    const millis = pings.map((one) => one.millis).toSorted((a, b) => a - b)
    process.send!({
      answered: pings.filter((one) => one.error === undefined).length,
      p99: millis[Math.floor(millis.length * 0.99)]
    })
  } else {
    for (const socket of sockets) socket.destroy()
    sockets = []
    process.send!({ left: true })
  }
})
process.send!({ ready: true })

// Whatever becomes of the test.
process.once("disconnect", () => process.exit())
