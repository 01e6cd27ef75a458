import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { randomBytes } from "node:crypto"
import { daemonState, mergedMetadata, type Metadata, readState } from "../../src/machine/facts.ts"
import { makeCipher } from "../../src/machine/encryption.ts"
import * as Line from "../../src/machine/Line.ts"
import { pauseAfter } from "../../src/machine/retrying.ts"
import { MAX_ATTEMPTS, Versioned } from "../../src/machine/Versioned.ts"
import { post } from "../support/happyServer/Phone.ts"
import { thePhone, theServer } from "./support.ts"

const own: Metadata = {
  host: "attic",
  platform: "linux",
  happyCliVersion: "1.2.5",
  homeDir: "/home/ada",
  happyHomeDir: "/home/ada/.happy",
  happyLibDir: "/opt/hob",
  hobVersion: "0.1.0",
  cliAvailability: { claude: true, detectedAt: 1 },
  resumeSupport: {
    rpcAvailable: true,
    requiresSameMachine: true,
    requiresHappyAgentAuth: false,
    happyAgentAuthenticated: false,
    detectedAt: 1
  }
}

describe("what the server has and what is so", () => {
  it("own facts go over what is there, and what devices have added stays", () => {
    assert.deepStrictEqual(mergedMetadata(null, own), { ...own })
    assert.deepStrictEqual(mergedMetadata({ host: "cellar", displayName: "A" }, own), { ...own, displayName: "A" })
    assert.deepStrictEqual(mergedMetadata(["odd"], own), { ...own })
  })

  it("nothing is written where only the moment differs at which it was looked", () => {
    const later = { ...own, cliAvailability: { detectedAt: 2, claude: true } }
    assert.isUndefined(mergedMetadata({ displayName: "A", ...own }, later))
    assert.isDefined(mergedMetadata(own, { ...later, host: "cellar" }))
    assert.isDefined(mergedMetadata(own, { ...later, cliAvailability: { detectedAt: 2, claude: false } }))
  })

  it("a state is made of own facts alone, with who asked for a stop only once somebody has", () => {
    const facts = { pid: 7, startedAt: 1 }
    const stop = { reason: "tired", source: "cli" as const, at: 9 }
    assert.deepStrictEqual(daemonState(facts, "running", stop), { status: "running", ...facts })
    assert.deepStrictEqual(daemonState(facts, "offline", undefined), { status: "offline", ...facts })
    const stopping = { status: "shutting-down", ...facts, shutdownRequestedAt: 9, shutdownSource: "cli" }
    assert.deepStrictEqual(daemonState(facts, "shutting-down", stop), stopping as never)
  })

  it("tells one's own state from another daemon's, and from what is wrong", () => {
    const facts = { pid: 7, startedAt: 1 }
    assert.strictEqual(readState({ status: "running", ...facts }, facts), "own")
    assert.strictEqual(readState({ status: "running", pid: 7, startedAt: 2 }, facts), "another")
    assert.strictEqual(readState({ status: "offline", ...facts }, facts), "wrong")
    for (const odd of [null, "running", [], {}]) assert.strictEqual(readState(odd, facts), "wrong")
  })

  it("pauses double to a minute, each somewhere in its second half", () => {
    assert.deepStrictEqual([pauseAfter(1, 0), pauseAfter(1, 1), pauseAfter(4, 1)], [500, 1000, 8000])
    assert.deepStrictEqual([pauseAfter(100, 0), pauseAfter(100, 1), pauseAfter(2000, 1)], [30_000, 60_000, 60_000])
  })
})

interface Written {
  readonly version: number
  readonly value: string
}

const WRITERS = 10
/** 1,000 are the promise; `HOB_MACHINE_RUNS` says how many. */
const UPDATES = Number(process.env["HOB_MACHINE_RUNS"] ?? 100)

