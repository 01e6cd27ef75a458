/** What becomes of a delivery after a run, and what its sender hears. Pure. */
import type { MethodError } from "../protocol/methodErrors.ts"
import type { Reply } from "../wire/http/messages.ts"
import type { DeliveryState, WebhookScheme } from "../protocol/webhooks.ts"

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

/** Before the second run, the third…: as the Standard Webhooks specification proposes it to senders. */
export const PAUSES: ReadonlyArray<number> = [
  5 * SECOND,
  5 * MINUTE,
  30 * MINUTE,
  2 * HOUR,
  5 * HOUR,
  10 * HOUR,
  14 * HOUR,
  20 * HOUR,
  24 * HOUR
]

/** The method was not called: nothing was done, and trying again can do no harm. */
const notCalled: ReadonlySet<MethodError["_tag"]> = new Set(["UnknownMethod", "MethodsBusy", "ModuleBroken"])

/** How a run went wrong. */
export interface Failure {
  /** For the record. */
  readonly error: string
  readonly wasCalled: boolean
  /** The same delivery will meet the same again. */
  readonly isFinal: boolean
  /** What its sender is told, and with which status. */
  readonly told: { readonly status: number; readonly error: string }
}

const NOT_WELL = "The method did not end well."

/**
 * What a method said of its failure is told to a sender that has shown who it is, as photon does; nobody hears anything
 * of how hob runs it.
 */
export const failureOf = (error: MethodError, scheme: WebhookScheme): Failure => {
  const isStranger = scheme === "none"
  const wasCalled = !notCalled.has(error._tag) && error._tag !== "InvalidParams"
  const told =
    error._tag === "InvalidParams"
      ? { status: 400, error: isStranger ? "The body is not what the method takes." : `Wrong body: ${error.problem}` }
      : { status: 500, error: error._tag === "MethodFailed" && !isStranger ? error.message : NOT_WELL }
  return { error: error.message, wasCalled, isFinal: error._tag === "InvalidParams", told }
}

/** A run that ended by a bug of hob's. */
export const bugFailure = (text: string): Failure => ({
  error: text,
  wasCalled: true,
  isFinal: false,
  told: { status: 500, error: NOT_WELL }
})

/** What is counted of a delivery since it was recorded, or last replayed. */
export interface Tries {
  /** Runs that failed. */
  readonly failures: number
  /** Runs that could not be. */
  readonly misses: number
}

/** After a run: whether and when there is another one. */
export interface Next extends Tries {
  readonly state: Extract<DeliveryState, "pending" | "failed">
  readonly nextMillis: number | null
}

export const afterFailure = (
  { isFinal, wasCalled }: Pick<Failure, "isFinal" | "wasCalled">,
  tries: Tries,
  { nowMillis, retries }: { readonly nowMillis: number; readonly retries: number }
): Next => {
  const failures = tries.failures + Number(wasCalled)
  const misses = tries.misses + Number(!wasCalled)
  const done = wasCalled ? failures : misses
  const pause = isFinal || done > (wasCalled ? retries : PAUSES.length) ? undefined : PAUSES[done - 1]
  return pause === undefined
    ? { state: "failed", nextMillis: null, failures, misses }
    : { state: "pending", nextMillis: nowMillis + pause, failures, misses }
}

/** What a delivery has come to, as far as it is known. */
export type Outcome =
  | { readonly state: "succeeded"; readonly data: unknown }
  | { readonly state: "failed" | "interrupted"; readonly told: { readonly status: number; readonly error: string } }
  | { readonly state: "pending" | "running" }

/**
 * The answer to who sent it. One that was sent again is on record: what it came to the first time is told, and always
 * with a 2xx, for sending it once more would change nothing.
 */
export const replyOf = (delivery: number, outcome: Outcome, isDuplicate: boolean): Reply => {
  const headers = { "x-hob-delivery": String(delivery) }
  switch (outcome.state) {
    case "succeeded":
      return { status: 200, body: { success: true, data: outcome.data }, headers }
    case "failed":
    case "interrupted": {
      const { error, status } = outcome.told
      return isDuplicate
        ? { status: 200, body: { success: false, error, delivery }, headers }
        : { status, body: { error, delivery }, headers }
    }
    default:
      return { status: 202, body: { delivery }, headers }
  }
}
