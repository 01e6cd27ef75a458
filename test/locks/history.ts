/** Random histories of locks, run on the table and on the model side by side. */
import { Exit } from "effect"
import * as fc from "fast-check"
import * as rows from "../../src/locks/rows.ts"
import { hashOf } from "../../src/locks/Secrets.ts"
import { type Answer, Table } from "../../src/locks/Table.ts"
import type { LockEvent } from "../../src/protocol/locks.ts"
import { StorageFull } from "../../src/protocol/storage.ts"
import { migrate } from "../../src/storage/migrate.ts"
import { migrations } from "../../src/storage/migrations.ts"
import { Connection, type Sql } from "../../src/storage/sqlite.ts"
import { endOf, Model, type Relation } from "./model.ts"
import { holder, name, namespace, token } from "./support.ts"

const ns = namespace("default")
const pick = (...values: ReadonlyArray<number>) => fc.constantFrom(...values)
const lock = fc.constantFrom("a", "b", "c")
const who = fc.constantFrom("ada", "bob", "eve", "joe")
const client = fc.constantFrom(1, 2, 3)
/** Of a lease that is, that was, or that never will be. */
const tokenOf = fc.constantFrom("current", "old", "future")

export const operation = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      type: fc.constant("acquire" as const),
      lock,
      who,
      ttl: pick(100, 150, 400, 1000),
      wait: pick(0, 50, 300, 2000),
      client: fc.option(client, { nil: undefined })
    })
  },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant("renew" as const), lock, who, which: tokenOf, ttl: pick(100, 700) })
  },
  {
    weight: 5,
    arbitrary: fc.record({
      type: fc.constant("release" as const),
      lock,
      who,
      which: fc.oneof(fc.constant("none" as const), tokenOf)
    })
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("leave" as const), nth: fc.nat(5) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("disconnect" as const), client }) },
  {
    weight: 4,
    arbitrary: fc.record({ type: fc.constant("pass" as const), millis: pick(1, 49, 50, 99, 100, 300, 1000) })
  },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant("set the clock" as const), millis: pick(-3_600_000, 3_600_000) })
  },
  { weight: 6, arbitrary: fc.record({ type: fc.constant("commit" as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant("crash" as const), committed: fc.boolean(), sameBoot: fc.boolean() })
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("resume" as const), client }) }
)
export type Operation = typeof operation extends fc.Arbitrary<infer A> ? A : never

const RESUME_MILLIS = 250
const limits = { maxCount: 1000, maxWaiterCount: 1000, resumeMillis: RESUME_MILLIS }

type Submitted = { readonly work: (sql: Sql) => unknown; readonly answer: (exit: Exit.Exit<any, any>) => void }

/** The table over a real store in memory; the test says when a transaction commits, and when all that is not in it is gone. */
export class Subject {
  readonly connection = new Connection(":memory:", "process-crash")
  readonly answers = new Map<number, string>()
  readonly events: Array<LockEvent> = []
  /** Tokens in the order in which they were given. */
  readonly given: Array<number> = []
  submitted: Array<Submitted> = []
  now = 0
  wall = 1_700_000_000_000
  boot = 1
  rebases = true
  batchAsks = 2
  table = this.open()

  open(): Table {
    const isNew =
      this.boot === 1 && this.submitted.length === 0 && this.connection.all("SELECT 1 FROM sqlite_schema").length === 0
    if (isNew) migrate(this.connection, migrations)
    // Within a boot a store that is full just then is as good: its journal is read, and not folded.
    if (this.rebases) rows.rebase(this.connection, { bootId: String(this.boot), now: this.now })
    return new Table(
      {
        submit: (work, answer) => void this.submitted.push({ work, answer }),
        now: () => this.now,
        wall: () => this.wall,
        bootId: String(this.boot),
        limits: () => limits,
        journalBatches: 3,
        batchAsks: () => this.batchAsks,
        hasLeft: () => false,
        announce: (event) => void this.events.push(event),
        wake: () => {}
      },
      rows.load(this.connection),
      1
    )
  }

