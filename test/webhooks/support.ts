import { Context, type Duration, Effect, Exit, Layer, Option, Scope } from "effect"
import { RpcTest } from "effect/rpc"
import { TestClock } from "effect/testing"
import { createHmac } from "node:crypto"
import { connect } from "node:net"
import { mkdtempSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Announcer } from "../../src/actors/Announcer.ts"
import { Concerns } from "../../src/actors/Concerns.ts"
import { HobConfig, type SettingsOverrides } from "../../src/config/HobConfig.ts"
import { type Invocation, Methods } from "../../src/methods/Methods.ts"
import type { MethodError } from "../../src/protocol/methodErrors.ts"
import type { MethodName } from "../../src/protocol/methodNames.ts"
import type { Namespace } from "../../src/protocol/namespaces.ts"
import { WebhooksRpcs } from "../../src/protocol/webhooks.ts"
import { Database } from "../../src/storage/Database.ts"
import { headersOf } from "../../src/wire/http/headers.ts"
import * as Webhooks from "../../src/webhooks/layer.ts"
import * as WebhooksService from "../../src/webhooks/Webhooks.ts"

export const method = (text: string) => text as MethodName
export const namespace = (text: string) => text as Namespace

/** Methods that do what the test says, and note what they were called with. */
export const methodsOf = (
  run: (invocation: Invocation) => Effect.Effect<unknown, MethodError>,
  known: (name: string) => boolean = () => true
) =>
  Layer.mock(Methods)({
    invoke: run,
    find: (namespace, method) =>
      Effect.succeed(
        known(method) ? Option.some({ namespace, method, kind: "module" as const, file: "/m.ts" }) : Option.none()
      )
  })

export interface OpenOptions {
  readonly path?: string
  readonly settings?: NonNullable<SettingsOverrides["webhooks"]>
  readonly methods?: Layer.Layer<Methods>
  readonly env?: Readonly<Record<string, string>>
  readonly config?: Layer.Layer<HobConfig, unknown>
  readonly directory?: string
  /** Default: one in memory, or at `path`. */
  readonly store?: Layer.Layer<Database, unknown>
}

const turn = Effect.promise(() => new Promise<void>((next) => setImmediate(next)))

/** Lets everything in this process get as far as it can without time passing: turns of the loop, for the store needs some. */
export const settle = Effect.repeat(turn, { times: 200 })

/** Moves the clock, and lets happen what that brings about. */
export const pass = (time: Duration.Input) => Effect.andThen(settle, Effect.andThen(TestClock.adjust(time), settle))

/** Waits until something is so. */
export const eventually = async (isSo: () => boolean | Promise<boolean>): Promise<void> => {
  while (!(await isSo())) await new Promise((again) => setImmediate(again))
}

export const temporary = () => mkdtempSync(join(tmpdir(), "webhooks-"))

/** Webhooks as one daemon has them, on any free port, until it is stopped or the test ends. */
export const open = (options: OpenOptions = {}) =>
  Effect.gen(function* () {
    const scope = yield* Scope.fork(yield* Scope.Scope)
    const calls: Array<Invocation> = []
    const said: Array<{ readonly namespace: string; readonly channel: string; readonly message: any }> = []
    const methods = options.methods ?? methodsOf((call) => Effect.sync(() => (calls.push(call), { done: call.method })))
    const directory = options.directory ?? temporary()
    const context = yield* Webhooks.layer({
      paths: { config: join(directory, "config.json") },
      env: options.env ?? {}
    }).pipe(
      Layer.provideMerge(methods),
      Layer.provideMerge(Layer.mergeAll(Announcer.layer, Concerns.layer)),
      Layer.provideMerge(
        Layer.orDie(
          options.store ??
            (options.path === undefined
              ? Database.layerMemory
              : Database.layerFile({ path: options.path, durability: "process-crash" }))
        )
      ),
      Layer.provideMerge(
        Layer.orDie(
          options.config ??
            HobConfig.layerTest({ webhooks: { enabled: true, port: 0, perMinuteCount: 0, ...options.settings } })
        )
      ),
      Layer.fresh,
      Layer.buildWithScope(scope)
    )
    yield* Context.get(context, Announcer)
      .listen((announced) => void said.push(announced))
      .pipe(Scope.provide(scope))
    const rpc = yield* RpcTest.makeClient(WebhooksRpcs).pipe(Effect.provide(context), Scope.provide(scope))
    return {
      calls,
      said,
      rpc,
      context,
      database: Context.get(context, Database),
      concerns: Context.get(context, Concerns),
      stop: Scope.close(scope, Exit.void)
    }
  })

export type Opened = Effect.Success<ReturnType<typeof open>>

