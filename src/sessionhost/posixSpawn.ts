/**
 * Starts programs by posix_spawn(3), through `node:ffi`. fork(2) copies the page tables of this process, which takes
 * longer the more sessions it holds, and makes it slow afterwards, for each page that is written to; posix_spawn does
 * neither, and begins no thread that waits for the program. Linux with a C library from 2019 on (glibc 2.29, musl 1.1.24).
 */
import { closeSync, constants, openSync } from "node:fs"
import { getSystemErrorMessage } from "node:util"
import { libc } from "./libc.ts"

/** A terminal's two sides, both close-on-exec. */
export interface Terminal {
  readonly master: number
  readonly slave: number
  readonly path: string
}

export interface PosixSpawn {
  /** Opens a terminal of this size; its master doesn't block. Throws the system's error. */
  readonly openTerminal: (cols: number, rows: number) => Terminal
  /** False when there is no such terminal. */
  readonly resize: (fd: number, cols: number, rows: number) => boolean
  /**
   * Starts `file`, an absolute path, as the leader of a session under the terminal `path`, with no signal blocked or
   * ignored; returns its id when it runs. Of this process's descriptors it inherits what is not close-on-exec. Throws an
   * `Error` that says why not.
   */
  readonly spawn: (options: SpawnOptions) => number
}

export interface SpawnOptions {
  readonly file: string
  readonly args: ReadonlyArray<string>
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  readonly path: string
}

interface Ffi {
  readonly dlopen: (
    path: null,
    functions: Record<string, { readonly arguments: ReadonlyArray<string>; readonly return: string }>
  ) => { readonly functions: Record<string, (...args: ReadonlyArray<unknown>) => number> }
  readonly getRawPointer: (buffer: Buffer) => bigint
}

const ENOEXEC = 8
const SHELL = "/bin/sh"
/** Larger than the library's own structures, which are none of ours to look into: 336, 80 and 128 bytes. */
const STRUCT_BYTES = 512
const POSIX_SPAWN_SETSIGDEF = 0x04
const POSIX_SPAWN_SETSIGMASK = 0x08
const POSIX_SPAWN_SETSID = 0x80
const TIOCGPTN = 0x8004_5430n
const TIOCSPTLCK = 0x4004_5431n
const TIOCSWINSZ = 0x5414n
const TCSETS = 0x5402n

/** struct termios of the kernel: what node-pty gives its terminals too, which is what a login gives with UTF-8. */
const termios = (): Buffer => {
  const BRKINT = 0x2
  const [ICRNL, IXON, IXANY, IMAXBEL, IUTF8] = [0x100, 0x400, 0x800, 0x2000, 0x4000]
  const [OPOST, ONLCR] = [0x1, 0x4]
  const [B38400, CS8, CREAD, HUPCL] = [0xf, 0x30, 0x80, 0x400]
  const [ISIG, ICANON, ECHO, ECHOE, ECHOK, ECHOCTL, ECHOKE, IEXTEN] = [1, 2, 8, 0x10, 0x20, 0x200, 0x800, 0x8000]
  const bytes = Buffer.alloc(60)
  bytes.writeUInt32LE(BRKINT | ICRNL | IXON | IXANY | IMAXBEL | IUTF8, 0)
  bytes.writeUInt32LE(OPOST | ONLCR, 4)
  bytes.writeUInt32LE(B38400 | CS8 | CREAD | HUPCL, 8)
  bytes.writeUInt32LE(ISIG | ICANON | IEXTEN | ECHO | ECHOE | ECHOK | ECHOKE | ECHOCTL, 12)
  // The line discipline, then the characters: INTR QUIT ERASE KILL EOF TIME MIN SWTC START STOP SUSP EOL REPRINT
  // DISCARD WERASE LNEXT EOL2.
  Buffer.from([0, 3, 28, 127, 21, 4, 0, 1, 0, 17, 19, 26, 255, 18, 15, 23, 22, 255]).copy(bytes, 16)
  return bytes
}

const load = (): PosixSpawn | null => {
  // Without it nothing keeps this process's other descriptors from the program.
  if (libc()?.closeOnExec() !== true) return null
  const { emitWarning } = process
  try {
    process.emitWarning = () => {}
    const ffi = process.getBuiltinModule("node:ffi" as "fs") as unknown as Ffi
    const { functions } = ffi.dlopen(null, {
      ioctl: { arguments: ["i32", "u64", "buffer"], return: "i32" },
      posix_spawnattr_init: { arguments: ["buffer"], return: "i32" },
      posix_spawnattr_setflags: { arguments: ["buffer", "i16"], return: "i32" },
      posix_spawnattr_setsigdefault: { arguments: ["buffer", "buffer"], return: "i32" },
      posix_spawnattr_setsigmask: { arguments: ["buffer", "buffer"], return: "i32" },
      posix_spawn_file_actions_init: { arguments: ["buffer"], return: "i32" },
      posix_spawn_file_actions_destroy: { arguments: ["buffer"], return: "i32" },
      posix_spawn_file_actions_addopen: { arguments: ["buffer", "i32", "buffer", "i32", "u32"], return: "i32" },
      posix_spawn_file_actions_adddup2: { arguments: ["buffer", "i32", "i32"], return: "i32" },
      posix_spawn_file_actions_addchdir_np: { arguments: ["buffer", "buffer"], return: "i32" },
      posix_spawn: { arguments: ["buffer", "buffer", "buffer", "buffer", "buffer", "buffer"], return: "i32" }
    })
    return make(functions as Record<Function, (...args: ReadonlyArray<unknown>) => number>, ffi.getRawPointer)
  } catch {
    return null
  } finally {
    process.emitWarning = emitWarning
  }
}

