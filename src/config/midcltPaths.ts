/** Where clients of midclt look for the daemon of one connection: below `$HOME`, by a hash of where it leads to and as whom. */
import { createHash } from "node:crypto"
import { homedir } from "node:os"
import { join } from "node:path"

type Environment = Readonly<Record<string, string | undefined>>

/** No address: the middleware of this machine, at whichever path its version has it. */
export const LOCAL = "local"

/**
 * `local` without an address, whoever asks; else the first 12 hex digits of SHA-256 of `uri:username`, or of `uri` alone
 * where there is no name. The address counts as it was typed.
 */
export const midcltIdentifier = (uri: string | null, username: string | null): string => {
  if (uri === null) return LOCAL
  const key = username === null || username === "" ? uri : `${uri}:${username}`
  return createHash("sha256").update(key).digest("hex").slice(0, 12)
}

export interface MidcltPaths {
  readonly directory: string
  readonly socket: string
  readonly pidFile: string
  readonly log: string
}

export const midcltPaths = (env: Environment, identifier: string): MidcltPaths => {
  const directory = join(env["HOME"] || env["USERPROFILE"] || homedir(), ".midclt")
  const file = `daemon-${identifier}`
  return {
    directory,
    socket: join(directory, `${file}.sock`),
    pidFile: join(directory, `${file}.pid`),
    log: join(directory, "logs", `${file}.log`)
  }
}
