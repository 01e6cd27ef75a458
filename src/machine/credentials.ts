/** `access.key`: by what an account's server knows this machine, in the format of the program whose server it is. */
import { Option, Redacted, Schema } from "effect"
import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs"
import { dirname } from "node:path"
import { makeDirectorySync } from "../config/makeDirectory.ts"
import { replaceFile } from "../config/replaceFile.ts"

/**
 * By what a machine's texts are encrypted. `legacy`: by the account's own secret. `data-key`: by a key of the machine,
 * which is handed to the account's devices by `publicKey`.
 */
export type MachineKey =
  | { readonly kind: "legacy"; readonly secret: Uint8Array }
  | { readonly kind: "data-key"; readonly publicKey: Uint8Array; readonly machineKey: Uint8Array }

export interface Credentials {
  readonly key: Redacted.Redacted<MachineKey>
  /** What the server is shown with every request. */
  readonly token: Redacted.Redacted<string>
  readonly kind: MachineKey["kind"]
}

const Key = Schema.String.check(
  Schema.isPattern(/^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/, { expected: "32 bytes as base64" })
)
const Token = Schema.String.check(Schema.isPattern(/^[\x21-\x7e]{1,8192}$/, { expected: "a token" }))

const AccessKey = Schema.Struct({
  secret: Schema.optionalKey(Schema.NullOr(Key)),
  encryption: Schema.optionalKey(Schema.NullOr(Schema.Struct({ publicKey: Key, machineKey: Key }))),
  token: Token
})
const decodeAccessKey = Schema.decodeUnknownOption(Schema.fromJsonString(AccessKey))

const bytes = (text: string): Uint8Array => Buffer.from(text, "base64")
const text = (key: Uint8Array): string => Buffer.from(key).toString("base64")

export const makeCredentials = (key: MachineKey, token: string): Credentials => ({
  key: Redacted.make(key),
  token: Redacted.make(token),
  kind: key.kind
})

/** Where both are there, `secret` wins, as for the other program. None: these are no credentials. */
export const parseCredentials = (json: string): Option.Option<Credentials> =>
  Option.flatMap(decodeAccessKey(json), ({ encryption, secret, token }) => {
    if (secret != null) return Option.some(makeCredentials({ kind: "legacy", secret: bytes(secret) }, token))
    if (encryption == null) return Option.none()
    const { machineKey, publicKey } = encryption
    return Option.some(
      makeCredentials({ kind: "data-key", publicKey: bytes(publicKey), machineKey: bytes(machineKey) }, token)
    )
  })

export const credentialsText = ({ key, token }: Credentials): string => {
  const value = Redacted.value(key)
  const shown =
    value.kind === "legacy"
      ? { secret: text(value.secret) }
      : { encryption: { publicKey: text(value.publicKey), machineKey: text(value.machineKey) } }
  return `${JSON.stringify({ ...shown, token: Redacted.value(token) }, null, 2)}\n`
}

/** `missing`: nobody has logged in. `unreadable`: a file is there, and is not this; `reason` says what to do. */
export type ReadCredentials =
  | { readonly type: "found"; readonly credentials: Credentials; readonly mode: number }
  | { readonly type: "missing" }
  | { readonly type: "unreadable"; readonly reason: string }

const MAX_BYTES = 64 * 1024

/** Reads them, whatever their mode: the other program makes its own readable by everybody. */
export const readCredentials = (path: string): ReadCredentials => {
  let fd: number
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    return code === "ENOENT" || code === "ENOTDIR"
      ? { type: "missing" }
      : { type: "unreadable", reason: `${path} can't be read (${message}). Mend its permissions, or pair anew.` }
  }
  try {
    const stat = fstatSync(fd)
    const found = stat.isFile() && stat.size <= MAX_BYTES ? parseCredentials(readFileSync(fd, "utf8")) : Option.none()
    return Option.match(found, {
      onNone: () => ({
        type: "unreadable" as const,
        reason: `${path} holds no credentials. Remove it, and \`hob machine pair\` makes new ones.`
      }),
      onSome: (credentials) => ({ type: "found" as const, credentials, mode: stat.mode & 0o777 })
    })
  } catch (error) {
    return { type: "unreadable", reason: `${path} can't be read (${(error as Error).message}).` }
  } finally {
    closeSync(fd)
  }
}

/** Puts them there in one step, mode 0600, in a directory of mode 0700 if it has to be made. Throws what the system says. */
export const writeCredentials = (path: string, credentials: Credentials): void => {
  makeDirectorySync(dirname(path), 0o700)
  replaceFile(path, credentialsText(credentials), 0o600)
}
