import { assert, describe, it } from "vitest"
import {
  getDaemonDir,
  getDaemonIdentifier,
  getDaemonLogPath,
  getDaemonPidPath,
  getDaemonSocketPath,
  isDaemonRunning,
  pingViaDaemon,
  stopDaemon
} from "../../src/client/index.ts"
import { midcltPaths } from "../../src/config/midcltPaths.ts"

describe("where midclt looks for a daemon", () => {
  it("is named by a hash of address and user, as they were typed", () => {
    const address = "wss://192.168.1.108/api/current"
    assert.strictEqual(getDaemonIdentifier("ws://127.0.0.1:16001/api/current", "admin"), "2360e84c22be")
    assert.strictEqual(getDaemonIdentifier(address, "admin"), "f758ed2e9fe0")
    assert.strictEqual(getDaemonIdentifier(address), "c145a7da45f1")
    assert.strictEqual(getDaemonIdentifier(address, ""), "c145a7da45f1")
    assert.strictEqual(getDaemonIdentifier(`${address}/`, "admin"), "4b1672e464fe")
    assert.strictEqual(getDaemonIdentifier(null, "anybody"), "local")
    assert.strictEqual(getDaemonIdentifier(), "local")
  })

  it("is below the home directory", () => {
    const directory = `${process.env["HOME"]}/.midclt`
    assert.strictEqual(getDaemonDir(), directory)
    assert.strictEqual(getDaemonSocketPath(), `${directory}/daemon-local.sock`)
    assert.strictEqual(getDaemonPidPath("wss://192.168.1.108/api/current"), `${directory}/daemon-c145a7da45f1.pid`)
    assert.strictEqual(getDaemonLogPath(null), `${directory}/logs/daemon-local.log`)
    assert.strictEqual(midcltPaths({ HOME: "/h" }, "x").socket, "/h/.midclt/daemon-x.sock")
  })

  it("where nobody listens, that is said with what to do", async () => {
    const nobody = { uri: "ws://nobody.test/api/current", username: "nobody" }
    assert.isFalse(await isDaemonRunning(nobody.uri, nobody.username))
    assert.isFalse(await stopDaemon(nobody.uri, nobody.username))
    const error = await pingViaDaemon(nobody).catch((error: unknown) => error)
    assert.match(
      String(error),
      /No daemon is running at .*\.midclt\/daemon-[0-9a-f]{12}\.sock.*hob dialect enable midclt/
    )
  })
})
