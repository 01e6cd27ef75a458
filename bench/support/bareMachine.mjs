/**
 * A machine that is nothing but a socket.io client: answers every call with what it was sent. With the account's secret
 * it decrypts and encrypts as hob does, by hob's own cipher.
 */
import { io } from "socket.io-client"
import { makeCipher } from "../../src/machine/encryption.ts"

const [url, token, machineId, secret] = process.argv.slice(2)
const cipher = secret === undefined ? null : makeCipher({ kind: "legacy", secret: Buffer.from(secret, "base64") })
const answer = cipher === null ? (params) => params : (params) => cipher.encrypt(cipher.decrypt(params).success)

const socket = io(url, {
  path: "/v1/updates",
  transports: ["websocket"],
  auth: { token, clientType: "machine-scoped", machineId }
})
socket.on("rpc-request", ({ params }, ack) => ack(answer(params)))
socket.on("rpc-registered", () => process.send("ready"))
socket.on("connect", () => socket.emit("rpc-register", { method: `${machineId}:stop-session` }))
