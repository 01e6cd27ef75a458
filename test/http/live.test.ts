import { assert, describe, it } from "vitest"
import { Live } from "../../src/http/serve/Live.ts"

const client = () => ({ ping: () => {}, end: () => {} })
const bearer = (id: string, expiresMillis: number | null) => ({ id, scope: "read" as const, expiresMillis })

describe("who goes on by a token that expires", () => {
  it("is watched once for each token, for as long as anybody is here by it", () => {
    const watched: Array<string> = []
    const live = new Live(({ id }) => {
      watched.push(id)
      return () => watched.splice(watched.indexOf(id), 1)
    })
    const brief = bearer("brief", 1)
    const clients = Array.from({ length: 1000 }, client)
    for (const each of clients) live.add(each, brief)
    const other = client()
    live.add(other, bearer("other", 1))
    live.add(client(), bearer("lasting", null))
    live.add(client(), undefined)
    assert.deepStrictEqual(watched, ["brief", "other"])
    live.delete(other)
    assert.deepStrictEqual(watched, ["brief"])
    for (const each of clients) live.delete(each)
    assert.deepStrictEqual(watched, [])
    live.add(other, brief)
    assert.deepStrictEqual(watched, ["brief"])
  })
})
