/**
 * Gives and ends leases, some at a time, through the journal of a store: `journalWriter.ts PATH MOST [LAST]`. Says of each
 * batch what it is about to write, `tries OVER GIVEN` (tokens; given ones with the length of their names), and `has` once
 * it is committed. Goes on until it is killed; that it does itself in its LAST batch, before or behind the COMMIT.
 */
import { writeSync } from "node:fs"
import { Journal } from "../../../src/locks/Journal.ts"
import * as rows from "../../../src/locks/rows.ts"
import { freeLock, type HeldState, keyOf } from "../../../src/locks/state.ts"
import { migrations } from "../../../src/storage/migrations.ts"
import { openStore } from "../../../src/storage/openStore.ts"
import { holder, name, namespace } from "../support.ts"

const [path, most, last = "Infinity"] = process.argv.slice(2) as [string, string, string?]
const bootId = "a boot"
const { connection } = openStore(path, { durability: "process-crash", steps: migrations })
const loaded = rows.load(connection)
const held = new Map(
  loaded.rows.map((row): [number, HeldState] => {
    const grant = rows.restore(row, { now: 0, bootId, resumeMillis: 0 })
    return [row.token, { ...freeLock(row.namespace, row.name, keyOf(row.namespace, row.name)), grant }]
  })
)
const journal = new Journal(loaded, held, { bootId, most: Number(most) })
const below = (limit: number) => Math.floor(Math.random() * limit)
const die = () => process.kill(process.pid, "SIGKILL")
const say = (line: string) => void writeSync(1, `${line}\n`)

const lease = (token: number): HeldState => ({
  // Of some batches the row is larger than a page of the file.
  ...freeLock(namespace("default"), name("n".repeat(1 + below(below(10) === 0 ? 500 : 20)))),
  grant: {
    holder: holder("ada"),
    token,
    ttlMillis: 30_000,
    deadline: 30_000,
    resumeBy: undefined,
    acquiredAt: 0,
    bind: "lease",
    client: undefined,
    secretHash: undefined
  }
})

say("open")
let token = loaded.ceiling + 1
for (let batch = 0; ; batch++) {
  const over = [...held.keys()].filter(() => held.size > 300 || below(3) === 0)
  const leases = Array.from({ length: below(40) }, () => lease(token++))
  say(`tries ${over.join(",")} ${leases.map((each) => `${each.grant.token}:${each.name.length}`).join(",")}`)
  connection.run("BEGIN IMMEDIATE")
  const written = journal.write(connection, { over, leases })
  const isLast = batch === Number(last)
  if (isLast && below(2) === 0) die()
  connection.run("COMMIT")
  if (isLast) die()
  say("has")
  journal.take(written)
  for (const each of over) held.delete(each)
  for (const each of leases) held.set(each.grant.token, each)
  if (connection.logBytes() > 256 * 1024) connection.checkpoint()
}
