const PR_SET_PDEATHSIG = 1
const SIGKILL = 9

interface Ffi {
  readonly dlopen: (
    path: null,
    functions: Record<string, { readonly arguments: ReadonlyArray<string>; readonly return: string }>
  ) => { readonly functions: Record<string, (...args: ReadonlyArray<unknown>) => number> }
}

/**
 * Has the kernel end this process with the one that started it, where the kernel and this Node can: a method in an
 * endless loop would not hear that the daemon is gone. Elsewhere the next daemon ends what is left over.
 */
export const dieWithParent = (): void => {
  if (process.platform !== "linux") return
  const { emitWarning } = process
  try {
    // Node says on stderr, once, that its FFI is experimental.
    process.emitWarning = () => {}
    const ffi = process.getBuiltinModule("node:ffi" as "fs") as unknown as Ffi | undefined
    ffi?.dlopen(null, { prctl: { arguments: ["i32", "u64", "u64", "u64", "u64"], return: "i32" } }).functions["prctl"]!(
      PR_SET_PDEATHSIG,
      BigInt(SIGKILL),
      0n,
      0n,
      0n
    )
  } catch {
    // a system that has no such thing
  } finally {
    process.emitWarning = emitWarning
  }
}
