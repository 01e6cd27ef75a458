import { assert, describe, it } from "vitest"
import * as scram from "../../src/upstream/scram.ts"

// A complete run against a server, with the key `1-testkeymaterial0123456789abcdef` of the user admin.
const nonce = Buffer.from("WQUUG6PSAHWUrw25l6+Pd0Vdxb//QaTud/+bNbM/rKk=", "base64")
const serverFirst =
  "r=WQUUG6PSAHWUrw25l6+Pd0Vdxb//QaTud/+bNbM/rKk1Lc7OjW+dbBW+DiDJHf/j9KSYv5nq7e2mumD6OQgt2A==,s=MDEyMzQ1Njc4OWFiY2RlZg==,i=50000"
const serverFinal = "v=YnZqk6KeB98dI7NPlk48W8tMvtRnyVIwKamyH9MW1iUVGlqJr3pREvxoozO8ep9MTuAgl3HR5Jd2/RNU9zwexA=="

const read = (message: string) => {
  const server = scram.readServerFirst(message, nonce)
  if (typeof server === "string") throw new Error(server)
  return server
}

describe("SCRAM-SHA-512", () => {
  it("says what the recorded run said, word for word", async () => {
    const key = scram.readApiKey("1-testkeymaterial0123456789abcdef")!
    const first = scram.clientFirst("admin", key.keyId, nonce)
    assert.strictEqual(first.message, "n,,n=admin:1,r=WQUUG6PSAHWUrw25l6+Pd0Vdxb//QaTud/+bNbM/rKk=")
    const server = read(serverFirst)
    const keys = await scram.deriveKeys(key.secret, server.salt, server.iterations)
    const final = scram.clientFinal(first, server, keys)
    assert.strictEqual(
      final.message,
      "c=biws,r=WQUUG6PSAHWUrw25l6+Pd0Vdxb//QaTud/+bNbM/rKk1Lc7OjW+dbBW+DiDJHf/j9KSYv5nq7e2mumD6OQgt2A==,p=BXjTq95aGuHB6aM9VTvDtApzGiVpeUQY8nAwLP6Lt7tAhqlRbyCTi/hSDuAaAPG9Kf47/KjVFB44hfLJjbypwQ=="
    )
    assert.isTrue(scram.isServerFinal(serverFinal, final))
  })

  it("does not believe a server that has not the key", async () => {
    const server = read(serverFirst)
    const keys = await scram.deriveKeys("another", server.salt, server.iterations)
    const final = scram.clientFinal(scram.clientFirst("admin", "1", nonce), server, keys)
    assert.isFalse(scram.isServerFinal(serverFinal, final))
    assert.isFalse(scram.isServerFinal("v=", final))
    assert.isFalse(scram.isServerFinal("", final))
  })

  it("refuses a nonce that is not ours and nothing more, and iterations that are too few or too many", () => {
    const other = Buffer.alloc(64, 7).toString("base64")
    const salt = "s=MDEyMzQ1Njc4OWFiY2RlZg=="
    for (const message of [
      `r=${other},${salt},i=50000`,
      `r=${nonce.toString("base64")},${salt},i=50000`,
      serverFirst.replace("i=50000", "i=49999"),
      serverFirst.replace("i=50000", "i=5000001"),
      serverFirst.replace("i=50000", "i=1e5"),
      serverFirst.replace("s=MDEyMzQ1Njc4OWFiY2RlZg==", "s="),
      ""
    ]) {
      assert.isString(scram.readServerFirst(message, nonce), message)
    }
  })

  it("escapes what parts its messages, and tells a key from other texts", () => {
    assert.include(scram.clientFirst("a=b,c", "7", nonce).message, "n=a=3Db=2Cc:7,")
    assert.isUndefined(scram.readApiKey("no key"))
    assert.isUndefined(scram.readApiKey("1-"))
    assert.deepStrictEqual(scram.readApiKey("12-a-b"), { keyId: "12", secret: "a-b" })
  })
})
