/** The stand-in of the middleware, tried with a client that is not ours. */
import { createHash, createHmac, pbkdf2Sync, randomBytes } from "node:crypto"
import { afterAll, describe, expect, it } from "vitest"
import { type Client, failure, openClient } from "../support/middleware/client.ts"
import { beginScram, finishScram, scramKey } from "../support/middleware/scram.ts"
import { type StartedMiddleware, type StartOptions, startMiddleware } from "../support/middleware/start.ts"
import { quietPort } from "../support/port.ts"

const ends: Array<() => Promise<void>> = []
afterAll(async () => {
  for (const end of ends) await end()
})
const start = async (options: StartOptions = {}): Promise<StartedMiddleware> => {
  const started = await startMiddleware(options)
  ends.push(started.stop)
  return started
}
const loggedIn = async ({ uri }: StartedMiddleware, options: { legacy_jobs: boolean } = { legacy_jobs: false }) => {
  const client = await openClient(uri)
  await client.call("core.set_options", options)
  expect(await client.call("auth.login", "admin", "correct horse")).toBe(true)
  return client
}
const login = (client: Client, said: object) => client.call("auth.login_ex", said)

describe("logging in", async () => {
  const started = await start({
    users: {
      admin: { password: "correct horse" },
      careful: { password: "battery", otp: "123456" },
      late: { password: "staple", outcome: "EXPIRED" }
    },
    tokens: ["one time"],
    rateLimitCalls: 1000
  })
  const { middleware } = started

  it("a password is right or it is AUTH_ERR, which is a result", async () => {
    const client = await openClient(started.uri)
    const wrong = { mechanism: "PASSWORD_PLAIN", username: "admin", password: "wrong" }
    expect(await login(client, wrong)).toEqual({ response_type: "AUTH_ERR" })
    expect(await failure(client.call("mock.echo"))).toMatchObject({ code: -32001, data: { error: 207 } })
    const right = { ...wrong, password: "correct horse", login_options: { reconnect_token: true } }
    const { reconnect_token, response_type } = await login(client, right)
    expect(response_type).toBe("SUCCESS")
    expect(await client.call("mock.echo", 1, "two", { a: 1 })).toEqual([1, "two", { a: 1 }])
    const other = await openClient(started.uri)
    expect(await login(other, { mechanism: "TOKEN_PLAIN", token: reconnect_token })).toMatchObject({
      response_type: "SUCCESS"
    })
  })

  it("a one-time password is asked for, three times", async () => {
    const client = await openClient(started.uri)
    const password = { mechanism: "PASSWORD_PLAIN", username: "careful", password: "battery" }
    const asked = { response_type: "OTP_REQUIRED", username: "careful" }
    expect(await login(client, password)).toEqual(asked)
    expect(await login(client, { mechanism: "OTP_TOKEN", otp_token: "0" })).toEqual(asked)
    expect(await login(client, { mechanism: "OTP_TOKEN", otp_token: "0" })).toEqual(asked)
    expect(await login(client, { mechanism: "OTP_TOKEN", otp_token: "0" })).toEqual({ response_type: "AUTH_ERR" })
    expect(await login(client, password)).toEqual(asked)
    const right = await client.call("auth.login_ex_continue", { mechanism: "OTP_TOKEN", otp_token: "123456" })
    expect(right).toMatchObject({ response_type: "SUCCESS" })
  })

  it("keys and tokens are taken, a token once, and the older methods too", async () => {
    const client = await openClient(started.uri)
    const token = { mechanism: "TOKEN_PLAIN", token: "one time" }
    expect(await login(client, token)).toMatchObject({ response_type: "SUCCESS" })
    expect(await login(client, token)).toEqual({ response_type: "AUTH_ERR" })
    const key = "1-testkeymaterial0123456789abcdef"
    const plain = { mechanism: "API_KEY_PLAIN", username: "admin", api_key: key }
    expect(await login(client, plain)).toMatchObject({ response_type: "SUCCESS" })
    expect(await client.call("auth.login_with_api_key", key)).toBe(true)
    expect(await client.call("auth.login_with_api_key", `${key}0`)).toBe(false)
    expect(await client.call("auth.login", "admin", "correct horse")).toBe(true)
    const fresh = (await client.call("auth.generate_token")) as string
    expect(await client.call("auth.login_with_token", fresh)).toBe(true)
    expect(await client.call("auth.login", "careful", "battery")).toBe(false)
    expect(await client.call("auth.login", "careful", "battery", "123456")).toBe(true)
    expect(await login(client, { mechanism: "PASSWORD_PLAIN", username: "late", password: "staple" })).toEqual({
      response_type: "EXPIRED"
    })
  })

  it("what it counts is what happened", async () => {
    const { connections, failedLogins, logins } = middleware.counts
    const client = await openClient(started.uri)
    await client.call("auth.login", "admin", "wrong")
    await client.call("auth.login", "admin", "correct horse")
    expect(middleware.counts).toMatchObject({
      connections: connections + 1,
      failedLogins: failedLogins + 1,
      logins: logins + 1
    })
  })

  it("a session that has expired is nobody's", async () => {
    const client = await loggedIn(started)
    middleware.expireSessions()
    expect(await failure(client.call("mock.mark", "expired"))).toMatchObject({
      data: { errname: "ENOTAUTHENTICATED", reason: "[ENOTAUTHENTICATED] Not authenticated" }
    })
    expect(middleware.marks.has("expired")).toBe(false)
  })

  it("an older version lacks methods, and its list of mechanisms may be broken", async () => {
    const { uri } = await start({ without: ["auth.login_ex"], mechanismChoicesBroken: true })
    const client = await openClient(uri)
    expect(await failure(login(client, {}))).toMatchObject({ code: -32601, message: "Method does not exist" })
    const { data } = await failure(client.call("auth.mechanism_choices"))
    expect(data.reason).toContain("may_create_auth_token")
  })

  it("a key that comes in the clear is revoked, where that is wanted", async () => {
    const { tlsUri, uri, ca } = await start({ revokesKeysSentPlain: true, tls: ["127.0.0.1"] })
    const key = { mechanism: "API_KEY_PLAIN", username: "admin", api_key: "1-testkeymaterial0123456789abcdef" }
    const safe = await openClient(tlsUri!, { ca: ca! })
    expect(await login(safe, key)).toMatchObject({ response_type: "SUCCESS" })
    expect(await login(await openClient(uri), key)).toEqual({ response_type: "EXPIRED" })
    expect(await login(safe, key)).toEqual({ response_type: "AUTH_ERR" })
  })

  it("who tries too often is refused, but not on the Unix socket", async () => {
    const { middleware, unixUri, uri } = await start({ rateLimitCalls: 2, rateLimitDelayMillis: 1 })
    const client = await openClient(uri)
    await client.call("auth.login", "admin", "wrong")
    await client.call("auth.login", "admin", "wrong")
    expect(await failure(client.call("auth.login", "admin", "correct horse"))).toMatchObject({
      data: { error: 16, reason: "[EBUSY] Rate Limit Exceeded" }
    })
    expect(middleware.counts.rateLimited).toBe(1)
    const local = await openClient(unixUri)
    expect(await local.call("mock.echo", 1)).toEqual([1])
  })
})

