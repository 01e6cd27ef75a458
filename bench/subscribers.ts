/**
 * What subscribers cost who do not hear anything: the publish rate with 10,000 of them, as a share of the rate with none,
 * and the daemon's memory for each idle connection and each subscription.
 *
 *     node bench/subscribers.ts [ROUNDS] [SUBSCRIBERS] [MESSAGES]
 *
 * Each has a connection of its own and a channel of its own, over the photon dialect, as their publisher. With and without
 * take turns; beside the rate stands the daemon's processor time, which holds on a busy machine too. Linux; needs a build
 * and as many open files as subscribers.
 */
import { fork } from "node:child_process"
import type { Socket } from "node:net"
import { connect } from "../src/wire/unixSocket.ts"
import { startHob } from "./support/hob.ts"
import { RoleProcess } from "./support/messages/RoleProcess.ts"
import { usage } from "./support/processes.ts"
import { median, spread } from "./support/statistics.ts"

/** Idle clients, as a process of their own: opens connections, subscribes some of them, closes them. */
const idleClients = (): void => {
  const sockets: Array<Socket> = []
  const answered = (socket: Socket, line: string): Promise<void> =>
    new Promise((resolve) => {
      socket.once("data", () => resolve())
      socket.write(line)
    })
  const tasks = {
    connect: async (address: string, count: number) => {
      for (let at = 0; at < count; at++) sockets.push(await connect(address))
      // Each has been taken up when it is answered.
      for (const socket of sockets) await answered(socket, `{"type":"ping","id":"p"}\n`)
    },
    connectNative: async (address: string, count: number) => {
      for (let at = 0; at < count; at++) sockets.push(await connect(address))
      for (const socket of sockets) {
        await answered(socket, `{"jsonrpc":"2.0","id":1,"method":"daemon.ping","params":{}}\n`)
      }
    },
    subscribe: async () => {
      for (const [at, socket] of sockets.entries()) {
        await answered(socket, `{"type":"subscribe","id":"s","channel":"idle.${at}"}\n`)
      }
    },
    /** On one connection after another, 1000 at a time, each to `count` channels of its own. */
    subscribeMany: async (_: string, count: number) => {
      for (const [which, socket] of sockets.entries()) {
        for (let from = 0; from < count; from += 1000) {
          const patterns = Array.from({ length: 1000 }, (_, at) => `many.${which}.${from + at}`)
          const params = { patterns }
          await answered(
            socket,
            `${JSON.stringify({ jsonrpc: "2.0", id: 2 + from, method: "channels.subscribe", params })}\n`
          )
        }
      }
    },
    close: async () => {
      const closed = sockets.map((socket) => new Promise<void>((resolve) => void socket.once("close", () => resolve())))
      for (const socket of sockets.splice(0)) socket.destroy()
      await Promise.all(closed)
    }
  }
  process.on("message", ({ address, count, task }: { task: keyof typeof tasks; address: string; count: number }) => {
    void tasks[task](address, count).then(() => process.send?.("done"))
  })
}

const compare = async (): Promise<void> => {
  const [rounds = 5, subscribers = 10_000, messages = 100_000] = process.argv.slice(2).map(Number)
  const hob = startHob({ socket: { maxConnections: 16_384 } })
  const clients = fork(import.meta.filename, ["idle"])
  const tell = (task: string, address = "", count = 0): Promise<void> =>
    new Promise((resolve) => {
      clients.once("message", () => resolve())
      clients.send({ task, address, count })
    })
  const publisher = new RoleProcess("publisher", "photon", hob.photon)
  await publisher.said()
  /** Publishes a second, and the daemon's processor time for each in microseconds. */
  const publish = async (): Promise<{ readonly rate: number; readonly micros: number }> => {
    const before = usage(hob.pid).cpuSeconds
    publisher.order({ do: "acknowledged", count: messages, inFlight: 64 })
    const { began } = await publisher.said<{ began: number }>()
    const seconds = (Number(process.hrtime.bigint()) - began) / 1e9
    return { rate: messages / seconds, micros: ((usage(hob.pid).cpuSeconds - before) * 1e6) / messages }
  }
  const memory = () => usage(hob.pid).residentMegabytes * 1024
  /** The first time counts: later the daemon has the memory already. */
  const kibibytes = new Map<string, number>()
  const note = (what: string, count: number, before: number) => {
    if (!kibibytes.has(what)) kibibytes.set(what, (memory() - before) / count)
  }
  try {
    await publish()
    const none: Array<Awaited<ReturnType<typeof publish>>> = []
    const idle: Array<Awaited<ReturnType<typeof publish>>> = []
    for (let round = 0; round < rounds; round++) {
      none.push(await publish())
      let before = memory()
      await tell("connect", hob.photon, subscribers)
      note("an idle connection of a photon", subscribers, before)
      before = memory()
      await tell("subscribe")
      note("its first subscription", subscribers, before)
      idle.push(await publish())
      await tell("close")
    }
    console.log(`median of ${rounds} rounds (lowest to highest), Node ${process.version}`)
    const rates = idle.map(({ rate }, at) => rate / none[at]!.rate)
    const spent = none.map(({ micros }, at) => micros / idle[at]!.micros)
    console.log(`publish rate with ${subscribers} idle subscribers, of that with none: ${spread(rates)}`)
    console.log(`the same by the daemon's processor time: ${spread(spent)}`)
    console.log(`publishes a second with none: ${median(none.map(({ rate }) => rate)).toFixed(0)}`)
    let before = memory()
    await tell("connectNative", hob.native, subscribers)
    note("an idle connection of the native socket, beside what photon's have left", subscribers, before)
    await tell("close")
    await tell("connectNative", hob.native, 10)
    before = memory()
    await tell("subscribeMany", "", 9000)
    note("one of 9000 subscriptions of a native connection", 90_000, before)
    for (const [what, value] of kibibytes) console.log(`KiB for ${what}: ${value.toFixed(2)}`)
  } finally {
    clients.kill()
    publisher.end()
    hob.stop()
  }
}

if (process.argv[2] === "idle") idleClients()
else await compare()
