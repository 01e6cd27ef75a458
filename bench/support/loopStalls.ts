/** For how long the loop of this thread was held by what ran in it: by processor time, which other load does not lengthen. */
import { monitorEventLoopDelay } from "node:perf_hooks"

interface Ffi {
  readonly dlopen: (
    path: null,
    functions: Record<string, { readonly arguments: ReadonlyArray<string>; readonly return: string }>
  ) => { readonly functions: Record<string, (...args: ReadonlyArray<unknown>) => number> }
}

const CLOCK_THREAD_CPUTIME_ID = 3

/** Milliseconds of processor time of this thread; `process.threadCpuUsage` is only as fine as the system's tick. */
const makeThreadCpu = (): (() => number) => {
  const { emitWarning } = process
  // Node says on stderr, once, that its FFI is experimental.
  process.emitWarning = () => {}
  const ffi = process.getBuiltinModule("node:ffi" as "fs") as unknown as Ffi | undefined
  if (ffi === undefined || process.platform !== "linux") {
    process.emitWarning = emitWarning
    return () => {
      const { system, user } = process.threadCpuUsage()
      return (system + user) / 1000
    }
  }
  const { functions } = ffi.dlopen(null, { clock_gettime: { arguments: ["i32", "buffer"], return: "i32" } })
  process.emitWarning = emitWarning
  const time = Buffer.alloc(16)
  return () => {
    functions["clock_gettime"]!(CLOCK_THREAD_CPUTIME_ID, time)
    return Number(time.readBigInt64LE(0)) * 1000 + Number(time.readBigInt64LE(8)) / 1e6
  }
}

const threadCpu = makeThreadCpu()

export interface Stalls {
  /** The longest turn of the loop, in milliseconds of its thread's processor time. */
  readonly cpu: number
  /** The same by the clock, other load included. */
  readonly wall: number
  /** Milliseconds of processor time of all turns. */
  readonly total: number
}

/** The longest turns while `run` goes on. A timer is due in every turn that takes longer than a millisecond. */
export const longestStall = async (run: () => Promise<void>): Promise<Stalls> => {
  const delay = monitorEventLoopDelay({ resolution: 1 })
  const began = threadCpu()
  let last = began
  let cpu = 0
  const turned = () => {
    const now = threadCpu()
    cpu = Math.max(cpu, now - last)
    last = now
  }
  const timer = setInterval(turned, 1)
  delay.enable()
  await run()
  delay.disable()
  clearInterval(timer)
  turned()
  return { cpu, wall: delay.max / 1e6, total: last - began }
}
