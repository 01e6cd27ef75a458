import { assert, it } from "vitest"
import { inTurn } from "../../../src/screens/submit/inTurn.ts"

it("messages to one session are submitted one after the other, also behind one that was not taken; others don't wait", async () => {
  const [one, other] = [{}, {}]
  const done: Array<string> = []
  let release = (): void => {}
  const held = new Promise<void>((resolve) => (release = resolve))
  const first = inTurn(one, async () => {
    await held
    done.push("first")
    throw new Error("not taken")
  })
  const second = inTurn(one, async () => void done.push("second"))
  await inTurn(other, async () => void done.push("elsewhere"))
  assert.deepStrictEqual(done, ["elsewhere"])
  release()
  await first.then(
    () => assert.fail("it was not taken"),
    (error: Error) => assert.strictEqual(error.message, "not taken")
  )
  await second
  assert.deepStrictEqual(done, ["elsewhere", "first", "second"])
})
