/** Logging in: by a device of the account, or by its secret. */
import { Clock, Effect, Option, Redacted, Result, Stream } from "effect"
import { randomBytes } from "node:crypto"
import { MachinePairingExpired, MachineRefused, MachineServerUnreachable } from "../protocol/machine.ts"
import { type Credentials, makeCredentials } from "./credentials.ts"
import * as server from "./server.ts"

const POLL = "1 second"
/** How long a link is shown. */
const LASTS_MILLIS = 10 * 60_000
const KEY_BYTES = 32

type Failure = MachineServerUnreachable | MachineRefused

const toFailure =
  (serverUrl: string) =>
  (error: server.Unreachable | server.Refused): Failure =>
    error._tag === "Refused"
      ? new MachineRefused({ status: error.status, reason: error.reason })
      : new MachineServerUnreachable({ serverUrl, reason: error.reason })

export type PairingStep =
  | { readonly type: "link"; readonly link: string; readonly webLink: string; readonly expiresAt: number }
  | { readonly type: "paired"; readonly credentials: Credentials }

/** Shows a public key to the account's devices, and asks the server until one of them has sealed something for it. */
export const pair = (
  serverUrl: string,
  webappUrl: string
): Stream.Stream<PairingStep, Failure | MachinePairingExpired> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const encryption = yield* Effect.promise(() => import("./encryption.ts"))
      const { publicKey, secretKey } = encryption.pairingKeys()
      const ask = server.askPairing(serverUrl, Buffer.from(publicKey).toString("base64"))
      yield* Effect.mapError(ask, toFailure(serverUrl))
      const code = Buffer.from(publicKey).toString("base64url")
      const expiresAt = (yield* Clock.currentTimeMillis) + LASTS_MILLIS
      const link: PairingStep = {
        type: "link",
        link: `happy://terminal?${code}`,
        webLink: `${webappUrl.replace(/\/+$/, "")}/terminal/connect#key=${code}`,
        expiresAt
      }
      const answered = Effect.gen(function* () {
        while ((yield* Clock.currentTimeMillis) < expiresAt) {
          yield* Effect.sleep(POLL)
          // A server that can't be reached for a moment is no reason to show another link.
          const said = yield* Effect.catchTag(ask, "Unreachable", () => Effect.succeed({ state: "requested" as const }))
          if (said.state === "requested") continue
          const opened = encryption.openBox(said.response, secretKey)
          const credentials = Result.isSuccess(opened) ? told(opened.success, said.token) : Option.none()
          if (Option.isSome(credentials)) return { type: "paired" as const, credentials: credentials.value }
          return yield* new MachineRefused({ status: 200, reason: "What the device has sealed can't be read." })
        }
        return yield* new MachinePairingExpired()
      }).pipe(Effect.catchTag("Refused", (error) => Effect.fail(toFailure(serverUrl)(error))))
      return Stream.concat(Stream.succeed(link), Stream.fromEffect(answered))
    })
  )

/** An account's secret is 32 bytes long; else it is its content key, with which a key of this machine is handed over. */
const told = (bytes: Buffer, token: string): Option.Option<Credentials> => {
  if (bytes.length === KEY_BYTES) return Option.some(makeCredentials({ kind: "legacy", secret: bytes }, token))
  if (bytes.length < 1 + KEY_BYTES || bytes[0] !== 0) return Option.none()
  const publicKey = bytes.subarray(1, 1 + KEY_BYTES)
  return Option.some(makeCredentials({ kind: "data-key", publicKey, machineKey: randomBytes(KEY_BYTES) }, token))
}

/** Exchanges an account's secret for credentials. */
export const logIn = (serverUrl: string, secret: Uint8Array): Effect.Effect<Credentials, Failure> =>
  Effect.gen(function* () {
    const encryption = yield* Effect.promise(() => import("./encryption.ts"))
    const token = yield* Effect.mapError(
      server.authenticate(serverUrl, encryption.proveSecret(secret)),
      toFailure(serverUrl)
    )
    return makeCredentials({ kind: "legacy", secret }, Redacted.value(token))
  })

const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
const looksLike: Readonly<Record<string, string>> = { 0: "O", 1: "I", 8: "B", 9: "G" }

/** An account's secret as people have it: base64 of either kind, or in groups of letters and digits as a backup. */
export const parseSecret = (text: string): Option.Option<Uint8Array> => {
  const given = text.trim()
  if (/^[A-Za-z0-9+/_-]{43}=?$/.test(given)) {
    const bytes = Buffer.from(given.replaceAll("-", "+").replaceAll("_", "/"), "base64")
    if (bytes.length === KEY_BYTES) return Option.some(bytes)
  }
  if (!/^[A-Za-z0-9\s-]+$/.test(given)) return Option.none()
  const letters = given
    .toUpperCase()
    .replace(/[\s-]/g, "")
    .replace(/[0189]/g, (digit) => looksLike[digit]!)
  const bits = [...letters].map((letter) => BASE32.indexOf(letter).toString(2).padStart(5, "0")).join("")
  if (letters.length !== Math.ceil((KEY_BYTES * 8) / 5)) return Option.none()
  return Option.some(
    Buffer.from(
      bits
        .slice(0, KEY_BYTES * 8)
        .match(/.{8}/g)!
        .map((octet) => Number.parseInt(octet, 2))
    )
  )
}