describe("SCRAM", () => {
  const key = "1-testkeymaterial0123456789abcdef"
  const secret = key.slice(2)

  it("agrees with the exchange that was taken down", () => {
    const clientNonce = Buffer.from("WQUUG6PSAHWUrw25l6+Pd0Vdxb//QaTud/+bNbM/rKk=", "base64")
    const nonce = "WQUUG6PSAHWUrw25l6+Pd0Vdxb//QaTud/+bNbM/rKk1Lc7OjW+dbBW+DiDJHf/j9KSYv5nq7e2mumD6OQgt2A=="
    const serverNonce = Buffer.from(nonce, "base64").subarray(32)
    const stored = scramKey(secret, Buffer.from("MDEyMzQ1Njc4OWFiY2RlZg==", "base64"), 50_000)
    const first = `n,,n=admin:1,r=${clientNonce.toString("base64")}`
    const exchange = beginScram(
      first,
      (user, id) => (user === "admin" && id === "1" ? stored : undefined),
      serverNonce
    )!
    expect(exchange.serverFirst).toBe(`r=${nonce},s=MDEyMzQ1Njc4OWFiY2RlZg==,i=50000`)
    const proof = "BXjTq95aGuHB6aM9VTvDtApzGiVpeUQY8nAwLP6Lt7tAhqlRbyCTi/hSDuAaAPG9Kf47/KjVFB44hfLJjbypwQ=="
    expect(finishScram(exchange, `c=biws,r=${nonce},p=${proof}`)).toBe(
      "v=YnZqk6KeB98dI7NPlk48W8tMvtRnyVIwKamyH9MW1iUVGlqJr3pREvxoozO8ep9MTuAgl3HR5Jd2/RNU9zwexA=="
    )
    expect(finishScram(exchange, `c=biws,r=${nonce},p=${"A".repeat(86)}==`)).toBe(null)
  })

  /** The client's side, from the RFC. */
  const proveTo = async (client: Client, binding: { header: string; data: Buffer }, secret: string) => {
    const hmac = (key: Buffer, text: string) => createHmac("sha512", key).update(text).digest()
    const bare = `n=admin:1,r=${randomBytes(32).toString("base64")}`
    const first = { mechanism: "SCRAM", scram_type: "CLIENT_FIRST_MESSAGE", rfc_str: binding.header + bare }
    const { rfc_str: serverFirst } = (await login(client, first)) as { rfc_str: string }
    const [, nonce, salt, iterations] = /^r=(.*),s=(.*),i=(\d+)$/.exec(serverFirst)!
    const salted = pbkdf2Sync(secret, Buffer.from(salt!, "base64"), Number(iterations), 64, "sha512")
    const clientKey = hmac(salted, "Client Key")
    const c = Buffer.concat([Buffer.from(binding.header), binding.data]).toString("base64")
    const auth = `${bare},${serverFirst},c=${c},r=${nonce}`
    const signature = hmac(createHash("sha512").update(clientKey).digest(), auth)
    const proof = Buffer.from(clientKey.map((byte, at) => byte ^ signature[at]!)).toString("base64")
    const rfc_str = `c=${c},r=${nonce},p=${proof}`
    const answer = await login(client, { mechanism: "SCRAM", scram_type: "CLIENT_FINAL_MESSAGE", rfc_str })
    return { answer, expected: `v=${hmac(hmac(salted, "Server Key"), auth).toString("base64")}` }
  }

  it("lets in who has the key, bound to the channel or not, and nobody else", async () => {
    const { ca, middleware, tlsUri, uri } = await start({ tls: ["127.0.0.1"] })
    const free = { header: "n,,", data: Buffer.alloc(0) }
    const client = await openClient(uri)
    const proved = await proveTo(client, free, secret)
    expect(proved.answer).toMatchObject({ response_type: "SCRAM_RESPONSE", rfc_str: proved.expected })
    expect(await client.call("mock.echo", 1)).toEqual([1])
    expect((await proveTo(client, free, `${secret}0`)).answer).toEqual({ response_type: "AUTH_ERR" })

    const safe = await openClient(tlsUri!, { ca: ca! })
    const { raw } = (
      safe.socket as unknown as { _socket: { getPeerCertificate(): { raw: Buffer } } }
    )._socket.getPeerCertificate()
    const bound = { header: "p=tls-server-end-point,,", data: createHash("sha256").update(raw).digest() }
    expect((await proveTo(safe, bound, secret)).answer).toMatchObject({ response_type: "SCRAM_RESPONSE" })
    const elsewhere = { ...bound, data: Buffer.alloc(32) }
    expect((await proveTo(safe, elsewhere, secret)).answer).toEqual({ response_type: "AUTH_ERR" })
    expect(middleware.counts.logins).toBe(2)
  })
})

