import { execFile } from "node:child_process"
import {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { join, relative, resolve } from "node:path"
import { afterEach, assert, beforeEach, describe, it } from "vitest"

const root = resolve(import.meta.dirname, "../..")

describe("bin/hob", () => {
  let directory: string
  beforeEach(() => void (directory = realpathSync(mkdtempSync(join(tmpdir(), "hob-")))))
  afterEach(() => rmSync(directory, { recursive: true, force: true }))

  const run = (file: string, args: ReadonlyArray<string>, env: NodeJS.ProcessEnv = {}) =>
    new Promise<{ code: number | null; stdout: string; stderr: string }>((done) => {
      const all = { PATH: process.env["PATH"], HOME: directory, HOB_HOME: join(directory, "home"), ...env }
      const child = execFile(
        file,
        [...args],
        { env: all, cwd: directory, encoding: "utf8" },
        (_error, stdout, stderr) => done({ code: child.exitCode, stdout, stderr })
      )
    })

  /** An installed package: no node_modules of its own. */
  const install = (): string => {
    const at = join(directory, "lib", "node_modules", "hob")
    mkdirSync(join(at, "bin"), { recursive: true })
    copyFileSync(join(root, "bin", "hob"), join(at, "bin", "hob"))
    chmodSync(join(at, "bin", "hob"), 0o755)
    cpSync(join(root, "dist"), join(at, "dist"), { recursive: true })
    copyFileSync(join(root, "package.json"), join(at, "package.json"))
    return join(at, "bin", "hob")
  }

  it("runs from a checkout, through links of every kind, whatever Node the PATH has", async () => {
    const elsewhere = join(directory, "bin")
    mkdirSync(elsewhere)
    symlinkSync(join(root, "bin", "hob"), join(elsewhere, "absolute"))
    symlinkSync(relative(elsewhere, join(root, "bin", "hob")), join(elsewhere, "relative"))
    symlinkSync("relative", join(elsewhere, "chained"))
    symlinkSync(root, join(directory, "checkout"))
    writeFileSync(join(elsewhere, "node"), "#!/bin/sh\necho a wrong node\n", { mode: 0o755 })
    const env = { PATH: `${elsewhere}:/usr/bin:/bin` }
    const files = [join(root, "bin", "hob"), join(directory, "checkout", "bin", "hob")]
    for (const file of [...files, ...["absolute", "relative", "chained"].map((name) => join(elsewhere, name))]) {
      assert.deepStrictEqual(await run(file, ["version"], env), { code: 0, stdout: "0.1.0\n", stderr: "" }, file)
    }
    // As a shell finds it on the PATH, and by a path relative to here.
    assert.strictEqual((await run("/bin/sh", ["-c", "chained version"], env)).stdout, "0.1.0\n")
    assert.strictEqual((await run("/bin/sh", ["-c", "bin/relative version"], env)).stdout, "0.1.0\n")
  })

  it("loads little before it knows what it is to do: no module of Node's that takes milliseconds", () => {
    const modules = new Set<string>()
    const files = new Set<string>()
    const collect = (file: string) => {
      if (files.has(file)) return
      files.add(file)
      const text = readFileSync(join(root, "dist", file), "utf8")
      // What is loaded later stands behind an arrow: `.then(()=>require("./x.cjs"))`.
      for (const [, name] of text.matchAll(/(?<!=>)require\("([^"]+)"\)/g)) {
        if (name!.startsWith("./")) collect(name!.slice(2))
        else modules.add(name!)
      }
    }
    collect("hob.cjs")
    collect("hob-run.cjs")
    collect("hob-hook.cjs")
    // `import` of it would load Node's machinery for modules.
    assert.match(readFileSync(join(root, "dist", "hob.cjs"), "utf8"), /=>require\("\.\/hob-hook\.cjs"\)/)
    const expected = [
      "node:buffer",
      "node:fs",
      "node:module",
      "node:net",
      "node:os",
      "node:path",
      "node:tty",
      "node:util"
    ]
    assert.deepStrictEqual([...modules].filter((name) => name.startsWith("node:")).sort(), expected)
  })

  it("installed, runs on the Node of the PATH", async () => {
    const binary = install()
    symlinkSync(binary, join(directory, "hob"))
    mkdirSync(join(directory, "node-bin"))
    symlinkSync(process.execPath, join(directory, "node-bin", "node"))
    const env = { PATH: `${join(directory, "node-bin")}:/usr/bin:/bin` }
    assert.deepStrictEqual(await run(join(directory, "hob"), ["version"], env), {
      code: 0,
      stdout: "0.1.0\n",
      stderr: ""
    })
  })

  it("says what is missing: Node, a Node that is new enough, the build", async () => {
    const binary = install()
    const sh = { PATH: join(directory, "empty") }
    const none = await run(binary, ["ls"], sh)
    assert.strictEqual(none.code, 1)
    assert.match(none.stderr, /^hob: no Node found\. .*Node 24 or newer/)

    const old = `Object.defineProperty(process.versions, "node", { value: "20.11.1" }); require(${JSON.stringify(join(root, "dist", "hob.cjs"))})`
    const tooOld = await run(process.execPath, ["-e", old])
    assert.deepStrictEqual([tooOld.code, tooOld.stdout], [1, ""])
    assert.match(tooOld.stderr, /^hob needs Node 24 or newer; .*\n.*npm run setup/)

    rmSync(join(directory, "lib", "node_modules", "hob", "dist"), { recursive: true })
    const unbuilt = await run(binary, ["ls"])
    assert.strictEqual(unbuilt.code, 1)
    assert.match(unbuilt.stderr, /^hob: not built yet\. .*npm run setup/)
  })

  it("keeps compiled code in hob's home, and makes no home to keep it in", async () => {
    const home = join(directory, "home")
    const binary = join(root, "bin", "hob")
    const listed = async (path: string) => (await run("/bin/ls", [path])).stdout
    await run(binary, ["status"])
    assert.strictEqual(await listed(home), "")
    mkdirSync(home, { mode: 0o700 })
    await run(binary, ["status"])
    assert.match(await listed(join(home, "cache")), /^v\d/)
  })
})
