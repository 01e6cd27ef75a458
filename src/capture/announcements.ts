import type { Announcer } from "../actors/Announcer.ts"
import type { CaptureAdded } from "../protocol/capture.ts"
import { CAPTURE_PREFIX } from "../protocol/captureEntries.ts"
import type { CaptureSave } from "../protocol/captureSaves.ts"
import { ChannelName } from "../protocol/channelNames.ts"
import type { Stored } from "./rows.ts"

/**
 * What is said of a capture on the channel `capture:<id>`, beside its `id`, `tool`, `repository` and `session`; never
 * what is in it:
 * - `created`
 * - `message`, `codeChange`: `seq`, and how many secrets were `masked`
 * - `closed`: `reason`: `ended` (its agent said so) or `quiet`
 * - `saved`: `file`, `version`, `commit`, and how many `messages` and `codeChanges`
 * - `discarded`
 */
export class Announcements {
  readonly #announcer: Announcer["Service"]

  constructor(announcer: Announcer["Service"]) {
    this.#announcer = announcer
  }

  created(row: Stored): void {
    this.#say("created", row, { branch: row.branch })
  }

  added(row: Stored, type: "message" | "codeChange", { masked, seq }: CaptureAdded): void {
    this.#say(type, row, { seq, masked })
  }

  closed(row: Stored, reason: "ended" | "quiet"): void {
    this.#say("closed", row, { reason })
  }

  saved(row: Stored, { codeChanges, commit, file, messages, version }: CaptureSave): void {
    this.#say("saved", row, { file, version, commit, messages, codeChanges })
  }

  discarded(row: Stored): void {
    this.#say("discarded", row, {})
  }

  #say(event: string, { id, repository, session_id: session, tool }: Stored, more: object): void {
    const channel = ChannelName.make(`${CAPTURE_PREFIX}${id}`)
    this.#announcer.announce({ channel, message: { event, id, tool, repository, session, ...more } })
  }
}
