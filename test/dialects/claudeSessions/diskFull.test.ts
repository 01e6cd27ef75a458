import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { assert, describe } from "vitest"
import { until } from "../../support/home.ts"
import { onSmallDisk, smallDisk } from "../../sessionhost/support/smallDisk.ts"
import { bytesOf, readLog } from "./client.ts"
import { makeDialectHome } from "./home.ts"

describe("the live log of claude-sessions", () => {
  onSmallDisk("waits while its disk is full, keeps to whole lines, and is complete when there is room", async () => {
    using disk = smallDisk(256)
    const home = await makeDialectHome({
      HOME: disk.path,
      HOB_DIALECTS_CLAUDE_SESSIONS_COMMAND: JSON.stringify([
        "sh",
        "-c",
        'stty -onlcr; i=0; while [ $i -lt 20000 ]; do echo "line $i is printed"; i=$((i+1)); done; read -r _; echo end'
      ])
    })
    try {
      const { id, log } = await home.client.start(home.project)
      await until("all is printed", async () => (await home.ok(["output", id])).includes("line 19999 "))
      await until("the disk is full", () =>
        /the log .* waits: .*ENOSPC/.test(readFileSync(home.paths.daemonLog, "utf8"))
      )
      const all = Array.from({ length: 20_000 }, (_, line) => `line ${line} is printed\n`).join("")
      const part = bytesOf(log, "output").toString()
      assert.isAbove(part.length, 10_000)
      assert.isTrue(all.startsWith(part))
      // Nobody else suffers.
      await home.client.ping()
      await home.client.send(id, "go on")
      execFileSync("mount", ["-o", "remount,size=8m", disk.path])
      await until("it is complete", () => bytesOf(log, "output").includes("end\n"))
      const whole = bytesOf(log, "output").toString()
      assert.isTrue(whole.startsWith(all))
      await until("what was typed is there too", () => bytesOf(log, "input").toString() === "go on\r")
      readLog(log)
    } finally {
      await home.destroy()
    }
  })
})
