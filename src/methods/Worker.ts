import { type ChildProcess, spawn } from "node:child_process"
import type { Socket } from "node:net"
import { dirname } from "node:path"
import { Deferred, Exit, Latch } from "effect"
import { entrypoint } from "../config/entrypoints.ts"
import type { ModuleBroken } from "../protocol/methodErrors.ts"
import type { MethodName } from "../protocol/methodNames.ts"
import type { MethodDeclaration, Progress, Question } from "../protocol/methods.ts"
import type { CallProblem, Open, ToWorker } from "../protocol/methodWorker.ts"
import { LineReader } from "../wire/lines.ts"
import { decodeFromWorker } from "./decodeFromWorker.ts"
import type { Files } from "./FileWatch.ts"
import type { Invocation } from "./Methods.ts"
import { howEnded, Tail } from "./ending.ts"

const MiB = 1024 * 1024
/** Around the longest result. */
const FRAME_BYTES = 64 * 1024
const DEPTH = 1000
/** So many messages go out at once: the process works on some while the next are being made. */
const BATCH = 32

/** What is asked of a worker. */
export interface WorkerCall {
  readonly method: MethodName
  /** JSON, as a text. */
  readonly params: string
  readonly caller: Invocation["caller"]
  /** Whether there is somebody to ask. */
  readonly asks: boolean
}

/** Why a call comes to nothing: what the method's process says, that the process has ended, or that there is none. */
export type Failure =
  | { readonly _tag: "Problem"; readonly problem: CallProblem; readonly message: string }
  | { readonly _tag: "Ended"; readonly reason: string }
  | ModuleBroken

/** Hears what becomes of a call: any number of the first three, then one of the others. */
export interface Sink {
  readonly progress: (progress: Progress) => void
  readonly emitted: (value: unknown) => void
  readonly prompt: (prompt: number, question: Question) => void
  /** With its JSON, where it has a value. */
  readonly succeed: (value: unknown, text: string | undefined) => void
  readonly fail: (failure: Failure) => void
}

export interface Ready {
  readonly kind: "class" | "functions"
  readonly methods: ReadonlyArray<MethodDeclaration>
}

export interface WorkerOptions extends Omit<Open, "type"> {
  readonly env: Readonly<Record<string, string>>
  /** Told whenever it has loaded another file of the module: all of them. */
  readonly onFiles: (worker: Worker, files: Files) => void
  /** What it prints. */
  readonly onOutput: (text: string) => void
}

/**
 * One process of a module. Callback-first, and without clocks: the {@link file://./Module.ts} that has it decides how
 * long to wait for what.
 */
export class Worker {
  /** What the module is, or what is wrong with it. */
  readonly loaded = Deferred.makeUnsafe<Ready, string>()
  /** The process is gone; its last words may still come. */
  readonly exited = Latch.makeUnsafe()
  /** Its last words have come. */
  readonly closed = Latch.makeUnsafe()
  /** It has closed its line, which it does when it ends. */
  readonly mute = Latch.makeUnsafe()
  /** It has something in hand. */
  readonly busy = Latch.makeUnsafe()
  /** It is retired, and nobody waits for a call that it has. */
  readonly quiet = Latch.makeUnsafe()
  readonly #child: ChildProcess
  readonly #line: Socket
  readonly #reader: LineReader
  readonly #options: WorkerOptions
  readonly #stderr = new Tail()
  readonly #calls = new Map<number, Sink>()
  /** Calls that nobody waits for any more, and that have not ended. */
  readonly #abandoned = new Set<number>()
  #isRetired = false
  #turns = true
  #lastId = 0
  #said = ""
  #saidBytes = 0
  #saidCount = 0
  #killedFor: string | undefined
  #exit: { readonly code: number | null; readonly signal: string | null } | undefined
  #spawnError: string | undefined

