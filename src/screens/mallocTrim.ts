interface Ffi {
  readonly dlopen: (
    path: null,
    functions: Record<string, { readonly arguments: ReadonlyArray<string>; readonly return: string }>
  ) => { readonly functions: Record<string, (...args: ReadonlyArray<unknown>) => unknown> }
}

const load = (): (() => void) | null => {
  const { emitWarning } = process
  try {
    // Node says on stderr, once, that its FFI is experimental. It is not needed.
    process.emitWarning = () => {}
    const ffi = process.getBuiltinModule("node:ffi" as "fs") as unknown as Ffi | undefined
    if (ffi === undefined) return null
    const { functions } = ffi.dlopen(null, { malloc_trim: { arguments: ["u64"], return: "i32" } })
    return () => void functions["malloc_trim"]!(0n)
  } catch {
    return null
  } finally {
    process.emitWarning = emitWarning
  }
}

let loaded: (() => void) | null | undefined

/**
 * Gives the system the pages back that malloc has no use for; a terminal's rows are thousands of small allocations, and
 * the C library keeps the place of those that lie among others. Does nothing where there is no glibc or no `node:ffi`.
 */
export const mallocTrim = (): void => {
  if (loaded === undefined) loaded = load()
  loaded?.()
}
