import { Context, Effect, Exit, Layer, Scope } from "effect"
import { Announcer, messageText } from "../../src/actors/Announcer.ts"
import { Concerns } from "../../src/actors/Concerns.ts"
import { Connections } from "../../src/actors/Connections.ts"
import { HobConfig } from "../../src/config/HobConfig.ts"
import type { Settings } from "../../src/config/settings.ts"
import { effectOf, layer, LockTable } from "../../src/locks/LockTable.ts"
import type { LockHolder, LockName, LockToken } from "../../src/protocol/locks.ts"
import type { Namespace } from "../../src/protocol/namespaces.ts"
import { Database } from "../../src/storage/Database.ts"

export const name = (text: string) => text as LockName
export const holder = (text: string) => text as LockHolder
export const token = (value: number) => value as LockToken
export const namespace = (text: string) => text as Namespace

export interface Said {
  readonly channel: string
  readonly namespace: string
  readonly message: any
}

/** The locks of the store at `path` as one daemon has them, until it is stopped. */
export const open = (
  path: string,
  options: { readonly boot?: string | null; readonly locks?: Partial<Settings["locks"]> } = {}
) =>
  Effect.gen(function* () {
    const scope = yield* Scope.fork(yield* Scope.Scope)
    const said: Array<Said> = []
    const context = yield* layer(() => (options.boot === undefined ? "this boot" : options.boot)).pipe(
      Layer.provideMerge(Layer.mergeAll(Connections.layer, Announcer.layer, Concerns.layer)),
      Layer.provideMerge(Layer.orDie(Database.layerFile({ path, durability: "process-crash" }))),
      Layer.provideMerge(HobConfig.layerTest({ locks: options.locks ?? {} })),
      Layer.fresh,
      Layer.buildWithScope(scope)
    )
    const locks = Context.get(context, LockTable)
    const connections = Context.get(context, Connections)
    yield* Context.get(context, Announcer)
      .listen(({ message, ...where }) => void said.push({ ...where, message: JSON.parse(messageText(message)) }))
      .pipe(Scope.provide(scope))
    return {
      locks,
      said,
      connections,
      concerns: Context.get(context, Concerns),
      database: Context.get(context, Database),
      connect: connections.enter(() => 0),
      acquire: (
        lock: string,
        who: string,
        more: Partial<Parameters<typeof locks.acquire>[0]> & { readonly client?: number } = {}
      ): Effect.Effect<any, any> => {
        const { client, ...rest } = more
        return effectOf<any, any>((answering) =>
          locks.acquire({ name: name(lock), holder: holder(who), ...rest }, client, answering)
        )
      },
      renew: (lock: string, who: string, tok: number, ttlMillis?: number): Effect.Effect<any, any> =>
        effectOf<any, any>((answering) =>
          locks.renew(
            {
              name: name(lock),
              holder: holder(who),
              token: token(tok),
              ...(ttlMillis === undefined ? {} : { ttlMillis })
            },
            answering
          )
        ),
      release: (lock: string, who: string, tok?: number): Effect.Effect<any, any> =>
        effectOf<any, any>((answering) =>
          locks.release(
            { name: name(lock), holder: holder(who), ...(tok === undefined ? {} : { token: token(tok) }) },
            answering
          )
        ),
      holders: (): Record<string, string> =>
        Object.fromEntries(locks.list({ all: true }).locks.map((lock) => [lock.name, lock.holder])),
      stop: Scope.close(scope, Exit.void)
    }
  })
