/**
 * The HTTP API: `GET /sessions` with 100 sessions, and the output of a session to 50 followers on WebSockets.
 *
 *     node bench/http.ts [ROUNDS] [REQUESTS] [MEBIBYTES]
 *
 * Peers: a bare `node:http` server that checks the same token and stringifies the same 100 objects; a bare `ws` server that
 * runs the same program and broadcasts what it prints, in the same messages (JSON with base64), and as binary frames.
 * Servers and the load are processes of their own and take turns within each round; hob is the whole daemon, its
 * session-host counted with it. Ratios are of wall time, and of the servers' processor time beside it. Needs a build.
 */
import { type ChildProcess, execFileSync, fork, spawn } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createServer, request as httpRequest, Agent } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createHash, timingSafeEqual } from "node:crypto"
import { WebSocket, WebSocketServer } from "ws"
import { startHob } from "./support/hob.ts"
import { usage } from "./support/processes.ts"
import { spread } from "./support/statistics.ts"

const SESSIONS = 100
const CONNECTIONS = 50
const FOLLOWERS = 50
const self = import.meta.filename

const hashOf = (text: string): Buffer => createHash("sha256").update(text).digest()

/** The peer: what it lists comes from hob, once; what it broadcasts from the program of each connection's address. */
const bare = (): void => {
  let objects: unknown
  let hash: Buffer = Buffer.alloc(32)
  const server = createServer((request, response) => {
    const token = /^Bearer (\S+)$/.exec(request.headers.authorization ?? "")?.[1] ?? ""
    const isRight = timingSafeEqual(hashOf(token), hash)
    const text = isRight ? JSON.stringify(objects) : "{}"
    response.writeHead(isRight ? 200 : 401, {
      "content-type": "application/json",
      "content-length": Buffer.byteLength(text)
    })
    response.end(text)
  })
  const webSockets = new WebSocketServer({ server, perMessageDeflate: false })
  process.on("message", (order: any) => {
    if (order.objects !== undefined) {
      objects = order.objects
      hash = hashOf(order.token)
      process.send?.({ ready: true })
      return
    }
    // The same program, and each piece of its output made into a message once.
    const program = spawn("cat", [order.file], { stdio: ["ignore", "pipe", "inherit"] })
    let offset = 0
    program.stdout.on("data", (chunk: Buffer) => {
      const message = order.binary
        ? chunk
        : Buffer.from(
            `{"jsonrpc":"2.0","chunk":true,"id":1,"result":[{"offset":${offset},"data":"${chunk.toString("base64")}","gap":0}]}`
          )
      offset += chunk.length
      let waiting = 0
      for (const client of webSockets.clients) {
        client.send(message, { binary: order.binary })
        waiting = Math.max(waiting, client.bufferedAmount)
      }
      // As slow as its slowest reader: a server that does not wait has all of it in memory.
      if (waiting > 1024 * 1024) {
        program.stdout.pause()
        const again = (): void => {
          if ([...webSockets.clients].some((client) => client.bufferedAmount > 512 * 1024))
            return void setTimeout(again, 1)
          program.stdout.resume()
        }
        again()
      }
    })
  })
  server.listen(0, "127.0.0.1", () => process.send?.({ port: (server.address() as AddressInfo).port }))
}

const DATA = Buffer.from('"data":"')
const QUOTE = 0x22

/** The bytes of output in a message, without reading more of it than that takes. */
const outputBytes = (message: Buffer): number => {
  let bytes = 0
  for (let at = message.indexOf(DATA); at !== -1; at = message.indexOf(DATA, at)) {
    const from = at + DATA.length
    const to = message.indexOf(QUOTE, from)
    const padding = message[to - 1] === 0x3d ? (message[to - 2] === 0x3d ? 2 : 1) : 0
    bytes += ((to - from) / 4) * 3 - (to > from ? padding : 0)
    at = to
  }
  return bytes
}

/** The load. */
const load = (): void => {
  process.on("message", (order: any) => {
    const { port, token } = order
    const headers = { authorization: `Bearer ${token}` }
    if (order.requests !== undefined) {
      const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })
      let left = order.requests
      let answered = 0
      const began = performance.now()
      const next = (): void => {
        if (left-- <= 0) return
        httpRequest({ port, host: "127.0.0.1", path: "/sessions", headers, agent }, (response) => {
          if (response.statusCode !== 200) throw new Error(String(response.statusCode))
          response.resume()
          response.on("end", () => {
            if (++answered === order.requests) {
              agent.destroy()
              process.send?.({ seconds: (performance.now() - began) / 1000 })
            }
            next()
          })
        }).end()
      }
      for (let lane = 0; lane < CONNECTIONS; lane++) next()
      return
    }
    let open = 0
    let done = 0
    let began = 0
    const followers: Array<WebSocket> = []
    for (let n = 0; n < FOLLOWERS; n++) {
      const follower = new WebSocket(`ws://127.0.0.1:${port}${order.path}`, { headers, perMessageDeflate: false })
      followers.push(follower)
      let bytes = 0
      let isOpen = false
      const opened = (): void => {
        isOpen = true
        if (++open === FOLLOWERS) process.send?.({ open: true })
      }
      follower.on("open", () => {
        if (order.session === undefined) return opened()
        const params = { session: order.session, follow: true }
        follower.send(JSON.stringify({ jsonrpc: "2.0", id: 1, method: "sessions.output", params }))
      })
      follower.on("message", (message: Buffer, isBinary) => {
        if (!isOpen) opened()
        const size = isBinary ? message.length : outputBytes(message)
        if (size > 0 && began === 0) began = performance.now()
        bytes += size
        if (size === 0 || bytes < order.bytes) return
        if (bytes > order.bytes) throw new Error(`${bytes} bytes came, of ${order.bytes}`)
        if (++done < FOLLOWERS) return
        process.send?.({ seconds: (performance.now() - began) / 1000 })
        for (const each of followers) each.terminate()
      })
      follower.on("error", (error) => {
        throw error
      })
    }
  })
}