  /** The tokens of the leases that the store has. */
  stored(): ReadonlyArray<number> {
    return rows.load(this.connection).rows.map(({ token }) => token)
  }

  /** As the store does: a transaction, and then the answers. */
  commit(outcome: "answered" | "unanswered" | "full" = "answered"): void {
    for (let next = this.submitted.shift(); next !== undefined; next = this.submitted.shift()) {
      const { answer, work } = next
      this.connection.run("BEGIN")
      const result = work(this.connection)
      this.connection.run(outcome === "full" ? "ROLLBACK" : "COMMIT")
      if (outcome === "answered") answer(Exit.succeed(result))
      if (outcome === "full") answer(Exit.fail(new StorageFull({ path: "x" })))
    }
  }

  crash(committed: boolean, sameBoot: boolean): void {
    this.batchAsks = Infinity
    if (committed) this.commit("unanswered")
    this.batchAsks = 2
    this.submitted = []
    if (!sameBoot) this.boot++
    this.rebases = !sameBoot || !this.rebases
    this.table = this.open()
  }

  answered(id: number, answer: Answer): void {
    if (this.answers.has(id)) throw new Error(`request ${id} is answered twice`)
    if (answer.type === "granted") {
      this.answers.set(id, answer.renewed ? "renewed" : "granted")
      if (!answer.renewed) this.given.push(answer.grant.token)
    } else if (answer.type === "refused" || answer.type === "failed") this.answers.set(id, answer.error._tag)
    else this.answers.set(id, answer.type)
  }

  close(): void {
    this.connection.close()
  }
}

const fail = (what: string, expected: unknown, actual: unknown): never => {
  throw new Error(`${what}: expected ${JSON.stringify(expected)}, and it is ${JSON.stringify(actual)}`)
}

