import { chmodSync, copyFileSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterEach, assert, beforeEach, describe, expect, it, vi } from "vitest"
import { Answering, NoAnswer } from "../../../src/sessionhost/Answering.ts"
import { makePreflight, preflight } from "../../../src/sessionhost/preflight.ts"
import { SpawnError } from "../../../src/sessionhost/program.ts"
import { environment, kinds, run, temporaryDirectory } from "./run.ts"

const isRoot = process.getuid?.() === 0

/** `reason` and `subject` of the refusal, and its sentence. */
const refusal = async (attempt: Promise<string>): Promise<{ reason: string; subject: string; message: string }> => {
  try {
    return assert.fail(`not refused: ${await attempt}`)
  } catch (error) {
    assert.instanceOf(error, SpawnError)
    return error
  }
}

/** A directory with one of each; `file` makes one more. */
const scene = () => {
  const directory = temporaryDirectory()
  const file = (name: string, content: string | Buffer, mode = 0o755) => {
    const path = join(directory, name)
    mkdirSync(join(path, ".."), { recursive: true })
    writeFileSync(path, content)
    chmodSync(path, mode)
    return path
  }
  return {
    directory,
    file,
    check: (command: string, env: Record<string, string> = environment, cwd = directory) =>
      preflight([command], cwd, env)
  }
}

describe("finding a command", () => {
  it("goes through the session's PATH in order, and past what can't be executed", async () => {
    const { check, directory, file } = scene()
    file("one/tool", "", 0o644)
    mkdirSync(join(directory, "two/tool"), { recursive: true })
    const third = file("three/tool", "#!/bin/sh\n")
    file("four/tool", "#!/bin/sh\n")
    const PATH = ["one", "nowhere", "two", "three", "four"].map((name) => join(directory, name)).join(":")
    expect(await check("tool", { PATH })).toBe(third)
  })

  it("reads relative and empty entries of the PATH, and a name with a slash, from the session's directory", async () => {
    const { check, file } = scene()
    const [tool, below] = [file("tool", ""), file("bin/below", "")]
    expect(await check("tool", { PATH: "/nowhere::" })).toBe(tool)
    expect(await check("below", { PATH: "bin" })).toBe(below)
    expect(await check("./tool", { PATH: "" })).toBe(tool)
    expect(await check("bin/below", {})).toBe(below)
    expect(await check(below, {}, "/")).toBe(below)
  })

  it("uses the system's directories where there is no PATH, and not those of this process", async () => {
    const { check, directory, file } = scene()
    expect(await check("sh", {})).toMatch(/\/sh$/)
    file("hob-only-here", "")
    vi.stubEnv("PATH", directory)
    expect((await refusal(check("hob-only-here", {}))).reason).toBe("command-not-found")
    vi.unstubAllEnvs()
  })

  it("that is nowhere says where it was looked for", async () => {
    const { check, directory } = scene()
    const error = await refusal(check("nope", { PATH: "/bin:/nowhere" }))
    expect(error).toMatchObject({ reason: "command-not-found", subject: "nope" })
    expect(error.message).toContain("/bin:/nowhere")
    const absent = await refusal(check("./nope"))
    expect(absent).toMatchObject({ reason: "command-not-found", subject: "./nope" })
    expect(absent.message).toContain(join(directory, "nope"))
  })

  it("that can't be executed says why", async () => {
    const { check, directory, file } = scene()
    mkdirSync(join(directory, "folder"))
    file("plain", "#!/bin/sh\n", 0o644)
    symlinkSync("loop", join(directory, "loop"))
    const reasons = {
      "./folder": "is a directory",
      "./plain": "permission denied",
      "./loop": "ELOOP",
      "/dev/null": "not a file"
    }
    for (const [command, why] of Object.entries(reasons)) {
      const error = await refusal(check(command))
      expect(error).toMatchObject({ reason: "not-executable", subject: command })
      expect(error.message).toContain(why)
    }
    expect((await refusal(check("plain", { PATH: directory }))).reason).toBe("not-executable")
  })
})

const elf = (machine: number, type = 3, loader?: string) => {
  const bytes = Buffer.alloc(200)
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1])
  bytes.writeUInt16LE(type, 16)
  bytes.writeUInt16LE(machine, 18)
  if (loader !== undefined) {
    bytes.writeBigUInt64LE(64n, 32)
    bytes.writeUInt16LE(56, 54)
    bytes.writeUInt16LE(1, 56)
    bytes.writeUInt32LE(3, 64)
    bytes.writeBigUInt64LE(130n, 72)
    bytes.writeBigUInt64LE(BigInt(loader.length + 1), 96)
    bytes.write(loader, 130)
  }
  return bytes
}

