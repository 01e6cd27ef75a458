import { expect, it } from "vitest"
import { remember } from "../../src/wire/remember.ts"

it("what is made of a text is remembered, of long texts never, and of very many not for ever", () => {
  let made = 0
  const lengthOf = remember((text) => ({ length: text.length, nth: ++made }))
  expect(lengthOf("abc")).toBe(lengthOf("abc"))
  const long = "x".repeat(1000)
  expect(lengthOf(long)).toEqual({ length: 1000, nth: 2 })
  expect(lengthOf(long).nth).toBe(3)
  for (let at = 0; at < 5000; at++) lengthOf(`text ${at}`)
  expect(lengthOf("abc").nth).toBe(made)
})