/** Runs a history on both; throws at the first difference. */
export const run = (history: ReadonlyArray<Operation>): void => {
  const subject = new Subject()
  const model = new Model()
  let pending: Array<() => void> = []
  const outstanding = new Map<number, string>()
  const asked: Array<number> = []
  let lastId = 0
  try {
    for (const operation of history) step(operation)
    commit()
  } finally {
    subject.close()
  }

  function step(op: Operation): void {
    switch (op.type) {
      case "acquire": {
        const id = ++lastId
        const bound = op.client
        const happening = {
          type: "acquire",
          id,
          holder: holder(op.who),
          ttlMillis: op.ttl,
          waitMillis: op.wait,
          bind: bound === undefined ? "lease" : "connection",
          client: bound,
          secretHash: bound === undefined ? undefined : hashOf(`secret ${bound}`)
        } as const
        ask(id, op.lock, happening, () =>
          model.acquire({ id, lock: op.lock, holder: op.who, ttl: op.ttl, wait: op.wait, client: bound })
        )
        asked.push(id)
        return
      }
      case "renew":
      case "release": {
        // Which token is whose is known only once all that was asked before is decided.
        if (op.which !== "none") commit()
        const id = ++lastId
        const grant = [...subject.table.list()].find((state) => state.name === op.lock)?.grant
        const given = grant?.token ?? subject.given.at(-1)
        const [real, relation]: readonly [number | undefined, Relation] =
          op.which === "none"
            ? [undefined, undefined]
            : op.which === "future" || given === undefined || (op.which === "old" && given === 1)
              ? [1e9, "never"]
              : op.which === "old"
                ? [given - 1, "past"]
                : [given, grant === undefined ? "past" : "own"]
        const known = { id, holder: holder(op.who) }
        if (op.type === "renew") {
          const happening = { ...known, type: "renew", token: token(real!), ttlMillis: op.ttl } as const
          return ask(id, op.lock, happening, () => model.renew(id, op.lock, op.who, relation, op.ttl))
        }
        const happening = { ...known, type: "release", token: real === undefined ? undefined : token(real) } as const
        return ask(id, op.lock, happening, () => model.release(id, op.lock, op.who, relation))
      }
      case "leave": {
        const id = asked.at(-1 - op.nth)
        const where = id === undefined ? undefined : outstanding.get(id)
        if (id === undefined || where === undefined) return
        subject.table.leave({ namespace: ns, name: name(where) }, id)
        outstanding.delete(id)
        pending = pending.filter((entry) => (entry as { id?: number }).id !== id)
        model.leave(id)
        return
      }
      case "disconnect": {
        // What is asked and not committed would be bound to a connection that is gone; doors give it up first.
        commit()
        for (const state of subject.table.list()) {
          if (state.grant.client === op.client) pending.push(() => model.disconnect(op.client, state.name))
        }
        subject.table.disconnect(op.client)
        return commit()
      }
      case "pass":
        commit()
        subject.now += op.millis
        model.now += op.millis
        subject.wall += op.millis
        return commit()
      case "set the clock":
        subject.wall += op.millis
        return
      case "commit":
        return commit()
      case "crash": {
        if (op.committed) for (const happen of pending) happen()
        pending = []
        subject.crash(op.committed, op.sameBoot)
        model.restart(RESUME_MILLIS, op.sameBoot)
        for (const id of outstanding.keys()) model.answers.delete(id)
        outstanding.clear()
        return compare()
      }
      case "resume": {
        commit()
        const found = new Set<string>(
          subject.table.resume(op.client, hashOf(`secret ${op.client}`)).map((state) => state.name)
        )
        for (const [lockName, { held }] of model.locks) {
          if (held?.client !== op.client) continue
          if (!found.has(lockName)) fail(`resume of ${lockName}`, true, false)
          held.resumeBy = undefined
        }
      }
    }
  }

  function ask(id: number, where: string, happening: any, onModel: () => void): void {
    outstanding.set(id, where)
    pending.push(Object.assign(onModel, { id }))
    subject.table.ask({ namespace: ns, name: name(where), happening }, id, (answer) => subject.answered(id, answer))
  }

  function commit(): void {
    for (const happen of pending.splice(0)) happen()
    for (const lockModel of model.locks.values()) model.settle(lockModel)
    subject.table.expire()
    subject.commit()
    compare()
  }

  function compare(): void {
    for (const id of Array.from(outstanding.keys())) {
      const expected = model.answers.get(id)
      const actual = subject.answers.get(id)
      if (expected !== actual) fail(`the answer of request ${id}`, expected, actual)
      if (actual !== undefined) outstanding.delete(id)
    }
    const held = Object.fromEntries(
      Array.from(subject.table.list(), ({ grant, name, waiters }) => [
        name,
        {
          holder: grant.holder,
          deadline: Math.min(grant.deadline, grant.resumeBy ?? Infinity),
          queue: waiters.map(({ id }) => id)
        }
      ])
    )
    for (const [lockName, { held: mine, queue }] of model.locks) {
      const actual = held[lockName]
      if (mine === undefined || endOf(mine) <= model.now) {
        if (actual !== undefined) fail(`lock ${lockName}`, "free", actual)
        continue
      }
      const expected = { holder: mine.holder, deadline: endOf(mine), queue: queue.map(({ id }) => id) }
      if (JSON.stringify(actual) !== JSON.stringify(expected)) fail(`lock ${lockName}`, expected, actual)
    }
    for (let index = 1; index < subject.given.length; index++) {
      const [before, after] = subject.given.slice(index - 1)
      if (after! <= before!) fail("a token", `more than ${before}`, after)
    }
    // The store has what the memory has: nothing that was given is lost with the next crash, and nothing else comes back.
    const stored: ReadonlyArray<number> = subject.stored()
    const inMemory = [...subject.table.list()].map(({ grant }) => grant.token).sort((a, b) => a - b)
    if (subject.submitted.length === 0 && !inMemory.every((token) => stored.includes(token)))
      fail("the store", inMemory, stored)
  }
}