const heard = (child: ChildProcess): Promise<any> => new Promise((done) => child.once("message", done))
const ordered = (child: ChildProcess, order: object): Promise<any> => {
  const answer = heard(child)
  child.send(order)
  return answer
}

const main = async (): Promise<void> => {
  const rounds = Number(process.argv[2] ?? 5)
  const requests = Number(process.argv[3] ?? 5000)
  const mebibytes = Number(process.argv[4] ?? 8)
  const directory = mkdtempSync(join(tmpdir(), "hob-bench-"))
  const file = join(directory, "output")
  const size = mebibytes * 1024 * 1024
  writeFileSync(file, Buffer.alloc(size, "a line of what a program prints, as programs do\n"))
  const hob = startHob({ http: { enabled: true, port: 0 } })
  const home = join(hob.directory, "h")
  const run = (...args: ReadonlyArray<string>): string =>
    execFileSync(join(import.meta.dirname, "../bin/hob"), args, {
      env: { ...process.env, HOME: hob.directory, HOB_HOME: home },
      encoding: "utf8"
    })
  const { port } = JSON.parse(readFileSync(join(home, "http.json"), "utf8")) as { readonly port: number }
  const token = readFileSync(join(home, "http.token"), "utf8").trim()
  const ask = async (path: string, body?: object): Promise<any> => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) })
    })
    if (!answer.ok) throw new Error(await answer.text())
    return answer.json()
  }
  const host = (JSON.parse(run("status", "--json")) as { sessionHost: { pid: number } | null }).sessionHost?.pid
  const peer = fork(self, ["bare"])
  const { port: peerPort } = await heard(peer)
  const client = fork(self, ["load"])
  const shares: Record<string, Array<number>> = {}
  const note = (what: string, share: number) => (shares[what] ??= []).push(share)
  const cpu = (...pids: ReadonlyArray<number | undefined>): number =>
    pids.reduce<number>((sum, pid) => sum + (pid === undefined ? 0 : usage(pid).cpuSeconds), 0)
  try {
    for (let n = 0; n < SESSIONS; n++) {
      await ask("/sessions", { directory, command: ["sleep", "100000"], tags: ["bench", `number-${n}`] })
    }
    await ordered(peer, { objects: await ask("/sessions"), token })
    const pids = { hob: [hob.pid, host ?? hostOf(run)], peer: [peer.pid] }
    const list = async (which: "hob" | "peer") => {
      const before = cpu(...pids[which])
      const { seconds } = await ordered(client, { port: which === "hob" ? port : peerPort, token, requests })
      return { seconds, cpu: cpu(...pids[which]) - before }
    }
    const output = async (kind: "hob" | "messages" | "binary") => {
      const which = kind === "hob" ? "hob" : "peer"
      const session =
        kind === "hob"
          ? (await ask("/sessions", { directory, command: ["sh", "-c", `read go; exec cat ${file}`] })).session.id
          : undefined
      const path = kind === "hob" ? "/ws" : "/"
      const at = kind === "hob" ? port : peerPort
      await ordered(client, { port: at, token, path, session, bytes: size })
      const before = cpu(...pids[which])
      const ended = heard(client)
      if (session === undefined) peer.send({ file, binary: kind === "binary" })
      else await ask(`/sessions/${session}/input`, { text: "go\n" })
      const { seconds } = await ended
      const used = cpu(...pids[which]) - before
      return { seconds, cpu: used }
    }
    await list("hob")
    await list("peer")
    for (let round = 0; round < rounds; round++) {
      const [ours, theirs] = [await list("hob"), await list("peer")]
      note("GET /sessions, wall", theirs.seconds / ours.seconds)
      note("GET /sessions, processor time", theirs.cpu / ours.cpu)
      const rate = (seconds: number) => Math.round(requests / seconds)
      const [mine, messages, binary] = [await output("hob"), await output("messages"), await output("binary")]
      note("output to 50, of the same messages, wall", messages.seconds / mine.seconds)
      note("output to 50, of the same messages, processor time", messages.cpu / mine.cpu)
      note("output to 50, of binary frames, wall", binary.seconds / mine.seconds)
      const mb = (seconds: number) => Math.round((mebibytes * FOLLOWERS) / seconds)
      console.log(
        `GET /sessions: hob ${rate(ours.seconds)}/s, bare ${rate(theirs.seconds)}/s; output: hob ${mb(mine.seconds)} MiB/s, messages ${mb(messages.seconds)}, binary ${mb(binary.seconds)}`
      )
    }
    for (const [what, values] of Object.entries(shares)) console.log(`${what}: ${spread(values)}`)
  } finally {
    peer.kill()
    client.kill()
    hob.stop()
    rmSync(directory, { recursive: true, force: true })
  }
}

const hostOf = (run: (...args: ReadonlyArray<string>) => string): number =>
  (JSON.parse(run("status", "--json")) as { sessionHost: { pid: number } }).sessionHost.pid

const [role] = process.argv.slice(2)
if (role === "bare") bare()
else if (role === "load") load()
else await main()
