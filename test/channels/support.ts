import { Context, Effect, Layer, Result, Scope } from "effect"
import { Announcer } from "../../src/actors/Announcer.ts"
import { Concerns } from "../../src/actors/Concerns.ts"
import { Channels, layer, type PublishError } from "../../src/channels/Channels.ts"
import { type Event, Party } from "../../src/channels/Event.ts"
import type { Feed } from "../../src/channels/Feed.ts"
import { HobConfig, type SettingsOverrides } from "../../src/config/HobConfig.ts"
import type { Namespace } from "../../src/protocol/namespaces.ts"
import { Database } from "../../src/storage/Database.ts"

/** The concern with these settings and this store; `Effect.scoped` ends it as a stop of the daemon does. */
export const channels = (
  settings: NonNullable<SettingsOverrides["channels"]> = {},
  store: Layer.Layer<Database, unknown> = Database.layerMemory
): Effect.Effect<
  { readonly channels: Channels["Service"]; readonly announcer: Announcer["Service"] },
  never,
  Scope.Scope
> =>
  Effect.map(
    Effect.orDie(
      Layer.build(
        layer.pipe(
          Layer.provideMerge(
            Layer.mergeAll(
              Announcer.layer,
              Concerns.layer,
              HobConfig.layerTest({ channels: settings }),
              Layer.fresh(store)
            )
          )
        )
      )
    ),
    (context) => ({ channels: Context.get(context, Channels), announcer: Context.get(context, Announcer) })
  )

export const fileStore = (path: string): Layer.Layer<Database, unknown> =>
  Database.layerFile({ path, durability: "process-crash" })

/** The id of what was published, or why it was not. */
export const publish = (
  service: Channels["Service"],
  channel: string,
  json: string,
  { namespace, party }: { readonly party?: Party; readonly namespace?: Namespace } = {}
): Effect.Effect<{ readonly position: number; readonly receivers: number }, PublishError> =>
  Effect.callback((resume) =>
    service.publish({ channel, json, party, namespace }, (result) =>
      resume("position" in result ? Effect.succeed(result) : Effect.fail(result))
    )
  )

const format = (events: ReadonlyArray<Event>): string =>
  events.map(({ channel, json, position }) => `${position} ${channel} ${json}`).join("\n")

/** A subscriber that notes what it hears, and reads only while `reads`. */
export class Subscriber {
  readonly party: Party
  readonly heard: Array<string> = []
  readonly gaps: Array<string> = []
  tooSlowAt: number | undefined
  reads = true
  feed!: Feed
  #go: Array<() => void> = []

  constructor(party: Party = new Party()) {
    this.party = party
  }

  subscribe(
    service: Channels["Service"],
    patterns: ReadonlyArray<string>,
    { namespace, since }: { readonly since?: number; readonly namespace?: Namespace } = {}
  ): this {
    const feed = service.subscribe({
      namespace,
      party: this.party,
      pipe: {
        write: (text) => void this.heard.push(...text.toString().split("\n")),
        isBlocked: () => !this.reads,
        whenWritable: (go) => void this.#go.push(go)
      },
      format,
      onGap: (after, { reason, through }) => void this.gaps.push(`${reason} ${after} ${through}`),
      onTooSlow: (last) => (this.tooSlowAt = last)
    })
    if (Result.isFailure(feed)) throw feed.failure
    this.feed = feed.success
    const added = service.addPatterns(this.feed, patterns)
    if (Result.isFailure(added)) throw added.failure
    if (since !== undefined) this.feed.replay(this.feed.patterns, since)
    return this
  }

  /** Reads from now on. */
  read(): void {
    this.reads = true
    for (const go of this.#go.splice(0)) go()
  }

  /** The messages, without position and channel. */
  get messages(): ReadonlyArray<string> {
    return this.heard.map((line) => line.split(" ").slice(2).join(" "))
  }

  get positions(): ReadonlyArray<number> {
    return this.heard.map((line) => Number(line.split(" ", 1)[0]))
  }
}
