/**
 * What the remote server may not read: JSON, encrypted to the account's own devices in one of its two ways. Pure but for
 * random bytes, which tests hand in.
 */
import { Data, Result } from "effect"
import { createCipheriv, createDecipheriv, createHash, createHmac, randomBytes } from "node:crypto"
import nacl from "tweetnacl"
import type { MachineKey } from "./credentials.ts"

const VERSION = 0
const GCM_NONCE_BYTES = 12
const GCM_TAG_BYTES = 16
const SECRETBOX_NONCE_BYTES = nacl.secretbox.nonceLength
const BOX_NONCE_BYTES = nacl.box.nonceLength
export const KEY_BYTES = 32

/** A text that is not what a device of the account has encrypted for this machine. Carries nothing of it. */
export class Undecryptable extends Data.TaggedError("Undecryptable")<{
  readonly reason: "not base64" | "too short" | "of an unknown version" | "encrypted with another key" | "not JSON"
}> {
  override get message() {
    return `What was sent is ${this.reason}.`
  }
}

/** Encrypts and decrypts what belongs to one machine. */
export interface Cipher {
  readonly encrypt: (value: unknown) => string
  readonly decrypt: (text: string) => Result.Result<unknown, Undecryptable>
}

export const makeCipher = (key: MachineKey): Cipher => {
  const secret = Buffer.from(key.kind === "legacy" ? key.secret : key.machineKey)
  const [seal, open] = key.kind === "legacy" ? [sealLegacy, openLegacy] : [sealDataKey, openDataKey]
  return {
    encrypt: (value) => seal(secret, Buffer.from(JSON.stringify(value))).toString("base64"),
    decrypt: (text) => {
      const bytes = bytesOf(text)
      if (Result.isFailure(bytes)) return Result.fail(bytes.failure)
      const plain = open(secret, bytes.success)
      return Result.isFailure(plain) ? Result.fail(plain.failure) : parsed(plain.success)
    }
  }
}

const POOL_BYTES = 4096
let pool = Buffer.alloc(0)

/** Random bytes, asked of the system a page at a time: asking for a few costs as much. Each is given once. */
const fresh = (bytes: number): Buffer => {
  if (pool.length < bytes) pool = randomBytes(POOL_BYTES)
  const given = pool.subarray(0, bytes)
  pool = pool.subarray(bytes)
  return given
}

/** `nonce(24) | secretbox`. */
export const sealLegacy = (key: Buffer, plain: Buffer, nonce = fresh(SECRETBOX_NONCE_BYTES)): Buffer =>
  Buffer.concat([nonce, nacl.secretbox(plain, nonce, key)])

const openLegacy = (key: Buffer, bytes: Buffer): Result.Result<Uint8Array, Undecryptable> => {
  if (bytes.length < SECRETBOX_NONCE_BYTES + nacl.secretbox.overheadLength) return failed("too short")
  const nonce = bytes.subarray(0, SECRETBOX_NONCE_BYTES)
  const plain = nacl.secretbox.open(bytes.subarray(SECRETBOX_NONCE_BYTES), nonce, key)
  return plain === null ? failed("encrypted with another key") : Result.succeed(plain)
}

/** `0x00 | nonce(12) | AES-256-GCM | tag(16)`. */
export const sealDataKey = (key: Buffer, plain: Buffer, nonce = fresh(GCM_NONCE_BYTES)): Buffer => {
  const cipher = createCipheriv("aes-256-gcm", key, nonce)
  return Buffer.concat([Buffer.of(VERSION), nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
}

const openDataKey = (key: Buffer, bytes: Buffer): Result.Result<Uint8Array, Undecryptable> => {
  if (bytes.length < 1 + GCM_NONCE_BYTES + GCM_TAG_BYTES) return failed("too short")
  if (bytes[0] !== VERSION) return failed("of an unknown version")
  const body = bytes.length - GCM_TAG_BYTES
  const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(1, 1 + GCM_NONCE_BYTES), {
    authTagLength: GCM_TAG_BYTES
  })
  decipher.setAuthTag(bytes.subarray(body))
  const plain = decipher.update(bytes.subarray(1 + GCM_NONCE_BYTES, body))
  try {
    return Result.succeed(Buffer.concat([plain, decipher.final()]))
  } catch {
    return failed("encrypted with another key")
  }
}

/** The machine's key, for the devices of the account whose content key this is: `0x00 | ephemeral(32) | nonce(24) | box`. */
export const wrapMachineKey = (
  machineKey: Uint8Array,
  contentPublicKey: Uint8Array,
  ephemeral = nacl.box.keyPair(),
  nonce: Uint8Array = randomBytes(BOX_NONCE_BYTES)
): string => {
  const box = nacl.box(machineKey, nonce, contentPublicKey, ephemeral.secretKey)
  return Buffer.concat([Buffer.of(VERSION), ephemeral.publicKey, nonce, box]).toString("base64")
}

/** The key pair by which devices of an account are given keys of machines; from the account's secret. */
export const contentKeyPair = (secret: Uint8Array): nacl.BoxKeyPair => {
  const root = createHmac("sha512", "Happy EnCoder Master Seed").update(secret).digest()
  const child = createHmac("sha512", root.subarray(32))
    .update(Buffer.concat([Buffer.of(0), Buffer.from("content")]))
    .digest()
  const seed = createHash("sha512").update(child.subarray(0, KEY_BYTES)).digest().subarray(0, KEY_BYTES)
  return nacl.box.keyPair.fromSecretKey(seed)
}

/** What a device has sealed for the public key of a pairing: `ephemeral(32) | nonce(24) | box`. */
export const openBox = (bundle: string, secretKey: Uint8Array): Result.Result<Buffer, Undecryptable> =>
  Result.flatMap(bytesOf(bundle), (bytes) => {
    const head = nacl.box.publicKeyLength + BOX_NONCE_BYTES
    if (bytes.length < head + nacl.box.overheadLength) return failed("too short")
    const ephemeral = bytes.subarray(0, nacl.box.publicKeyLength)
    const plain = nacl.box.open(
      bytes.subarray(head),
      bytes.subarray(nacl.box.publicKeyLength, head),
      ephemeral,
      secretKey
    )
    return plain === null ? failed("encrypted with another key") : Result.succeed(Buffer.from(plain))
  })

/** The proof by which an account's secret is exchanged for a token: a challenge of one's own, signed. */
export const proveSecret = (
  secret: Uint8Array,
  challenge: Uint8Array = randomBytes(KEY_BYTES)
): { readonly publicKey: string; readonly challenge: string; readonly signature: string } => {
  const pair = nacl.sign.keyPair.fromSeed(secret)
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64")
  return {
    publicKey: text(pair.publicKey),
    challenge: text(challenge),
    signature: text(nacl.sign.detached(challenge, pair.secretKey))
  }
}

/** A key pair for one pairing. */
export const pairingKeys = (): nacl.BoxKeyPair => nacl.box.keyPair()

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/** Node passes over what is not base64; that would make two texts of one. */
const bytesOf = (text: string): Result.Result<Buffer, Undecryptable> =>
  BASE64.test(text) ? Result.succeed(Buffer.from(text, "base64")) : failed("not base64")

const utf8 = new TextDecoder("utf-8", { fatal: true })

const parsed = (plain: Uint8Array): Result.Result<unknown, Undecryptable> => {
  try {
    return Result.succeed(JSON.parse(utf8.decode(plain)))
  } catch {
    return failed("not JSON")
  }
}

const failed = (reason: Undecryptable["reason"]): Result.Result<never, Undecryptable> =>
  Result.fail(new Undecryptable({ reason }))
