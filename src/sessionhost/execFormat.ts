import { type FileHandle, open, readdir } from "node:fs/promises"

/** What the kernel will make of an executable file, as far as its first bytes tell. */
export type ExecFormat =
  /** Nothing speaks against it. A text without `#!` is run by /bin/sh. */
  | { readonly kind: "fine" }
  /** It is run by another file: a script's interpreter, a dynamic program's loader. */
  | { readonly kind: "interpreted"; readonly by: "interpreter" | "loader"; readonly path: string }
  | { readonly kind: "foreign"; readonly detail: string }

const fine: ExecFormat = { kind: "fine" }
const headBytes = 4096

/** ELF's numbers of the machines that this one runs: its own, and its 32-bit elder. */
const machines: Partial<Record<NodeJS.Architecture, ReadonlyArray<number>>> = { x64: [62, 3], arm64: [183, 40] }
const elfTypes = { executable: 2, shared: 3 }
const PT_INTERP = 3

/** Reads the beginning of `file`. A file that can be executed and not read is taken to be fine. */
export const execFormat = async (file: string): Promise<ExecFormat> => {
  let handle: FileHandle
  try {
    handle = await open(file, "r")
  } catch {
    return fine
  }
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(headBytes), 0, headBytes, 0)
    const head = buffer.subarray(0, bytesRead)
    if (head.toString("latin1", 0, 2) === "#!") return script(head)
    if (head.toString("latin1", 0, 4) === "\x7fELF") return await elf(head, handle)
    return fine
  } finally {
    await handle.close()
  }
}

const script = (head: Buffer): ExecFormat => {
  const line = head.toString("utf8", 2).split("\n", 1)[0]!
  const path = /^[ \t]*([^ \t]+)/.exec(line)?.[1]
  return path === undefined ? fine : { kind: "interpreted", by: "interpreter", path }
}

const elf = async (head: Buffer, handle: FileHandle): Promise<ExecFormat> => {
  if (head.length < 64) return { kind: "foreign", detail: "it is cut off" }
  const [wide, little] = [head[4] === 2, head[5] === 1]
  const u16 = (at: number) => (little ? head.readUInt16LE(at) : head.readUInt16BE(at))
  const type = u16(16)
  if (type !== elfTypes.executable && type !== elfTypes.shared) {
    return { kind: "foreign", detail: "it is an object file or a core dump" }
  }
  const known = machines[process.arch]
  const machine = u16(18)
  if (known !== undefined && !known.includes(machine) && !(await emulated())) {
    return {
      kind: "foreign",
      detail: `it is built for another kind of machine (ELF ${machine}, this is ${process.arch})`
    }
  }
  if (!little) return fine
  const first = wide ? Number(head.readBigUInt64LE(32)) : head.readUInt32LE(28)
  const [size, count] = wide ? [u16(54), u16(56)] : [u16(42), u16(44)]
  for (let index = 0; index < count; index++) {
    const at = first + index * size
    if (at + (wide ? 56 : 32) > head.length) break
    if (head.readUInt32LE(at) !== PT_INTERP) continue
    const offset = wide ? Number(head.readBigUInt64LE(at + 8)) : head.readUInt32LE(at + 4)
    const length = wide ? Number(head.readBigUInt64LE(at + 32)) : head.readUInt32LE(at + 16)
    if (length < 2 || length > headBytes) break
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, offset)
    if (bytesRead < length) return { kind: "foreign", detail: "it is cut off" }
    return { kind: "interpreted", by: "loader", path: buffer.toString("utf8", 0, length - 1) }
  }
  return fine
}

/** Does the kernel hand foreign executables to an emulator? */
const emulated = async (): Promise<boolean> => {
  try {
    return (await readdir("/proc/sys/fs/binfmt_misc")).some((name) => name !== "register" && name !== "status")
  } catch {
    return false
  }
}
