/** A throw-away certificate authority: X.509 by hand, as Node can sign but not make certificates. */
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto"

const der = (tag: number, ...parts: ReadonlyArray<Buffer>): Buffer => {
  const body = Buffer.concat(parts)
  const size = body.length
  const length = size < 0x80 ? [size] : size < 0x100 ? [0x81, size] : [0x82, size >> 8, size & 0xff]
  return Buffer.concat([Buffer.from([tag, ...length]), body])
}
const sequence = (...parts: ReadonlyArray<Buffer>) => der(0x30, ...parts)
const bits = (bytes: Buffer) => der(0x03, Buffer.from([0]), bytes)
const octets = (bytes: Buffer) => der(0x04, bytes)
const yes = der(0x01, Buffer.from([0xff]))
const oid = (...bytes: ReadonlyArray<number>) => der(0x06, Buffer.from(bytes))
const named = (name: string) => sequence(der(0x31, sequence(oid(0x55, 0x04, 0x03), der(0x0c, Buffer.from(name)))))
const instant = (date: Date) => der(0x17, Buffer.from(date.toISOString().replace(/^20|[-:T]|\.\d+/g, "")))

const ecdsaWithSha256 = sequence(oid(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02))
const extension = (id: ReadonlyArray<number>, critical: boolean, value: Buffer) =>
  sequence(oid(...id), ...(critical ? [yes] : []), octets(value))

const pem = (bytes: Buffer): string =>
  `-----BEGIN CERTIFICATE-----\n${bytes
    .toString("base64")
    .match(/.{1,64}/g)!
    .join("\n")}\n-----END CERTIFICATE-----\n`

interface Subject {
  readonly name: string
  readonly key: KeyObject
  readonly extensions: ReadonlyArray<Buffer>
}

const certificate = (subject: Subject, issuer: string, issuerKey: KeyObject): Buffer => {
  const day = 24 * 60 * 60 * 1000
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    ecdsaWithSha256,
    named(issuer),
    sequence(instant(new Date(Date.now() - day)), instant(new Date(Date.now() + 30 * day))),
    named(subject.name),
    subject.key.export({ type: "spki", format: "der" }),
    der(0xa3, sequence(...subject.extensions))
  )
  return sequence(body, ecdsaWithSha256, bits(sign("sha256", body, issuerKey)))
}

export interface Certificates {
  /** Of the authority, for those who are to trust it. PEM. */
  readonly ca: string
  readonly cert: string
  readonly key: string
  /** What channel binding of the kind `tls-server-end-point` is about. */
  readonly endPoint: Buffer
}

/** An authority nobody knows, and a certificate of it for `hosts`: names, or IPv4 addresses. */
export const makeCertificates = (hosts: ReadonlyArray<string>): Certificates => {
  const authority = generateKeyPairSync("ec", { namedCurve: "prime256v1" })
  const server = generateKeyPairSync("ec", { namedCurve: "prime256v1" })
  const issuer = "throw-away authority"
  const isCa = extension([0x55, 0x1d, 0x13], true, sequence(yes))
  const names = hosts.map((host) =>
    /^[\d.]+$/.test(host) ? der(0x87, Buffer.from(host.split(".").map(Number))) : der(0x82, Buffer.from(host))
  )
  const ca = certificate({ name: issuer, key: authority.publicKey, extensions: [isCa] }, issuer, authority.privateKey)
  const cert = certificate(
    {
      name: hosts[0] ?? "nobody",
      key: server.publicKey,
      extensions: [extension([0x55, 0x1d, 0x11], false, sequence(...names))]
    },
    issuer,
    authority.privateKey
  )
  return {
    ca: pem(ca),
    cert: pem(cert),
    key: server.privateKey.export({ type: "pkcs8", format: "pem" }) as string,
    endPoint: createHash("sha256").update(cert).digest()
  }
}
