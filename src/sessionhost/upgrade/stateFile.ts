import { Cause, Exit, Schema } from "effect"
import { closeSync, constants, openSync, readFileSync, rmSync, writeSync } from "node:fs"
import {
  ConnectionState,
  GrantState,
  type Handover,
  HostBuild,
  HostState,
  SessionState,
  STATE_FORMAT
} from "./state.ts"

/** Says nothing that a session has, but who can be asked to come back. */
const Origin = Schema.Struct({ from: HostBuild, to: HostBuild, returned: Schema.NullOr(Schema.String) })

const decodeOrigin = Schema.decodeUnknownExit(Origin)
const decodeState = Schema.decodeUnknownExit(HostState)
const decoders: Readonly<Record<"session" | "connection" | "grant", (item: unknown) => Exit.Exit<unknown, unknown>>> = {
  session: Schema.decodeUnknownExit(SessionState),
  connection: Schema.decodeUnknownExit(ConnectionState),
  grant: Schema.decodeUnknownExit(GrantState)
}

/** A state that can't be taken over. */
export class UnreadableState extends Error {
  override readonly name = "UnreadableState"
}

/** What a state says, and what of it can't be understood. */
export interface ReadState {
  readonly handover: Handover
  readonly problems: ReadonlyArray<string>
}

/** Takes a state apart; throws {@link UnreadableState} when its frame can't be understood. */
export const parseState = (text: string): ReadState => {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new UnreadableState("what the predecessor wrote is not JSON")
  }
  const format = (value as { readonly format?: unknown } | null)?.format
  if (format !== STATE_FORMAT) {
    throw new UnreadableState(
      `what the predecessor wrote has the format ${String(format)}, and this host reads ${STATE_FORMAT}`
    )
  }
  const state = decodeState(value)
  if (Exit.isFailure(state))
    throw new UnreadableState(`what the predecessor wrote can't be understood: ${reason(state)}`)
  const problems: Array<string> = []
  const each = <A>(name: keyof typeof decoders, items: ReadonlyArray<unknown>): Array<A> =>
    items.flatMap((item, index) => {
      const decoded = decoders[name](item)
      if (Exit.isSuccess(decoded)) return [decoded.value as A]
      problems.push(`${name} ${index} can't be understood: ${reason(decoded)}`)
      return []
    })
  const { connections, grants, sessions, ...rest } = state.value
  const handover = {
    ...rest,
    sessions: each<SessionState>("session", sessions),
    connections: each<ConnectionState>("connection", connections),
    grants: each<GrantState>("grant", grants)
  }
  return { handover, problems }
}

/** Who wrote a state, also when the rest of it can't be understood; null when not even that can be. */
export const originOf = (text: string): typeof Origin.Type | null => {
  try {
    const origin = decodeOrigin(JSON.parse(text))
    return Exit.isSuccess(origin) ? origin.value : null
  } catch {
    return null
  }
}

/** The same state on its way back. */
export const returnedState = (text: string, why: string): string =>
  JSON.stringify({ ...JSON.parse(text), returned: why })

export const readStateFile = (path: string): string => readFileSync(path, "utf8")

/** Writes the file anew, mode 0600; throws the system's error. It holds what was typed and not read. */
export const writeStateFile = (path: string, text: string): void => {
  removeStateFile(path)
  const fd = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600)
  try {
    const data = Buffer.from(text)
    for (let at = 0; at < data.length;) at += writeSync(fd, data, at)
  } catch (error) {
    removeStateFile(path)
    throw error
  } finally {
    closeSync(fd)
  }
}

export const removeStateFile = (path: string): void => rmSync(path, { force: true })

const reason = ({ cause }: Exit.Failure<unknown, unknown>): string => {
  const error = Cause.squash(cause)
  return (error instanceof Error ? error.message : String(error)).replaceAll(/\s+/g, " ").slice(0, 300)
}
