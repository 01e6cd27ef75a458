import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { inspectConfig, loadConfig } from "../../src/config/loadConfig.ts"
import { settingKeys } from "../../src/config/settingKeys.ts"

interface Given {
  /** The file's text, or what to do at its path; none without. */
  readonly file?: string | Uint8Array | ((path: string) => void)
  readonly env?: Record<string, string>
  readonly flags?: ReadonlyArray<string>
}

const load = ({ env = {}, file, flags = [] }: Given) =>
  Effect.gen(function* () {
    const home = yield* Effect.acquireRelease(
      Effect.sync(() => fs.mkdtempSync(join(tmpdir(), "hob-config-"))),
      (path) => Effect.sync(() => fs.rmSync(path, { recursive: true, force: true }))
    )
    const config = join(home, "config.json")
    if (typeof file === "function") file(config)
    else if (file !== undefined) fs.writeFileSync(config, file, { mode: 0o600 })
    const result = yield* Effect.mapError(loadConfig({ paths: { config }, env, flags }), (error) => ({
      ...error,
      _tag: error._tag,
      message: error.message.replaceAll(config, "config.json")
    }))
    return result
  }).pipe(Effect.scoped)

const messageOf = (given: Given) => Effect.map(Effect.flip(load(given)), ({ message }) => message)

const foreignFile = (path: string) => {
  fs.writeFileSync(path, "{}", { mode: 0o600 })
  fs.chownSync(path, 65_534, 65_534)
}

const linkedFile = (path: string) => {
  fs.writeFileSync(`${path}.real`, '\uFEFF{"sessions": {"maxCount": 5}}', { mode: 0o644 })
  fs.symlinkSync(`${path}.real`, path)
}

