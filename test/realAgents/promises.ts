/** What holds of every agent. */
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "vitest"
import { until } from "../support/home.ts"
import type { Reply } from "../support/models/ModelServer.ts"
import { type Cast, installed, Stage } from "./stage.ts"

const PROMPT = "Please write hello.txt"
const CONTENT = "hello from a model\n"
const ANSWER = "It is written, as you wished."
const whole = [`user: ${PROMPT}`, `created hello.txt\n@@ -0,0 +1 @@\n+hello from a model\n`, `assistant: ${ANSWER}`]

export interface Play {
  /** The arguments of one turn without a person. */
  readonly once: (prompt: string) => ReadonlyArray<string>
  /** What a person's session is started with. */
  readonly interactive: ReadonlyArray<string>
  /** How it is left. */
  readonly leave: string
  /** hob starts it with its hooks, without anything being installed. */
  readonly bringsHooks?: boolean
}

const save = async (stage: Stage): Promise<void> => {
  const commit = await stage.commit()
  await until("the prompts are with the commit", async () => (await stage.saves(commit)).length === 1)
  const [saved] = await stage.saves(commit)
  assert.deepInclude(saved!, { repository: stage.repo, messages: 2, codeChanges: 1 })
  const file = readFileSync(join(stage.repo, saved!.file!), "utf8")
  for (const part of [PROMPT, ANSWER, "- hello.txt", commit]) assert.include(file, part)
}

/** All of it is there, once, and nothing else. */
const toldOnce = async (stage: Stage): Promise<void> => {
  const captures = await stage.captures()
  assert.deepStrictEqual(await Promise.all(captures.map(({ id }) => stage.said(id))), [whole])
}

export const promises = (cast: Cast, { bringsHooks = false, interactive, leave, once }: Play): void => {
  const { agent } = cast
  const turn = (stage: Stage): [Reply, Reply] => [
    [{ say: "I will write it.", everyMillis: 0 }, cast.write(join(stage.repo, "hello.txt"), CONTENT)],
    [{ say: ANSWER, everyMillis: 0 }]
  ]

  describe(`the real ${agent}`, () => {
    it("is installed", () => {
      console.log(`${agent} ${installed(agent).version}`)
    })

    for (const install of bringsHooks ? [true, false] : [true]) {
      it(`leaves its prompts, edits and answers with the commit${install ? "" : ", brought hob's hooks along by hob itself"}`, async () => {
        await using stage = await Stage.open(cast, install)
        stage.model.reply(...turn(stage))
        const session = await stage.run(once(PROMPT))
        await stage.ended(session)
        assert.strictEqual(readFileSync(join(stage.repo, "hello.txt"), "utf8"), CONTENT)
        await until("all of it is captured", async () => (await stage.captures())[0]?.messages === 2)
        const [capture, ...others] = await stage.captures()
        assert.lengthOf(others, 0)
        assert.strictEqual<string | null>(capture!.session, session)
        assert.deepStrictEqual(await stage.said(capture!.id), whole)
        await save(stage)
        // Its transcript tells nothing new; of one that is forgotten it tells all.
        await stage.home.ok(["capture", "import", "--agent", agent])
        assert.deepStrictEqual(await stage.said(capture!.id), whole)
        await stage.home.ok(["capture", "discard", capture!.id])
        await stage.home.ok(["capture", "import", "--agent", agent])
        const [imported] = await stage.captures()
        assert.deepStrictEqual(await stage.said(imported!.id), whole)
        assert.strictEqual(imported!.repository, stage.repo)
      })
    }

    it("leaves them too where the daemon is killed half-way, and nobody answers its hooks", async () => {
      await using stage = await Stage.open(cast, true)
      const [first, second] = turn(stage)
      const killed = Promise.withResolvers<void>()
      stage.model.reply(
        killed.promise.then(() => first),
        second
      )
      const session = await stage.run(once(PROMPT))
      await stage.model.until(() => stage.model.asked > 0)
      await stage.home.killDaemon()
      killed.resolve()
      await stage.model.until(() => stage.model.answered > 1)
      await until(
        "its hooks have left something",
        () => existsSync(stage.home.paths.captureSpool) && readdirSync(stage.home.paths.captureSpool).length > 0
      )
      await stage.ended(session)
      await until("all of it is captured", async () => (await stage.captures())[0]?.messages === 2)
      await toldOnce(stage)
      await save(stage)
    })

    it("leaves them too where a person talks to it", async () => {
      await using stage = await Stage.open(cast, true)
      stage.model.reply(...turn(stage))
      const session = await stage.run(interactive)
      await stage.say(session, PROMPT, cast.answer)
      await stage.model.until(() => stage.model.answered > 1)
      await until("all of it is captured", async () => (await stage.captures())[0]?.messages === 2)
      await toldOnce(stage)
      await save(stage)
      await stage.say(session, leave, cast.answer)
      await stage.ended(session)
    })
  })
}