describe("what the kernel would not execute", () => {
  it("is a script whose interpreter is missing or can't be executed", async () => {
    const { check, directory, file } = scene()
    file("gone", "#!/nowhere/python -u\nx")
    file("windows", "#!/bin/sh\r\necho\r\n")
    file("plain", "", 0o644)
    file("refused", `#! ${directory}/plain\n`)
    file("endless", `#!${directory}/endless\n`)
    const reasons = {
      "./gone": `its interpreter "/nowhere/python" does not exist`,
      "./windows": String.raw`its interpreter "/bin/sh\r" does not exist`,
      "./refused": "can't be executed",
      "./endless": "without end"
    }
    for (const [command, why] of Object.entries(reasons)) {
      const error = await refusal(check(command))
      expect(error).toMatchObject({ reason: "not-executable", subject: command })
      expect(error.message).toContain(why)
    }
  })

  it("is a program for another machine, without its loader, or cut off", async () => {
    const { check, file } = scene()
    const own = process.arch === "arm64" ? 183 : 62
    file("sparc", elf(43))
    file("object", elf(own, 1))
    file("musl", elf(own, 3, "/nowhere/ld-musl.so.1"))
    file("short", elf(own).subarray(0, 40))
    const hostile = elf(own)
    hostile.writeUInt16LE(65_535, 56)
    file("hostile", hostile)
    const reasons = {
      "./sparc": "another kind of machine",
      "./object": "object file",
      "./musl": `its loader "/nowhere/ld-musl.so.1" does not exist`,
      "./short": "cut off"
    }
    for (const [command, why] of Object.entries(reasons)) {
      const error = await refusal(check(command))
      expect(error).toMatchObject({ reason: "not-executable", subject: command })
      expect(error.message).toContain(why)
    }
    file("static", elf(own, 2))
    expect(await check("./static")).toContain("static")
    // A table of endless entries without length must not be read for ever.
    expect(await check("./hostile")).toContain("hostile")
  })

  it.each(kinds)(
    "is not what it does execute %s: programs, scripts of scripts, texts without a first line for it",
    async (_, start) => {
      const { directory, file } = scene()
      copyFileSync("/bin/true", join(directory, "binary"))
      file("inner", "#!/bin/sh\nexit 0\n")
      file("outer", `#!${directory}/inner\n`)
      file("relative", "#!./inner\n")
      file("env", "#!/usr/bin/env -S sh -e\n")
      file("text", "exit 0\n")
      file("empty", "")
      for (const name of ["binary", "inner", "outer", "relative", "env", "text", "empty"]) {
        const path = await preflight([`./${name}`], directory, environment)
        expect([name, await run(start, path, [], { cwd: directory }).exit]).toEqual([name, { code: 0, signal: null }])
      }
    }
  )
})

describe("the working directory", () => {
  it("has to be there, to be a directory and to be named from the root", async () => {
    const { check, directory, file } = scene()
    const plain = file("plain", "")
    const reasons = {
      [join(directory, "nowhere")]: "cwd-missing",
      relative: "cwd-missing",
      "": "cwd-missing",
      "/a\0b": "cwd-missing",
      [plain]: "cwd-not-a-directory",
      [join(plain, "below")]: "cwd-not-a-directory"
    }
    for (const [cwd, reason] of Object.entries(reasons)) {
      expect(await refusal(check("sh", environment, cwd))).toMatchObject({ reason, subject: cwd })
    }
  })

  it("has to be one that may be entered", async () => {
    const answering = new Answering(60_000)
    for (const code of ["EACCES", "EPERM", "EIO", "ENOTCONN", "ELOOP"]) {
      vi.spyOn(answering, "ask").mockRejectedValue(Object.assign(new Error(code), { code }))
      const error = await refusal(makePreflight(answering)(["sh"], "/closed", environment))
      expect(error).toMatchObject({ reason: "cwd-unreadable", subject: "/closed" })
    }
  })

  it("is tried as the user that we are: root may enter what others may not", async () => {
    const { check, directory } = scene()
    const closed = join(directory, "closed")
    mkdirSync(closed, { mode: 0 })
    if (isRoot) expect(await check("sh", environment, closed)).toMatch(/\/sh$/u)
    else expect((await refusal(check("sh", environment, closed))).reason).toBe("cwd-unreadable")
  })

  it("may be under /proc", async () => {
    const { check } = scene()
    expect(await check("sh", environment, "/proc/self/root/tmp")).toMatch(/\/sh$/)
    expect(["cwd-unreadable", "cwd-missing"]).toContain(
      (await refusal(check("sh", environment, "/proc/1/nothing"))).reason
    )
  })
})

