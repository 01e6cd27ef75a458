import { assert, describe, it } from "vitest"
import { listAt, questionAt } from "../../src/activity/questions.ts"
import { Regions } from "../../src/activity/ScreenView.ts"

/** A screen with the cursor at the end of its last row, blanks included. */
const screen = (...rows: ReadonlyArray<string>): Regions => {
  const last = rows.at(-1) ?? ""
  return new Regions({
    revision: 1,
    rows: rows.map((row) => row.trimEnd()),
    cursor: { row: rows.length - 1, column: last.length, visible: true },
    title: "",
    alternate: false,
    interactive: false
  })
}

describe("a question at the cursor", () => {
  it("is known by its end, and by what is offered behind it", () => {
    for (const question of [
      "Your name? ",
      "package name: (parser) ",
      "Is this OK? (yes) ",
      "Overwrite? [Y/n] ",
      "Password:",
      "Enter passphrase for key '/home/ada/.ssh/id':",
      "Press Enter to continue"
    ]) {
      assert.strictEqual(questionAt(screen("before", question)), question.trim())
    }
  })

  it("is none where something is counted, or the cursor is elsewhere", () => {
    for (const line of ["Fetching: (3/40) ", "Building: [12%] ", "done", "at 10:20:30 "]) {
      assert.isNull(questionAt(screen(line)), line)
    }
    const { view } = screen("Your name? Ada")
    assert.isNull(questionAt(new Regions({ ...view, cursor: { ...view.cursor, column: 11 } })))
  })
})

describe("a list of choices", () => {
  it("is known by its heading, with nothing but choices below", () => {
    assert.strictEqual(
      listAt(screen("$ npm create", "? Pick one (Use arrow keys)", "❯ a", "  b", "")),
      "Pick one (Use arrow keys)"
    )
    assert.strictEqual(listAt(screen("◆  Which?", "│  ● a", "│  ○ b", "└")), "Which?")
    assert.strictEqual(listAt(screen("✔ Name: Ada", "? Project: › parser")), "Project: › parser")
  })

  it("is none when something came below, or it has been answered", () => {
    assert.isNull(listAt(screen("? Pick one", "❯ a", "  b", "Installing")))
    assert.isNull(listAt(screen("✔ Pick one · a")))
    assert.isNull(listAt(screen("? ")))
  })
})
