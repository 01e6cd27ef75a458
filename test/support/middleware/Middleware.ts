import type { Connection, Method } from "./Connection.ts"
import { Jobs } from "./Jobs.ts"
import { coreMethods, openCoreMethods } from "./core.ts"
import { loginMethods, openLoginMethods } from "./login.ts"
import { mockMethods } from "./mock.ts"
import type { MiddlewareOptions } from "./options.ts"
import { RateLimit } from "./RateLimit.ts"

/** What requests it remembers the params of: the last ones. */
const REMEMBERED = 100

/** What it knows and can do, whatever its clients come by. */
export class Middleware {
  readonly options: MiddlewareOptions
  readonly counts = {
    /** Since it was started. */
    connections: 0,
    refusedConnections: 0,
    requests: 0,
    logins: 0,
    failedLogins: 0,
    subscriptions: 0,
    /** Calls beyond 20 at once. */
    refused: 0,
    rateLimited: 0,
    /** By method. */
    methods: new Map<string, number>(),
    /** How it was tried to log in, in order. */
    mechanisms: [] as Array<string>
  }
  /** Who is connected. */
  readonly connections = new Set<Connection>()
  readonly jobs = new Jobs((kind, job) => this.emit("core.get_jobs", kind, job.fields, job.id))
  /** What can be called; a test may put in its own. */
  readonly methods: Map<string, Method>
  readonly openMethods = new Set([...openLoginMethods, ...openCoreMethods])
  readonly rateLimit: RateLimit
  /** Params as they came, by method. */
  readonly received: Array<{ readonly method: string; readonly params: string }> = []
  /** How often `mock.mark` and `mock.drop` were executed, by key. */
  readonly marks = new Map<string, number>()
  /** Lets everything that `mock.hold` holds be answered, last come first. */
  release: () => void = () => undefined
  /** The status that connections are refused with; null while they are accepted. */
  refuseWith: number | null = null

  constructor(options: MiddlewareOptions) {
    this.options = options
    this.rateLimit = new RateLimit(options.rateLimitCalls, options.rateLimitMillis)
    this.methods = new Map([...coreMethods(this), ...loginMethods(this), ...mockMethods(this)])
    for (const name of options.without) this.methods.delete(name)
  }

  noteRequest(method: string, params: string): void {
    this.counts.requests++
    this.counts.methods.set(method, (this.counts.methods.get(method) ?? 0) + 1)
    this.received.push({ method, params })
    if (this.received.length > REMEMBERED) this.received.shift()
  }

  /** How often a method was asked for. */
  called(method: string): number {
    return this.counts.methods.get(method) ?? 0
  }

  /** Tells whoever is subscribed, each connection once. */
  emit(collection: string, msg: string, fields: unknown, id?: unknown): void {
    const event = { msg, collection, ...(id === undefined ? {} : { id }), ...(msg === "removed" ? {} : { fields }) }
    for (const connection of this.connections) {
      if (connection.session !== null && connection.hears(collection)) connection.notify("collection_update", event)
    }
  }

  /** Ends everybody's subscription to a collection. */
  endSubscriptions(collection: string, error: unknown = null): void {
    for (const connection of this.connections) {
      const ids = [...connection.subscriptions].filter(([, name]) => name === collection).map(([id]) => id)
      for (const id of ids) connection.subscriptions.delete(id)
      if (ids.length > 0) connection.notify("notify_unsubscribed", { collection, error })
    }
  }

  /** Everybody's session is over, as if its time had come. */
  expireSessions(): void {
    for (const connection of this.connections) connection.session = null
  }

  /** Cuts everybody off, without a word. */
  dropConnections(): void {
    for (const connection of this.connections) connection.terminate()
  }
}