type Function =
  | "ioctl"
  | `posix_spawnattr_${"init" | "setflags" | "setsigdefault" | "setsigmask"}`
  | `posix_spawn_file_actions_${"init" | "destroy" | "addopen" | "adddup2" | "addchdir_np"}`
  | "posix_spawn"

const make = (
  c: Record<Function, (...args: ReadonlyArray<unknown>) => number>,
  addressOf: Ffi["getRawPointer"]
): PosixSpawn => {
  const attributes = Buffer.alloc(STRUCT_BYTES)
  c.posix_spawnattr_init(attributes)
  // Not by sigfillset(3): it leaves out the library's own signals, and then posix_spawn has them ignored.
  c.posix_spawnattr_setsigdefault(attributes, Buffer.alloc(STRUCT_BYTES, 0xff))
  c.posix_spawnattr_setsigmask(attributes, Buffer.alloc(STRUCT_BYTES))
  c.posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSID)

  /** What a `char *[]` is: the addresses of strings, which lie in `text`. Both must live as long as it is used. */
  const vector = (strings: ReadonlyArray<string>) => {
    const text = Buffer.from(strings.map((each) => `${each}\0`).join("") || "\0")
    const pointers = Buffer.alloc(8 * (strings.length + 1))
    const start = addressOf(text)
    let at = 0
    strings.forEach((each, index) => {
      pointers.writeBigUInt64LE(start + BigInt(at), 8 * index)
      at += Buffer.byteLength(each) + 1
    })
    return { text, pointers }
  }

  const windowSize = (fd: number, cols: number, rows: number): boolean => {
    const size = Buffer.alloc(8)
    size.writeUInt16LE(rows, 0)
    size.writeUInt16LE(cols, 2)
    return c.ioctl(fd, TIOCSWINSZ, size) === 0
  }

  const must = (done: boolean, what: string) => {
    if (!done) throw new Error(`${what} failed`)
  }

  return {
    resize: windowSize,
    openTerminal: (cols, rows) => {
      const { O_NOCTTY, O_NONBLOCK, O_RDWR } = constants
      const master = openSync("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK)
      try {
        const number = Buffer.alloc(4)
        must(c.ioctl(master, TIOCSPTLCK, number) === 0 && c.ioctl(master, TIOCGPTN, number) === 0, "ioctl of /dev/ptmx")
        const path = `/dev/pts/${number.readUInt32LE(0)}`
        must(c.ioctl(master, TCSETS, termios()) === 0 && windowSize(master, cols, rows), `ioctl of ${path}`)
        return { master, slave: openSync(path, O_RDWR | O_NOCTTY), path }
      } catch (error) {
        closeSync(master)
        throw error
      }
    },
    spawn: ({ args, cwd, env, file, path }) => {
      const actions = Buffer.alloc(STRUCT_BYTES)
      c.posix_spawn_file_actions_init(actions)
      try {
        // The leader of a session that opens a terminal has it as its own.
        c.posix_spawn_file_actions_addopen(actions, 0, Buffer.from(`${path}\0`), constants.O_RDWR, 0)
        c.posix_spawn_file_actions_adddup2(actions, 0, 1)
        c.posix_spawn_file_actions_adddup2(actions, 0, 2)
        c.posix_spawn_file_actions_addchdir_np(actions, Buffer.from(`${cwd}\0`))
        const environment = vector(Object.entries(env).map(([name, value]) => `${name}=${value}`))
        const pid = Buffer.alloc(4)
        const start = (executable: string, argv: ReadonlyArray<string>) => {
          const strings = vector(argv)
          const name = Buffer.from(`${executable}\0`)
          const error = c.posix_spawn(pid, name, actions, attributes, strings.pointers, environment.pointers)
          // The strings must be there until now.
          return strings.text.length > 0 && environment.text.length > 0 ? error : 0
        }
        let error = start(file, [file, ...args])
        // As execvp(3): a text without `#!` is a shell's.
        if (error === ENOEXEC) error = start(SHELL, [SHELL, file, ...args])
        if (error !== 0) throw new Error(getSystemErrorMessage(-error))
        return pid.readInt32LE(0)
      } finally {
        c.posix_spawn_file_actions_destroy(actions)
      }
    }
  }
}

let loaded: PosixSpawn | null | undefined

/** Null where this Node or this system has no such thing. */
export const posixSpawn = (): PosixSpawn | null => (loaded === undefined ? (loaded = load()) : loaded)