describe("calls", async () => {
  const started = await start({ rateLimitCalls: 1000 })
  const { middleware } = started

  it("params come back with the very characters that were sent", async () => {
    const client = await loggedIn(started)
    const params = `[12345678901234567890, 1e400, -0, 1.0, {"2":1,"1":2,"a":3,"a":4}, {"$date":1700000000500}, "\\u00e9\\ud800"]`
    const answered = new Promise<string>((resolve) => client.socket.once("message", (data) => resolve(String(data))))
    client.socket.send(`{"jsonrpc":"2.0","id":"x","method":"mock.echo","params":${params}}`)
    expect(await answered).toBe(`{"jsonrpc": "2.0", "result": ${params}, "id": "x"}`)
    expect(middleware.received.at(-1)).toEqual({ method: "mock.echo", params })
  })

  it("failures have the shapes of the protocol", async () => {
    const client = await loggedIn(started)
    expect(await failure(client.call("mock.fail", "boom"))).toMatchObject({
      code: -32001,
      message: "Method call error",
      data: { error: 14, errname: "EFAULT", reason: "[EFAULT] boom", trace: { class: "CallError" }, extra: null }
    })
    expect(await failure(client.call("mock.invalid"))).toMatchObject({
      code: -32602,
      data: {
        extra: [
          ["mock_create.name", "Field required", 22],
          ["mock_create.size", "Must be positive", 22]
        ]
      }
    })
    expect(await failure(client.call("no.such"))).toMatchObject({ code: -32601 })
    expect(await failure(client.call("mock.error", -32099, "odd"))).toMatchObject({ code: -32099, message: "odd" })
  })

  it("what is no request is told apart from what is not JSON", async () => {
    const client = await loggedIn(started)
    const answers: Array<unknown> = []
    for (const text of ["{", "[]", "7", `{"jsonrpc":"2.0","id":1,"method":7}`]) {
      const answer = new Promise<string>((resolve) => client.socket.once("message", (data) => resolve(String(data))))
      client.socket.send(text)
      const { error, id } = JSON.parse(await answer) as { error: { code: number }; id: unknown }
      answers.push([error.code, id])
    }
    expect(answers).toEqual([
      [-32700, null],
      [-32700, null],
      [-32600, null],
      [-32600, 1]
    ])
  })

  it("ten run, ten wait, and the next is refused", async () => {
    const client = await loggedIn(started)
    const calls = Array.from({ length: 20 }, (_, at) => client.call("mock.hold", at))
    expect(await failure(client.call("mock.echo"))).toMatchObject({
      code: -32000,
      message: "Maximum number of concurrent calls (20) has exceeded"
    })
    middleware.release()
    await Promise.all(calls.slice(0, 10))
    middleware.release()
    expect(await Promise.all(calls)).toEqual(Array.from({ length: 20 }, (_, at) => [at]))
    expect([...middleware.connections].at(-1)!.mostInFlight).toBe(20)
  })

  it("what is held is answered out of order", async () => {
    const client = await loggedIn(started)
    const order: Array<number> = []
    const calls = [1, 2, 3].map((at) => client.call("mock.hold", at).then(() => order.push(at)))
    await client.call("core.ping")
    middleware.release()
    await Promise.all(calls)
    expect(order).toEqual([3, 2, 1])
  })

  it("too long a message closes the connection: more may be said after the login", async () => {
    const stranger = await openClient(started.uri)
    stranger.socket.send("x".repeat(8 * 1024 + 1))
    expect((await stranger.closed).code).toBe(1007)
    const client = await loggedIn(started)
    expect((await client.call("mock.echo", "x".repeat(60 * 1024)))[0]).toHaveLength(60 * 1024)
    client.socket.send("x".repeat(64 * 1024 + 1))
    expect(await client.closed).toEqual({ code: 1009, reason: "Max message length is 64 kB" })
  })

  it("binary frames, and what a test asks for, close it too", async () => {
    const client = await loggedIn(started)
    client.socket.send(Buffer.from([1]))
    expect((await client.closed).code).toBe(1003)
    const other = await loggedIn(started)
    other.call("mock.close", 1011, "internal").catch(() => undefined)
    expect(await other.closed).toEqual({ code: 1011, reason: "internal" })
    const third = await loggedIn(started)
    third.call("mock.drop", "dropped").catch(() => undefined)
    expect((await third.closed).code).toBe(1006)
    expect(middleware.marks.get("dropped")).toBe(1)
  })

  it("the certificate is for its hosts, and of an authority that nobody knows", async () => {
    const { ca, tlsUri } = await start({ tls: ["middleware.test"] })
    await expect(openClient(tlsUri!)).rejects.toThrow()
    await expect(openClient(tlsUri!, { ca: ca! })).rejects.toThrow(/127\.0\.0\.1/)
    const client = await openClient(tlsUri!, { ca: ca!, servername: "middleware.test" })
    expect(await client.call("core.ping")).toBe("pong")
  })

  it("connections can be refused, and it comes back where it was", async () => {
    const first = await startMiddleware({ port: await quietPort() })
    first.middleware.refuseWith = 502
    await expect(openClient(first.uri)).rejects.toThrow("502")
    await first.stop()
    await expect(openClient(first.uri)).rejects.toThrow(/ECONNREFUSED/)
    const second = await start({ port: first.port })
    expect(second.uri).toBe(first.uri)
    expect(await (await openClient(second.uri)).call("core.ping")).toBe("pong")
  })
})

