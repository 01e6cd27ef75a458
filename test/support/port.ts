import { createServer } from "node:net"

/** Below what systems give to whoever asks for any port, as every client of every test beside this one does. */
const [FIRST, LAST] = [20_000, 32_000]
/** Processes that run at the same time have pids that are near one another. */
const PER_PROCESS = 16

let next = (process.pid * PER_PROCESS) % (LAST - FIRST)

const isFree = (port: number): Promise<boolean> =>
  new Promise((done) => {
    const server = createServer()
      .once("error", () => done(false))
      .listen(port, "127.0.0.1", () => void server.close(() => done(true)))
  })

/**
 * A port of 127.0.0.1 that nobody listens on, and nobody gets by chance: for who listens there later, or again after a
 * while. One that the system gave may be another connection's as soon as it is given back.
 */
export const quietPort = async (): Promise<number> => {
  for (;;) {
    const port = FIRST + (next++ % (LAST - FIRST))
    if (await isFree(port)) return port
  }
}
