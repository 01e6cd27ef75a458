/**
 * The commands that scripts and agents run hundreds of times a day, in their plain form. They load nothing of effect;
 * the command tree calls the same functions for every other form.
 */
import { parseShare, parseSize } from "../config/quantities.ts"
import { parseDuration } from "./duration.ts"
import { channelVerbs } from "./hotChannels.ts"
import { captureVerbs } from "./hotCapture.ts"
import { lockVerbs } from "./hotLocks.ts"
import { upstreamVerbs } from "./hotUpstream.ts"
import { limitsOf } from "./limits.ts"
import { actionOf, type HotAction, type Verb } from "./hotVerb.ts"
import { parseCount, type Plain } from "./plain.ts"
import { attach } from "./verbs/attach.ts"
import { complete } from "./verbs/complete.ts"
import { kill } from "./verbs/kill.ts"
import { list } from "./verbs/list.ts"
import { output } from "./verbs/output.ts"
import { run } from "./verbs/run.ts"
import { screen } from "./verbs/screen.ts"
import { search } from "./verbs/search.ts"
import { isStdin, send } from "./verbs/send.ts"
import { sign } from "./verbs/sign.ts"
import { show } from "./verbs/show.ts"
import { status } from "./verbs/status.ts"
import { submitMessage } from "./verbs/submit.ts"
import { wait } from "./verbs/wait.ts"
import { parseStates, waitedFor } from "./waitFor.ts"

const MANY = Number.MAX_SAFE_INTEGER

/** Null for a flag that isn't there, undefined for a value that is wrong. */
const read = <T>(plain: Plain, flag: string, parse: (text: string) => T | undefined): T | null | undefined => {
  const text = plain.value(flag)
  return text === null ? null : parse(text)
}