describe("jobs and events", async () => {
  const started = await start({ rateLimitCalls: 1000 })
  const { middleware } = started
  const eventsOf = (client: Client) =>
    client.notifications.filter(({ method }) => method === "collection_update").map(({ params }) => params)
  const states = (client: Client) => eventsOf(client).map(({ fields }) => [fields.state, fields.progress.percent])

  it("a job is answered when it is over, and tells of itself meanwhile", async () => {
    const client = await loggedIn(started)
    await client.call("core.subscribe", "core.get_jobs")
    expect(await client.call("mock.job", { steps: 2 })).toEqual({ ok: true, steps: 2 })
    expect(states(client)).toEqual([
      ["WAITING", 0],
      ["RUNNING", 0],
      ["RUNNING", 0],
      ["RUNNING", 50],
      ["RUNNING", 100],
      ["SUCCESS", 100]
    ])
    const [first] = eventsOf(client)
    expect(first.msg).toBe("added")
    expect(first.fields.message_ids).toHaveLength(1)
    const kinds = client.frames.slice(-2).map((frame) => frame.includes("collection_update"))
    expect(kinds).toEqual([true, false])
  })

  it("its last event may come behind the answer", async () => {
    const client = await loggedIn(started)
    await client.call("core.subscribe", "core.get_jobs")
    await client.call("mock.job", { steps: 1, lateEvent: true })
    expect(states(client).at(-1)).toEqual(["RUNNING", 100])
    await client.notified(({ params }) => params.fields.state === "SUCCESS")
  })

  it("one fails, one is aborted, one shares with another, one says nothing", async () => {
    const client = await loggedIn(started)
    await client.call("core.subscribe", "core.get_jobs")
    const failed = await failure(client.call("mock.job", { steps: 1, fail: "disk on fire" }))
    expect(failed.data.reason).toBe("[EFAULT] disk on fire")

    const aborted = client.call("mock.job", { steps: 1, interval: 600 })
    const { params } = await client.notified(({ params }) => params.fields.arguments[0]?.interval === 600)
    await client.call("core.job_abort", params.id)
    expect(await aborted).toBe(null)
    const [job] = await client.call("core.get_jobs", [["id", "=", params.id]])
    expect(job).toMatchObject({ state: "ABORTED", error: null, exception: null, exc_info: null })

    const same = { steps: 1, interval: 0.05, share: true }
    expect(await Promise.all([client.call("mock.job", same), client.call("mock.job", same)])).toEqual([
      { ok: true, steps: 1 },
      { ok: true, steps: 1 }
    ])
    const shared = eventsOf(client).filter(({ fields }) => fields.arguments[0]?.share === true)
    expect(shared.at(-1).fields.message_ids).toHaveLength(2)
    expect(new Set(shared.map(({ id }) => id)).size).toBe(1)

    const before = eventsOf(client).length
    await client.call("mock.job", { steps: 1, transient: true })
    expect(eventsOf(client)).toHaveLength(before)
  })

  it("it goes on when its caller is gone, and is found again", async () => {
    const client = await loggedIn(started)
    await client.call("core.subscribe", "core.get_jobs")
    client.call("mock.job", { steps: 4, interval: 0.05 }).catch(() => undefined)
    const { params } = await client.notified(({ params }) => params.fields?.state === "RUNNING")
    client.socket.terminate()
    const again = await loggedIn(started)
    expect(await again.call("core.job_wait", params.id)).toEqual({ ok: true, steps: 4 })
  })

  it("with legacy_jobs the answer is the job's number, at once", async () => {
    const client = await loggedIn(started, { legacy_jobs: true })
    expect(await client.call("mock.job", { steps: 1 })).toBeTypeOf("number")
  })

  it("an event comes once, however many subscriptions there are, and none after the last is gone", async () => {
    const client = await loggedIn(started)
    const ids = [await client.call("core.subscribe", "alert.list"), await client.call("core.subscribe", "alert.list")]
    await client.call("mock.emit", "alert.list", { level: 1 }, "added", 7)
    expect(eventsOf(client)).toEqual([{ msg: "added", collection: "alert.list", id: 7, fields: { level: 1 } }])
    for (const id of ids) await client.call("core.unsubscribe", id)
    await client.call("mock.emit", "alert.list", { level: 2 })
    expect(eventsOf(client)).toHaveLength(1)
    expect(await failure(client.call("core.subscribe", "mock.secret"))).toMatchObject({ data: { error: 13 } })
  })

  it("a source has its argument in its name, and its end is told", async () => {
    const client = await loggedIn(started)
    const name = 'mock.ticker:{"interval": 0.001, "count": 2}'
    await client.call("core.subscribe", name)
    await client.notified(({ method }) => method === "notify_unsubscribed")
    expect(client.notifications.map(({ method, params }) => [method, params.collection, params.fields])).toEqual([
      ["collection_update", name, { tick: 1 }],
      ["collection_update", name, { tick: 2 }],
      ["notify_unsubscribed", name, undefined]
    ])
    await client.call("core.subscribe", "alert.list")
    middleware.endSubscriptions("alert.list", { error: 22, errname: "EINVAL", reason: "[EINVAL] no more" })
    const { params } = await client.notified(({ params }) => params.collection === "alert.list")
    expect(params.error.error).toBe(22)
  })

  it("who is frozen hears nothing and is not hung up on", async () => {
    const client = await loggedIn(started)
    const connection = [...middleware.connections].at(-1)!
    connection.freeze()
    client.socket.send(`{"jsonrpc":"2.0","id":1,"method":"mock.mark","params":["frozen"]}`)
    const other = await loggedIn(started)
    await other.call("core.ping")
    expect(client.socket.readyState).toBe(client.socket.OPEN)
    expect(middleware.marks.has("frozen")).toBe(false)
    connection.terminate()
    await client.closed
  })
})
