import { assert, describe, it } from "vitest"
import { isDetachKey } from "../../src/cli/terminal/detach.ts"
import { detachKeyPattern } from "../../src/config/detachKey.ts"
import { nearest } from "../../src/config/nearest.ts"
import { settingKeys } from "../../src/config/settingKeys.ts"
import { reservedVariables, variableOf } from "../../src/config/variables.ts"
import { files, read } from "../support/tree.ts"

describe("every setting", () => {
  it("has its unit in its name where it has one", () => {
    for (const { expected, key } of settingKeys) {
      // A port is a number without one.
      if (!expected.startsWith("a whole number") || key.endsWith(".port")) continue
      assert.match(key, /(Millis|Bytes|Count|Lines|Files|Connections|inFlight|depth)$/)
    }
  })

  it("is described in whole sentences", () => {
    for (const { description, key } of settingKeys) assert.match(description, /^[A-Z].*[.)]$/, key)
  })

  it("has a variable of its own, made from its key, that is none of the reserved ones", () => {
    assert.strictEqual(variableOf("sessions.maxCount"), "HOB_SESSIONS_MAX_COUNT")
    const variables = settingKeys.map(({ variable }) => variable)
    assert.strictEqual(
      new Set([...variables, ...Object.keys(reservedVariables)]).size,
      variables.length + Object.keys(reservedVariables).length
    )
  })
})

it("every variable HOB_… in the sources is a setting's or a reserved one", () => {
  const known = new Set([...settingKeys.map(({ variable }) => variable), ...Object.keys(reservedVariables)])
  // The example of how names are made.
  known.add("HOB_GROUP_NAME")
  const found = files("src", "bin", "scripts").flatMap((file) =>
    [...read(file).matchAll(/\bHOB_[A-Z][A-Z_]*[A-Z]\b/g)]
      .filter(([name]) => !known.has(name))
      .map(([name]) => `${file}: ${name}`)
  )
  assert.deepStrictEqual(found, [])
})

describe("the detach key of the settings", () => {
  const names = [
    "Enter",
    "Escape",
    "Space",
    "Tab",
    "BTab",
    "BSpace",
    "Up",
    "Home",
    "PageUp",
    "F1",
    "F12",
    "Insert",
    "x",
    "X",
    "5",
    "\\",
    "?",
    "/",
    "^",
    "-",
    "é"
  ]
  const modifiers = ["", "C-", "M-", "S-", "A-", "c-", "C-M-", "M-C-", "C-C-"]
  const keys = [
    ...modifiers.flatMap((modifier) => names.map((name) => modifier + name)),
    "^x",
    "^\\",
    "^?",
    "^é",
    "",
    "F13",
    "Entr",
    "C-",
    "CtrlX",
    "C-b d",
    "C-b  C-d",
    "C-a C-é",
    "x y z"
  ]
  it("is what the client can recognise", () => {
    const wrong = keys
      // Nothing at all detaches nobody.
      .filter((key) => key !== "")
      .filter((key) => detachKeyPattern.test(key) !== isDetachKey(key))
    assert.deepStrictEqual(wrong, [])
  })
})

describe("the nearest name", () => {
  const names = ["sessions.maxCount", "sessions.retainCount", "socket.depth"]
  it("is the one that was meant", () => {
    assert.strictEqual(nearest("sessions.maxcount", names), "sessions.maxCount")
    assert.strictEqual(nearest("sesions.maxCuont", names), "sessions.maxCount")
    assert.strictEqual(nearest("socket.dept", names), "socket.depth")
    assert.isUndefined(nearest("zzzzzz", names))
    assert.isUndefined(nearest("", names))
  })
})
