/** Writing past Node's streams, for what must be quick: a stream costs several times the system call. */
import { writeSync } from "node:fs"

/** The descriptor that Node keeps behind a socket or terminal and has no public name for; null once it is closed. */
export const descriptorOf = (owner: object): number | null => {
  const fd = (owner as { readonly _handle?: { readonly fd?: number } | null })._handle?.fd
  return fd === undefined || fd < 0 ? null : fd
}

/**
 * How much of `data` a non-blocking descriptor takes at once, nothing when it fails: what is wrong is told by the stream
 * that gets the rest. Only while nothing waits in that stream, or the order is lost.
 */
export const writeAtOnce = (descriptor: number | null, data: Uint8Array): number => {
  if (descriptor === null) return 0
  try {
    return writeSync(descriptor, data)
  } catch {
    return 0
  }
}

/** Writes to a socket, at once if it takes all of it. */
export const writeToSocket = (socket: DirectSocket, data: Buffer): void => {
  const done = socket.writableLength === 0 && !socket.connecting ? writeAtOnce(descriptorOf(socket), data) : 0
  if (done < data.length) socket.write(done === 0 ? data : data.subarray(done))
}

interface DirectSocket {
  readonly writableLength: number
  readonly connecting: boolean
  readonly write: (data: Buffer) => boolean
}