describe("settings", () => {
  it.effect("are the defaults where nobody says otherwise, and every default is a value of its setting", () =>
    Effect.gen(function* () {
      const { effective, settings, warnings } = yield* load({})
      assert.deepStrictEqual(
        effective,
        settingKeys.map(({ default: value, key }) => ({ key, value, source: "default" }))
      )
      assert.strictEqual(settings.socket.lineBytes, 16 * 1024 * 1024 + 64 * 1024)
      assert.deepStrictEqual(warnings, [])
      for (const { decode, default: value, key } of settingKeys) assert.isTrue(decode(value)._tag === "Some", key)
    })
  )

  it.effect("come from flags before the environment before the file before the defaults, key by key", () =>
    Effect.gen(function* () {
      const file = JSON.stringify({
        $schema: "anything",
        sessions: { maxCount: 1, retainCount: 1, killGraceMillis: 1 }
      })
      const env = { HOB_SESSIONS_MAX_COUNT: "2", HOB_SESSIONS_RETAIN_COUNT: "2" }
      const flags = ["sessions.maxCount=4", "sessions.maxCount=3"]
      const { effective, settings } = yield* load({ file, env, flags })
      const { killGraceMillis, maxCount, recentBytes, retainCount } = settings.sessions
      assert.deepStrictEqual([maxCount, retainCount, killGraceMillis, recentBytes], [3, 2, 1, 262_144])
      const sources = new Map(effective.map(({ key, source }) => [key, source]))
      assert.deepStrictEqual(
        ["maxCount", "retainCount", "killGraceMillis", "recentBytes"].map((name) => sources.get(`sessions.${name}`)),
        ["flag", "environment", "file", "default"]
      )
    })
  )

  it.effect("are read from the text of flags and variables, each after its kind", () =>
    Effect.gen(function* () {
      const { settings } = yield* load({
        flags: ["sessions.logInput=false", "sessions.environmentAllow=PATH, LC_*", "sessions.detachKey=C-b d"],
        env: {
          HOB_SESSIONS_ENVIRONMENT_DENY: '["A","B*"]',
          HOB_DAEMON_LOG_LEVEL: "debug",
          HOB_SESSIONS_SHELL: "/bin/dash",
          HOB_STORAGE_DURABILITY: ""
        }
      })
      const { sessions } = settings
      assert.isFalse(sessions.logInput)
      assert.deepStrictEqual(sessions.environmentAllow, ["PATH", "LC_*"])
      assert.deepStrictEqual(sessions.environmentDeny, ["A", "B*"])
      assert.strictEqual(sessions.detachKey, "C-b d")
      assert.strictEqual(sessions.shell, "/bin/dash")
      assert.strictEqual(settings.daemon.logLevel, "debug")
      assert.strictEqual(settings.storage.durability, "process-crash")
      const empty = yield* load({
        flags: ["sessions.environmentDeny=", "sessions.detachKey=", "sessions.shell=null"],
        env: { HOB_SESSIONS_SHELL: "/bin/dash" }
      })
      assert.deepStrictEqual(empty.settings.sessions.environmentDeny, [])
      assert.strictEqual(empty.settings.sessions.detachKey, "")
      assert.isNull(empty.settings.sessions.shell)
    })
  )

  it.effect("a variable HOB_… that means nothing is a warning; those of hob's own are none", () =>
    Effect.gen(function* () {
      const env = { HOB_HOME: "/x", HOB_NO_START: "1", HOB_SESSION_ID: "y", HOB_SESIONS_MAX_COUNT: "2", HOBBY: "z" }
      assert.deepStrictEqual((yield* load({ env })).warnings, [
        'the variable HOB_SESIONS_MAX_COUNT means nothing to hob; did you mean "HOB_SESSIONS_MAX_COUNT"?'
      ])
    })
  )

  const wrong: Record<string, readonly [Given, string]> = {
    "an unknown flag": [
      { flags: ["sessions.maxCuont=1"] },
      'flag: "sessions.maxCuont" is not a setting; did you mean "sessions.maxCount"?'
    ],
    "a flag like nothing else": [
      { flags: ["qqqqqqqqqqqqqq=1"] },
      'flag: "qqqqqqqqqqqqqq" is not a setting; `hob config show` lists all settings'
    ],
    "a flag without a value": [
      { flags: ["sessions.maxCount"] },
      'flag: "sessions.maxCount" needs a value: -c sessions.maxCount=1000'
    ],
    "a flag with a wrong value": [
      { flags: ["sessions.maxCount=many"] },
      'flag: "sessions.maxCount" must be a whole number from 1 to 100000, and is "many"'
    ],
    "a wrong variable": [
      { env: { HOB_DAEMON_LOG_LEVEL: "loud" } },
      'environment: "daemon.logLevel" must be one of "debug", "info", "warn", "error", and is "loud" (HOB_DAEMON_LOG_LEVEL)'
    ],
    "an unknown key, with its line": [
      { file: '{\n  "sessions": {\n    "maxCount": 5,\n    "recentByte": 7\n  }\n}' },
      'config.json: "sessions.recentByte" is not a setting; did you mean "sessions.recentBytes"? (line 4)'
    ],
    "an unknown group": [
      { file: '{"session": {}}' },
      'config.json: "session" is not a group of settings; did you mean "sessions"? (line 1)'
    ],
    "a key outside of its group": [
      { file: '{"maxCount": 5}' },
      'config.json: "maxCount" is not a group of settings; did you mean "sessions.maxCount"? (line 1)'
    ],
    "a key with a dot": [
      { file: '{"sessions.maxCount": 5}' },
      'config.json: "sessions.maxCount" is written {"sessions": {"maxCount": …}} in a file (line 1)'
    ],
    "a wrong type": [
      { file: '{"sessions": {"maxCount": "5"}}' },
      'config.json: "sessions.maxCount" must be a whole number from 1 to 100000, and is "5" (line 1)'
    ],
    "a fraction": [
      { file: '{"sessions": {"maxCount": 1.5}}' },
      'config.json: "sessions.maxCount" must be a whole number from 1 to 100000, and is 1.5 (line 1)'
    ],
    "a number out of bounds": [
      { file: '{"daemon": {"shutdownMillis": 1e400}}' },
      'config.json: "daemon.shutdownMillis" must be a whole number from 100 to 31622400000, and is null (line 1)'
    ],
    "null where there is none": [
      { file: '{"sessions": {"logInput": null}}' },
      'config.json: "sessions.logInput" must be true or false, and is null (line 1)'
    ],
    "a long value, shortened": [
      { file: JSON.stringify({ sessions: { environmentDeny: "x".repeat(1000) } }) },
      `config.json: "sessions.environmentDeny" must be a list of variable names, each possibly ending in "*", and is "${"x".repeat(56)}... (line 1)`
    ],
    "a group that is none": [
      { file: '{"sessions": 5}' },
      'config.json: "sessions" must be an object with settings of this group (line 1)'
    ],
    "a prototype": [
      { file: '{"__proto__": {"sessions": {}}}' },
      'config.json: "__proto__" is not a group of settings; `hob config show` lists all settings (line 1)'
    ],
    "a prototype in a group": [
      { file: '{"sessions": {"constructor": 1}}' },
      'config.json: "sessions.constructor" is not a setting; `hob config show` lists all settings (line 1)'
    ],
    "an array": [{ file: "[]" }, "config.json: must hold one JSON object, such as {}"],
    "null alone": [{ file: "null" }, "config.json: must hold one JSON object, such as {}"],
    "text that is not JSON": [
      { file: '{\n  "sessions": {\n    "maxCount": 5,\n  }\n}' },
      'config.json: is not JSON: line 4, column 3: expected another one behind the "," where "}" stands'
    ],
    "an empty file": [{ file: " \n" }, "config.json: is empty: write {} or remove it"],
    "bytes that are not UTF-8": [{ file: Buffer.from([0x7b, 0xff, 0x7d]) }, "config.json: is not UTF-8"],
    "too much": [{ file: " ".repeat(1024 * 1024 + 1) }, "config.json: is larger than 1048576 bytes"],
    "a directory": [{ file: (path) => fs.mkdirSync(path) }, "config.json: is not a file"],
    "a link to nothing": [
      { file: (path) => fs.symlinkSync(`${path}.gone`, path) },
      "config.json: is a link to nothing"
    ],
    "a place below a file": [
      {
        file: (path) => {
          fs.rmdirSync(join(path, ".."))
          fs.writeFileSync(join(path, ".."), "")
        }
      },
      "config.json: can't be read (ENOTDIR)"
    ],
    "a file that others may write": [
      {
        file: (path) => {
          fs.writeFileSync(path, "{}")
          fs.chmodSync(path, 0o662)
        }
      },
      "config.json: can be written by others: take that away (chmod go-w config.json)"
    ]
  }
  for (const [name, [given, message]] of Object.entries(wrong)) {
    it.effect(`fail on ${name}`, () => Effect.map(messageOf(given), (text) => assert.strictEqual(text, message)))
  }

  it.effect.skipIf(process.getuid?.() !== 0)("fail on a file that belongs to somebody else (needs root)", () =>
    Effect.gen(function* () {
      assert.match(
        yield* messageOf({ file: foreignFile }),
        /belongs to user 65534, and this is user 0: it must be your own \(chown 0 /
      )
    })
  )

  it.effect("follow a link to a file that is in order, and are read with a byte order mark", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* load({ file: linkedFile })).settings.sessions.maxCount, 5)
    })
  )

  it.effect("a mistake names its source, its key and what was expected as fields", () =>
    Effect.gen(function* () {
      const { expected, key, source } = yield* Effect.flip(load({ flags: ["sessions.logInput=2"] }))
      assert.deepStrictEqual([source, key], ["flag", "sessions.logInput"])
      assert.strictEqual(expected, 'must be true or false, and is "2"')
    })
  )
})

