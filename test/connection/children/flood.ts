/** Sends 1 GiB without a newline, and tells what came back. */
import * as net from "node:net"

const socket = net.connect(process.argv[2]!)
const chunk = Buffer.alloc(64 * 1024, "x")
let left = 1024 ** 3
let reply = ""
let sent = 0
const send = (): void => {
  while (left > 0 && !socket.destroyed) {
    left -= chunk.length
    sent += chunk.length
    if (!socket.write(chunk)) return void socket.once("drain", send)
  }
  if (!socket.destroyed) socket.end()
}
socket.on("connect", send)
socket.on("data", (data) => (reply += String(data)))
socket.on("error", () => {})
socket.on("close", () => process.send!({ reply, sent }))

// Whatever becomes of the test.
process.once("disconnect", () => process.exit())
