/** A small group of methods behind the real door, and a raw client that sees every line. */
import { Clock, Context, Deferred, Effect, Exit, identity, Layer, Schema, Scope, Stream } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { mkdtempSync, rmSync } from "node:fs"
import type { Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Concerns } from "../../src/actors/Concerns.ts"
import { DirectMethods } from "../../src/actors/DirectMethods.ts"
import { type ConnectionLimits, Connections, layer } from "../../src/connection/layer.ts"
import { Endless } from "../../src/protocol/endless.ts"
import { Immediate } from "../../src/protocol/immediate.ts"
import { LineReader } from "../../src/wire/lines.ts"
import { connect } from "../../src/wire/unixSocket.ts"

export class NoSuchThing extends Schema.TaggedError<NoSuchThing>()("NoSuchThing", { thing: Schema.String }) {
  override get message() {
    return `There is no ${this.thing}.`
  }
}

export const Toys = RpcGroup.make(
  /** Answers at once with what it was given. */
  Rpc.make("toy.echo", { payload: { text: Schema.String }, success: Schema.String }).annotate(Immediate, true),
  /** The same, through RpcServer. */
  Rpc.make("toy.slowEcho", { payload: { text: Schema.String }, success: Schema.String }),
  Rpc.make("toy.find", {
    payload: { thing: Schema.String, depth: Schema.optionalKey(Schema.Int) },
    success: Schema.Struct({ thing: Schema.String }),
    error: NoSuchThing
  }).annotate(Immediate, true),
  Rpc.make("toy.void").annotate(Immediate, true),
  /** Says it is immediate, and waits. */
  Rpc.make("toy.liar").annotate(Immediate, true),
  Rpc.make("toy.bug"),
  Rpc.make("toy.immediateBug").annotate(Immediate, true),
  /** Answers with what {@link Toy.gate} lets through. */
  Rpc.make("toy.wait", { payload: { gate: Schema.String }, success: Schema.String }),
  Rpc.make("toy.count", { payload: { to: Schema.Int }, success: Schema.Int, stream: true }),
  /** Strings of `bytes`, without end. */
  Rpc.make("toy.flood", { payload: { bytes: Schema.Int }, success: Schema.String, stream: true }),
  Rpc.make("toy.big", { payload: { bytes: Schema.Int }, success: Schema.String }).annotate(Immediate, true),
  /** The same, declared to go on for as long as its client wants. */
  Rpc.make("toy.watch", { payload: { gate: Schema.String }, success: Schema.String }).annotate(Endless, true),
  /** Can't be interrupted. */
  Rpc.make("toy.stubborn", { success: Schema.String }),
  /** Answers with the text of what it carries, without a fiber. */
  Rpc.make("toy.carry", { payload: { message: Schema.Json }, success: Schema.String }),
  /** Answers with what {@link Toy.gate} lets through, without a fiber; fails when that is nothing. */
  Rpc.make("toy.later", { payload: { gate: Schema.String }, success: Schema.String, error: NoSuchThing }),
  /** As many strings of `bytes` as the client reads, without a fiber, until {@link Toy.gate} ends it. */
  Rpc.make("toy.push", {
    payload: { bytes: Schema.Int, gate: Schema.String },
    success: Schema.String,
    error: NoSuchThing,
    stream: true
  }).annotate(Endless, true),
  /** Owns `name` until its client leaves. */
  Rpc.make("toy.own", { payload: { name: Schema.String } })
)

const rpcs = Object.fromEntries(Toys.requests) as { readonly [R in RpcGroup.Rpcs<typeof Toys> as R["_tag"]]: R }

/** What the handlers have seen, and the gates they wait at. */
export class Toy {
  readonly log: Array<string> = []
  readonly owned = new Set<string>()
  readonly #gates = new Map<string, Deferred.Deferred<string>>()
  #watchers: Array<() => void> = []

  gate(name: string): Deferred.Deferred<string> {
    let gate = this.#gates.get(name)
    if (gate === undefined) this.#gates.set(name, (gate = Deferred.makeUnsafe()))
    return gate
  }

  open(name: string, value = name): void {
    Deferred.doneUnsafe(this.gate(name), Exit.succeed(value))
  }