/** Waits until it listens; the port. */
export const listening = ({ rpc }: Pick<Opened, "rpc">): Effect.Effect<number> =>
  Effect.gen(function* () {
    for (;;) {
      const { listener } = yield* rpc["webhooks.list"]({})
      if (listener.url !== null) return Number(new URL(listener.url).port)
      yield* Effect.promise(() => new Promise<void>((again) => setImmediate(again)))
    }
  })

export interface Answer {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  readonly body: any
  readonly text: string
}

/** Writes these bytes and reads one answer, to its end or that of the connection; status 0 when there is none. */
export const raw = (port: number, bytes: string | Buffer, options: { readonly halfClose?: boolean } = {}) =>
  new Promise<Answer>((done) => {
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true })
    let text = ""
    const finish = (): void => {
      socket.destroy()
      done(parse(text))
    }
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1")
      if (isWhole(text)) finish()
    })
    socket.on("end", finish)
    socket.on("error", finish)
    socket.on("close", finish)
    socket.write(bytes)
    if (options.halfClose === true) socket.end()
  })

const isWhole = (text: string): boolean => {
  const end = text.indexOf("\r\n\r\n")
  if (end === -1) return false
  if (text.startsWith("HTTP/1.1 100")) return isWhole(text.slice(end + 4))
  if (text.startsWith("HTTP/1.1 204")) return true
  const length = /\r\ncontent-length: (\d+)/i.exec(text.slice(0, end))
  return length !== null && text.length >= end + 4 + Number(length[1])
}

const parse = (text: string): Answer => {
  if (text.startsWith("HTTP/1.1 100")) return parse(text.slice(text.indexOf("\r\n\r\n") + 4))
  const [head = "", ...rest] = text.split("\r\n\r\n")
  const [first = "", ...lines] = head.split("\r\n")
  const headers = new Map(
    lines.map((line) => {
      const at = line.indexOf(":")
      return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()] as const
    })
  )
  const content = Buffer.from(rest.join("\r\n\r\n"), "latin1").toString()
  let body: unknown = content
  try {
    body = JSON.parse(content)
  } catch {
    // As it is.
  }
  return { status: Number(/^HTTP\/1\.1 (\d+)/.exec(first)?.[1] ?? 0), headers, body, text: content }
}

export interface Post {
  readonly path?: string
  readonly verb?: string
  /** Names and values; a name may come twice. */
  readonly headers?: ReadonlyArray<readonly [name: string, value: string]>
  readonly body?: string | Buffer
  readonly type?: string | null
  readonly host?: string
}

/** A request as its bytes. */
export const request = ({
  body = "{}",
  headers = [],
  host = "127.0.0.1",
  path = "/webhook/hook",
  type,
  verb = "POST"
}: Post) => {
  const bytes = Buffer.from(body)
  const lines = [
    `${verb} ${path} HTTP/1.1`,
    `Host: ${host}`,
    ...(type === null ? [] : [`Content-Type: ${type ?? "application/json"}`]),
    `Content-Length: ${bytes.length}`,
    ...headers.map(([name, value]) => `${name}: ${value}`)
  ]
  return Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"), bytes])
}

export const post = (port: number, what: Post): Promise<Answer> => raw(port, request(what))

/** The same without a connection: for tests that move the clock. Answers once it is answered. */
export const deliver = (
  { context }: Pick<Opened, "context">,
  { body = "{}", headers = [], path = "/webhook/hook", verb = "POST" }: Post
) =>
  Effect.callback<{ readonly status: number; readonly body: any; readonly delivery: number }>((resume) => {
    const bytes = Buffer.from(body)
    const lines = [
      ["content-type", "application/json"],
      ["content-length", String(bytes.length)],
      ["host", "localhost"],
      ...headers
    ]
    let isAnswered = false
    Context.get(context, WebhooksService.Webhooks).handle({
      address: "127.0.0.1",
      port: 0,
      head: { method: verb, target: path, headers: headersOf(lines.flat()) },
      receive: (limit, done) => done(bytes.length > limit ? "too-large" : bytes),
      response: notInPieces,
      endless: notInPieces,
      reply: ({ body, headers, status }) => {
        if (isAnswered) throw new Error("answered twice")
        isAnswered = true
        resume(Effect.succeed({ status, body, delivery: Number(headers?.["x-hob-delivery"]) }))
      }
    })
  })

const notInPieces = () => {
  throw new Error("no webhook is answered in pieces")
}

export const hmac = (secret: string | Buffer, text: string | Buffer, encoding: "hex" | "base64" = "hex"): string =>
  createHmac("sha256", secret).update(text).digest(encoding)
