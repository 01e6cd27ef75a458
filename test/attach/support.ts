/** Sessions whose programs print what a test says, and terminals that are attached to them. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert } from "vitest"
import { call } from "../../src/client/wire/bare.ts"
import type { Session } from "../../src/protocol/sessions.ts"
import { Emulator } from "../../src/terminal/Emulator.ts"
import { binary, type Home, makeHome, until } from "../support/home.ts"
import { PtyClient } from "../support/ptyClient.ts"
import { stateOf } from "../terminal/state.ts"

export interface Size {
  readonly cols: number
  readonly rows: number
}

/** All that can be told of a terminal. Titles that were put aside are the reader's; to restore a fresh cursor is to restore none. */
export const seen = (emulator: Emulator) => {
  const { saved, titles, ...rest } = stateOf(emulator)
  const main = JSON.stringify(saved.main) === freshCursor ? undefined : saved.main
  return { ...rest, saved: { ...saved, main }, titles: titles.slice(0, 2) }
}
const freshCursor = (() => {
  const emulator = new Emulator({ cols: 2, rows: 1 })
  emulator.write(Buffer.from("\u001b7"))
  return JSON.stringify(stateOf(emulator).saved.main)
})()

/** Waits until a client's terminal is in the same state as another one; fails with the differences. */
export const becomes = async (client: PtyClient, expected: Emulator, message: string): Promise<void> => {
  const wanted = JSON.stringify(seen(expected))
  await client
    .until(message, () => JSON.stringify(seen(client.terminal)) === wanted)
    .catch(() => assert.deepStrictEqual(seen(client.terminal), seen(expected), message))
  assert.deepStrictEqual(client.answers, [], message)
}

/** What a terminal would be like that had our greeting in its history, and was then shown all this. */
export const reference = (name: string, { cols, rows }: Size, ...output: ReadonlyArray<string | Buffer>): Emulator => {
  const emulator = new Emulator({ cols, rows, scrollback: 20_000 })
  const greeting = `[session ${name}: C-\\ detaches]\r\n${"\n".repeat(rows - 1)}\u001b[H\u001b7`
  for (const part of [greeting, ...output]) emulator.write(Buffer.from(part as string))
  return emulator
}

/** A hob with sessions to attach to. */
export class Attaching {
  readonly home: Home
  readonly #directory = mkdtempSync(join(tmpdir(), "hob-bytes-"))
  readonly #clients: Array<PtyClient> = []

  private constructor(home: Home) {
    this.home = home
  }

  static async begin(env: NodeJS.ProcessEnv = {}): Promise<Attaching> {
    const attaching = new Attaching(makeHome(env))
    await attaching.home.ok(["start"])
    return attaching
  }

  /** Runs a command under a terminal of this size. */
  async run(name: string, command: ReadonlyArray<string>, { cols, rows }: Size): Promise<Session> {
    const env = { PATH: process.env["PATH"] }
    return (await call(this.home.paths.socket, "sessions.run", { name, command, env, cols, rows })) as Session
  }

  /** A session that prints `pieces` as they are, the first at once and each other one after a byte of input. */
  async prints(name: string, size: Size, ...pieces: ReadonlyArray<string | Buffer>): Promise<void> {
    const file = join(this.#directory, name)
    pieces.forEach((piece, index) => writeFileSync(`${file}.${index}`, piece))
    const rest = pieces.slice(1).map((_, index) => `dd bs=1 count=1 of=/dev/null 2>/dev/null; cat "$0.${index + 1}"`)
    const script = ["stty raw -echo", 'cat "$0.0"', ...rest, "exec sleep 100000"].join("; ")
    await this.run(name, ["sh", "-c", script, file], size)
    await this.printed(name, pieces[0]!.length)
  }

  /** The file with the first of what {@link prints} prints. */
  file(name: string): string {
    return join(this.#directory, `${name}.0`)
  }

  /** Waits until so much has been printed. */
  printed(name: string, bytes: number): Promise<void> {
    return until(`${name} has printed`, async () => (await this.session(name)).output.end >= bytes)
  }

  session(name: string): Promise<Session> {
    return this.home.json<Session>(["show", name])
  }

  /** A terminal of this size with `hob attach` in it. */
  attach(name: string, { cols, rows }: Size, ...flags: ReadonlyArray<string>): PtyClient {
    const client = new PtyClient([binary, "attach", name, ...flags], { env: this.home.env, cols, rows })
    this.#clients.push(client)
    return client
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.end()
    await this.home.destroy()
    rmSync(this.#directory, { recursive: true, force: true })
  }
}
