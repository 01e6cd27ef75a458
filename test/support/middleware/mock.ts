/** `mock.*`: what a test wants of a server. */
import { setTimeout as sleep } from "node:timers/promises"
import { type Call, type Method, NO_ANSWER } from "./Connection.ts"
import { callError, RpcError, validationErrors } from "./errors.ts"
import type { Job } from "./Jobs.ts"
import type { Middleware } from "./Middleware.ts"

interface JobOptions {
  readonly steps?: number
  /** Between steps. Seconds. */
  readonly interval?: number
  /** Fails with this text at its end. */
  readonly fail?: string
  readonly invalid?: boolean
  readonly transient?: boolean
  readonly share?: boolean
  readonly lateEvent?: boolean
  /** Says nothing of how far it is. */
  readonly silent?: boolean
}

export const mockMethods = (middleware: Middleware): ReadonlyArray<readonly [string, Method]> => {
  const { jobs } = middleware

  const steps = async (job: Job, { fail, interval = 0.01, invalid, silent = false, steps = 3 }: JobOptions) => {
    if (!silent) jobs.setProgress(job, 0, "")
    for (let step = 1; step <= steps; step++) {
      await sleep(interval * 1000, undefined, { signal: job.aborted.signal })
      if (!silent) jobs.setProgress(job, Math.floor((step / steps) * 100), `step ${step}/${steps}`)
    }
    if (fail !== undefined) throw callError(fail)
    if (invalid === true) throw validationErrors([["mock_create.name", "Field required"]])
    return `{"ok": true, "steps": ${steps}}`
  }

  const startJob = ({ connection, id, method, params, paramsText }: Call) => {
    const options = (params[0] ?? {}) as JobOptions
    const job = jobs.start({
      method,
      args: params,
      messageId: String(id),
      transient: options.transient === true,
      lateEvent: options.lateEvent === true,
      ...(options.share === true ? { shareKey: method + paramsText } : {}),
      run: (job) => steps(job, options)
    })
    return connection.options.legacy_jobs ? String(job.id) : jobs.outcome(job)
  }

  const held: Array<() => void> = []
  middleware.release = () => held.splice(0).forEach((go) => go())

  return [
    ["mock.echo", ({ paramsText }) => paramsText],
    /** Its first parameter is the text of the result. */
    ["mock.raw", ({ params: [text] }) => String(text)],
    [
      "mock.fail",
      ({ params: [text = "boom", extra = null] }) => {
        throw callError(String(text), "EFAULT", extra)
      }
    ],
    [
      "mock.invalid",
      () => {
        throw validationErrors([
          ["mock_create.name", "Field required"],
          ["mock_create.size", "Must be positive"]
        ])
      }
    ],
    /** An error of this code, with these data. */
    [
      "mock.error",
      ({ params: [code, message, data] }) => {
        throw new RpcError(code as number, String(message), data)
      }
    ],
    [
      "mock.sleep",
      async ({ params: [seconds], signal }) => {
        await sleep(Number(seconds) * 1000, undefined, { signal })
        return String(seconds)
      }
    ],
    ["mock.job", startJob],
    /** Counts under a key how often it has been executed. */
    [
      "mock.mark",
      ({ params: [key] }) => {
        const count = (middleware.marks.get(String(key)) ?? 0) + 1
        middleware.marks.set(String(key), count)
        return String(count)
      }
    ],
    /** Is answered when `release` is called; with all that wait, last come first. */
    [
      "mock.hold",
      async ({ paramsText }) => {
        await new Promise<void>((go) => held.unshift(go))
        return paramsText
      }
    ],
    ["mock.silent", () => NO_ANSWER],
    [
      "mock.emit",
      ({ params: [collection, fields = {}, msg = "added", id] }) => {
        middleware.emit(String(collection), String(msg), fields, id)
        return "null"
      }
    ],
    /** Cuts the connection off, having done what was asked. */
    [
      "mock.drop",
      ({ connection, params: [key] }) => {
        if (key !== undefined) middleware.marks.set(String(key), (middleware.marks.get(String(key)) ?? 0) + 1)
        connection.terminate()
        return NO_ANSWER
      }
    ],
    [
      "mock.close",
      ({ connection, params: [code, reason = ""] }) => {
        connection.close(code as number, String(reason))
        return NO_ANSWER
      }
    ],
    /** Says something that means nothing, and then answers. */
    [
      "mock.garbage",
      ({ connection, params: [kind] }) => {
        if (kind === "binary") connection.sendBinary(Buffer.from([0, 1, 2, 255]))
        else connection.send(garbage[String(kind)] ?? String(kind))
        return `"after ${String(kind)}"`
      }
    ],
    ["mock.big", ({ params: [bytes] }) => `"${"x".repeat(Number(bytes) - 2)}"`],
    /** The session is over, as if its time had come. */
    [
      "mock.expire",
      ({ connection }) => {
        connection.session = null
        return "null"
      }
    ]
  ]
}

const garbage: Readonly<Record<string, string>> = {
  "not JSON": "{not json",
  "unknown id": `{"jsonrpc": "2.0", "result": 1, "id": "00000000-0000-4000-8000-00000000dead"}`,
  "no id": `{"jsonrpc": "2.0", "result": 1}`,
  array: "[1, 2]",
  number: "42",
  "unknown method": `{"jsonrpc": "2.0", "method": "nobody.knows", "params": {"a": 1}}`,
  "odd update": `{"jsonrpc": "2.0", "method": "collection_update", "params": 7}`
}
