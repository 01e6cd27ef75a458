/** The few system calls that Node does not offer, through `node:ffi`. Linux on x64 and arm64 only: the numbers are theirs. */

/** What {@link libc} can do. Numbers of signals, descriptors and threads are the system's. */
export interface Libc {
  /** Marks every descriptor from 3 on close-on-exec; false when the system can't. */
  readonly closeOnExec: () => boolean
  /** Takes close-on-exec away from `fd`; false when there is no such descriptor. */
  readonly inherit: (fd: number) => boolean
  /** Waits for a child without waiting: its status, as wait(2) packs it, `running`, or `gone` when nobody can be waited for. */
  readonly waitFor: (pid: number) => number | "running" | "gone"
  /** Whether any child has ended and was not waited for. */
  readonly anyEnded: () => boolean
  /** Takes the locks that SQLite's exclusive ones consist of, on an open file of ours; false when another process has one. */
  readonly lock: (fd: number) => boolean
  /** Has every thread that gets `signal` call a function of the C library, by name, that takes no argument. */
  readonly onSignal: (signal: number, name: "pause" | "getpid") => void
  /** Sends a signal to one thread of this process; false when it has ended. */
  readonly signalThread: (thread: number, signal: number) => boolean
  /**
   * Sets this process's soft limit of a resource, by the system's number, and gives the one before; null: the hard one is
   * lower, or the system refuses. A `soft` of null is the hard one.
   */
  readonly softLimit: (resource: number, soft: bigint | null) => bigint | null
}

interface Ffi {
  readonly dlopen: (
    path: null,
    functions: Record<string, { readonly arguments: ReadonlyArray<string>; readonly return: string }>
  ) => { readonly lib: unknown; readonly functions: Record<string, (...args: ReadonlyArray<unknown>) => bigint> }
  readonly dlsym: (lib: unknown, name: string) => bigint
}

/** close_range(2) has the same number on every architecture of Linux. */
const SYS_close_range = 436n
const CLOSE_RANGE_CLOEXEC = 4n
const SYS_tgkill: Readonly<Record<string, bigint>> = { x64: 234n, arm64: 131n }
const FIONCLEX = 0x5450n
const F_SETLK = 6
const F_WRLCK = 1
const WNOHANG = 1
const [P_ALL, WEXITED, WNOWAIT] = [0, 4, 0x0100_0000]
/** More than a siginfo_t. */
const SIGINFO_BYTES = 256
/** Where SQLite's locks lie in a file, all of them together: the pending and the reserved byte, and 510 shared ones. */
const SQLITE_LOCKS = { start: 0x4000_0000n, length: 512n }

const load = (): Libc | null => {
  const tgkill = SYS_tgkill[process.arch]
  if (process.platform !== "linux" || tgkill === undefined) return null
  const { emitWarning } = process
  try {
    // Node says on stderr, once, that its FFI is experimental. It is not needed: without it other ways are taken.
    process.emitWarning = () => {}
    const ffi = process.getBuiltinModule("node:ffi" as "fs") as unknown as Ffi | undefined
    if (ffi === undefined) return null
    const { functions, lib } = ffi.dlopen(null, {
      syscall: { arguments: ["i64", "i64", "i64", "i64"], return: "i64" },
      ioctl: { arguments: ["i32", "u64"], return: "i32" },
      fcntl: { arguments: ["i32", "i32", "buffer"], return: "i32" },
      waitpid: { arguments: ["i32", "buffer", "i32"], return: "i32" },
      waitid: { arguments: ["i32", "i32", "buffer", "i32"], return: "i32" },
      getrlimit: { arguments: ["i32", "buffer"], return: "i32" },
      setrlimit: { arguments: ["i32", "buffer"], return: "i32" },
      signal: { arguments: ["i32", "pointer"], return: "pointer" }
    })
    const call = (name: string, ...args: ReadonlyArray<unknown>) => Number(functions[name]!(...args))
    return {
      closeOnExec: () => call("syscall", SYS_close_range, 3n, 0xffffffffn, CLOSE_RANGE_CLOEXEC) === 0,
      inherit: (fd) => call("ioctl", fd, FIONCLEX) === 0,
      waitFor: (pid) => {
        const status = Buffer.alloc(4)
        const found = call("waitpid", pid, status, WNOHANG)
        return found === 0 ? "running" : found === pid ? status.readInt32LE(0) : "gone"
      },
      anyEnded: () => {
        // Its first field, the signal's number, stays 0 where nobody has.
        const info = Buffer.alloc(SIGINFO_BYTES)
        return call("waitid", P_ALL, 0, info, WEXITED | WNOHANG | WNOWAIT) === 0 && info.readInt32LE(0) !== 0
      },
      lock: (fd) => {
        // struct flock of 64-bit Linux: type, whence, start, length, pid.
        const flock = Buffer.alloc(32)
        flock.writeInt16LE(F_WRLCK, 0)
        flock.writeBigInt64LE(SQLITE_LOCKS.start, 8)
        flock.writeBigInt64LE(SQLITE_LOCKS.length, 16)
        return call("fcntl", fd, F_SETLK, flock) === 0
      },
      onSignal: (signal, name) => void call("signal", signal, ffi.dlsym(lib, name)),
      signalThread: (thread, signal) =>
        call("syscall", tgkill, BigInt(process.pid), BigInt(thread), BigInt(signal)) === 0,
      softLimit: (resource, soft) => {
        // struct rlimit: the soft limit, the hard one.
        const limit = Buffer.alloc(16)
        if (call("getrlimit", resource, limit) !== 0) return null
        const before = limit.readBigUInt64LE(0)
        limit.writeBigUInt64LE(soft ?? limit.readBigUInt64LE(8), 0)
        return call("setrlimit", resource, limit) === 0 ? before : null
      }
    }
  } catch {
    return null
  } finally {
    process.emitWarning = emitWarning
  }
}

let loaded: Libc | null | undefined

/** Null where this Node or this system has no such thing. */
export const libc = (): Libc | null => (loaded === undefined ? (loaded = load()) : loaded)
