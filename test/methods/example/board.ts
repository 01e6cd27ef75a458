import type { Context, Declarations } from "../../../src/methodWorker/types.ts"

interface Task {
  readonly id: number
  readonly title: string
  column: string
}

// oxlint-disable-next-line typescript/no-unsafe-declaration-merging
interface Board extends Context {}

class Board {
  static methods: Declarations = {
    add: {
      description: "Puts a task on the board",
      params: {
        type: "object",
        properties: { title: { type: "string", minLength: 1 }, column: { enum: ["todo", "doing", "done"] } },
        required: ["title"]
      }
    },
    clear: { description: "Removes what is done", timeoutMillis: 60_000 }
  }

  #tasks: Array<Task> = []

  async add({ column = "todo", title }: { title: string; column?: string }) {
    const task = { id: this.#tasks.length + 1, title, column }
    this.#tasks.push(task)
    this.emit({ channel: "board:main", event: "task-added", data: task })
    return task
  }

  async clear() {
    const done = this.#tasks.filter(({ column }) => column === "done")
    const sure = await this.prompt({ message: `Remove ${done.length} tasks?`, type: "confirm", default: false })
    if (!sure) return { removed: 0 }
    return this.lock("board:main", async () => {
      for (const [index, task] of done.entries()) {
        this.signal.throwIfAborted()
        this.progress((100 * index) / done.length, task.title)
        await this.publish("board:main", { event: "task-removed", id: task.id })
      }
      this.#tasks = this.#tasks.filter((task) => !done.includes(task))
      return { removed: done.length }
    })
  }

  async build({ command }: { command: Array<string> }) {
    const { id } = await this.sessions.run({ command, kind: "pipe" })
    const { sessions } = await this.sessions.list({})
    return { id, running: sessions.length }
  }
}

export default Board
