import type { Announcer } from "../actors/Announcer.ts"
import { ChannelName } from "../protocol/channelNames.ts"
import type { Session, SessionEvent, SessionId } from "../protocol/index.ts"
import type { ClientChange } from "../protocol/sessionHost.ts"

/**
 * What is said of a session on the channel `sessions:<id>`, beside its `id`, `name` and `tags`:
 * - `created`: `kind`
 * - `attached`, `detached`: `client` (its name for people, or null) and how many `clients` there are now
 * - `waiting`: its program can't go on without its user. `agent`, and `since` when: said again by a daemon that was
 *   started meanwhile
 * - `exited`: `code`, `signal`, `reason`. Not said of an end that no daemon saw: the next one finds it ended
 * - `lost`: the session-host died while it ran
 */
export class Announcements {
  readonly #announcer: Announcer["Service"]
  /** Since when those wait that do. */
  readonly #waiting = new Map<SessionId, string>()
  /** Those that have exited and are not closed yet. */
  readonly #exited = new Set<SessionId>()

  constructor(announcer: Announcer["Service"]) {
    this.#announcer = announcer
  }

  /** Something has happened to a session. */
  event(type: SessionEvent["type"], session: Session): void {
    const { activity, exit, id, kind } = session
    if (type === "started") this.#say("created", session, { kind })
    else if (type === "activity") {
      if (activity?.state !== "waiting") return void this.#waiting.delete(id)
      if (this.#waiting.get(id) === activity.since) return
      this.#waiting.set(id, activity.since)
      this.#say("waiting", session, { agent: activity.agent, since: activity.since })
    } else if (type === "exited" || type === "closed" || type === "lost") {
      this.#waiting.delete(id)
      const isTold = this.#exited.delete(id)
      if (type === "exited") this.#exited.add(id)
      if (type === "lost") this.#say("lost", session, {})
      // One that ended while no daemon ran is only heard of once it has closed.
      else if (!isTold) {
        const { code = null, reason = null, signal = null } = exit ?? {}
        this.#say("exited", session, { code, signal, reason })
      }
    }
  }

  /** A client has attached, or is gone. */
  client({ change, client }: ClientChange, session: Session): void {
    this.#say(change, session, { client, clients: session.clients })
  }

  #say(event: string, { id, name, tags }: Session, more: object): void {
    const channel = ChannelName.make(`sessions:${id}`)
    this.#announcer.announce({ channel, message: { event, id, name, tags, ...more } })
  }
}
