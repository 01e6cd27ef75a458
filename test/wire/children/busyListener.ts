/** Listens with a backlog of one. The test stops the process, so that nothing is accepted. */
import * as net from "node:net"

net
  .createServer((socket) => socket.on("error", () => {}))
  .listen({ path: process.argv[2]!, backlog: 1 }, () => process.send!("listening"))

// Whatever becomes of the test.
process.once("disconnect", () => process.exit())
