import { assert, describe, it } from "vitest"
import { makePaths } from "../../src/config/paths.ts"

const filesOf = (env: Record<string, string>): ReadonlyArray<string> =>
  Object.values(makePaths(env)).filter((value) => typeof value === "string")

describe("where everything is", () => {
  it("is below HOB_HOME when that is set, sockets and all, whatever else is set", () => {
    const files = filesOf({ HOB_HOME: "/elsewhere/h", HOME: "/users/ada", XDG_RUNTIME_DIR: "/run/user/1000" })
    assert.isAbove(files.length, 10)
    for (const file of files) assert.match(file, /^\/elsewhere\/h(\/|$)/)
  })

  it("is below ~/.hob otherwise, with the sockets in the runtime directory", () => {
    const paths = makePaths({ HOME: "/users/ada", XDG_RUNTIME_DIR: "/run/user/1000" })
    assert.strictEqual(paths.socket, "/run/user/1000/hob/hob.sock")
    assert.strictEqual(paths.hostSocket, "/run/user/1000/hob/host.sock")
    for (const file of [paths.config, paths.lock, paths.lockInfo, paths.daemonLog, paths.sessions]) {
      assert.match(file, /^\/users\/ada\/\.hob\//)
    }
  })

  it("does not depend on the directory a command is called from, nor on an empty variable", () => {
    assert.match(makePaths({ HOB_HOME: "here", HOME: "/users/ada" }).home, /^\/.*\/here$/)
    assert.strictEqual(makePaths({ HOB_HOME: "", HOME: "/users/ada" }).home, "/users/ada/.hob")
  })

  it("is the same for a process that is started with the variables that lead there", () => {
    for (const env of [
      { HOB_HOME: "/elsewhere/h" },
      { HOME: "/users/ada", XDG_RUNTIME_DIR: "/run/user/1000" },
      { HOME: "/users/ada" }
    ]) {
      const paths = makePaths(env)
      assert.deepStrictEqual(makePaths(paths.environment), paths)
    }
  })
})
