/**
 * The process of one module in one namespace: it imports the module and runs its methods as the daemon tells it. Whatever
 * the module does to it ends this process and nothing else. Plain Node.
 */
import { basename } from "node:path"
import { filePrint } from "../config/filePrint.ts"
import type { Open, ToWorker } from "../protocol/methodWorker.ts"
import { WORKER_LINE } from "../protocol/workerLine.ts"
import { Call, type CallPorts } from "./Call.ts"
import { Calls } from "./Calls.ts"
import { dieWithParent } from "./dieWithParent.ts"
import { Hob } from "./Hob.ts"
import { Line } from "./Line.ts"
import { load, type Loaded, problemOf, watchFiles } from "./loaded.ts"

/** How long methods have once the daemon is gone. */
const ORPHAN_MILLIS = 1000
/** How often memory is looked at; where the daemon can't see it, this alone holds the limit. */
const MEMORY_MILLIS = 1000

let worker: Worker | undefined

const hear = (message: ToWorker): void => {
  if (message.type === "open") worker = new Worker(message)
  else worker?.hear(message)
}

const leave = (): void => {
  worker?.cancelAll("hob has ended")
  if (worker === undefined || worker.isIdle) process.exit(0)
  setTimeout(() => process.exit(0), ORPHAN_MILLIS)
}

dieWithParent()
const line = new Line(WORKER_LINE, hear as (message: never) => void, leave)

class Worker {
  readonly #open: Open
  readonly #ports: CallPorts
  #calls: Calls | undefined
  #loaded: Loaded | undefined
  readonly #files = new Map<string, string>()
  #isTelling = false

  constructor(open: Open) {
    this.#open = open
    this.#ports = {
      hob: new Hob(open.socket, open.namespace),
      say: (message) => line.say(message),
      namespace: open.namespace,
      resultBytes: open.resultBytes,
      source: () => this.#loaded?.instance?.constructor.name || basename(open.file)
    }
    watchFiles(open.file, (file) => this.#found(file))
    this.#watchMemory()
    void this.#load()
  }

  get isIdle(): boolean {
    return (this.#calls?.size ?? 0) === 0
  }

  cancelAll(reason: string): void {
    this.#calls?.cancelAll(reason)
  }

  async #load(): Promise<void> {
    // What a class does by itself, outside of any call.
    const idle = new Call(
      { type: "call", id: 0, method: "", params: undefined, caller: { kind: "module" }, asks: false },
      { ...this.#ports, say: () => {} }
    )
    try {
      const loaded = await load(this.#open.file, idle)
      this.#loaded = loaded
      this.#calls = new Calls(loaded, this.#ports)
      const methods = Array.from(loaded.methods, ([method, { description, params, result, timeoutMillis }]) => ({
        method,
        description,
        params: params?.jsonSchema,
        result: result?.jsonSchema,
        timeoutMillis
      }))
      line.say(JSON.stringify({ type: "ready", kind: loaded.kind, methods }))
    } catch (error) {
      console.error(error)
      line.end(JSON.stringify({ type: "broken", problem: problemOf(error) }), () => process.exit(1))
    }
  }

  hear(message: Exclude<ToWorker, Open>): void {
    switch (message.type) {
      case "call":
        return this.#calls!.begin(message)
      case "cancel":
        return this.#calls?.get(message.id)?.cancel(message.reason)
      case "answer":
        return this.#calls?.get(message.id)?.answer(message.prompt, message.value)
      case "refuse":
        return this.#calls?.get(message.id)?.refuse(message.prompt, message.reason)
      case "ping":
        return line.say('{"type":"pong"}')
      case "end":
        void this.#end()
    }
  }

  async #end(): Promise<void> {
    this.cancelAll("the module's process ends")
    try {
      await (this.#loaded?.instance as { onShutdown?: () => unknown } | undefined)?.onShutdown?.()
    } catch (error) {
      console.error(error)
    }
    line.end(undefined, () => process.exit(0))
  }

  #found(file: string): void {
    if (this.#files.has(file)) return
    this.#files.set(file, filePrint(file))
    if (this.#isTelling) return
    this.#isTelling = true
    setImmediate(() => {
      this.#isTelling = false
      line.say(JSON.stringify({ type: "files", files: Object.fromEntries(this.#files) }))
    })
  }

  #watchMemory(): void {
    setInterval(() => {
      const bytes = process.memoryUsage.rss()
      if (bytes > this.#open.memoryBytes) line.end(JSON.stringify({ type: "memory", bytes }), () => process.exit(1))
    }, MEMORY_MILLIS).unref()
  }
}
