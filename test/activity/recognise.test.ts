import { assert, describe, it } from "vitest"
import { builtInAgents } from "../../src/activity/agents/builtIn.ts"
import { recognise } from "../../src/activity/recognise.ts"
import { Regions } from "../../src/activity/ScreenView.ts"

const regions = (title = "", rows: ReadonlyArray<string> = []) =>
  new Regions({
    revision: 1,
    rows,
    cursor: { row: 0, column: 0, visible: true },
    title,
    alternate: false,
    interactive: false
  })

const started = (command: string) =>
  recognise(builtInAgents, {
    command: [],
    foreground: { own: true, processes: [{ pid: 1, name: "", argv: command.split(" "), reading: null }] },
    regions: regions(),
    app: null
  })?.name ?? null

const unseen = (command: string, title = "", rows: ReadonlyArray<string> = [], app: string | null = null) =>
  recognise(builtInAgents, { command: command.split(" "), foreground: null, regions: regions(title, rows), app })
    ?.name ?? null

describe("which agent it is", () => {
  it("is told by the program, or by the script that an interpreter runs", () => {
    assert.strictEqual(started("/opt/bin/claude --resume"), "claude")
    assert.strictEqual(started("node /opt/lib/codex.js"), "codex")
    assert.strictEqual(started("node --max-old-space-size=9 /opt/bin/gemini"), "gemini")
    assert.strictEqual(started("-bash"), "shell")
    assert.strictEqual(started("/usr/bin/vim notes"), "viewer")
    assert.strictEqual(started("python3 -q"), "repl")
    assert.strictEqual(started("ssh far"), "relay")
    assert.strictEqual(started("docker compose exec web sh"), "relay")
    assert.strictEqual(started("node /opt/hob/dist/hob.cjs attach far"), "relay")
    assert.isNull(started("node server.js"))
    assert.isNull(started("make"))
  })

  it("is none when it runs unattended: it has no screen of its own then", () => {
    for (const command of [
      "claude -p hello",
      "codex exec hello",
      "gemini --prompt hello",
      "bash build.sh",
      "sh -c make",
      "bash -ec make",
      "python3 run.py",
      "python3 -m http.server",
      "docker build .",
      "kubectl get pods",
      "hob wait build",
      "ssh -o SendEnv=GIT_PROTOCOL git@host git-receive-pack 'parser.git'"
    ]) {
      assert.isNull(started(command), command)
    }
    for (const command of ["bash --norc", "bash --rcfile /etc/x -i", "bash -l", "zsh"])
      assert.strictEqual(started(command), "shell", command)
  })

  it("is none when the processes are seen and are no agent, whatever is on the screen", () => {
    const foreground = {
      own: false,
      processes: [{ pid: 3, name: "tail", argv: ["tail", "-f", "log"], reading: false }]
    }
    const seen = {
      command: ["bash"],
      foreground,
      regions: regions("✳ Claude Code", ["▐▛ Claude Code v2"]),
      app: "claude-code"
    }
    assert.isNull(recognise(builtInAgents, seen))
  })

  it("is the most particular of a pipeline", () => {
    const processes = ["sort", "less"].map((name, pid) => ({ pid, name, argv: [name], reading: null }))
    assert.strictEqual(
      recognise(builtInAgents, {
        command: ["bash"],
        foreground: { own: false, processes },
        regions: regions(),
        app: null
      })?.name,
      "viewer"
    )
  })

  it("is told by the command, the status, the title and the screen where processes can't be seen", () => {
    assert.strictEqual(unseen("claude"), "claude")
    assert.strictEqual(unseen("bash", "", [], "claude-code"), "claude")
    assert.strictEqual(unseen("bash", "◇  Ready (project)"), "gemini")
    assert.strictEqual(unseen("bash", "", ["  >_ OpenAI Codex (v0.169.0)"]), "codex")
    assert.strictEqual(unseen("bash"), "shell")
    assert.isNull(unseen("make"))
  })
})
