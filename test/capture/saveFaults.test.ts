import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { basename, join } from "node:path"
import { afterAll, assert, beforeAll, describe } from "vitest"
import { bundle } from "../storage/support.ts"
import { mounts, ownMounts, run } from "../storage/traced.ts"
import { needs } from "../support/needs.ts"
import { repository } from "./support.ts"

/** How many of its system calls fail, one at a time: `HOB_CAPTURE_FAULTS=50` for all there are. */
const FAULTS = Number(process.env["HOB_CAPTURE_FAULTS"] ?? 1)

const home = fs.mkdtempSync(join(tmpdir(), "hob-save-"))
let program = ""
beforeAll(async () => {
  program = await bundle("../capture/captureSaver.ts", home)
})
afterAll(() => fs.rmSync(home, { recursive: true, force: true }))

let count = 0
const newPlace = async (): Promise<{ readonly at: string; readonly repo: string }> => {
  const at = join(home, String(++count))
  fs.mkdirSync(at)
  const repo = repository(join(at, "repo"))
  await run(process.execPath, [program, at, repo])
  return { at, repo }
}

const filesOf = (repo: string): ReadonlyArray<string> =>
  fs
    .readdirSync(join(repo, ".prompts"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))

/** Whole files, or none: each prompt in the index has its version, and nothing is left of what was not finished. */
const check = (repo: string, what: string): void => {
  const files = fs.existsSync(join(repo, ".prompts")) ? filesOf(repo) : []
  assert.deepStrictEqual(
    files.filter((file) => /hob-tmp|\.lock$/.test(file)),
    [],
    what
  )
  for (const file of files) {
    const text = fs.readFileSync(file, "utf8")
    if (file.endsWith(".yaml")) assert.match(text, /(?:lastModified: .*|maxTokens: 1000)\n$/, `${what}: ${file}`)
    if (file.endsWith(".json")) assert.lengthOf(Object.keys(JSON.parse(text)), 1, `${what}: ${file}`)
  }
}

describe("a save that meets a fault", () => {
  // `before`: of these calls, those that are made before the save begins.
  const faults = [
    { call: "fsync", error: "EIO", reason: "system", before: 0 },
    { call: "fsync", error: "ENOSPC", reason: "full", before: 0 },
    { call: "rename", error: "EROFS", reason: "read-only", before: 0 },
    { call: "rename", error: "EIO", reason: "system", before: 0 },
    { call: "mkdir", error: "EDQUOT", reason: "full", before: 1 },
    { call: "mkdir", error: "ENOSPC", reason: "full", before: 1 }
  ]
  for (const { before, call, error, reason } of faults.filter((_, index) => FAULTS > 1 || index % 2 === 0)) {
    needs("strace", "git")(
      `(${error} of ${call}) says so, leaves whole files or none, and is finished by the next`,
      async () => {
        for (let position = 1; position <= FAULTS; position++) {
          const { at, repo } = await newPlace()
          const what = `${call} ${position}`
          const inject = `inject=${call}:error=${error}:when=${position + before}`
          const first = await run("strace", [
            "-f",
            "-qq",
            "-o",
            "/dev/null",
            "-e",
            inject,
            process.execPath,
            program,
            at,
            repo
          ])
          // There were fewer of these calls than that.
          if (first.lines[0] === "saved 1") {
            assert.isAbove(position, 2, what)
            break
          }
          assert.deepStrictEqual(first.lines, [`failed ${reason}`, "unsaved 4"], what)
          check(repo, what)
          const { lines } = await run(process.execPath, [program, at, repo])
          assert.deepStrictEqual(lines, ["saved 1", "unsaved 0"], what)
          check(repo, what)
          assert.lengthOf(filesOf(repo), 5, what)
        }
      },
      600_000
    )
  }

  mounts(
    "(no space, at whatever byte it ends) says so, leaves whole files or none, and is finished by the next",
    async () => {
      const { at, repo } = await newPlace()
      const small = join(at, "small")
      fs.mkdirSync(small)
      // So many pages are free when it begins: each time it comes further.
      const pages = FAULTS >= 20 ? Array.from({ length: 30 }, (_, index) => index) : [1, 2, 3]
      const { lines } = await run("unshare", [
        ...ownMounts,
        "sh",
        "-c",
        `set -e
        repo=$1 small=$2 at=$3 node=$4 program=$5
        shift 5
        for free in "$@"; do
          mount -t tmpfs -o size=1m none "$small"
          cp -a "$repo/.git" "$small/.git"
          mkdir "$at/$free"
          head -c 2M /dev/zero >"$small/filler" 2>/dev/null || true
          truncate -s "-$((free * 4096))" "$small/filler"
          "$node" "$program" "$at/$free" "$small"
          "$node" "$program" "$at/$free" "$small"
          echo "left $(find "$small/.prompts" -name '*.hob-tmp' -o -name '*.lock' 2>/dev/null | wc -l) $(find "$small/.prompts" -type f -size 0 2>/dev/null | wc -l)"
          rm "$small/filler"
          "$node" "$program" "$at/$free" "$small"
          find "$small/.prompts" -type f | wc -l
          umount "$small"
        done`,
        basename(program),
        repo,
        small,
        at,
        process.execPath,
        program,
        ...pages.map(String)
      ])
      let full = 0
      for (let index = 0; index < lines.length; index += 6) {
        const said = lines.slice(index, index + 6)
        if (said[0] === "failed full") full++
        const first = said[0] === "failed full" ? ["failed full", "unsaved 4"] : ["saved 1", "unsaved 0"]
        const second = said[0] === "failed full" ? ["saved 1", "unsaved 0"] : ["saved 0", "unsaved 0"]
        assert.deepStrictEqual(said, [...first, "left 0 0", ...second, "5"], `${pages[index / 6]} pages free`)
      }
      assert.isAbove(full, 1)
    },
    300_000
  )
})
