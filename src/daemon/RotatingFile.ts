import { closeSync, fstatSync, openSync, renameSync, writeSync } from "node:fs"

/**
 * A log file that is renamed to `.1`, `.2`, … when it reaches a size. Appends are synchronous and small; a failing one
 * (disk full, directory gone) loses that line and nothing else: logging never stops the daemon.
 */
export class RotatingFile {
  readonly #path: string
  #limits: { readonly maxBytes: number; readonly files: number }
  #fd: number | null = null
  #bytes = 0

  /** `files` counts the current one. */
  constructor(path: string, limits: { readonly maxBytes: number; readonly files: number }) {
    this.#path = path
    this.#limits = limits
    this.reopen()
  }

  configure(limits: { readonly maxBytes: number; readonly files: number }): void {
    this.#limits = limits
  }

  /** Opens the path anew: after somebody moved or removed the file. */
  reopen(): void {
    this.#begin("a")
  }

  append(line: string): void {
    if (this.#fd === null) this.reopen()
    if (this.#fd === null) return
    const bytes = Buffer.from(line, "utf8")
    if (this.#bytes > 0 && this.#bytes + bytes.length > this.#limits.maxBytes) this.#rotate()
    if (this.#fd === null) return
    try {
      writeSync(this.#fd, bytes)
      this.#bytes += bytes.length
    } catch {
      // The line is lost; the next one is tried again.
    }
  }

  #rotate(): void {
    if (this.#limits.files === 1) return this.#begin("w")
    for (let n = this.#limits.files - 1; n >= 1; n--) {
      try {
        renameSync(n === 1 ? this.#path : `${this.#path}.${n - 1}`, `${this.#path}.${n}`)
      } catch {
        // Not there yet.
      }
    }
    this.reopen()
  }

  #begin(flags: "a" | "w"): void {
    this.close()
    try {
      this.#fd = openSync(this.#path, flags, 0o600)
      this.#bytes = fstatSync(this.#fd).size
    } catch {
      // Tried again with the next line.
    }
  }

  close(): void {
    if (this.#fd !== null) closeSync(this.#fd)
    this.#fd = null
  }
}