describe("versions", () => {
  it.live(
    "ten writers of one value lose no update, and none needs more than ten retries",
    () =>
      Effect.gen(function* () {
        const server = yield* theServer()
        const phone = yield* thePhone(server)
        const cipher = makeCipher({ kind: "legacy", secret: randomBytes(32) })
        const machineId = "storm"
        const registered = { id: machineId, metadata: cipher.encrypt({}), daemonState: cipher.encrypt({}) }
        yield* Effect.promise(() => post(server.url, "/v1/machines", registered, phone.token))
        const writers: ReadonlyArray<{ readonly metadata: Versioned; readonly daemonState: Versioned }> =
          yield* Effect.forEach(Array.from({ length: WRITERS }), (_, index) =>
            Effect.map(
              Line.open({
                url: server.url,
                auth: { token: phone.token, clientType: "user-scoped" },
                // What others write is told to everybody, as to a machine.
                hear: (event, update) => {
                  const { metadata } = (update as { readonly body: { readonly metadata?: Written } }).body
                  if (event === "update" && metadata !== undefined)
                    writers[index]!.metadata.take(metadata.version, metadata.value)
                },
                withinMillis: 30_000
              }),
              (line) => {
                const common = { machineId, line, cipher, version: 1 }
                return {
                  metadata: new Versioned({ ...common, field: "metadata", value: registered.metadata }),
                  daemonState: new Versioned({ ...common, field: "daemonState", value: registered.daemonState })
                }
              }
            )
          )
        let most = 0
        let retries = 0
        const more = (current: unknown, names: ReadonlyArray<string>) => {
          const counts = current as Readonly<Record<string, number>>
          return { ...counts, ...Object.fromEntries(names.map((name) => [name, (counts[name] ?? 0) + 1])) }
        }
        const counted = (writer: Versioned, name: string) =>
          Effect.gen(function* () {
            for (let count = 0; count < UPDATES / WRITERS; count++) {
              yield* writer.update((current) => more(current, ["all", name]), { within: 30_000 })
              most = Math.max(most, writer.attempts)
              retries += writer.attempts - 1
            }
          })
        yield* Effect.all(
          writers.map(({ metadata }, index) => counted(metadata, `w${index}`)),
          { concurrency: "unbounded" }
        )
        const [{ daemonState, metadata }] = writers as [(typeof writers)[0]]
        const { metadataVersion, metadata: text } = (yield* Effect.promise(() => phone.machine(machineId)))!
        assert.strictEqual(metadataVersion, UPDATES + 1)
        metadata.take(metadataVersion, text)
        const counts = metadata.current as Readonly<Record<string, number>>
        assert.strictEqual(counts["all"], UPDATES)
        for (let index = 0; index < WRITERS; index++) assert.strictEqual(counts[`w${index}`], UPDATES / WRITERS)
        assert.isAtMost(most, MAX_ATTEMPTS)
        assert.isAbove(retries, 0)
        if (process.env["HOB_MACHINE_RUNS"] !== undefined) console.log(`retries: ${retries}, at most ${most - 1}`)
        // The other field has a version of its own: writing both at once does not conflict.
        const both = [metadata, daemonState].map((field) => field.update(() => ({ both: true }), { within: 30_000 }))
        yield* Effect.all(both, { concurrency: "unbounded" })
        assert.deepStrictEqual([metadata.attempts, daemonState.attempts], [1, 1])
        assert.strictEqual(daemonState.version, 2)
      }).pipe(Effect.scoped),
    120_000 + UPDATES * 1000
  )

  it.live("a machine that the server does not know is an error, and no answer is one too", () =>
    Effect.gen(function* () {
      const server = yield* theServer()
      const phone = yield* thePhone(server)
      const cipher = makeCipher({ kind: "legacy", secret: randomBytes(32) })
      const line = yield* Line.open({
        url: server.url,
        auth: { token: phone.token, clientType: "user-scoped" },
        hear: () => undefined,
        withinMillis: 30_000
      })
      const state = new Versioned({
        machineId: "nobody",
        line,
        cipher,
        field: "daemonState",
        version: 1,
        value: null
      })
      const unknown = yield* Effect.flip(state.update(() => ({}), { within: 30_000 }))
      assert.deepStrictEqual([unknown._tag, unknown.message], ["NotTaken", "Machine not found (daemonState)"])
      server.freeze()
      const silent = yield* Effect.flip(state.update(() => ({}), { within: 20 }))
      assert.strictEqual(silent._tag, "NoAnswer")
    }).pipe(Effect.scoped)
  )
})
