import * as fc from "fast-check"
import { type ChildProcess, spawn } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createClient } from "redis"
import { afterEach, assert, beforeEach, describe } from "vitest"
import { connect } from "../../src/wire/unixSocket.ts"
import { matches } from "../../src/channels/patterns.ts"
import { needs } from "../support/needs.ts"

const MAX_SEGMENTS = 5
const segment = fc.oneof(
  fc.constantFrom("a", "b", "c"),
  fc.constantFrom("a*", "a?", "[ab]", "\\", "^", "-", "a b", "é", "\u{1F600}", "***")
)
const names = fc.array(segment, { minLength: 1, maxLength: MAX_SEGMENTS }).map((segments) => segments.join(":"))
const patterns = fc
  .tuple(
    fc.array(fc.oneof(segment, fc.constant("*")), { maxLength: MAX_SEGMENTS - 1 }),
    fc.constantFrom([], ["**"], ["a"])
  )
  .map(([first, last]) => [...first, ...last].join(":"))
  .filter((pattern) => pattern !== "")

const depth = (text: string): number => text.split(":").length

/** A segment as Redis' patterns have it: all of it literal, but for the wildcard. */
const glob = (part: string): string => (part === "*" ? "*" : part.replaceAll(/[*?[\]\\^-]/g, String.raw`\$&`))

/**
 * What stands for a pattern with Redis, whose `*` crosses segments: one for each depth that names may have. Where name and
 * pattern are equally deep no `*` can have taken in a colon.
 */
const globs = (pattern: string): ReadonlyArray<string> => {
  const parts = pattern.split(":")
  if (parts.at(-1) !== "**") return [parts.map(glob).join(":")]
  const first = parts.slice(0, -1).map(glob)
  return Array.from({ length: MAX_SEGMENTS - first.length }, (_, more) =>
    [...first, ...Array.from({ length: more + 1 }, () => "*")].join(":")
  )
}

describe("a pattern, beside those of Redis", () => {
  let directory: string
  let server: ChildProcess
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "hob-redis-"))
  })
  afterEach(() => {
    server?.kill()
    rmSync(directory, { recursive: true, force: true })
  })

  const begin = async (): Promise<string> => {
    const path = join(directory, "r.sock")
    server = spawn("redis-server", ["--port", "0", "--unixsocket", path, "--save", "", "--dir", directory], {
      stdio: "ignore"
    })
    for (;;) {
      const socket = await connect(path).catch(() => undefined)
      if (socket !== undefined) {
        socket.destroy()
        return path
      }
      await new Promise((again) => setTimeout(again, 20))
    }
  }

  needs("redis-server")("matches what it matches there, segment by segment: ten thousand pairs", async () => {
    const path = await begin()
    const client = () => createClient({ socket: { path, tls: false } }).connect()
    const [subscriber, publisher] = await Promise.all([client(), client()])
    const some = fc.sample(fc.uniqueArray(patterns, { minLength: 100, maxLength: 100 }), 1)[0]!
    const called = fc.sample(fc.uniqueArray(names, { minLength: 100, maxLength: 100 }), 1)[0]!
    const heard = new Set<string>()
    for (const [at, pattern] of some.entries()) {
      for (const one of globs(pattern)) {
        await subscriber.pSubscribe(one, (_, name) => {
          if (depth(one) === depth(name)) heard.add(`${at} ${name}`)
        })
      }
    }
    const all = Promise.withResolvers<void>()
    await subscriber.subscribe("end", () => all.resolve())
    for (const name of called) await publisher.publish(name, "x")
    await publisher.publish("end", "x")
    await all.promise
    assert.isAbove(heard.size, 0)
    for (const [at, pattern] of some.entries()) {
      for (const name of called) {
        assert.strictEqual(matches(pattern, name), heard.has(`${at} ${name}`), `${pattern} ${name}`)
      }
    }
    subscriber.destroy()
    publisher.destroy()
  })
})
