/** Clients that fight for a few locks of a real daemon, in ways that a seed decides; and what they saw. */
import { setImmediate as turn, setTimeout as pause } from "node:timers/promises"
import { connect } from "../../src/wire/unixSocket.ts"
import { RawClient, type Reply } from "../connection/toy.ts"
import type { Seen } from "./linearizable.ts"

/** A daemon that may be killed: who finds it away waits until it is said to be up again. */
export class Door {
  readonly path: string
  #ups = 0
  #waiting: Array<() => void> = []

  constructor(path: string) {
    this.path = path
  }

  isUp(): void {
    this.#ups++
    for (const go of this.#waiting.splice(0)) go()
  }

  async connect(): Promise<RawClient> {
    for (;;) {
      const before = this.#ups
      try {
        return new RawClient(await connect(this.path))
      } catch {
        if (this.#ups === before) await new Promise<void>((go) => this.#waiting.push(go))
      }
    }
  }
}

/** Numbers from 0 to 1, the same ones for the same seed (mulberry32). */
const random = (seed: number) => (): number => {
  seed = (seed + 0x6d2b79f5) | 0
  let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
}

const LOCKS = ["a", "b", "c"]
const TURNS = 11
const REFUSED = new Set(["LockNotHeld", "LockHeldByAnother", "LockExpired", "LockTokenMismatch"])
/** Longer than any lease that nobody gives back. */
const PATIENT_MILLIS = 60_000

let connections = 0

/** Runs one history; what was seen of each lock. */
export const fight = async (
  door: Door,
  seed: number,
  clients = 16
): Promise<ReadonlyMap<string, ReadonlyArray<Seen>>> => {
  const seen = new Map<string, Array<Seen>>(LOCKS.map((name) => [`h${seed}:${name}`, []]))
  await Promise.all(Array.from({ length: clients }, (_, who) => new Fighter(door, seed, who, seen).run()))
  return seen
}

class Fighter {
  readonly #door: Door
  readonly #seen: ReadonlyMap<string, Array<Seen>>
  readonly #next: () => number
  readonly #number: number
  /** Grows when it is killed: another process is another holder. */
  #life = 0
  #client: RawClient | undefined
  #connection = 0
  /** Locks that it may have bound to this connection. */
  #bound = new Set<string>()
  #answeredAt = 0
  #lastId = 0

  constructor(door: Door, seed: number, who: number, seen: ReadonlyMap<string, Array<Seen>>) {
    this.#door = door
    this.#number = who
    this.#seen = seen
    this.#next = random(seed * 1000 + who)
  }

  get #who(): string {
    return `${this.#number}.${this.#life}`
  }

  #pick<A>(...values: ReadonlyArray<A>): A {
    return values[Math.floor(this.#next() * values.length)]!
  }

  async run(): Promise<void> {
    let stale = 1
    for (let nth = 0; nth < TURNS; nth++) {
      const lock = this.#pick(...this.#seen.keys())
      const isBound = this.#next() < 0.4
      // What nobody gives back has to end by itself.
      const ttl = this.#pick(100, 150, isBound ? 60_000 : 400)
      if (this.#next() < 0.06) {
        await this.#killedWhileAsking(lock, ttl, isBound)
        continue
      }
      const token = await this.#acquire(lock, ttl, isBound)
      if (token === undefined) {
        if (this.#next() < 0.2) await this.#touch("release", lock, stale)
        continue
      }
      stale = token
      const way = this.#next()
      if (way < 0.15) {
        const longer = this.#pick(100, 300)
        await this.#touch("renew", lock, token, longer)
        await pause(this.#pick(0, longer - 50, longer + 5))
      }
      if (way >= 0.15 && way < 0.22) await this.#acquire(lock, this.#pick(100, 300), isBound)
      else if (way >= 0.22 && way < 0.34 && ttl < 1000) await pause(ttl + this.#pick(-20, 1, 20))
      else if (way >= 0.34 && way < 0.45) {
        this.#kill()
        continue
      }
      await turn()
      await this.#touch("release", lock, token)
    }
    this.#close(performance.now())
  }

  async #acquire(lock: string, ttl: number, isBound: boolean): Promise<number | undefined> {
    const wait = this.#pick(0, 0, 30, PATIENT_MILLIS)
    const common = { type: "acquire", who: this.#who, ttl } as const
    const { from, reply, to, connection } = await this.#ask(
      "locks.acquire",
      this.#acquireParams(lock, ttl, isBound, wait)
    )
    const client = isBound ? connection : undefined
    if (isBound) this.#mayHold(lock, connection)
    if (reply === undefined) return void this.#note(lock, { ...common, client, from, to: Infinity })
    if (reply.error === undefined) {
      const { renewed, token, waitedMillis: waited } = reply.result
      this.#note(lock, { ...common, client, from, to, answer: { token, renewed, waited } })
      return token
    }
    const { _tag, holder } = reply.error.data[0].error
    if (_tag !== "LockHeld" && _tag !== "LockWaitTimedOut") throw new Error(reply.error.message)
    this.#note(lock, { ...common, client, from, to, answer: { heldBy: holder } })
    return undefined
  }

  #acquireParams(name: string, ttlMillis: number, isBound: boolean, waitMillis: number): object {
    return { name, holder: this.#who, ttlMillis, waitMillis, bind: isBound ? "connection" : "lease" }
  }

  async #touch(type: "renew" | "release", lock: string, token: number, ttl = 0): Promise<void> {
    const who = this.#who
    const params = { name: lock, holder: who, token, ...(type === "renew" ? { ttlMillis: ttl } : {}) }
    const { from, reply, to } = await this.#ask(`locks.${type}`, params)
    const common = { type, who, token, ttl, from } as const
    if (reply === undefined) this.#note(lock, { ...common, to: Infinity })
    else if (reply.error === undefined) this.#note(lock, { ...common, to, answer: "done" })
    else if (REFUSED.has(reply.error.data[0].error._tag)) this.#note(lock, { ...common, to, answer: "refused" })
    else throw new Error(reply.error.message)
  }

  async #killedWhileAsking(lock: string, ttl: number, isBound: boolean): Promise<void> {
    this.#client ??= await this.#open()
    const from = performance.now()
    this.#client.request(++this.#lastId, "locks.acquire", this.#acquireParams(lock, ttl, isBound, PATIENT_MILLIS))
    for (let turns = this.#pick(0, 1, 5, 50); turns > 0; turns--) await turn()
    const client = isBound ? this.#connection : undefined
    if (isBound) this.#mayHold(lock, this.#connection)
    this.#note(lock, { type: "acquire", who: this.#who, ttl, client, from, to: Infinity })
    this.#kill()
  }

  /** Answered undefined when the daemon has gone meanwhile. */
  async #ask(method: string, params: object) {
    const client = (this.#client ??= await this.#open())
    const connection = this.#connection
    const from = performance.now()
    client.request(++this.#lastId, method, params)
    const reply: Reply | undefined = await client.reply().catch(() => undefined)
    const to = performance.now()
    if (reply === undefined) this.#close(this.#answeredAt)
    else this.#answeredAt = to
    return { from, to, reply, connection }
  }

  async #open(): Promise<RawClient> {
    const client = await this.#door.connect()
    this.#connection = ++connections
    this.#answeredAt = performance.now()
    return client
  }

  /** As of a process: nobody says goodbye. */
  #kill(): void {
    this.#close(performance.now())
    this.#life++
  }

  #close(from: number): void {
    this.#client?.close()
    this.#client = undefined
    const client = this.#connection
    for (const lock of this.#bound) this.#note(lock, { type: "end", who: this.#who, client, from, to: Infinity })
    this.#bound = new Set()
  }

  /** The connection may be gone before its answer was read. */
  #mayHold(lock: string, connection: number): void {
    if (this.#client !== undefined) this.#bound.add(lock)
    else this.#note(lock, { type: "end", who: this.#who, client: connection, from: this.#answeredAt, to: Infinity })
  }

  #note(lock: string, seen: Seen): void {
    this.#seen.get(lock)!.push(seen)
  }
}
