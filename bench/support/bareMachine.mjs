/** A machine that is nothing but a socket.io client: answers every call with what it was sent. */
import { io } from "socket.io-client"

const [url, token, machineId] = process.argv.slice(2)
const socket = io(url, {
  path: "/v1/updates",
  transports: ["websocket"],
  auth: { token, clientType: "machine-scoped", machineId }
})
socket.on("rpc-request", ({ params }, ack) => ack(params))
socket.on("rpc-registered", () => process.send("ready"))
socket.on("connect", () => socket.emit("rpc-register", { method: `${machineId}:stop-session` }))
