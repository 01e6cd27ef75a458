import type { Settings } from "../config/settings.ts"
import { failureMessage } from "./refusals.ts"
import type { StorageError } from "../protocol/storage.ts"
import { type Outcome, replyOf } from "./decide.ts"
import type { NewDelivery } from "./deliveries.ts"
import type { Received } from "../wire/http/Bodies.ts"
import { header, type Headers } from "../wire/http/headers.ts"
import { isLoopback, reject, type Reply, tooLarge } from "../wire/http/messages.ts"
import { withoutSecrets } from "./headers.ts"
import { admit, type Admitted } from "./http/admit.ts"
import { readBody } from "./http/bodyJson.ts"
import type { Exchange } from "../wire/http/HttpListener.ts"
import { RateLimit } from "../wire/http/RateLimit.ts"
import type { Inbox, Recorded } from "./Inbox.ts"
import { storedOutcome } from "./outcomes.ts"
import type { RouteTable } from "./routing.ts"
import type { WebhookRoute } from "./routes.ts"
import type { Work } from "./Runner.ts"
import { verify } from "./signatures/schemes.ts"
import type { Hear } from "./Waiters.ts"

export interface IntakeOptions {
  readonly routes: RouteTable
  readonly inbox: Inbox
  readonly settings: () => Settings["webhooks"]
  readonly wall: () => number
  /** Milliseconds that only go forward. */
  readonly monotonic: () => number
  /** False when as many wait as may. */
  readonly hasRoom: () => boolean
  /** A delivery is on record and new. */
  readonly accepted: (work: Work) => void
  /** Waits for a delivery to end, for as long as its sender does. */
  readonly wait: (delivery: number, hear: Hear) => void
  readonly refused: (route: WebhookRoute, status: number, reason: string) => void
}

/**
 * A request's way in: the sender's share of the minute, the head, the body, the signature over it as it came, its JSON,
 * and the record. Nothing of it is believed before its signature is, and nothing is run before it is on record.
 */
export class Intake {
  readonly #options: IntakeOptions
  readonly #rates = new RateLimit()

  constructor(options: IntakeOptions) {
    this.#options = options
  }

  readonly handle = (exchange: Exchange): void => {
    const { bodyBytes, hosts, perMinuteCount, trustForwardedFor } = this.#options.settings()
    const { head } = exchange
    const address = trustForwardedFor ? forwardedFor(exchange.address, head.headers) : exchange.address
    const seconds =
      perMinuteCount === 0 ? undefined : this.#rates.take(address, perMinuteCount, this.#options.monotonic())
    if (seconds !== undefined) {
      return exchange.reply(reject(429, "Too many requests. Come again later.", { "retry-after": String(seconds) }))
    }
    const admitted = admit(head, { routes: this.#options.routes, bodyBytes, hosts })
    if ("reply" in admitted) return this.#refuse(exchange, admitted.route, admitted.reply)
    exchange.receive(bodyBytes, (received) => this.#received(exchange, admitted, address, received))
  }

  #received(exchange: Exchange, admitted: Admitted, address: string, body: Received): void {
    if (body === "gone") return
    const { route, target } = admitted
    const { bodyBytes, toleranceMillis } = this.#options.settings()
    if (body === "too-large") return this.#refuse(exchange, route, tooLarge(bodyBytes))
    if (body === "pushed-out") return this.#refuse(exchange, route, reject(408, "The body took too long to come."))
    const { headers } = exchange.head
    const { keys, method, namespace, scheme } = route
    const nowMillis = this.#options.wall()
    const verdict = verify(scheme, { headers, body, keys, nowMillis, toleranceMillis })
    if (!verdict.ok) return this.#refuse(exchange, route, reject(verdict.status, verdict.reason))
    const json = readBody(body)
    if (typeof json === "string") return this.#refuse(exchange, route, reject(400, json))
    if (!this.#options.hasRoom()) {
      const retry = { "retry-after": "30" }
      return this.#refuse(
        exchange,
        route,
        reject(503, "Too many deliveries wait to be run. Send it again later.", retry)
      )
    }
    const senderId = scheme === "stripe" ? eventIdOf(json) : verdict.id
    const delivery: NewDelivery = {
      namespace,
      method,
      senderId,
      receivedMillis: nowMillis,
      headers: withoutSecrets(headers),
      query: target.query,
      address,
      body
    }
    // An event of Stripe's is signed with its id in it, and may say something else of itself the next time.
    const isSame = (earlier: Uint8Array): boolean => scheme === "stripe" || body.equals(earlier)
    this.#options.inbox.record(delivery, isSame, (recorded) =>
      this.#recorded(exchange, route, delivery, json, recorded)
    )
  }

  #recorded(
    exchange: Exchange,
    route: WebhookRoute,
    delivery: NewDelivery,
    body: Readonly<Record<string, unknown>>,
    recorded: Recorded
  ): void {
    switch (recorded.type) {
      case "failed":
        return this.#refuse(exchange, route, unstored(recorded.error))
      case "conflict":
        return this.#refuse(exchange, route, reject(409, "A delivery of this id came before, with another body."))
      case "known": {
        const { stored } = recorded
        const outcome = storedOutcome(stored)
        return this.#answer(exchange, stored.number, outcome, true)
      }
      case "new": {
        const { method, namespace, receivedMillis } = delivery
        const { number } = recorded
        // Before it is run: it may end at once.
        this.#answer(exchange, number, { state: "pending" }, false)
        this.#options.accepted({
          number,
          namespace,
          method,
          receivedMillis,
          body,
          sent: delivery,
          attempts: 0,
          failures: 0,
          misses: 0
        })
      }
    }
  }

  /** Now if it has ended, or when it does, or when the sender's patience ends. */
  #answer(exchange: Exchange, number: number, outcome: Outcome, isDuplicate: boolean): void {
    if (outcome.state !== "pending" && outcome.state !== "running") {
      return exchange.reply(replyOf(number, outcome, isDuplicate))
    }
    this.#options.wait(number, (outcome) => exchange.reply(replyOf(number, outcome, isDuplicate)))
  }

  #refuse(exchange: Exchange, route: WebhookRoute | undefined, reply: Reply): void {
    if (route !== undefined && reply.status >= 400) {
      this.#options.refused(route, reply.status, failureMessage(reply))
    }
    exchange.reply(reply)
  }
}

const unstored = (error: StorageError): Reply => {
  const text = error._tag === "StorageBusy" ? "The store is busy." : "The delivery can't be recorded now."
  return reject(503, `${text} Send it again later.`, { "retry-after": "30" })
}

const eventIdOf = ({ id }: Readonly<Record<string, unknown>>): string | undefined =>
  typeof id === "string" && /^[\x21-\x7e]{1,256}$/.test(id) ? id : undefined

/** Who sent it to the proxy that runs on this machine: the last one is what that has seen itself. */
const forwardedFor = (address: string, headers: Headers): string => {
  if (!isLoopback(address.replace(/^::ffff:/i, ""))) return address
  const last = header(headers, "x-forwarded-for") === undefined ? "" : headers.get("x-forwarded-for")!.at(-1)!
  const named = last.split(",").at(-1)!.trim()
  return /^[0-9A-Fa-f:.]{3,45}$/.test(named) ? named : address
}
