import { execFileSync } from "node:child_process"
import { mkdtempSync } from "node:fs"
import { dirname, join } from "node:path"
import { afterEach, assert, beforeEach, describe } from "vitest"
import { binary, type Home, makeHome } from "../support/home.ts"
import { mounts, ownMounts } from "../storage/traced.ts"

let home: Home
beforeEach(() => void (home = makeHome()))
afterEach(() => home.destroy(), 60_000)

/** The repository is a small file system; all that is told of it stands in the output. */
const SCRIPT = `
set -e
mount -t tmpfs -o size=600k none "$1"
cd "$1"
git init -q .
"$2" start >/dev/null
say() { printf '{"session_id":"s","hook_event_name":"UserPromptSubmit","prompt_id":"%s","cwd":"%s","prompt":"%s"}' "$1" "$PWD" "$2" | "$3" capture hook claude; }
say 1 "the first one" "$2"
"$2" capture save
say 2 "$(head -c 150000 /dev/zero | tr '\\0' x)" "$2"
head -c 2M /dev/zero > filler 2>/dev/null || true
echo "FULL $("$2" capture save 2>&1 | head -c 300)"
echo "LEFT $(find .prompts -name '*.hob-tmp' -o -name '*.lock' | wc -l) $(find .prompts/history -name '*.yaml' -size 0 | wc -l)"
"$2" capture ls --json | grep unsaved
rm filler
echo "AGAIN $("$2" capture save | grep -c history)"
say 3 "the third" "$2"
mount -o remount,ro "$1"
echo "READONLY $("$2" capture save 2>&1 | head -c 300)"
mount -o remount,rw "$1"
echo "LAST $("$2" capture save | grep -c history)"
`

describe("a repository on a file system", () => {
  mounts(
    "that is full in the middle of a save, or read-only, keeps what it has, and gets the rest when it can",
    () => {
      const repo = mkdtempSync(join(dirname(home.paths.home), "small-"))
      const said = execFileSync("unshare", [...ownMounts, "sh", "-c", SCRIPT, "sh", repo, binary], {
        env: { ...home.env, GIT_CONFIG_NOSYSTEM: "1" },
        encoding: "utf8"
      })
      assert.match(said, /^FULL .*the disk is full/m)
      assert.match(said, /^LEFT 0 0$/m)
      assert.match(said, /"unsaved": 1/)
      assert.match(said, /^AGAIN 1$/m)
      assert.match(said, /^READONLY .*read-only/m)
      assert.match(said, /^LAST 1$/m)
    },
    120_000
  )
})
