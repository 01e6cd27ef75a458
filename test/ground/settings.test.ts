import { assert, describe, it } from "vitest"
import { settingKeys } from "../../src/config/settingKeys.ts"
import { files, read } from "../support/tree.ts"

describe("settings", () => {
  it("are all read by something: one that changes nothing is a lie", () => {
    const readers = files("src")
      .filter((file) => !file.startsWith("src/config/"))
      .map(read)
      .join("\n")
    // Examples of command lines name settings too, and a logger's options have a logLevel of their own.
    const isRead = (key: string): boolean => {
      const use = new RegExp(`(?<!options\\.)\\b${key.split(".")[1]!}\\b(?!=)`)
      return readers.split("\n").some((line) => use.test(line))
    }
    const unread = settingKeys.map(({ key }) => key).filter((key) => !isRead(key))
    assert.deepStrictEqual(unread, [])
  })

  it("are all named on the page about them, with their variable and default", () => {
    const page = read("docs/config.md")
    for (const { default: value, key, variable } of settingKeys) {
      assert.include(page, `\`${key}\`<br>\`${variable}\` | \`${JSON.stringify(value)}\``)
    }
  })
})
