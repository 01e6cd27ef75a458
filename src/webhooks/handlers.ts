import { Clock, Effect, Option } from "effect"
import { randomUUID } from "node:crypto"
import { Methods } from "../methods/Methods.ts"
import type { MethodName } from "../protocol/methodNames.ts"
import { defaultNamespace, type Namespace } from "../protocol/namespaces.ts"
import {
  DeliveryBodyGone,
  DeliveryBusy,
  DeliveryNotFound,
  type Webhook,
  WebhookAmbiguous,
  WebhookNotFound,
  WebhooksNotListening,
  WebhooksRpcs,
  WebhookUnsignable
} from "../protocol/webhooks.ts"
import { Database } from "../storage/Database.ts"
import { decideAllow } from "./allow.ts"
import * as deliveries from "./deliveries.ts"
import { Listening } from "./Listening.ts"
import * as routes from "./routes.ts"
import type { WebhookRoute } from "./routes.ts"
import { signedHeaders } from "./signatures/schemes.ts"
import { send } from "./testRequest.ts"
import { Webhooks } from "./Webhooks.ts"

const LISTED = 50
const REPLAY_WAIT_MILLIS = 60_000

interface Which {
  readonly namespace?: Namespace | undefined
  readonly method: MethodName
}

/** Answers `webhooks.*`. `photonSecret`: that of the daemon's environment. */
export const layer = (photonSecret: string | undefined) =>
  WebhooksRpcs.toLayer(
    Effect.gen(function* () {
      const webhooks = yield* Webhooks
      const listening = yield* Listening
      const methods = yield* Methods
      const database = yield* Database
      const { refusals, routes: table } = webhooks

      const described = (route: WebhookRoute): Effect.Effect<Webhook> =>
        Effect.map(methods.find(route.namespace, route.method), (found) => {
          const { allowedMillis, guarantee, method, namespace, retries, scheme, secrets, timeoutMillis } = route
          const refused = refusals.of(route)
          return {
            namespace,
            method,
            scheme,
            secrets: secrets.length,
            retries,
            guarantee,
            timeoutMillis: timeoutMillis ?? null,
            allowedAt: new Date(allowedMillis).toISOString(),
            path: pathOf(route, table.find({ namespace: undefined, method }) === route),
            found: Option.isSome(found),
            refused: refused.count,
            lastRefusal:
              refused.last === undefined
                ? null
                : {
                    at: new Date(refused.last.atMillis).toISOString(),
                    status: refused.last.status,
                    reason: refused.last.reason
                  }
          }
        })

      const theOne = ({ method, namespace }: Which) => {
        const found = table.find({ namespace, method })
        if (found === "ambiguous") {
          const namespaces = [...table.values()].flatMap((route) => (route.method === method ? [route.namespace] : []))
          return Effect.fail(new WebhookAmbiguous({ method, namespaces }))
        }
        return found === undefined
          ? Effect.fail(new WebhookNotFound({ namespace: namespace ?? null, method }))
          : Effect.succeed(found)
      }

      /** As it is: the store knows of one that runs only that it has not ended. */
      const shown = (row: deliveries.Stored): deliveries.Stored =>
        webhooks.isRunning(row.number) && row.state === "pending"
          ? { ...row, state: "running", attempts: row.attempts + 1, next_millis: null }
          : row

      const stored = (delivery: number) =>
        Effect.flatMap(
          database.read((sql) => deliveries.find(sql, delivery)),
          (row) => (row === undefined ? Effect.fail(new DeliveryNotFound({ delivery })) : Effect.succeed(shown(row)))
        )

      return WebhooksRpcs.of({
        "webhooks.allow": (request) =>
          Effect.gen(function* () {
            const nowMillis = yield* Clock.currentTimeMillis
            const { made, route } = yield* Effect.fromResult(decideAllow(request, { photonSecret, nowMillis, table }))
            yield* database.write((sql) => routes.save(sql, route))
            table.put(route)
            refusals.forget(route)
            const answer = { webhook: yield* described(route), listener: yield* listening.status }
            return made === undefined ? answer : { ...answer, secret: made }
          }),
        "webhooks.list": ({ all = false, namespace = defaultNamespace }) =>
          Effect.gen(function* () {
            const wanted = [...table.values()].filter((route) => all || route.namespace === namespace)
            wanted.sort((a, b) => compare(a.namespace, b.namespace) || compare(a.method, b.method))
            return { webhooks: yield* Effect.forEach(wanted, described), listener: yield* listening.status }
          }),
        "webhooks.remove": (which) =>
          Effect.gen(function* () {
            const route = yield* theOne(which)
            const webhook = yield* described(route)
            yield* database.write((sql) => routes.remove(sql, route))
            table.remove(route)
            refusals.forget(route)
            return { webhook }
          }),
        "webhooks.deliveries": ({ all = false, limit = LISTED, namespace = defaultNamespace, state, ...which }) =>
          Effect.map(
            database.read((sql) => {
              const wanted = { ...which, namespace: all ? undefined : namespace }
              // One that runs is pending, for the store.
              const more = state === "pending" ? limit + webhooks.running().length : limit
              if (state !== "running") return deliveries.list(sql, { ...wanted, state, limit: more })
              return webhooks.running().flatMap((number) => deliveries.list(sql, { ...wanted, at: number, limit: 1 }))
            }),
            (rows) => {
              const found = rows.map(shown).filter((row) => state === undefined || row.state === state)
              return { deliveries: found.slice(0, limit).map(deliveries.described) }
            }
          ),
        "webhooks.show": ({ delivery }) =>
          Effect.gen(function* () {
            const row = yield* stored(delivery)
            return deliveries.detailed(row, yield* database.read((sql) => deliveries.sent(sql, delivery)))
          }),
        "webhooks.replay": ({ delivery, waitMillis = REPLAY_WAIT_MILLIS }) =>
          Effect.gen(function* () {
            const { method, namespace } = yield* stored(delivery)
            const which = { namespace: namespace as Namespace, method: method as MethodName }
            if (table.get(which) === undefined) return yield* new WebhookNotFound(which)
            const nowMillis = yield* Clock.currentTimeMillis
            const problem = yield* database.write((sql) => {
              const row = deliveries.find(sql, delivery)
              if (row === undefined) return new DeliveryNotFound({ delivery })
              if (row.state === "pending") return new DeliveryBusy({ delivery, state: shown(row).state })
              if (deliveries.sent(sql, delivery) === undefined) return new DeliveryBodyGone({ delivery })
              const fresh = { failures: 0, misses: 0, endedMillis: null, error: null, told: null, result: null }
              deliveries.end(sql, delivery, {
                ...fresh,
                state: "pending",
                attempts: row.attempts,
                nextMillis: nowMillis
              })
              return undefined
            })
            if (problem !== undefined) return yield* problem
            yield* webhooks.runAgain(delivery, waitMillis)
            return deliveries.described(yield* stored(delivery))
          }),
        "webhooks.test": ({ body = {}, ...which }) =>
          Effect.gen(function* () {
            const route = yield* theOne(which)
            const { reason, state, url } = yield* listening.status
            if (state !== "up" || url === null) {
              return yield* new WebhooksNotListening({
                reason: reason ?? "It is not switched on; `hob webhook on` does that."
              })
            }
            const bytes = Buffer.from(JSON.stringify(body))
            const nowMillis = yield* Clock.currentTimeMillis
            const signing = { body: bytes, id: `hob-test-${randomUUID()}`, nowMillis }
            const headers = signedHeaders(route.scheme, route.secrets[0], signing)
            if (headers === undefined) return yield* new WebhookUnsignable({ method: route.method })
            const target = `${url}${pathOf(route, false)}`
            const { status, text } = yield* Effect.mapError(
              send(target, headers, bytes),
              (reason) => new WebhooksNotListening({ reason: `${target} gave no answer: ${reason}` })
            )
            return { status, body: jsonOf(text), url: target }
          }),
        "webhooks.enable": ({ port }) => Effect.map(listening.enable(port), (listener) => ({ listener })),
        "webhooks.disable": () => Effect.map(listening.disable, (listener) => ({ listener }))
      })
    })
  )

const pathOf = ({ method, namespace }: WebhookRoute, isShort: boolean): string =>
  isShort
    ? `/webhook/${encodeURIComponent(method)}`
    : `/webhook/${encodeURIComponent(namespace)}/${encodeURIComponent(method)}`

const jsonOf = (text: string) => {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
