import { execFileSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { request } from "node:https"
import { request as plainRequest } from "node:http"
import { connect, createServer, type Server } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { WebSocket } from "ws"
import { decideHttpAt, visitedAt } from "../../src/http/listenAt.ts"
import { settingKeys } from "../../src/config/settingKeys.ts"
import { has, skipsForbidden } from "../support/needs.ts"
import { serveHome, type Served } from "./support.ts"

const defaults = Object.fromEntries(
  settingKeys.filter(({ key }) => key.startsWith("http.")).map(({ default: value, key }) => [key.slice(5), value])
)
const at = (http: object) => decideHttpAt({ http: { ...defaults, enabled: true, ...http } as never })

describe("where hob may listen", () => {
  it("other machines need permission and a certificate", () => {
    assert.strictEqual(at({}).type, "listen")
    assert.strictEqual(at({ host: "::1" }).type, "listen")
    for (const http of [
      { host: "0.0.0.0" },
      { host: "192.168.7.2" },
      { host: "::" },
      { host: "0.0.0.0", allowRemote: true },
      { host: "not.an.address" },
      { tlsCertFile: "/x" },
      { host: "0.0.0.0", allowRemote: true, tlsKeyFile: "/x" }
    ]) {
      assert.strictEqual(at(http).type, "refused", JSON.stringify(http))
    }
    const remote = { host: "0.0.0.0", allowRemote: true, tlsCertFile: "/c", tlsKeyFile: "/k" }
    assert.include(at(remote), { type: "listen" })
  })
})

describe("where a browser is to come", () => {
  it("by the first of hob's names where other machines reach it, and by the address otherwise", () => {
    const names = ["build.example.org", "other.example.org"]
    assert.strictEqual(visitedAt("https://192.168.7.2:8443", names), "https://build.example.org:8443")
    assert.strictEqual(visitedAt("https://192.168.7.2:8443", []), "https://192.168.7.2:8443")
    assert.strictEqual(visitedAt("https://0.0.0.0:8443", []), "https://localhost:8443")
    assert.strictEqual(visitedAt("https://[::]:8443", []), "https://localhost:8443")
    assert.strictEqual(visitedAt("https://[2001:db8::1]:8443", []), "https://[2001:db8::1]:8443")
    assert.strictEqual(visitedAt("http://127.0.0.1:64875", names), "http://127.0.0.1:64875")
    assert.strictEqual(visitedAt("http://[::1]:64875", names), "http://[::1]:64875")
  })
})

describe("from elsewhere", { timeout: 120_000 }, () => {
  /** What `ssh -L SOCKET:127.0.0.1:PORT` does: a socket here, whose connections end at hob's port. */
  const forward = (path: string, to: number | string): Promise<Server> =>
    new Promise((listening) => {
      const server = createServer((socket) => {
        const other = typeof to === "number" ? connect(to, "127.0.0.1") : connect(to)
        socket.pipe(other).pipe(socket)
        for (const each of [socket, other]) each.on("error", () => each.destroy())
      }).listen(path, () => listening(server))
    })

  describe("through a forwarded socket", () => {
    let served: Served
    let directory: string
    beforeAll(async () => {
      served = await serveHome()
      directory = mkdtempSync(join(tmpdir(), "fwd-"))
    })
    afterAll(async () => {
      await served?.home.destroy()
      rmSync(directory, { recursive: true, force: true })
    })

    it("the API answers as it does here, streams and WebSockets too", async () => {
      const path = join(directory, "http.sock")
      const server = await forward(path, served.port)
      const headers = { authorization: `Bearer ${served.token}`, host: "localhost" }
      const status = await new Promise<number>((done) => {
        plainRequest({ socketPath: path, path: "/sessions", headers }, (answer) =>
          done(answer.resume().statusCode!)
        ).end()
      })
      assert.strictEqual(status, 200)
      const refused = await new Promise<number>((done) => {
        plainRequest({ socketPath: path, path: "/sessions", headers: { host: "localhost" } }, (answer) =>
          done(answer.resume().statusCode!)
        ).end()
      })
      assert.strictEqual(refused, 401)
      const socket = new WebSocket(`ws+unix://${path}:/ws`, { headers })
      await new Promise((open, failed) => socket.once("open", open).once("error", failed))
      socket.send('{"jsonrpc":"2.0","id":1,"method":"daemon.ping"}')
      const answer = await new Promise<Buffer>((heard) => socket.once("message", heard))
      assert.include(answer.toString(), '"pong":true')
      socket.terminate()
      server.close()
    })

    it("the native socket can be forwarded as it is", async () => {
      const path = join(directory, "native.sock")
      const server = await forward(path, served.home.paths.socket)
      const bare = await import("../../src/client/wire/bare.ts")
      const client = await bare.open(path)
      assert.deepStrictEqual(await client.call("daemon.ping", {}), { pong: true })
      client.close()
      server.close()
    })
  })

  describe.skipIf(!has("openssl") && !skipsForbidden)("over TLS", () => {
    let served: Served
    let directory: string
    beforeAll(async () => {
      directory = mkdtempSync(join(tmpdir(), "tls-"))
      const [key, cert] = [join(directory, "key.pem"), join(directory, "cert.pem")]
      const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
      execFileSync(
        "openssl",
        [
          "req",
          "-x509",
          "-newkey",
          "ec",
          "-pkeyopt",
          "ec_paramgen_curve:prime256v1",
          "-nodes",
          "-days",
          "2",
          "-keyout",
          key,
          "-out",
          cert,
          ...subject
        ],
        { stdio: "ignore" }
      )
      served = await serveHome({ http: { tlsCertFile: cert, tlsKeyFile: key } })
    })
    afterAll(async () => {
      await served?.home.destroy()
      rmSync(directory, { recursive: true, force: true })
    })

    it("hob answers by its certificate, and not without it", async () => {
      assert.match(served.url, /^https:/)
      const ca = readFileSync(join(directory, "cert.pem"))
      const headers = { authorization: `Bearer ${served.token}` }
      const get = (options: object, path = "/sessions") =>
        new Promise<number | string>((done) => {
          // By name, and at 127.0.0.1 at once: elsewhere it is tried for a quarter of a second only.
          request({ port: served.port, host: "localhost", family: 4, path, headers, ...options }, (answer) =>
            done(answer.resume().statusCode!)
          )
            .on("error", (error: NodeJS.ErrnoException) => done(error.code!))
            .end()
        })
      assert.strictEqual(await get({ ca }), 200)
      assert.strictEqual(await get({}), "DEPTH_ZERO_SELF_SIGNED_CERT")
      assert.strictEqual(
        await get({ ca, maxVersion: "TLSv1.1", minVersion: "TLSv1", ciphers: "DEFAULT@SECLEVEL=0" }).then(typeOf),
        "string"
      )
      const plain = await fetch(`http://127.0.0.1:${served.port}/health`).then(
        (answer) => answer.status,
        () => "refused"
      )
      assert.notStrictEqual(plain, 200)
      const socket = new WebSocket(`wss://localhost:${served.port}/ws`, { headers, ca, family: 4 })
      await new Promise((open, failed) => socket.once("open", open).once("error", failed))
      socket.terminate()
      const { url } = await served.home.json<{ url: string }>(["http", "login"])
      const cookie = await new Promise<string>((done) => {
        request(url.replace("127.0.0.1", "localhost"), { ca, family: 4 }, (answer) =>
          done(answer.resume().headers["set-cookie"]![0]!)
        ).end()
      })
      assert.match(cookie, /^__Host-hob_\d+=.*; Secure$/)
    })

    it("a certificate that can't be read is told", async () => {
      await served.home.ok(["http", "disable"])
      rmSync(join(directory, "key.pem"))
      const refused = await served.home.hob(["http", "enable"])
      assert.strictEqual(refused.code, 1)
      assert.include(refused.stderr, "The certificate can't be read")
    })
  })
})

const typeOf = (value: unknown): string => typeof value
