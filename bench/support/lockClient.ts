/**
 * Acquires and releases, so many pairs at once, on one connection, as a process of its own:
 *
 *     node lockClient.ts PEER ADDRESS
 *
 * It is told over IPC how many, and says there how long they took, in nanoseconds.
 */
import { createClient, defineScript } from "redis"
import { connect } from "../../src/wire/unixSocket.ts"
import { Lines } from "./lines.ts"

export type LockPeer = "photon" | "native" | "redis"

export interface LockOrder {
  readonly pairs: number
  readonly inFlight: number
  /** Take locks of their own and keep them, in place of pairs. */
  readonly keep?: boolean
}

const TTL_MILLIS = 30_000
const KEPT_MILLIS = 3_600_000

interface Lock {
  readonly acquire: (lock: string, holder: string, ttlMillis: number) => Promise<unknown>
  readonly release: (lock: string, holder: string, acquired: unknown) => Promise<unknown>
}

/** Each line is answered by one, which names it. */
const lines = async (address: string, idOf: (answer: any) => number) => {
  const waiting = new Map<number, (answer: any) => void>()
  let id = 0
  const socket = new Lines(await connect(address), (line) => {
    const answer = JSON.parse(line)
    const answered = idOf(answer)
    waiting.get(answered)!(answer)
    waiting.delete(answered)
  })
  return (make: (id: number) => string): Promise<any> =>
    new Promise((resolve) => {
      waiting.set(++id, resolve)
      socket.write(make(id))
    })
}

const peers: Readonly<Record<LockPeer, (address: string) => Promise<Lock>>> = {
  photon: async (address) => {
    const ask = await lines(address, ({ id }) => Number(id))
    const expect = async (answer: Promise<any>, what: string) => {
      if ((await answer).data?.[what] !== true) throw new Error(JSON.stringify(await answer))
    }
    return {
      acquire: (lock, holder, ttl) =>
        expect(
          ask(
            (id) => `{"type":"lock","id":"${id}","sessionId":"${holder}","lockName":"${lock}","lockTimeout":${ttl}}\n`
          ),
          "acquired"
        ),
      release: (lock, holder) =>
        expect(
          ask((id) => `{"type":"unlock","id":"${id}","sessionId":"${holder}","lockName":"${lock}"}\n`),
          "released"
        )
    }
  },
  native: async (address) => {
    const ask = await lines(address, ({ id }) => id)
    const token = async (answer: Promise<any>): Promise<number> => {
      const { result } = await answer
      if (result === undefined) throw new Error(JSON.stringify(await answer))
      return result.token
    }
    return {
      acquire: (lock, holder, ttl) =>
        token(
          ask(
            (id) =>
              `{"jsonrpc":"2.0","id":${id},"method":"locks.acquire","params":{"name":"${lock}","holder":"${holder}","ttlMillis":${ttl}}}\n`
          )
        ),
      release: (lock, holder, acquired) =>
        token(
          ask(
            (id) =>
              `{"jsonrpc":"2.0","id":${id},"method":"locks.release","params":{"name":"${lock}","holder":"${holder}","token":${acquired as number}}}\n`
          )
        )
    }
  },
  // As its own documentation has it: set if it is not there, with an end; delete if it is still ours.
  redis: async (address) => {
    const scripts = {
      release: defineScript({
        NUMBER_OF_KEYS: 1,
        SCRIPT: 'if redis.call("get",KEYS[1]) == ARGV[1] then return redis.call("del",KEYS[1]) else return 0 end',
        parseCommand: (parser: any, key: string, value: string) => {
          parser.pushKey(key)
          parser.push(value)
        },
        transformReply: undefined as unknown as () => number
      })
    }
    const client = await createClient({ socket: { path: address, tls: false }, scripts }).connect()
    return {
      acquire: async (lock, holder, ttl) => {
        if ((await client.set(lock, holder, { NX: true, PX: ttl } as never)) !== "OK") throw new Error("not acquired")
      },
      release: async (lock, holder) => {
        if (Number(await client.release(lock, holder)) !== 1) throw new Error("not released")
      }
    }
  }
}

const [name, address] = process.argv.slice(2) as [LockPeer, string]
const { acquire, release } = await peers[name](address)

process.on("message", async ({ inFlight, keep = false, pairs }: LockOrder) => {
  let left = pairs
  const one = async (lane: number): Promise<void> => {
    while (left-- > 0) {
      if (keep) await acquire(`kept ${left}`, "keeper", KEPT_MILLIS)
      else {
        const token = await acquire(`lock ${lane}`, `holder ${lane}`, TTL_MILLIS)
        await release(`lock ${lane}`, `holder ${lane}`, token)
      }
    }
  }
  const began = process.hrtime.bigint()
  await Promise.all(Array.from({ length: inFlight }, (_, lane) => one(lane)))
  process.send?.(Number(process.hrtime.bigint() - began))
})
process.send?.("ready")
