import { Option, Redacted, Result } from "effect"
import { chmodSync, mkdtempSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import nacl from "tweetnacl"
import { assert, describe, it } from "vitest"
import {
  contentKeyPair,
  makeCipher,
  openBox,
  proveSecret,
  sealDataKey,
  sealLegacy,
  wrapMachineKey
} from "../../src/machine/encryption.ts"
import {
  credentialsText,
  makeCredentials,
  type MachineKey,
  parseCredentials,
  readCredentials,
  writeCredentials
} from "../../src/machine/credentials.ts"

// The published vectors.
const key = Buffer.from("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", "hex")
const plain = '{"status":"running","pid":12345,"httpPort":64875,"startedAt":1703001234567}'
const legacyText =
  "3N9DUkIQ1Iy9C66xjM/8jPOVHqqFVdO3jdlR6CUdrYNDxxSgpp0DpYl2jggs6Db7gzn1xijR2fJjXDRlD2N/4Ssq7Cb8ofRZFHCn/uekgbk9h2rX5UA++r2uV3ulihBxwcBGUe6LmqLCKgQxGMiRvvH9vQ=="
const dataKeyText =
  "AJBk7FLisy/04EjdPyfLqcNZ2eqyA7X+so9EkQmQx55W5oJgHSDo9bN9RA4JnSHVVT1IjXviZowy7qRSjRxcxJ5g2OlkyD/trafmwWe99zfj3nxMbhgNlC8ggrM9vepiVBos4ZDxXGk="
const accountSecret = Buffer.from("fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0efeeedecebeae9e8e7e6e5e4e3e2e1e0", "hex")
const contentPublicKey = "2eddd96c29fb288e5ecc79b8cedf67d7d735d1869e742496f304247b494d2f49"
const wrapped =
  "AG+MyDWF78JZ1o0fIJCxolBQ3ui5kzoMvCGFLW9BFzQ9TX6+4Lelrmouc+1gUFm6xBSV651jGVju79nYgJp7b5olSlrG5kNKh0aMxO44nerCDtBg7FkwOfmePHN0Vc6XEVqqnrl8CHIY"

const legacy: MachineKey = { kind: "legacy", secret: key }
const dataKey: MachineKey = {
  kind: "data-key",
  publicKey: Buffer.from(contentPublicKey, "hex"),
  machineKey: key
}
const reasonOf = (result: Result.Result<unknown, { readonly reason: string }>) =>
  Result.isFailure(result) ? result.failure.reason : "read"

describe("encryption", () => {
  it("writes the published texts byte by byte", () => {
    const nonce = Buffer.from("dcdf43524210d48cbd0baeb18ccffc8cf3951eaa8555d3b7", "hex")
    assert.strictEqual(sealLegacy(key, Buffer.from(plain), nonce).toString("base64"), legacyText)
    const short = Buffer.from("9064ec52e2b32ff4e048dd3f", "hex")
    assert.strictEqual(sealDataKey(key, Buffer.from(plain), short).toString("base64"), dataKeyText)
  })

  it("reads the published texts", () => {
    assert.deepStrictEqual(makeCipher(legacy).decrypt(legacyText), Result.succeed(JSON.parse(plain)))
    assert.deepStrictEqual(makeCipher(dataKey).decrypt(dataKeyText), Result.succeed(JSON.parse(plain)))
  })

  it("derives an account's content key, and devices that have it can unwrap the machine's", () => {
    const pair = contentKeyPair(accountSecret)
    assert.strictEqual(Buffer.from(pair.publicKey).toString("hex"), contentPublicKey)
    const published = Buffer.from(wrapped, "base64")
    assert.strictEqual(published[0], 0)
    assert.deepStrictEqual(openBox(published.subarray(1).toString("base64"), pair.secretKey), Result.succeed(key))
    const own = Buffer.from(wrapMachineKey(key, pair.publicKey), "base64")
    assert.lengthOf(own, 105)
    assert.deepStrictEqual(openBox(own.subarray(1).toString("base64"), pair.secretKey), Result.succeed(key))
  })

  it("proves an account's secret as published", () => {
    const challenge = Buffer.from("STBgJvK2pwstCyXanUHY887vWF7rTh4/FXvxz8QL5nM=", "base64")
    assert.deepStrictEqual(proveSecret(accountSecret, challenge), {
      publicKey: "uvxxvq06xeS2PpyCFu5xo0quxlci7tvKcotOmzzM45Y=",
      challenge: "STBgJvK2pwstCyXanUHY887vWF7rTh4/FXvxz8QL5nM=",
      signature: "NeKloMW64gaLg+EoN/EPd7fsNmjV2PbvgihkGImYC3cXX1HAXwNXmbFqFf9vzTGHdtATCOLBy+8oGNBJgrdGBw=="
    })
    const again = proveSecret(accountSecret)
    const signed = nacl.sign.detached.verify(
      Buffer.from(again.challenge, "base64"),
      Buffer.from(again.signature, "base64"),
      Buffer.from(again.publicKey, "base64")
    )
    assert.isTrue(signed)
  })

  for (const machineKey of [legacy, dataKey]) {
    it(`says what is wrong with a text that is not the account's own (${machineKey.kind})`, () => {
      const cipher = makeCipher(machineKey)
      const other = makeCipher(
        machineKey.kind === "legacy"
          ? { kind: "legacy", secret: accountSecret }
          : { ...machineKey, machineKey: accountSecret }
      )
      const good = cipher.encrypt({ deep: [1, "é", null] })
      assert.deepStrictEqual(cipher.decrypt(good), Result.succeed({ deep: [1, "é", null] }))
      assert.notStrictEqual(cipher.encrypt({}), cipher.encrypt({}))
      const bytes = Buffer.from(good, "base64")
      assert.strictEqual(reasonOf(other.decrypt(good)), "encrypted with another key")
      assert.strictEqual(reasonOf(cipher.decrypt("")), "too short")
      assert.strictEqual(reasonOf(cipher.decrypt(bytes.subarray(0, 20).toString("base64"))), "too short")
      assert.strictEqual(reasonOf(cipher.decrypt(`${good}!`)), "not base64")
      assert.strictEqual(reasonOf(cipher.decrypt(good.replace(/=*$/, "-"))), "not base64")
      for (let index = 0; index < bytes.length; index++) {
        const cut = bytes.subarray(0, index).toString("base64")
        assert.notStrictEqual(reasonOf(cipher.decrypt(cut)), "read")
        const flipped = Buffer.from(bytes)
        flipped[index]! ^= 1
        assert.notStrictEqual(reasonOf(cipher.decrypt(flipped.toString("base64"))), "read")
      }
    })
  }

  it("knows a version that it does not speak, and what is no JSON", () => {
    const bytes = Buffer.from(dataKeyText, "base64")
    bytes[0] = 1
    assert.strictEqual(reasonOf(makeCipher(dataKey).decrypt(bytes.toString("base64"))), "of an unknown version")
    const noJson = sealDataKey(key, Buffer.from("not json")).toString("base64")
    assert.strictEqual(reasonOf(makeCipher(dataKey).decrypt(noJson)), "not JSON")
    const noUnicode = sealDataKey(key, Buffer.from([0x22, 0xff, 0x22])).toString("base64")
    assert.strictEqual(reasonOf(makeCipher(dataKey).decrypt(noUnicode)), "not JSON")
  })
})

describe("credentials", () => {
  const secret = accountSecret.toString("base64")
  const machineKey = key.toString("base64")

  it("are read in both of the other program's forms, and `secret` wins", () => {
    const kindOf = (value: unknown) =>
      Option.map(parseCredentials(JSON.stringify(value)), ({ kind, token }) => [kind, Redacted.value(token)])
    const encryption = { publicKey: secret, machineKey }
    assert.deepStrictEqual(kindOf({ secret, token: "t" }), Option.some(["legacy", "t"]))
    assert.deepStrictEqual(kindOf({ encryption, token: "t" }), Option.some(["data-key", "t"]))
    assert.deepStrictEqual(kindOf({ encryption, secret, token: "t" }), Option.some(["legacy", "t"]))
    for (const wrong of [
      null,
      [],
      {},
      { token: "t" },
      { secret },
      { secret: "short", token: "t" },
      { secret: `${secret.slice(0, -2)}==`, token: "t" },
      { encryption: { publicKey: secret }, token: "t" },
      { secret, token: "a\nb" }
    ])
      assert.deepStrictEqual(kindOf(wrong), Option.none())
    assert.deepStrictEqual(parseCredentials("{"), Option.none())
  })

  it("are written so that their owner alone can read them, and read as everybody's too", () => {
    const path = join(mkdtempSync(join(tmpdir(), "hob-")), "machine", "access.key")
    const credentials = makeCredentials(dataKey, "token")
    assert.strictEqual(readCredentials(path).type, "missing")
    writeCredentials(path, credentials)
    assert.strictEqual(statSync(path).mode & 0o777, 0o600)
    assert.strictEqual(statSync(join(path, "..")).mode & 0o777, 0o700)
    assert.strictEqual(readFileSync(path, "utf8"), credentialsText(credentials))
    chmodSync(path, 0o644)
    const read = readCredentials(path)
    assert.strictEqual(read.type === "found" && read.mode, 0o644)
    assert.strictEqual(read.type === "found" && credentialsText(read.credentials), credentialsText(credentials))
    writeFileSync(path, "{}")
    assert.strictEqual(readCredentials(path).type, "unreadable")
    assert.strictEqual(readCredentials(join(path, "..")).type, "unreadable")
  })

  it("show nothing of themselves", () => {
    const credentials = makeCredentials(legacy, "very-secret-token")
    const shown = `${JSON.stringify(credentials)} ${String(credentials.key)} ${String(credentials.token)}`
    assert.notInclude(shown, "very-secret-token")
    assert.notInclude(shown, machineKey)
  })
})
