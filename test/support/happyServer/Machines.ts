/** What the server keeps of machines. It can read none of it. */
export interface Machine {
  readonly id: string
  readonly account: string
  readonly seq: number
  metadata: string
  metadataVersion: number
  daemonState: string | null
  daemonStateVersion: number
  readonly dataEncryptionKey: string | null
  active: boolean
  activeAt: number
  readonly createdAt: number
  updatedAt: number
}

export type Field = "metadata" | "daemonState"
const versionOf = { metadata: "metadataVersion", daemonState: "daemonStateVersion" } as const

/** As `POST /v1/machines` shows it: without `seq`. */
export const shown = (machine: Machine) => {
  const { account: _account, seq: _seq, ...rest } = machine
  const {
    active,
    activeAt,
    createdAt,
    daemonState,
    daemonStateVersion,
    dataEncryptionKey,
    id,
    metadata,
    metadataVersion,
    updatedAt
  } = rest
  return {
    id,
    metadata,
    metadataVersion,
    daemonState,
    daemonStateVersion,
    dataEncryptionKey,
    active,
    activeAt,
    createdAt,
    updatedAt
  }
}

export const listed = (machine: Machine) => ({ ...shown(machine), seq: machine.seq })

export type Ack =
  | {
      readonly result: "success" | "version-mismatch"
      readonly version: number
      readonly metadata?: string
      readonly daemonState?: string | null
    }
  | { readonly result: "error"; readonly message: string }

const SILENCE_MILLIS = 10 * 60_000

export class Machines {
  readonly #machines = new Map<string, Machine>()
  readonly #seqs = new Map<string, number>()
  readonly #now: () => number

  constructor(now: () => number) {
    this.#now = now
  }

  get(account: string, id: unknown): Machine | undefined {
    const machine = this.#machines.get(String(id))
    return machine?.account === account ? machine : undefined
  }

  /** Newest first. One that has been silent for ten minutes is not active any more. */
  list(account: string): ReadonlyArray<Machine> {
    this.#expire()
    return [...this.#machines.values()]
      .filter((machine) => machine.account === account)
      .sort((a, b) => b.activeAt - a.activeAt)
  }

  nextSeq(account: string): number {
    const next = (this.#seqs.get(account) ?? 0) + 1
    this.#seqs.set(account, next)
    return next
  }

  /** One that is there already stays as it is: what is posted is passed over. `clash`: it is another account's. */
  register(
    account: string,
    posted: {
      readonly id: string
      readonly metadata: string
      readonly daemonState?: string
      readonly dataEncryptionKey?: string | null
    }
  ): { readonly machine: Machine; readonly isNew: boolean } | "clash" {
    this.#expire()
    const found = this.#machines.get(posted.id)
    if (found !== undefined) return found.account === account ? { machine: found, isNew: false } : "clash"
    const now = this.#now()
    const machine: Machine = {
      id: posted.id,
      account,
      seq: this.nextSeq(account),
      metadata: posted.metadata,
      metadataVersion: 1,
      daemonState: posted.daemonState ?? null,
      daemonStateVersion: posted.daemonState === undefined ? 0 : 1,
      dataEncryptionKey: posted.dataEncryptionKey ?? null,
      active: false,
      activeAt: now,
      createdAt: now,
      updatedAt: now
    }
    this.#machines.set(posted.id, machine)
    return { machine, isNew: true }
  }

  delete(account: string, id: string): boolean {
    return this.get(account, id) !== undefined && this.#machines.delete(id)
  }

  /** Compare and set, in one of exactly four shapes. */
  update(account: string, field: Field, request: unknown): Ack {
    const { expectedVersion, machineId, [field]: value } = (request ?? {}) as Record<string, unknown>
    if (typeof machineId !== "string" || typeof value !== "string" || typeof expectedVersion !== "number") {
      return { result: "error", message: "Invalid parameters" }
    }
    const machine = this.get(account, machineId)
    if (machine === undefined) return { result: "error", message: "Machine not found" }
    const version = versionOf[field]
    if (machine[version] !== expectedVersion) {
      return { result: "version-mismatch", version: machine[version], [field]: machine[field] }
    }
    machine[field] = value
    machine[version]++
    machine.updatedAt = this.#now()
    if (field === "daemonState") this.#seen(machine, this.#now())
    return { result: "success", version: machine[version], [field]: value }
  }

  /** Whether it counts: a time that is no number or older than ten minutes is passed over. */
  alive(account: string, request: unknown): Machine | undefined {
    const { machineId, time } = (request ?? {}) as Record<string, unknown>
    const machine = this.get(account, machineId)
    const now = this.#now()
    if (machine === undefined || typeof time !== "number" || time < now - SILENCE_MILLIS) return undefined
    this.#seen(machine, Math.min(time, now))
    return machine
  }

  #seen(machine: Machine, at: number): void {
    machine.active = true
    machine.activeAt = at
  }

  #expire(): void {
    const now = this.#now()
    for (const machine of this.#machines.values()) {
      if (machine.active && machine.activeAt < now - SILENCE_MILLIS) machine.active = false
    }
  }
}
