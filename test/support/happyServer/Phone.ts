/** The other side: a device of an account, which sees machines and calls them. */
import { Result } from "effect"
import { randomBytes } from "node:crypto"
import { io, type Socket } from "socket.io-client"
import nacl from "tweetnacl"
import type { MachineKey } from "../../../src/machine/credentials.ts"
import { contentKeyPair, makeCipher, openBox, proveSecret } from "../../../src/machine/encryption.ts"

export interface SeenMachine {
  readonly id: string
  readonly metadata: string
  readonly metadataVersion: number
  readonly daemonState: string | null
  readonly daemonStateVersion: number
  readonly dataEncryptionKey: string | null
  readonly active: boolean
  readonly activeAt: number
}

export interface Reply {
  readonly ok: boolean
  readonly result?: unknown
  readonly error?: string
}

export class Phone {
  readonly secret: Buffer
  readonly token: string
  readonly #url: string
  #socket: Socket | undefined
  readonly updates: Array<{ readonly seq: number; readonly body: Readonly<Record<string, unknown>> }> = []
  readonly ephemerals: Array<Readonly<Record<string, unknown>>> = []

  private constructor(url: string, secret: Buffer, token: string) {
    this.#url = url
    this.secret = secret
    this.token = token
  }

  /** Logs in, with an account of its own unless one is given. */
  static async login(url: string, secret: Buffer = randomBytes(32)): Promise<Phone> {
    const { token } = (await post(url, "/v1/auth", proveSecret(secret))).body as { readonly token: string }
    return new Phone(url, secret, token)
  }

  /** The credentials of a machine that uses this account's own secret. */
  get legacyAccessKey(): string {
    return JSON.stringify({ secret: this.secret.toString("base64"), token: this.token })
  }

  /** Answers a terminal that wants to be paired. */
  async pair(terminal: string, version: 1 | 2 = 2): Promise<number> {
    const content = Buffer.from(contentKeyPair(this.secret).publicKey)
    const told = version === 1 ? this.secret : Buffer.concat([Buffer.of(0), content])
    const ephemeral = nacl.box.keyPair()
    const nonce = randomBytes(nacl.box.nonceLength)
    const box = nacl.box(told, nonce, Buffer.from(terminal, "base64"), ephemeral.secretKey)
    const response = Buffer.concat([ephemeral.publicKey, nonce, box]).toString("base64")
    return (await post(this.#url, "/v1/auth/response", { publicKey: terminal, response }, this.token)).status
  }

  async machines(): Promise<ReadonlyArray<SeenMachine>> {
    const response = await fetch(`${this.#url}/v1/machines`, { headers: { authorization: `Bearer ${this.token}` } })
    return (await response.json()) as ReadonlyArray<SeenMachine>
  }

  async machine(id: string): Promise<SeenMachine | undefined> {
    return (await this.machines()).find((machine) => machine.id === id)
  }

  /** The machine's key, as a device of the account has it. */
  keyOf({ dataEncryptionKey }: SeenMachine): MachineKey {
    if (dataEncryptionKey === null) return { kind: "legacy", secret: this.secret }
    const pair = contentKeyPair(this.secret)
    const bundle = Buffer.from(dataEncryptionKey, "base64").subarray(1).toString("base64")
    return {
      kind: "data-key",
      publicKey: pair.publicKey,
      machineKey: Result.getOrThrow(openBox(bundle, pair.secretKey))
    }
  }

  /** As this device writes what the server keeps of a machine. */
  encryptFor(machine: SeenMachine, value: unknown): string {
    return makeCipher(this.keyOf(machine)).encrypt(value)
  }

  decryptOf(machine: SeenMachine, text: string): unknown {
    return Result.getOrThrow(makeCipher(this.keyOf(machine)).decrypt(text))
  }

  /** What the machine says of itself. */
  async read(
    id: string
  ): Promise<{ readonly metadata: any; readonly daemonState: any; readonly machine: SeenMachine }> {
    const machine = await this.machine(id)
    if (machine === undefined) throw new Error(`no machine ${id}`)
    const { decrypt } = makeCipher(this.keyOf(machine))
    return {
      machine,
      metadata: Result.getOrThrow(decrypt(machine.metadata)),
      daemonState: machine.daemonState === null ? null : Result.getOrThrow(decrypt(machine.daemonState))
    }
  }

  /** Connected, as the app is while somebody looks at it. */
  async connect(): Promise<Socket> {
    if (this.#socket !== undefined) return this.#socket
    const socket = io(this.#url, {
      path: "/v1/updates",
      transports: ["websocket"],
      forceNew: true,
      auth: { token: this.token, clientType: "user-scoped" }
    })
    socket.on("update", (update) => this.updates.push(update))
    socket.on("ephemeral", (ephemeral) => this.ephemerals.push(ephemeral))
    await new Promise<void>((connected, failed) => {
      socket.once("connect", connected)
      socket.once("connect_error", failed)
    })
    return (this.#socket = socket)
  }

  /** A call whose parameters are given as they go over the wire. */
  async callRaw(machineId: string, method: string, params: unknown): Promise<Reply> {
    const socket = await this.connect()
    return (await socket.emitWithAck("rpc-call", { method: `${machineId}:${method}`, params })) as Reply
  }

  /** Calls a machine; gives its answer in clear. Fails with the server's error. */
  async call(machineId: string, method: string, params: unknown): Promise<any> {
    const machine = await this.machine(machineId)
    if (machine === undefined) throw new Error(`no machine ${machineId}`)
    const { decrypt, encrypt } = makeCipher(this.keyOf(machine))
    const reply = await this.callRaw(machineId, method, encrypt(params))
    if (!reply.ok) throw new Error(reply.error)
    return Result.getOrThrow(decrypt(String(reply.result)))
  }

  close(): void {
    this.#socket?.close()
    this.#socket = undefined
  }
}

export const post = async (
  url: string,
  path: string,
  body: unknown,
  token?: string
): Promise<{ readonly status: number; readonly body: unknown }> => {
  const response = await fetch(`${url}${path}`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` })
    },
    body: JSON.stringify(body)
  })
  return { status: response.status, body: await response.json() }
}
