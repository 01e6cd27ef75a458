import { Effect, Result, Schema, Stream } from "effect"
import { DirectMethods } from "../actors/DirectMethods.ts"
import { HobConfig } from "../config/HobConfig.ts"
import {
  ChannelItem,
  ChannelsRpcs,
  Publish,
  Subscribe,
  SubscriberTooSlow,
  type TooManyNamespaces,
  type TooManySubscriptions
} from "../protocol/channels.ts"
import type { StorageError } from "../protocol/storage.ts"
import { Channels, type PublishError } from "./Channels.ts"
import { type Event, eventText, Party } from "./Event.ts"
import type { Pipe } from "./Feed.ts"
import { Pieces } from "./Pieces.ts"
import { readPlainPublish } from "./plainPublish.ts"
import { fromId, idText, toId } from "./positions.ts"

type SubscribeError = TooManyNamespaces | TooManySubscriptions | SubscriberTooSlow | StorageError

const decodeItem = Schema.decodeUnknownSync(ChannelItem)

/** Answers `channels.*`: without a fiber where a door asks for that, and in the ordinary way. */
export const layer = ChannelsRpcs.toLayer(
  Effect.gen(function* () {
    const channels = yield* Channels
    const config = yield* HobConfig
    const direct = yield* DirectMethods
    /** Clients that are subscribed to something: others can't hear themselves. */
    const parties = new Map<number, Party>()
    const { channels: first } = yield* config.get
    let { bufferBytes } = first
    yield* Effect.forkScoped(
      Stream.runForEach(config.changes, ({ channels }) => Effect.sync(() => void ({ bufferBytes } = channels)))
    )

    /** Returns what ends the subscription. */
    const subscribe = (
      { namespace, patterns, since }: typeof Subscribe.payloadSchema.Type,
      clientId: number,
      pipe: Pipe,
      fail: (error: SubscribeError) => void
    ): (() => void) => {
      const party = parties.get(clientId) ?? new Party()
      const opened = channels.subscribe({
        namespace,
        party,
        pipe,
        format: itemsText,
        onGap: (after, { reason, through }) => {
          // As it was asked for: an id that was never given may be no exact number.
          const behind = since !== undefined && after === fromId(since) ? since : idText(after)
          pipe.write(`{"type":"gap","after":"${behind}","through":"${idText(through)}","reason":"${reason}"}`)
        },
        onTooSlow: (last) => {
          end()
          fail(new SubscriberTooSlow({ lastId: toId(last), bufferBytes }))
        }
      })
      if (Result.isFailure(opened)) {
        fail(opened.failure)
        return () => {}
      }
      const feed = opened.success
      const end = (): void => {
        feed.close()
        if (party.patterns === 0) parties.delete(clientId)
      }
      const added = channels.addPatterns(feed, patterns)
      if (Result.isFailure(added)) {
        fail(added.failure)
        return () => {}
      }
      parties.set(clientId, party)
      pipe.write(`{"type":"subscribed","id":"${since ?? idText(feed.position)}"}`)
      if (since !== undefined) feed.replay(feed.patterns, fromId(since))
      return end
    }

    yield* direct.answer(
      Publish,
      ({ channel, namespace }, call) =>
        channels.publish(
          { namespace, channel, json: call.text("message"), party: parties.get(call.clientId) },
          (result) => {
            if ("position" in result) call.reply(`{"id":"${idText(result.position)}","receivers":${result.receivers}}`)
            else call.fail(result)
          }
        ),
      readPlainPublish
    )
    yield* direct.answer(Subscribe, (payload, call) =>
      subscribe(
        payload,
        call.clientId,
        {
          write: (text) => call.push(text),
          isBlocked: () => call.isBlocked(),
          whenWritable: (go) => call.whenWritable(go)
        },
        (error) => call.fail(error)
      )
    )

    return ChannelsRpcs.of({
      "channels.publish": ({ channel, message, namespace }, { client }) =>
        Effect.callback<typeof Publish.successSchema.Type, PublishError>((resume) => {
          const json = JSON.stringify(message)
          channels.publish({ namespace, channel, json, party: parties.get(client.id) }, (result) =>
            resume(
              "position" in result
                ? Effect.succeed({ id: toId(result.position), receivers: result.receivers })
                : Effect.fail(result)
            )
          )
        }),
      "channels.subscribe": (payload, { client }) =>
        Stream.unwrap(
          Effect.gen(function* () {
            const pieces = new Pieces<SubscribeError>()
            yield* Effect.acquireRelease(
              Effect.sync(() => subscribe(payload, client.id, pieces, (error) => pieces.fail(error))),
              (end) => Effect.sync(end)
            )
            return Stream.fromIterableEffectRepeat(
              Effect.map(pieces.take, (texts) =>
                (JSON.parse(`[${texts.join(",")}]`) as ReadonlyArray<unknown>).map((item) => decodeItem(item))
              )
            )
          })
        ),
      "channels.list": channels.list
    })
  })
)

const itemsText = (events: ReadonlyArray<Event>): string => {
  let text = ""
  for (const event of events) text += text === "" ? eventText(event) : `,${eventText(event)}`
  return text
}
