import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { afterAll, assert, beforeAll, describe } from "vitest"
import { type Served, serveHome } from "../http/support.ts"
import { type Browser, type Page, startBrowser } from "../support/chromium.ts"
import { until } from "../support/home.ts"
import { has, needs } from "../support/needs.ts"

const it = needs("chromium")

/** What a page's script does to see whether it may: what it is answered, or how it is refused. */
const asks = {
  post: (origin: string) =>
    `fetch("${origin}/sessions", { method: "POST", credentials: "include", headers: { "content-type": "application/json" }, body: '{"directory":"/tmp","command":["true"]}' }).then((answer) => answer.status, () => "refused")`,
  simplePost: (origin: string) =>
    `fetch("${origin}/rpc", { method: "POST", mode: "no-cors", credentials: "include", body: '{"jsonrpc":"2.0","id":1,"method":"daemon.stop"}' }).then((answer) => answer.type, () => "refused")`,
  read: (origin: string) =>
    `fetch("${origin}/sessions", { credentials: "include" }).then((answer) => answer.status, () => "refused")`,
  socket: (origin: string) =>
    `new Promise((done) => {
      const socket = new WebSocket("${origin.replace("http", "ws")}/ws")
      socket.onopen = () => socket.send('{"jsonrpc":"2.0","id":1,"method":"daemon.ping"}')
      socket.onmessage = ({ data }) => done(Object.keys(JSON.parse(data)).includes("result") ? "answered" : data)
      socket.onerror = () => done("refused")
    })`,
  events: (origin: string) =>
    `new Promise((done) => {
      const events = new EventSource("${origin}/events", { withCredentials: true })
      events.addEventListener("subscribed", () => (events.close(), done("subscribed")))
      events.onerror = () => (events.close(), done("refused"))
    })`
}

describe("a real browser", { timeout: 120_000 }, () => {
  let served: Served
  let browser: Browser
  let page: Page
  beforeAll(async () => {
    if (!has("chromium")) return
    served = await serveHome()
    browser = await startBrowser()
    page = await browser.page()
  })
  afterAll(async () => {
    await browser?.close()
    await served?.home.destroy()
  })

  const text = () => page.value<string>("document.body.innerText")

  it("is told how to get in, and shown nothing", async () => {
    await page.open(`${served.url}/`)
    await until("the page says so", async () => (await text()).includes("hob http login"))
    assert.strictEqual(await page.value(asks.read(served.url)), 401)
    assert.strictEqual(await page.value(asks.socket(served.url)), "refused")
    assert.strictEqual(await page.value(asks.events(served.url)), "refused")
  })

  it("gets in once by the address of `hob http login`, with a cookie that no script sees", async () => {
    const link = (await served.home.ok(["http", "login", "--scope", "read"])).match(/http:\S+/)![0]
    await page.open(link)
    await until("it is on the page", async () => (await page.value<string>("location.pathname")) === "/")
    await until("the page shows what runs", async () => (await text()).includes("0 sessions"))
    assert.strictEqual(await page.value("document.cookie"), "")
    assert.strictEqual(await page.value(asks.read(served.url)), 200)
    assert.strictEqual(await page.value(asks.socket(served.url)), "answered")
    assert.strictEqual(await page.value(asks.events(served.url)), "subscribed")
    assert.strictEqual(await page.value(asks.post(served.url)), 403)

    const other = await startBrowser()
    try {
      const second = await other.page()
      await second.open(link)
      assert.strictEqual(await second.value(asks.read(served.url)), 401)
    } finally {
      await other.close()
    }
  })

  it("sees a session begin without asking, as text and nothing else", async () => {
    await served.home.ok(["run", "--detach", "--name", "fresh", "--", "sh", "-c", "sleep 1000 # <b>bold</b>"])
    await until("it is on the page", async () => (await text()).includes("fresh"))
    assert.include(await text(), "<b>bold</b>")
  })

  it("lets no other page of this machine in, though the cookie goes along", async () => {
    let isAsked = 0
    const evil: Server = createServer((_request, response) => {
      isAsked++
      response.setHeader("content-type", "text/html")
      response.end(`<title>other</title><iframe src="${served.url}/"></iframe>`)
    })
    await new Promise<void>((listening) => evil.listen(0, "127.0.0.1", listening))
    try {
      const other = await browser.page()
      await other.open(`http://127.0.0.1:${(evil.address() as AddressInfo).port}/`)
      assert.isAbove(isAsked, 0)
      assert.strictEqual(await other.value("document.title"), "other")
      for (const ask of [asks.read, asks.post, asks.socket, asks.events])
        assert.strictEqual(await other.value(ask(served.url)), "refused")
      // Its answer is hidden from the page either way; what counts is that the daemon has not done it.
      await other.value(asks.simplePost(served.url))
      assert.strictEqual(await page.value(asks.read(served.url)), 200)
      // Another name of this machine is another site altogether.
      await other.open(`http://localhost:${(evil.address() as AddressInfo).port}/`)
      for (const ask of [asks.read, asks.socket, asks.events])
        assert.strictEqual(await other.value(ask(served.url)), "refused")
    } finally {
      evil.closeAllConnections()
      evil.close()
    }
  })

  it("is cut off when its token is revoked, also where it only listens", async () => {
    const tokens = await served.home.json<{ readonly tokens: ReadonlyArray<{ readonly name: string }> }>([
      "token",
      "ls"
    ])
    const { name } = tokens.tokens.find((each) => each.name !== "first")!
    const ended = page.value<string>(
      `new Promise((done) => {
        const socket = new WebSocket("${served.url.replace("http", "ws")}/ws")
        socket.onopen = () => (globalThis.isListening = true)
        socket.onclose = () => done("closed")
      })`
    )
    await until("it listens", () => page.value<boolean>("globalThis.isListening === true"))
    await served.home.ok(["token", "revoke", name])
    assert.strictEqual(await ended, "closed")
    assert.strictEqual(await page.value(asks.read(served.url)), 401)
  })
})