describe("looking for mistakes", () => {
  const inspect = (config: string, env: Record<string, string>, flags: ReadonlyArray<string>) =>
    inspectConfig({ paths: { config }, env, flags })

  it.effect("finds every one, in the order in which the sources count, and keeps what is right", () =>
    Effect.gen(function* () {
      const home = fs.mkdtempSync(join(tmpdir(), "hob-config-"))
      const config = join(home, "config.json")
      const text = `{
        "sessions": { "maxCount": 0, "retainCount": 7, "maxCuont": 1 },
        "deamon": {},
        "storage": 3,
        "socket.depth": 9
      }`
      fs.writeFileSync(config, text, { mode: 0o600 })
      const env = { HOB_DAEMON_LOG_FILES: "none", HOB_SOCKET_DEPTH: "20" }
      const found = yield* inspect(config, env, ["sessions.detachKey", "no.such=1", "daemon.logLevel=loud"])
      fs.rmSync(home, { recursive: true })
      assert.deepStrictEqual(
        found.mistakes.map(({ key, source }) => [source.replace(config, "file"), key]),
        [
          ["flag", "sessions.detachKey"],
          ["flag", "no.such"],
          ["flag", "daemon.logLevel"],
          ["environment", "daemon.logFiles"],
          ["file", "sessions.maxCount"],
          ["file", "sessions.maxCuont"],
          ["file", "deamon"],
          ["file", "storage"],
          ["file", "socket.depth"]
        ]
      )
      assert.deepStrictEqual([found.settings.sessions.retainCount, found.settings.socket.depth], [7, 20])
    })
  )

  it.effect("finds all of one template, each by its name, and a key that means nothing is one", () =>
    Effect.gen(function* () {
      const home = fs.mkdtempSync(join(tmpdir(), "hob-config-"))
      const config = join(home, "config.json")
      const text = `{ "templates": {
        "good": { "command": ["sh"], "maxMemory": "1G" },
        "typo": { "command": ["sh"], "maxMemroy": "1G" },
        "bad": {
          "comand": ["sh"],
          "maxMemory": "lots", "tags": ["a b"], "env": { "A": 1 }
        },
        "no name": { "command": ["sh"] },
        "empty": { "command": [] }
      } }`
      fs.writeFileSync(config, text, { mode: 0o600 })
      const { mistakes, settings } = yield* inspect(config, {}, [])
      fs.rmSync(home, { recursive: true })
      assert.deepStrictEqual(
        mistakes.map(({ expected, key }) => `${key} ${expected}`),
        [
          'templates.typo.maxMemroy means nothing; did you mean "maxMemory"? (line 3)',
          'templates.bad.comand means nothing; did you mean "command"? (line 5)',
          "templates.bad.command is missing (line 4)",
          "templates.bad.env.A must be string (line 6)",
          "templates.bad.tags.0 must be 1 to 64 characters without spaces and commas, not beginning with '-' or '+' (line 6)",
          'templates.bad.maxMemory must be a size such as "512M" or "2G", 1M at least (line 6)',
          "templates.no name can't be a name: those have 1 to 64 of letters, digits, '.', '_', '-', beginning with a letter or digit (line 8)",
          "templates.empty.command must be a program and its arguments (line 9)"
        ]
      )
      assert.deepStrictEqual(Object.keys(settings.templates), ["good"])
    })
  )

  it.effect("a file that can't be read is one of them, and does not hide the others", () =>
    Effect.gen(function* () {
      const { mistakes } = yield* inspect(tmpdir(), {}, ["no.such=1"])
      assert.deepStrictEqual(
        mistakes.map(({ source }) => source),
        ["flag", tmpdir()]
      )
    })
  )
})