const verbs: Readonly<Record<string, Verb>> = {
  ...channelVerbs,
  ...lockVerbs,
  ...captureVerbs,
  ...upstreamVerbs,
  // Not in the tree: completion scripts call it, people don't.
  __complete: {
    grammar: { flags: {}, words: [1, 1] },
    action: (plain) => (context) => complete(context, plain.words[0]!)
  },
  ls: {
    grammar: {
      flags: { "--all": "boolean", "--json": "boolean", "--quiet": "boolean", "--tag": "values" },
      aliases: { "-a": "--all", "-q": "--quiet", "-t": "--tag" },
      words: [0, 0]
    },
    action: (plain) => (context) =>
      list(context, {
        all: plain.has("--all"),
        json: plain.has("--json"),
        quiet: plain.has("--quiet"),
        tags: plain.values("--tag")
      })
  },
  status: {
    grammar: { flags: { "--json": "boolean" }, words: [0, 0] },
    action: (plain) => (context) => status(context, { json: plain.has("--json") })
  },
  show: {
    grammar: { flags: { "--json": "boolean" }, words: [1, 1] },
    action: (plain) => (context) => show(context, { session: plain.words[0]!, json: plain.has("--json") })
  },
  // An agent's hook stands in the way of its work.
  session: {
    grammar: { flags: { "--session": "value", "--detail": "value" }, aliases: { "-s": "--session" }, words: [2, 3] },
    action: (plain) => {
      const [command, agent, event = null] = plain.words
      const [session, detail] = [plain.value("--session"), plain.value("--detail")]
      return command === "sign" ? (context) => sign(context, { agent: agent!, event, session, detail }) : null
    }
  },
  send: {
    grammar: {
      flags: { "--key": "values", "--eof": "boolean", "--submit": "boolean", "--timeout": "value" },
      aliases: { "-k": "--key" },
      words: [1, MANY],
      valuesToTheEnd: "--key"
    },
    action: (plain) => {
      const [session, ...text] = plain.words
      const stdin = isStdin(text)
      const timeout = read(plain, "--timeout", parseDuration)
      if (timeout === undefined) return null
      if (plain.has("--submit")) {
        const isAlone = plain.values("--key").length === 0 && !plain.has("--eof")
        const message = { session: session!, text: stdin ? [] : text, stdin, timeout, isAlone }
        return (context) => submitMessage(context, message)
      }
      return (context) =>
        send(context, {
          session: session!,
          text: stdin ? [] : text,
          keys: plain.values("--key"),
          stdin,
          eof: plain.has("--eof")
        })
    }
  },
  output: {
    grammar: {
      flags: { "--follow": "boolean", "--plain": "boolean", "--since": "value", "--tail": "value" },
      aliases: { "-f": "--follow", "-n": "--tail" },
      words: [1, 1]
    },
    action: (plain) => {
      const since = read(plain, "--since", parseCount)
      const tail = read(plain, "--tail", parseCount)
      if (since === undefined || tail === undefined || (since !== null && tail !== null)) return null
      return (context) =>
        output(context, {
          session: plain.words[0]!,
          follow: plain.has("--follow"),
          plain: plain.has("--plain"),
          since,
          tail
        })
    }
  },
  search: {
    grammar: {
      flags: {
        "--ignore-case": "boolean",
        "--regex": "boolean",
        "--json": "boolean",
        "--session": "values",
        "--limit": "value"
      },
      aliases: { "-i": "--ignore-case", "-e": "--regex", "-s": "--session", "-n": "--limit" },
      words: [1, 1]
    },
    action: (plain) => {
      const limit = read(plain, "--limit", parseCount)
      if (limit === undefined) return null
      return (context) =>
        search(context, {
          text: plain.words[0]!,
          ignoreCase: plain.has("--ignore-case"),
          regex: plain.has("--regex"),
          sessions: plain.values("--session"),
          limit,
          json: plain.has("--json")
        })
    }
  },
  attach: {
    grammar: {
      flags: { "--read-only": "boolean", "--take": "boolean", "--nest": "boolean" },
      aliases: { "-r": "--read-only" },
      words: [1, 1]
    },
    action: (plain) => (context) =>
      attach(context, {
        session: plain.words[0]!,
        readOnly: plain.has("--read-only"),
        take: plain.has("--take"),
        nest: plain.has("--nest")
      })
  },
  screen: {
    grammar: { flags: { "--json": "boolean" }, words: [1, 1] },
    action: (plain) => (context) => screen(context, { session: plain.words[0]!, json: plain.has("--json") })
  },
  wait: {
    grammar: {
      flags: {
        "--exit": "boolean",
        "--match": "value",
        "--new": "boolean",
        "--idle": "value",
        "--state": "value",
        "--json": "boolean",
        "--timeout": "value"
      },
      aliases: { "-m": "--match" },
      words: [1, 1]
    },
    action: (plain) => {
      const timeout = read(plain, "--timeout", parseDuration)
      const idle = read(plain, "--idle", parseDuration)
      const state = read(plain, "--state", parseStates)
      if (timeout === undefined || idle === undefined || state === undefined) return null
      if (plain.has("--new") && plain.value("--match") === null) return null
      const wanted = waitedFor({
        match: plain.value("--match"),
        isNew: plain.has("--new"),
        idle,
        state
      })
      return (context) => wait(context, { session: plain.words[0]!, for: wanted, timeout, json: plain.has("--json") })
    }
  },
  kill: {
    grammar: {
      flags: { "--signal": "value", "--grace": "value", "--json": "boolean", "--tag": "values", "--self": "boolean" },
      aliases: { "-s": "--signal", "-t": "--tag" },
      words: [0, MANY]
    },
    action: (plain) => {
      const grace = read(plain, "--grace", parseDuration)
      if (grace === undefined || (plain.words.length === 0) === (plain.values("--tag").length === 0)) return null
      return (context) =>
        kill(context, {
          sessions: plain.words,
          tags: plain.values("--tag"),
          signal: plain.value("--signal"),
          grace,
          self: plain.has("--self"),
          json: plain.has("--json")
        })
    }
  },
  run: {
    grammar: {
      flags: {
        "--detach": "boolean",
        "--pipe": "boolean",
        "--json": "boolean",
        "--name": "value",
        "--cwd": "value",
        "--env": "values",
        "--tag": "values",
        "--template": "value",
        "--max-memory": "value",
        "--max-cpu": "value",
        "--max-processes": "value",
        "--ttl": "value",
        "--idle-stop": "value",
        "--restart-max": "value",
        "--nest": "boolean"
      },
      aliases: { "-d": "--detach", "-n": "--name", "-e": "--env", "-t": "--tag" },
      words: [0, MANY],
      wordsBeforeCommand: 0
    },
    action: (plain) => {
      const maxMemory = read(plain, "--max-memory", parseSize)
      const maxCpu = read(plain, "--max-cpu", parseShare)
      const maxProcesses = read(plain, "--max-processes", parseCount)
      const ttl = read(plain, "--ttl", parseDuration)
      const idleStop = read(plain, "--idle-stop", parseDuration)
      const restartMax = read(plain, "--restart-max", parseCount)
      if (maxMemory === undefined || maxCpu === undefined || maxProcesses === undefined) return null
      if (ttl === undefined || idleStop === undefined || restartMax === undefined) return null
      return (context) =>
        run(context, {
          name: plain.value("--name"),
          cwd: plain.value("--cwd"),
          env: plain.values("--env"),
          tags: plain.values("--tag"),
          pipe: plain.has("--pipe"),
          detach: plain.has("--detach"),
          json: plain.has("--json"),
          nest: plain.has("--nest"),
          limits: limitsOf({ maxMemory, maxCpu, maxProcesses, ttl, idleStop }),
          // One of a few words: left to the tree.
          restart: null,
          restartMax,
          template: plain.value("--template"),
          command: plain.words
        })
    }
  }
}

/** See {@link actionOf}. */
export const hotAction = (argv: ReadonlyArray<string>): HotAction | null => actionOf(verbs, argv)
