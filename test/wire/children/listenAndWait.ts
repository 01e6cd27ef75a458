/** Listens at the given path until it is killed. */
import { listen } from "../../../src/wire/unixSocket.ts"

await listen(process.argv[2]!, (socket) => socket.destroy())
process.send!("listening")

// Whatever becomes of the test.
process.once("disconnect", () => process.exit())
