/**
 * A client of a session's bytes, as a process of its own and with nothing but the frames:
 *
 *     node dataClient.ts SOCKET TICKET print|watch|freeze
 *
 * `print` writes them to standard output as `hob attach` does, and presses Enter once it is attached. `watch` counts
 * them; `freeze` never reads; both say on standard output that they are there.
 * In the end it says on standard error how many seconds passed from the first byte to the end, how many bytes came and
 * how many were skipped.
 */
import { connect } from "node:net"
import { FrameType, MAX_FRAME_BYTES } from "../../src/protocol/sessionFrames.ts"
import { encodeFrame, encodeJsonFrame, FrameReader } from "../../src/wire/frames.ts"

const [path, ticket, what] = process.argv.slice(2)
let bytes = 0
let skipped = 0
let first = 0

const socket = connect(path!)
const finish = () => {
  const seconds = (performance.now() - first) / 1000
  process.stderr.write(`${JSON.stringify({ seconds, bytes, skipped })}\n`)
  process.exit(0)
}

const reader = new FrameReader(MAX_FRAME_BYTES, (type, payload) => {
  if (type === FrameType.output) {
    if (bytes === 0) first = performance.now()
    bytes += payload.length - 8
    if (what !== "print") return
    if (!process.stdout.write(payload.subarray(8))) {
      socket.pause()
      process.stdout.once("drain", () => socket.resume())
    }
  } else if (type === FrameType.gap) {
    const gap = JSON.parse(payload.toString()) as { from: number; to: number }
    skipped += gap.to - gap.from
  } else if (type === FrameType.opened) {
    if (what === "freeze") socket.pause()
    if (what !== "print") process.stdout.write("opened\n")
    else socket.write(encodeFrame(FrameType.input, Buffer.from("\r")))
  } else if (type === FrameType.end) finish()
  else if (type === FrameType.error) throw new Error(payload.toString())
})
socket.on("data", (chunk: Buffer) => reader.push(chunk))
socket.write(encodeJsonFrame(FrameType.open, { ticket }))
