import { Context, Effect, Exit, Layer, Scope } from "effect"

/**
 * Who is connected, and what each client owns: whatever a handler adds to a client's scope is given back when that
 * client leaves, however it leaves. A client is named by the id that handlers are given (`options.client.id`), which
 * is never used again while the daemon runs.
 */
export class Connections extends Context.Service<
  Connections,
  {
    /** Clients that are connected now. */
    readonly count: Effect.Effect<number>
    /** Clients that have connected since the daemon started. */
    readonly accepted: Effect.Effect<number>
    /** Requests that have been handed to a handler and not been answered yet, of all clients; streams among them. */
    readonly inFlight: Effect.Effect<number>
    /** The scope that closes when the client leaves; one that is closed already if it has left. */
    readonly scope: (clientId: number) => Effect.Effect<Scope.Scope>
    /**
     * Calls `left` once when the client leaves, at once if it has left already; for what is not worth a scope. Told
     * whether it was the daemon that closed the connection, because it is stopping.
     */
    onLeave(clientId: number, left: (reason: "gone" | "stopping") => void): void
    /** For doors: from now on connections end because the daemon is stopping. */
    readonly stopping: Effect.Effect<void>
    /** For doors: a client has come. */
    readonly enter: (inFlight: () => number) => Effect.Effect<number>
    /** For doors: the client has left. Closes its scope. */
    readonly leave: (clientId: number) => Effect.Effect<void>
  }
>()("hob/actors/Connections") {
  static readonly layer = Layer.effect(
    Connections,
    Effect.gen(function* () {
      const clients = new Map<number, Client>()
      const closed = yield* Scope.make()
      yield* Scope.close(closed, Exit.void)
      let lastId = 0
      let reason: "gone" | "stopping" = "gone"

      yield* Effect.addFinalizer(() =>
        Effect.forEach([...clients.values()], (client) => closeScope(client), { concurrency: "unbounded" })
      )

      return Connections.of({
        count: Effect.sync(() => clients.size),
        accepted: Effect.sync(() => lastId),
        inFlight: Effect.sync(() => {
          let total = 0
          for (const client of clients.values()) total += client.inFlight()
          return total
        }),
        scope: (clientId) =>
          Effect.sync(() => {
            const client = clients.get(clientId)
            return client === undefined ? closed : (client.scope ??= Scope.makeUnsafe())
          }),
        onLeave: (clientId, left) => {
          const client = clients.get(clientId)
          if (client === undefined) left(reason)
          else (client.onLeave ??= []).push(left)
        },
        stopping: Effect.sync(() => void (reason = "stopping")),
        enter: (inFlight) =>
          Effect.sync(() => {
            const id = ++lastId
            clients.set(id, { inFlight, scope: undefined, onLeave: undefined })
            return id
          }),
        leave: (clientId) =>
          Effect.suspend(() => {
            const client = clients.get(clientId)
            if (client === undefined) return Effect.void
            clients.delete(clientId)
            for (const left of client.onLeave ?? []) left(reason)
            return closeScope(client)
          })
      })
    })
  )
}

interface Client {
  readonly inFlight: () => number
  /** Most clients never own anything. */
  scope: Scope.Closeable | undefined
  onLeave: Array<(reason: "gone" | "stopping") => void> | undefined
}

const closeScope = (client: Client): Effect.Effect<void> =>
  client.scope === undefined ? Effect.void : Scope.close(client.scope, Exit.void)
