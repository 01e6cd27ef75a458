import type { Delivery, DeliveryDetails, Webhook, WebhookListener } from "../../protocol/webhooks.ts"
import { age, columns, cut, oneLine } from "./text.ts"

/** One line: whether and where hob listens. */
export const listenerLine = ({ reason, state, url }: WebhookListener): string => {
  if (state === "up") return `Listening at ${url}`
  if (state === "off") return "Not listening: `hob webhook on` switches it on."
  return `Not listening: ${reason ?? "it is being started."}`
}

/** What `hob webhook ls` prints below that. */
export const webhookTable = (webhooks: ReadonlyArray<Webhook>, namespaces: boolean, now: number): string =>
  columns([
    [...(namespaces ? ["NAMESPACE"] : []), "METHOD", "SECRET", "REFUSED", "PATH", ""],
    ...webhooks.map((each) => [
      ...(namespaces ? [oneLine(each.namespace)] : []),
      oneLine(each.method),
      each.scheme === "none" ? "none" : each.secrets > 1 ? `${each.scheme} ×${each.secrets}` : each.scheme,
      String(each.refused),
      each.path,
      remarks(each, now)
    ])
  ])

const remarks = ({ found, lastRefusal }: Webhook, now: number): string =>
  [
    ...(found ? [] : ["there is no such method yet"]),
    ...(lastRefusal === null
      ? []
      : [`${age(lastRefusal.at, now)} ago: ${lastRefusal.status} ${oneLine(lastRefusal.reason)}`])
  ].join("; ")

/** What `hob webhook deliveries` prints. */
export const deliveryTable = (deliveries: ReadonlyArray<Delivery>, namespaces: boolean, now: number): string =>
  columns([
    ["DELIVERY", ...(namespaces ? ["NAMESPACE"] : []), "METHOD", "STATE", "AGE", "RUNS", "ID", ""],
    ...deliveries.map((each) => [
      String(each.delivery),
      ...(namespaces ? [oneLine(each.namespace)] : []),
      oneLine(each.method),
      each.state,
      age(each.receivedAt, now),
      String(each.attempts),
      cut(oneLine(each.senderId ?? "-"), 40),
      cut(oneLine(each.error ?? ""), 60)
    ])
  ])

/** One delivery with what was sent. */
export const deliveryText = (details: DeliveryDetails): string => {
  const {
    address,
    attempts,
    body,
    delivery,
    endedAt,
    error,
    headers,
    method,
    namespace,
    query,
    receivedAt,
    result,
    state
  } = details
  const lines: ReadonlyArray<ReadonlyArray<string>> = [
    ["delivery", String(delivery)],
    ["method", `${oneLine(namespace)} ${oneLine(method)}`],
    ["state", state],
    ["received", `${receivedAt}${address === null ? "" : ` from ${oneLine(address)}`}`],
    ["sender's id", oneLine(details.senderId ?? "-")],
    ["runs", String(attempts)],
    ...(details.nextAttemptAt === null ? [] : [["next run", details.nextAttemptAt]]),
    ...(endedAt === null ? [] : [["ended", endedAt]]),
    ...(error === null ? [] : [["error", oneLine(error)]]),
    ...(state === "succeeded" ? [["result", JSON.stringify(result)]] : []),
    ...(query === "" ? [] : [["query", oneLine(query)]])
  ]
  const sent = Object.entries(headers).map(([name, value]) => `  ${oneLine(name)}: ${oneLine(value)}`)
  return [
    columns(lines),
    ...(sent.length === 0 ? [] : ["headers", ...sent]),
    body === null ? "Its body is no longer kept." : `body\n${body.split("\n").map(oneLine).join("\n")}`
  ].join("\n")
}
