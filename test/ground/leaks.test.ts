import { spawn } from "node:child_process"
import { existsSync } from "node:fs"
import { assert, it } from "vitest"
import { makeHome, processesOf, until } from "../support/home.ts"
import { directoriesOf, endLeaks, leaksIn, makeDirectory } from "../support/leaks.ts"

/** No run has this process id: it is above the greatest that Linux gives. */
const RUN = 9_999_999

it("what a test file leaves behind is ended and named: the daemon, its host and sessions; what others run is not", async () => {
  const before = process.env["TMPDIR"]
  const directory = makeDirectory(RUN, "test/some.test.ts")
  assert.deepStrictEqual(directoriesOf(RUN), [directory])
  const others = spawn("sleep", ["1000"])
  process.env["TMPDIR"] = directory
  try {
    const home = makeHome()
    await home.ok(["run", "--detach", "--", "sleep", "2000"])
    const expected = [/^\S*node .*daemon/, /^hob session-host/, /^\S*sleep 2000/]
    // What has just been started is not yet what it is to be, and starts others.
    await until("all of them run, and are seen", () => {
      const before = processesOf(home.paths.home)
      const leaks = leaksIn(directory)
      return (
        expected.every((command) => leaks.some((leak) => command.test(leak.command))) &&
        before.every((pid) => leaks.some((leak) => leak.pid === pid))
      )
    })
    const said = await endLeaks(directory, 0)
    assert.match(said!, /^LEAKED by test\/some\.test\.ts/)
    for (const command of expected) assert.match(said!, new RegExp(` ${command.source.slice(1)}`))
    assert.deepStrictEqual(processesOf(home.paths.home), [])
    assert.isFalse(existsSync(directory))
    assert.isNull(others.exitCode ?? others.signalCode)
    assert.isNull(await endLeaks(directory, 0))
  } finally {
    others.kill()
    if (before === undefined) delete process.env["TMPDIR"]
    else process.env["TMPDIR"] = before
  }
})
