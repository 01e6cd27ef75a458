// One call with connect and login each time: node bareCall.mjs URI password|scram SECRET METHOD [ARG…]
import { createHash, createHmac, pbkdf2Sync, randomBytes } from "node:crypto"
import { WebSocket } from "ws"

const [uri, kind, secret, method, ...args] = process.argv.slice(2)
const socket = new WebSocket(uri, { origin: "http://localhost", perMessageDeflate: false })
const waiting = new Map()
socket.on("message", (data) => {
  const { error, id, result } = JSON.parse(data.toString())
  const { reject, resolve } = waiting.get(id)
  if (error === undefined) resolve(result)
  else reject(new Error(error.message))
})
let last = 0
const call = (name, params) =>
  new Promise((resolve, reject) => {
    const id = String(++last)
    waiting.set(id, { resolve, reject })
    socket.send(JSON.stringify({ jsonrpc: "2.0", method: name, id, params }))
  })
const hmac = (key, text) => createHmac("sha512", key).update(text).digest()

await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject))
await call("core.set_options", [{ legacy_jobs: false, private_methods: false, py_exceptions: false }])
if (kind === "password") {
  const mechanism = { mechanism: "PASSWORD_PLAIN", username: "admin", password: secret }
  const { response_type } = await call("auth.login_ex", [mechanism])
  if (response_type !== "SUCCESS") throw new Error(response_type)
} else {
  const [key, material] = [secret.slice(0, secret.indexOf("-")), secret.slice(secret.indexOf("-") + 1)]
  const bare = `n=admin:${key},r=${randomBytes(32).toString("base64")}`
  const say = (scram_type, rfc_str) => call("auth.login_ex", [{ mechanism: "SCRAM", scram_type, rfc_str }])
  const first = (await say("CLIENT_FIRST_MESSAGE", `n,,${bare}`)).rfc_str
  const [, nonce, salt, iterations] = /^r=([^,]+),s=([^,]+),i=(\d+)$/.exec(first)
  const salted = pbkdf2Sync(material, Buffer.from(salt, "base64"), Number(iterations), 64, "sha512")
  const clientKey = hmac(salted, "Client Key")
  const without = `c=biws,r=${nonce}`
  const signature = hmac(createHash("sha512").update(clientKey).digest(), `${bare},${first},${without}`)
  const proof = Buffer.from(clientKey.map((byte, at) => byte ^ signature[at])).toString("base64")
  await say("CLIENT_FINAL_MESSAGE", `${without},p=${proof}`)
}
console.log(JSON.stringify(await call(method, args)))
socket.close()