  constructor(options: WorkerOptions) {
    const { env, onFiles: _, onOutput, ...open } = options
    this.#options = options
    this.#reader = new LineReader({ lineBytes: open.resultBytes + FRAME_BYTES, depth: DEPTH })
    const heap = Math.max(16, Math.floor(open.memoryBytes / MiB))
    const args = [`--max-old-space-size=${heap}`, "--disable-warning=ExperimentalWarning", entrypoint("methodWorker")]
    // The last two are for whoever looks at the list of processes.
    this.#child = spawn(process.execPath, [...args, open.namespace, open.file], {
      cwd: dirname(open.file),
      env: { ...env },
      stdio: ["ignore", "pipe", "pipe", "pipe"],
      // With what it starts itself it is ended as one.
      detached: true
    })
    this.#line = this.#child.stdio[3] as Socket
    this.#child.on("error", (error) => this.#failed(error))
    this.#child.on("exit", (code, signal) => {
      this.#exit = { code, signal }
      this.#endGroup()
      this.exited.openUnsafe()
    })
    this.#child.on("close", () => this.closed.openUnsafe())
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        if (stream === this.#child.stderr) this.#stderr.add(text)
        onOutput(text)
      })
    }
    this.#line?.on("data", (chunk: Buffer) => this.#read(chunk))
    this.#line?.on("error", () => {})
    this.#line?.on("close", () => this.mute.openUnsafe())
    this.#say({ type: "open", ...open })
  }

  /** Nothing could be started: no memory, no process, no such directory. */
  #failed(error: NodeJS.ErrnoException): void {
    if (this.#child.pid !== undefined) return
    this.#spawnError =
      error.code === "ENOENT"
        ? "its directory is gone, or is no directory"
        : `no process can be started: ${error.message}`
    this.#exit = { code: null, signal: null }
    this.exited.openUnsafe()
    this.closed.openUnsafe()
  }

  get pid(): number | null {
    return this.#child.pid ?? null
  }

  /** It was told to end, or has. */
  get isEnding(): boolean {
    return this.#killedFor !== undefined || this.hasExited
  }

  get hasExited(): boolean {
    return this.#exit !== undefined
  }

  /** Calls that have not ended, those that nobody waits for among them. */
  get inFlight(): number {
    return this.#calls.size + this.#abandoned.size
  }

  /** Calls that somebody waits for. */
  get live(): number {
    return this.#calls.size
  }

  /** Bytes, about, that the process has not read yet. */
  get unreadBytes(): number {
    return this.#saidBytes + (this.#line?.writableLength ?? 0)
  }

  /** How the process has ended, as the end of a sentence. */
  get ending(): string {
    const { code = null, signal = null } = this.#exit ?? {}
    // It may have died of something else before it was killed.
    const isOurs = signal === null || signal === "SIGKILL"
    return (isOurs ? this.#killedFor : undefined) ?? this.#spawnError ?? howEnded(code, signal, this.#stderr.text)
  }

  /** Begins a call and gives its id. */
  call({ asks, caller, method, params }: WorkerCall, sink: Sink): number {
    const id = ++this.#lastId
    this.#calls.set(id, sink)
    if (this.#calls.size === 1) this.busy.openUnsafe()
    this.#sayText(
      `{"type":"call","id":${id},"method":${JSON.stringify(method)},"caller":${callerText(caller)},"asks":${asks},"params":${params}}`
    )
    return id
  }

  answer(id: number, prompt: number, value: unknown): void {
    if (this.#calls.has(id)) this.#say({ type: "answer", id, prompt, value })
  }

  refuse(id: number, prompt: number, reason: string): void {
    if (this.#calls.has(id)) this.#say({ type: "refuse", id, prompt, reason })
  }

  /** Nobody waits for this call any more: the method is told. False when it has ended. */
  abandon(id: number, reason: string): boolean {
    if (!this.#calls.delete(id)) return false
    this.#abandoned.add(id)
    this.#say({ type: "cancel", id, reason })
    this.#look()
    return true
  }

  /** It gets no more calls: `quiet` opens once nobody waits for one that it has. */
  retire(): void {
    this.#isRetired = true
    this.#look()
  }

  #look(): void {
    if (this.#isRetired && this.#calls.size === 0) this.quiet.openUnsafe()
  }

  /** Whether a call that was abandoned still runs. */
  isAbandoned(id: number): boolean {
    return this.#abandoned.has(id) && !this.hasExited
  }

  /** Whether its loop has turned since the last ping. */
  get turns(): boolean {
    return this.#turns
  }

  ping(): void {
    this.#turns = false
    this.#say({ type: "ping" })
  }

  /** It is to say goodbye and end. */
  end(reason: string): void {
    this.#killedFor ??= reason
    this.#say({ type: "end" })
  }

  /** Ends it with all that it has started. */
  kill(reason: string): void {
    const { pid } = this.#child
    if (pid === undefined || this.hasExited) return
    this.#killedFor ??= reason
    if (!this.#endGroup()) this.#child.kill("SIGKILL")
  }

  /** What it has started and left in its process group; nobody else can have that number while one of them is there. */
  #endGroup(): boolean {
    try {
      return process.kill(-this.#child.pid!, "SIGKILL")
    } catch {
      return false
    }
  }

  /** Its process is gone: whoever waits hears why. */
  settle(): void {
    const reason = this.ending
    const calls = [...this.#calls.values()]
    this.#calls.clear()
    this.#abandoned.clear()
    this.#line?.destroy()
    for (const sink of calls) sink.fail({ _tag: "Ended", reason })
  }

  // What is said in one turn goes out in one write, or a few.
  #say(message: ToWorker): void {
    this.#sayText(JSON.stringify(message))
  }

  #sayText(text: string): void {
    if (this.#line === undefined) return
    if (this.#said === "") queueMicrotask(this.#flush)
    this.#said += `${text}\n`
    this.#saidBytes += text.length
    if (++this.#saidCount === BATCH) this.#flush()
  }

  readonly #flush = (): void => {
    const said = this.#said
    if (said === "") return
    this.#said = ""
    this.#saidBytes = 0
    this.#saidCount = 0
    if (this.#line.writable) this.#line.write(said)
  }

  #read(chunk: Buffer): void {
    this.#reader.push(chunk)
    for (let line = this.#reader.next(); line !== undefined; line = this.#reader.next()) {
      const message = typeof line === "string" ? decodeFromWorker(line) : undefined
      if (message === undefined) return this.kill("it said something to hob that is not of their protocol")
      switch (message.type) {
        case "result":
          this.#ended(message.id)?.succeed(message.value, message.text)
          break
        case "failed":
          this.#ended(message.id)?.fail({ _tag: "Problem", problem: message.problem, message: message.message })
          break
        case "progress":
          this.#calls.get(message.id)?.progress(message.progress)
          break
        case "emitted":
          this.#calls.get(message.id)?.emitted(message.value)
          break
        case "prompt":
          this.#calls.get(message.id)?.prompt(message.prompt, message.question)
          break
        case "ready":
          Deferred.doneUnsafe(this.loaded, Exit.succeed({ kind: message.kind, methods: message.methods }))
          break
        case "broken":
          Deferred.doneUnsafe(this.loaded, Exit.fail(message.problem))
          break
        case "files":
          this.#options.onFiles(this, new Map(Object.entries(message.files)))
          break
        case "pong":
          this.#turns = true
          break
        case "memory":
          this.kill(memoryReason(message.bytes))
      }
    }
  }

  #ended(id: number): Sink | undefined {
    const sink = this.#calls.get(id)
    if (sink === undefined) this.#abandoned.delete(id)
    else {
      this.#calls.delete(id)
      this.#look()
    }
    return sink
  }
}

const callerText = (caller: WorkerCall["caller"]): string =>
  caller.id === undefined ? `{"kind":"${caller.kind}"}` : JSON.stringify(caller)

export const memoryReason = (bytes: number): string =>
  `it used ${Math.ceil(bytes / MiB)} MiB of memory, more than it may (methods.memoryBytes)`