  note(event: string): void {
    this.log.push(event)
    for (const watcher of this.#watchers) watcher()
  }

  /** How many times `event` has been noted. */
  count(event: string): number {
    return this.log.filter((entry) => entry === event).length
  }

  /** Waits until `event` has been noted `times` times. */
  async seen(event: string, times = 1): Promise<void> {
    while (this.count(event) < times) await new Promise<void>((resolve) => this.#watchers.push(resolve))
  }

  /** Those that answer without a fiber, in place of the ordinary ones. */
  readonly directly = Layer.effectDiscard(
    Effect.gen({ self: this }, function* () {
      const direct = yield* DirectMethods
      yield* direct.answer(rpcs["toy.carry"], (_, call) => call.succeed(call.text("message")))
      yield* direct.answer(rpcs["toy.later"], ({ gate }, call) => {
        this.note(`waiting ${gate}`)
        this.whenOpen(gate, (value) => {
          if (value === "") call.fail(new NoSuchThing({ thing: gate }))
          else call.succeed(value)
        })
        return () => this.note(`gave up ${gate}`)
      })
      yield* direct.answer(rpcs["toy.push"], ({ bytes, gate }, call) => {
        const state = { open: true }
        const push = () => {
          while (state.open && !call.isBlocked()) {
            call.push(JSON.stringify("z".repeat(bytes)))
            this.note("push")
          }
          if (state.open) call.whenWritable(push)
        }
        this.whenOpen(gate, (value) => {
          state.open = false
          if (value === "") call.fail(new NoSuchThing({ thing: gate }))
          else call.succeed()
        })
        push()
        return () => {
          state.open = false
          this.note(`gave up ${gate}`)
        }
      })
    })
  )

  whenOpen(gate: string, go: (value: string) => void): void {
    Effect.runFork(Effect.map(Deferred.await(this.gate(gate)), go))
  }

  readonly handlers = Toys.toLayer(
    Effect.gen({ self: this }, function* () {
      const connections = yield* Connections
      const note = (event: string) => Effect.sync(() => this.note(event))
      return Toys.of({
        "toy.echo": ({ text }) => Effect.succeed(text),
        "toy.slowEcho": ({ text }) => Effect.as(Effect.yieldNow, text),
        "toy.find": ({ thing }) =>
          Effect.suspend(() =>
            thing === "nothing" ? Effect.fail(new NoSuchThing({ thing })) : Effect.succeed({ thing })
          ),
        "toy.void": () => note("void"),
        "toy.liar": () => Effect.never.pipe(Effect.onInterrupt(() => note("liar stopped"))),
        "toy.bug": () => Effect.die(new Error("the toy is broken")),
        "toy.immediateBug": (): Effect.Effect<void> => {
          throw new Error("the toy is broken")
        },
        "toy.wait": ({ gate }) =>
          note(`waiting ${gate}`).pipe(
            Effect.andThen(Deferred.await(this.gate(gate))),
            Effect.onInterrupt(() => note(`interrupted ${gate}`))
          ),
        "toy.watch": ({ gate }) =>
          note(`watching ${gate}`).pipe(
            Effect.andThen(Deferred.await(this.gate(gate))),
            Effect.onInterrupt(() => note(`interrupted ${gate}`))
          ),
        "toy.count": ({ to }) => Stream.range(1, to).pipe(Stream.rechunk(10)),
        "toy.flood": ({ bytes }) =>
          Stream.fromEffectRepeat(Effect.as(note("flood"), "x".repeat(bytes))).pipe(
            Stream.rechunk(1),
            Stream.ensuring(note("flood ended"))
          ),
        "toy.big": ({ bytes }) => Effect.as(note("big"), "y".repeat(bytes)),
        "toy.stubborn": () =>
          note("stubborn").pipe(Effect.andThen(Deferred.await(this.gate("stubborn"))), Effect.uninterruptible),
        "toy.carry": ({ message }) => Effect.succeed(JSON.stringify(message)),
        "toy.later": ({ gate }) => Deferred.await(this.gate(gate)),
        "toy.push": () => Stream.never,
        "toy.own": ({ name }, { client }) =>
          Effect.gen({ self: this }, function* () {
            this.owned.add(name)
            const scope = yield* connections.scope(client.id)
            yield* Scope.addFinalizer(
              scope,
              Effect.sync(() => {
                this.owned.delete(name)
                this.note(`gave back ${name}`)
              })
            )
          })
      })
    })
  )
}

/** A door that serves toys. */
export interface ToyDoor {
  readonly toy: Toy
  readonly path: string
  readonly connect: (options?: { readonly allowHalfOpen?: boolean }) => Promise<RawClient>
  readonly close: () => Promise<void>
  readonly connections: Connections["Service"]
  readonly concerns: Concerns["Service"]
}

const opened: Array<{ readonly close: () => Promise<void>; readonly directory: string }> = []

/** Closes every door and removes its directory; a closed door's directory stays until then, to be looked at. */
export const closeDoors = async (): Promise<void> => {
  for (const { close, directory } of opened.splice(0)) {
    await close()
    rmSync(directory, { recursive: true, force: true })
  }
}

export const openDoor = async (limits: Partial<ConnectionLimits> = {}, clock?: Clock.Clock): Promise<ToyDoor> => {
  const directory = mkdtempSync(join(tmpdir(), "hob-door-"))
  const path = join(directory, "run", "hob.sock")
  const toy = new Toy()
  const scope = Scope.makeUnsafe()
  const context = await Effect.runPromise(
    layer(Toys, { path, limits }).pipe(
      Layer.provide(toy.handlers),
      Layer.provide(toy.directly),
      Layer.provideMerge(Layer.mergeAll(Connections.layer, Concerns.layer, DirectMethods.layer)),
      Layer.buildWithScope(scope),
      clock === undefined ? identity : Effect.provideService(Clock.Clock, clock)
    )
  )
  let closed: Promise<void> | undefined
  const close = () => (closed ??= Effect.runPromise(Scope.close(scope, Exit.void)))
  opened.push({ close, directory })
  return {
    toy,
    path,
    connections: Context.get(context, Connections),
    concerns: Context.get(context, Concerns),
    connect: async (options) => new RawClient(await connect(path, options)),
    close
  }
}

/** An answer as it came over the wire. */
export interface Reply {
  readonly id?: string | number | null
  readonly method?: string
  readonly chunk?: boolean
  readonly result?: any
  readonly error?: { readonly _tag: string; readonly code: number; readonly message: string; readonly data: Array<any> }
}

/** A client that sends bytes and sees lines. */
export class RawClient {
  readonly socket: Socket
  readonly #reader = new LineReader({ lineBytes: Infinity, depth: Infinity })
  readonly #lines: Array<string> = []
  #ended = false
  #wake = (): void => {}

  constructor(socket: Socket) {
    this.socket = socket
    socket.on("data", (chunk: Buffer) => {
      this.#reader.push(chunk)
      for (let line = this.#reader.next(); line !== undefined; line = this.#reader.next()) {
        if (typeof line !== "string") throw new Error(line.message)
        this.#lines.push(line)
      }
      this.#wake()
    })
    const end = () => {
      this.#ended = true
      this.#wake()
    }
    socket.on("error", () => {})
    socket.on("end", end)
    socket.on("close", end)
  }

  send(data: string | Uint8Array): void {
    this.socket.write(data)
  }

  request(id: string | number | undefined, method: string, params?: unknown): void {
    this.send(`${JSON.stringify({ jsonrpc: "2.0", id, method, params })}\n`)
  }

  /** The next line; undefined when the other side has ended. */
  async line(): Promise<string | undefined> {
    while (this.#lines.length === 0 && !this.#ended) await new Promise<void>((resolve) => (this.#wake = resolve))
    return this.#lines.shift()
  }

  async reply(): Promise<Reply> {
    const line = await this.line()
    if (line === undefined) throw new Error("the connection ended")
    return JSON.parse(line) as Reply
  }

  async replies(count: number): Promise<Array<Reply>> {
    const replies: Array<Reply> = []
    while (replies.length < count) replies.push(await this.reply())
    return replies
  }

  /** All lines up to the end of the connection. */
  async rest(): Promise<Array<string>> {
    const lines: Array<string> = []
    for (let line = await this.line(); line !== undefined; line = await this.line()) lines.push(line)
    return lines
  }

  close(): void {
    this.socket.destroy()
  }
}
