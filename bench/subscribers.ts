/**
 * What subscribers cost who do not hear anything: the publish rate with 10,000 of them, as a share of the rate with none,
 * and the daemon's memory for each idle connection and each subscription.
 *
 *     node bench/subscribers.ts [ROUNDS] [SUBSCRIBERS] [MESSAGES]
 *
 * The publisher speaks the photon dialect; each subscriber has a connection and a channel of its own in the same namespace,
 * on the native socket, which takes more of them. With and without take turns; beside the rate stands the daemon's processor
 * time, which holds on a busy machine too. Linux; needs a build, and more open files than subscribers.
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
      socket.once("data", (answer: Buffer) => {
        if (answer.includes('"error"')) throw new Error(String(answer))
        resolve()
      })
      socket.write(line)
    })
  /** Each has been taken up when it is answered. */
  const open = async (address: string, count: number, ping: string): Promise<void> => {
    for (let from = 0; from < count; from += 500) {
      const some = await Promise.all(Array.from({ length: Math.min(500, count - from) }, () => connect(address)))
      await Promise.all(some.map((socket) => answered(socket, ping)))
      sockets.push(...some)
    }
  }
  const tasks = {
    connect: (address: string, count: number) => open(address, count, `{"type":"ping","id":"p"}\n`),
    connectNative: (address: string, count: number) =>
      open(address, count, `{"jsonrpc":"2.0","id":1,"method":"daemon.ping","params":{}}\n`),
    subscribe: async () => {
      await Promise.all(
        sockets.map((socket, at) => answered(socket, `{"type":"subscribe","id":"s","channel":"idle.${at}"}\n`))
      )
    },
    subscribeNative: async () => {
      const request = (at: number) => ({
        jsonrpc: "2.0",
        id: 2,
        method: "channels.subscribe",
        params: { namespace: "bench", patterns: [`idle.${at}`] }
      })
      await Promise.all(sockets.map((socket, at) => answered(socket, `${JSON.stringify(request(at))}\n`)))
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

const clients = (): {
  readonly tell: (task: string, address?: string, count?: number) => Promise<void>
  end(): void
} => {
  const child = fork(import.meta.filename, ["idle"])
  return {
    tell: (task, address = "", count = 0) =>
      new Promise((resolve) => {
        child.once("message", () => resolve())
        child.send({ task, address, count })
      }),
    end: () => void child.kill()
  }
}

/** Waits until the process has nothing to do: ten thousand clients that leave are work. */
const quiet = async (pid: number): Promise<void> => {
  for (let before = -1; usage(pid).cpuSeconds !== before;) {
    before = usage(pid).cpuSeconds
    await new Promise((resolve) => setTimeout(resolve, 300))
  }
}

const config = { socket: { maxConnections: 16_384 } }

/** The publish rate with idle subscribers and without, and the daemon's processor time for each publish. */
const compareRates = async (rounds: number, subscribers: number, messages: number): Promise<void> => {
  const hob = startHob(config)
  const idle = clients()
  const publisher = new RoleProcess("publisher", "photon", hob.photon)
  await publisher.said()
  const publish = async (): Promise<{ readonly rate: number; readonly micros: number }> => {
    await quiet(hob.pid)
    const before = usage(hob.pid).cpuSeconds
    publisher.order({ do: "acknowledged", count: messages, inFlight: 64 })
    const { began } = await publisher.said<{ began: number }>()
    const seconds = (Number(process.hrtime.bigint()) - began) / 1e9
    return { rate: messages / seconds, micros: ((usage(hob.pid).cpuSeconds - before) * 1e6) / messages }
  }
  try {
    await publish()
    const measured: Array<{ readonly rate: number; readonly micros: number; readonly alone: number }> = []
    for (let round = 0; round < rounds; round++) {
      const alone = await publish()
      await idle.tell("connectNative", hob.native, subscribers)
      await idle.tell("subscribeNative")
      const beside = await publish()
      await idle.tell("close")
      measured.push({ rate: beside.rate / alone.rate, micros: alone.micros / beside.micros, alone: alone.rate })
    }
    console.log(
      `${subscribers} idle subscribers, of none: ${spread(measured.map(({ rate }) => rate))} of the publish rate`
    )
    console.log(`the same by the daemon's processor time: ${spread(measured.map(({ micros }) => micros))}`)
    console.log(`publishes a second with none: ${median(measured.map(({ alone }) => alone)).toFixed(0)}`)
  } finally {
    idle.end()
    publisher.end()
    await quiet(hob.pid)
    hob.stop()
  }
}

/** How much larger a daemon is that has just been started, for each of `count` that `task` adds. */
const measureMemory = async (
  steps: ReadonlyArray<{ readonly what: string; readonly task: string; readonly count: number; readonly of?: number }>,
  door: "native" | "photon"
): Promise<void> => {
  const hob = startHob(config)
  const idle = clients()
  try {
    for (const { count, of = count, task, what } of steps) {
      const before = usage(hob.pid).residentMegabytes
      await idle.tell(task, hob[door], count)
      const grown = (usage(hob.pid).residentMegabytes - before) * 1024
      if (what !== "") console.log(`${(grown / of).toFixed(2)} KiB for ${what}, of ${of}`)
    }
    await idle.tell("close")
  } finally {
    idle.end()
    await quiet(hob.pid)
    hob.stop()
  }
}

if (process.argv[2] === "idle") idleClients()
else {
  const [rounds = 5, subscribers = 10_000, messages = 100_000] = process.argv.slice(2).map(Number)
  console.log(`median of ${rounds} rounds (lowest to highest), Node ${process.version}`)
  await compareRates(rounds, subscribers, messages)
  const connection = "an idle connection"
  const first = "its first subscription, to a channel of its own"
  // A dialect has a quarter of the files that the daemon may open.
  const photons = Math.min(subscribers, 4000)
  await measureMemory(
    [
      { what: `${connection} of a photon`, task: "connect", count: photons },
      { what: first, task: "subscribe", count: 0, of: photons }
    ],
    "photon"
  )
  await measureMemory(
    [
      { what: `${connection} of the native socket`, task: "connectNative", count: subscribers },
      { what: first, task: "subscribeNative", count: 0, of: subscribers }
    ],
    "native"
  )
  await measureMemory(
    [
      { what: "", task: "connectNative", count: 10 },
      { what: "a subscription of 9000 on a connection", task: "subscribeMany", count: 9000, of: 90_000 }
    ],
    "native"
  )
}
