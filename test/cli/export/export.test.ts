import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe } from "vitest"
import { type Home, makeHome } from "../../support/home.ts"
import { needs } from "../../support/needs.ts"

describe("hob export --format asciicast", () => {
  let home: Home
  beforeAll(() => {
    home = makeHome()
  })
  afterAll(() => home.destroy())

  needs("asciinema")("is a recording that asciinema plays as the session went", async () => {
    const script = "printf '\\033[31mrot\\033[0m \\303\\244\\346\\227\\245\\n'; printf 'last'"
    const id = (await home.ok(["run", "--detach", "--", "sh", "-c", script])).trim()
    await home.ok(["wait", id])
    const cast = join(home.paths.home, "session.cast")
    writeFileSync(cast, await home.ok(["export", id, "--format", "asciicast"]))
    // It wants a terminal: a session is one.
    const player = (
      await home.ok(["run", "--detach", "--env", "LC_ALL=C.UTF-8", "--", "asciinema", "play", cast])
    ).trim()
    await home.ok(["wait", player])
    assert.include(await home.ok(["output", player]), "\u001b[31mrot\u001b[0m ä日\r\nlast")
  })
})
