import { Context, Effect, Layer, type Scope } from "effect"
import type { ChannelName } from "../protocol/channelNames.ts"
import { defaultNamespace, type Namespace } from "../protocol/namespaces.ts"

/** Something that has happened, as it is said on a channel that hob alone publishes to. */
export interface Announcement {
  /** Default: `default`. */
  readonly namespace?: Namespace
  readonly channel: ChannelName
  /** Any JSON value; or its text, as {@link WrittenJson}. */
  readonly message: unknown
}

/** A message that is written down already: JSON on one line, which is carried as it is. */
export class WrittenJson {
  readonly json: string
  constructor(json: string) {
    this.json = json
  }
}

/** The text of a message. */
export const messageText = (message: unknown): string =>
  message instanceof WrittenJson ? message.json : JSON.stringify(message)

/**
 * Where concerns say what has happened, without knowing who listens: the channels do, and carry it to whoever
 * subscribed. Announcing never waits and never fails.
 */
export class Announcer extends Context.Service<
  Announcer,
  {
    announce(announcement: Announcement): void
    /** Hears everything that is announced from now on, in order, for as long as the scope is open. */
    listen(hear: (announcement: Required<Announcement>) => void): Effect.Effect<void, never, Scope.Scope>
  }
>()("hob/actors/Announcer") {
  static readonly layer = Layer.sync(Announcer, () => {
    const listeners = new Set<(announcement: Required<Announcement>) => void>()
    return Announcer.of({
      announce: ({ channel, message, namespace = defaultNamespace }) => {
        for (const hear of listeners) hear({ channel, message, namespace })
      },
      listen: (hear) =>
        Effect.acquireRelease(
          Effect.sync(() => void listeners.add(hear)),
          () => Effect.sync(() => void listeners.delete(hear))
        )
    })
  })
}