const check = (command: ReadonlyArray<string>, env: Record<string, string> = environment) =>
  refusal(preflight(command, "/", env))

describe("arguments and environment", () => {
  it("that can't be passed on are refused by name", async () => {
    expect(await check([])).toMatchObject({ reason: "empty-command" })
    expect(await check([""])).toMatchObject({ reason: "empty-command" })
    expect(await check(["echo", "a\0b"])).toMatchObject({ reason: "bad-argument", subject: "a\0b" })
    for (const name of ["", "A=B", "=", "A\0"]) {
      expect(await check(["echo"], { PATH: "/bin", [name]: "x" })).toMatchObject({
        reason: "bad-environment",
        subject: name
      })
    }
    expect(await check(["echo"], { PATH: "/bin", A: "x\0y" })).toMatchObject({
      reason: "bad-environment",
      subject: "A"
    })
  })

  it("that are longer than the system passes on are refused, and the longest that it does are not", async () => {
    const longest = "x".repeat(128 * 1024 - 1)
    expect(await check(["echo", `${longest}x`])).toMatchObject({
      reason: "bad-argument",
      subject: `${"x".repeat(60)}…`
    })
    expect(await check(["echo"], { PATH: "/bin", A: longest })).toMatchObject({
      reason: "bad-environment",
      subject: "A"
    })
    expect(await check(["echo", ...Array(100).fill(longest)])).toMatchObject({
      reason: "bad-argument",
      subject: "echo"
    })
    const env = { PATH: "/bin:/usr/bin", A: longest.slice(2) }
    for (const [, start] of kinds) {
      const file = await preflight(["printf", "%.3s", longest], "/", env)
      const ended = run(start, file, ["%.3s", longest], { env })
      await ended.closed
      expect(ended.text()).toBe("xxx")
    }
  })
})

const never = () => new Promise<never>(() => {})

describe("a file system that doesn't answer", () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())
  it("is given up after the deadline, and the refusal says so", async () => {
    const answering = new Answering(2000)
    vi.spyOn(answering, "ask").mockImplementation((path, question) =>
      path === "/dead" ? (Answering.prototype.ask.call(answering, path, never) as never) : question(path)
    )
    const attempt = refusal(makePreflight(answering)(["sh"], "/dead", environment))
    await vi.advanceTimersByTimeAsync(2000)
    expect(await attempt).toMatchObject({ reason: "cwd-no-answer", subject: "/dead" })
  })

  it("costs one thread, however often it is asked: from then on a child process goes first", async () => {
    const probed: Array<string> = []
    const dead = new Set(["/dead/a", "/dead/b"])
    const answering = new Answering(1000, async (path) => (probed.push(path), !dead.has(path)))
    const hanging = answering.ask("/dead/a", never).catch((error: unknown) => error)
    await vi.advanceTimersByTimeAsync(1000)
    assert.instanceOf(await hanging, NoAnswer)
    let asked = 0
    const count = async () => ++asked
    await expect(answering.ask("/dead/b", count)).rejects.toBeInstanceOf(NoAnswer)
    expect(asked).toBe(0)
    expect(await answering.ask("/alive", count)).toBe(1)
    expect(probed).toEqual(["/dead/b", "/alive"])
  })

  it("is trusted again once the one that hung has been answered", async () => {
    const probed: Array<string> = []
    const answering = new Answering(1000, async (path) => (probed.push(path), true))
    const late = Promise.withResolvers<string>()
    const hanging = answering.ask("/slow", () => late.promise).catch((error: unknown) => error)
    await vi.advanceTimersByTimeAsync(1000)
    await hanging
    late.resolve("at last")
    await vi.advanceTimersByTimeAsync(0)
    expect(await answering.ask("/slow", async () => "now")).toBe("now")
    expect(probed).toEqual([])
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe("a child process that asks a file system", () => {
  it("tells that there is an answer, also when it is no", async () => {
    const answering = new Answering(60_000)
    vi.useFakeTimers()
    const hanging = answering.ask("/", never).catch((error: unknown) => error)
    await vi.advanceTimersByTimeAsync(60_000)
    assert.instanceOf(await hanging, NoAnswer)
    vi.useRealTimers()
    expect(await answering.ask("/", async (path) => path)).toBe("/")
    expect(await answering.ask("/nowhere", async (path) => path)).toBe("/nowhere")
  })
})
