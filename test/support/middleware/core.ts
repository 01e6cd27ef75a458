/** `core.*`: what the middleware itself is asked. */
import { randomUUID } from "node:crypto"
import type { Connection, Method } from "./Connection.ts"
import { callError } from "./errors.ts"
import type { Middleware } from "./Middleware.ts"

export const openCoreMethods = ["core.set_options", "core.ping"]

export const coreMethods = (middleware: Middleware): ReadonlyArray<readonly [string, Method]> => {
  const { jobs } = middleware
  return [
    [
      "core.set_options",
      ({ connection, params: [options] }) => {
        connection.options = { ...connection.options, ...(options as object) }
        return JSON.stringify(connection.options)
      }
    ],
    ["core.ping", () => '"pong"'],
    [
      "core.subscribe",
      ({ connection, params: [wanted] }) => {
        const collection = String(wanted)
        if (middleware.options.forbiddenCollections.includes(collection)) throw callError("Not authorized", "EACCES")
        const id = randomUUID()
        connection.subscriptions.set(id, collection)
        middleware.counts.subscriptions++
        if (collection.startsWith("mock.ticker:")) tick(connection, id, collection)
        return JSON.stringify(id)
      }
    ],
    [
      "core.unsubscribe",
      ({ connection, params: [id] }) => {
        if (!connection.subscriptions.delete(String(id))) throw callError("There is no such subscription", "ENOENT")
        return "null"
      }
    ],
    [
      "core.get_jobs",
      ({ params: [filters = []] }) => {
        const conditions = filters as ReadonlyArray<readonly [string, string, unknown]>
        const isMeant = (fields: Record<string, unknown>) =>
          conditions.every(([name, operator, value]) =>
            operator === "in" ? (value as ReadonlyArray<unknown>).includes(fields[name]) : fields[name] === value
          )
        return JSON.stringify([...jobs.all.values()].map(({ fields }) => fields).filter(isMeant))
      }
    ],
    [
      "core.job_wait",
      ({ connection, id, method, params: [wanted] }) => {
        const job = jobs.all.get(wanted as number)
        if (job === undefined) throw callError(`Job ${String(wanted)} does not exist`, "ENOENT")
        const run = () => jobs.outcome(job)
        const waiting = jobs.start({ method, args: [wanted], messageId: String(id), run })
        return connection.options.legacy_jobs ? String(waiting.id) : jobs.outcome(waiting)
      }
    ],
    [
      "core.job_abort",
      ({ params: [id] }) => {
        jobs.abort(id as number)
        return "null"
      }
    ]
  ]
}

/** `mock.ticker:{"interval": SECONDS, "count": N}`: an event source, which ends after `count`. */
const tick = (connection: Connection, id: string, collection: string): void => {
  const { count = 3, interval = 0.01 } = JSON.parse(collection.slice("mock.ticker:".length)) as Record<string, number>
  let sent = 0
  const timer = setInterval(() => {
    if (!connection.subscriptions.has(id) || connection.socket.readyState !== connection.socket.OPEN) {
      return clearInterval(timer)
    }
    connection.notify("collection_update", { msg: "added", collection, fields: { tick: ++sent } })
    if (sent < count) return
    clearInterval(timer)
    connection.subscriptions.delete(id)
    connection.notify("notify_unsubscribed", { collection, error: null })
  }, interval * 1000)
}
