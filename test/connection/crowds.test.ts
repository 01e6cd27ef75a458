import { type ChildProcess, execFileSync, spawn } from "node:child_process"
import { mkdtempSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, assert, beforeAll, describe, it } from "vitest"
import { RpcErrorCode } from "../../src/protocol/errors.ts"
import { connect } from "../../src/wire/unixSocket.ts"
import { bundle } from "../support/bundle.ts"
import { skipsForbidden } from "../support/needs.ts"
import { RawClient } from "./toy.ts"

const MiB = 1024 * 1024
const hardLimit = ((): number => {
  const limit = execFileSync("/bin/sh", ["-c", "ulimit -Hn"]).toString().trim()
  return limit === "unlimited" ? Infinity : Number(limit)
})()

/** The children's scripts as files, as a daemon is one: what reads sources takes memory, and is not what is measured. */
const built = new Map<string, string>()
beforeAll(async () => {
  const directory = mkdtempSync(join(tmpdir(), "hob-crowds-"))
  for (const name of ["door", "crowd", "flood"]) {
    built.set(name, await bundle(join(import.meta.dirname, "children", `${name}.ts`), directory))
  }
})

let children: Array<ChildProcess> = []
afterEach(() => {
  for (const child of children) child.kill("SIGKILL")
  children = []
})

/** Runs one of the children's scripts with this limit of open files. */
const start = (script: string, files: number, ...args: ReadonlyArray<string>): ChildProcess => {
  const command = `ulimit -n ${files} && exec "$0" "$@"`
  const child = spawn("/bin/sh", ["-c", command, process.execPath, built.get(script)!, ...args], {
    stdio: ["ignore", "inherit", "inherit", "ipc"]
  })
  children.push(child)
  return child
}
const heard = (child: ChildProcess): Promise<any> =>
  new Promise((resolve, reject) => {
    const gone = () => reject(new Error("the child has ended"))
    child.once("exit", gone)
    child.once("message", (message) => {
      child.off("exit", gone)
      resolve(message)
    })
  })
const ask = (child: ChildProcess, question: object): Promise<any> => {
  const answer = heard(child)
  child.send(question)
  return answer
}
const close = async (door: ChildProcess): Promise<void> => {
  const gone = new Promise((resolve) => door.once("exit", resolve))
  door.send({ ask: "close" })
  await gone
}

const many = (files: number) => (hardLimit >= files ? it : skipsForbidden ? it : it.skip)

describe("crowds", { timeout: 300_000 }, () => {
  many(10_500)(
    "10,000 clients that connect at once are all served, in less than 256 MiB (needs ulimit -n 10500)",
    async () => {
      const door = start("door", 10_500, JSON.stringify({ maxConnections: 20_000 }))
      const { path } = await heard(door)
      const crowd = start("crowd", 10_500, path)
      await heard(crowd)
      assert.deepStrictEqual(await ask(crowd, { connect: 10_000 }), { served: 10_000 })
      assert.strictEqual((await ask(crowd, { ping: true })).answered, 10_000)
      const { memory } = await ask(door, { ask: "memory" })
      assert.isBelow(memory.rss, 256 * MiB)
      await close(door)
    }
  )

  it("more clients than the process may open files: who is in is served, who is too many is told, and there is room when they leave", async () => {
    const door = start("door", 256)
    const { path } = await heard(door)
    const crowd = start("crowd", Math.min(hardLimit, 2000), path)
    await heard(crowd)
    const regular = new RawClient(await connect(path))
    const served = async (id: string): Promise<void> => {
      regular.request(id, "toy.echo", { text: id })
      assert.strictEqual((await regular.reply()).result, id)
    }
    await served("first")
    for (let cycle = 0; cycle < 3; cycle++) {
      const counts = await ask(crowd, { connect: 1000 })
      const refused = counts[RpcErrorCode.tooManyConnections] ?? 0
      assert.strictEqual(counts["served"] + refused + (counts["closed"] ?? 0), 1000, JSON.stringify(counts))
      assert.isAbove(counts["served"], 100)
      assert.isAbove(refused, 0)
      await served(`cycle ${cycle}`)
      assert.deepStrictEqual(await ask(door, { ask: "file" }), { file: true })
      // Full is not busy: nothing goes round while nobody asks anything.
      assert.deepStrictEqual(await ask(door, { ask: "rest" }), { rest: true })
      await ask(crowd, { leave: true })
    }
    regular.close()
    await close(door)
  })

  it("four clients that send a gigabyte without a newline get one error each, for less than 32 MiB", async () => {
    const door = start("door", 1024)
    const { path } = await heard(door)
    const other = new RawClient(await connect(path))
    // What the first requests load and compile is not what is measured.
    for (let i = 0; i < 100; i++) {
      other.request(i, "toy.echo", { text: "x".repeat(1000) })
      await other.reply()
    }
    const before = (await ask(door, { ask: "memory" })).memory
    const floods = Array.from({ length: 4 }, () => heard(start("flood", 1024, path)))
    const progress = { flooding: true }
    const all = Promise.all(floods).finally(() => (progress.flooding = false))
    for (let id = 0; progress.flooding; id++) {
      other.request(id, "toy.echo", { text: "meanwhile" })
      assert.strictEqual((await other.reply()).result, "meanwhile")
    }
    for (const { reply } of await all) {
      assert.strictEqual(reply.split("\n").length, 2)
      assert.strictEqual(JSON.parse(reply).error.code, RpcErrorCode.lineTooLong)
    }
    const { memory } = await ask(door, { ask: "memory" })
    assert.isBelow(memory.peak - before.rss, 32 * MiB, `${before.rss / MiB} → ${memory.peak / MiB}`)
    other.close()
    await close(door)
  })
})
