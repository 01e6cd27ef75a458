import type {
  Delivery,
  DeliveryDetails,
  DeliveryState,
  Webhook,
  WebhookGuarantee,
  WebhookListener,
  WebhookScheme
} from "../../protocol/webhooks.ts"
import type { Context } from "../context.ts"
import { call, callAgain } from "../daemon.ts"
import { ExitCode, Fault } from "../exit.ts"
import { deliveryTable, deliveryText, listenerLine, webhookTable } from "../render/webhook.ts"
import { isTagged } from "../report.ts"
import { secretText } from "../secretText.ts"
import { printError, printJson, printLine } from "../stdio.ts"

interface Which {
  readonly method: string
  readonly namespace: string | null
}

export interface AllowOptions extends Which {
  /** Each as given; an empty text: make one. */
  readonly secret: ReadonlyArray<string>
  readonly github: ReadonlyArray<string>
  readonly stripe: ReadonlyArray<string>
  readonly standard: ReadonlyArray<string>
  readonly noSecret: boolean
  readonly retry: number | null
  readonly guarantee: WebhookGuarantee | null
  readonly timeout: number | null
  readonly json: boolean
}

const whichOf = ({ method, namespace }: Which) => ({ ...(namespace === null ? {} : { namespace }), method })

/** Of the flags that say who its senders are, the one that was given. */
const chosenScheme = async (
  options: AllowOptions,
  env: Context["env"]
): Promise<{ readonly scheme?: WebhookScheme; readonly secrets?: ReadonlyArray<string> }> => {
  const given = (["secret", "github", "stripe", "standard"] as const).filter((scheme) => options[scheme].length > 0)
  if (given.length + Number(options.noSecret) > 1) {
    throw new Fault(
      ExitCode.usage,
      "Of --secret, --github, --stripe, --standard and --no-secret only one can be given.",
      "The same one may be given again: any of its secrets is good, while one is changed for another."
    )
  }
  if (options.noSecret) return { scheme: "none" }
  const [scheme] = given
  if (scheme === undefined) {
    const secret = env["PHOTON_WEBHOOK_SECRET"]
    return secret === undefined || secret === "" ? {} : { scheme: "secret", secrets: [secret] }
  }
  const texts = options[scheme]
  if (texts.length === 1 && texts[0] === "") return { scheme }
  const secrets: Array<string> = []
  for (const text of texts) secrets.push(await secretText(`--${scheme}`, text, env))
  return { scheme, secrets }
}

/** `hob webhook allow` */
export const webhookAllow = async (context: Context, options: AllowOptions): Promise<number> => {
  const { guarantee, json, retry, timeout } = options
  const allowed = await call<{
    readonly webhook: Webhook
    readonly listener: WebhookListener
    readonly secret?: string
  }>(context, "webhooks.allow", {
    ...whichOf(options),
    ...(await chosenScheme(options, context.env)),
    ...(retry === null ? {} : { retries: retry }),
    ...(guarantee === null ? {} : { guarantee }),
    ...(timeout === null ? {} : { timeoutMillis: timeout })
  }).catch((error: unknown) => {
    if (isTagged(error, "WebhookSecretMissing") || isTagged(error, "WebhookSecretInvalid")) {
      throw new Fault(ExitCode.usage, error.message)
    }
    throw error
  })
  if (json) {
    printJson(allowed)
    return ExitCode.ok
  }
  const { listener, secret, webhook } = allowed
  printLine(`${listener.url ?? ""}${webhook.path}`)
  if (secret !== undefined) printLine(`secret: ${secret}`)
  if (secret !== undefined) printError("hob: The secret is not shown again. Give it to the sender now.")
  if (listener.state !== "up") printError(`hob: ${listenerLine(listener)}`)
  if (webhook.path.split("/").length > 3) {
    const rest = `send to ${webhook.path}, and those of the others to theirs (\`hob webhook ls --all\`)`
    printError(`hob: Other namespaces have a webhook "${webhook.method}" too. Its senders have to ${rest}.`)
  }
  if (!webhook.found) printError(`hob: There is no method "${webhook.method}" yet; what is sent waits for it.`)
  return ExitCode.ok
}

/** `hob webhook ls` */
export const webhookList = async (
  context: Context,
  { all, json, namespace }: { readonly all: boolean; readonly namespace: string | null; readonly json: boolean }
): Promise<number> => {
  const listed = await callAgain<{
    readonly webhooks: ReadonlyArray<Webhook>
    readonly listener: WebhookListener
  }>(context, "webhooks.list", () => ({ ...(all ? { all } : {}), ...(namespace === null ? {} : { namespace }) }))
  if (json) printJson(listed)
  else {
    printLine(listenerLine(listed.listener))
    if (listed.webhooks.length > 0) printLine(webhookTable(listed.webhooks, all, Date.now()))
    else printLine("No method may be called. `hob webhook allow METHOD` lets one be called.")
  }
  return ExitCode.ok
}

/** `hob webhook rm` */
export const webhookRemove = async (context: Context, options: Which & { readonly json: boolean }): Promise<number> => {
  const removed = await call<{ readonly webhook: Webhook }>(context, "webhooks.remove", whichOf(options))
  if (options.json) printJson(removed)
  else printLine(`"${removed.webhook.method}" is not called by webhooks any more.`)
  return ExitCode.ok
}

export interface DeliveriesOptions {
  readonly method: string | null
  readonly namespace: string | null
  readonly all: boolean
  readonly state: DeliveryState | null
  readonly limit: number | null
  readonly before: number | null
  readonly json: boolean
}

/** `hob webhook deliveries` */
export const webhookDeliveries = async (context: Context, options: DeliveriesOptions): Promise<number> => {
  const { all, before, json, limit, method, namespace, state } = options
  const { deliveries } = await callAgain<{ readonly deliveries: ReadonlyArray<Delivery> }>(
    context,
    "webhooks.deliveries",
    () => ({
      ...(method === null ? {} : { method }),
      ...(namespace === null ? {} : { namespace }),
      ...(all ? { all } : {}),
      ...(state === null ? {} : { state }),
      ...(limit === null ? {} : { limit }),
      ...(before === null ? {} : { before })
    })
  )
  if (json) printJson({ deliveries })
  else if (deliveries.length > 0) printLine(deliveryTable(deliveries, all, Date.now()))
  else printLine("No delivery is on record.")
  return ExitCode.ok
}

/** `hob webhook show` */
export const webhookShow = async (
  context: Context,
  { delivery, json }: { readonly delivery: number; readonly json: boolean }
): Promise<number> => {
  const details = await callAgain<DeliveryDetails>(context, "webhooks.show", () => ({ delivery }))
  if (json) printJson(details)
  else printLine(deliveryText(details))
  return ExitCode.ok
}

const DEFAULT_WAIT_MILLIS = 60_000
/** Beyond what the daemon waits for the run. */
const ANSWER_MILLIS = 30_000

/** `hob webhook replay` */
export const webhookReplay = async (
  context: Context,
  { delivery, json, timeout }: { readonly delivery: number; readonly timeout: number | null; readonly json: boolean }
): Promise<number> => {
  const waitMillis = timeout ?? DEFAULT_WAIT_MILLIS
  const replayed = await call<Delivery>(
    context,
    "webhooks.replay",
    { delivery, waitMillis },
    waitMillis + ANSWER_MILLIS
  )
  const { error, result, state } = replayed
  if (json) printJson(replayed)
  else if (state === "succeeded") printLine(JSON.stringify(result))
  else if (error !== null && state !== "running") printError(`hob: The delivery ${delivery} is ${state}: ${error}`)
  else printError(`hob: The delivery ${delivery} is ${state} still; it goes on.`)
  if (state === "succeeded") return ExitCode.ok
  return state === "running" || state === "pending" ? ExitCode.timedOut : ExitCode.failure
}

/** `hob webhook test` */
export const webhookTest = async (
  context: Context,
  options: Which & { readonly body: string | null; readonly json: boolean }
): Promise<number> => {
  const tested = await call<{ readonly status: number; readonly body: unknown; readonly url: string }>(
    context,
    "webhooks.test",
    { ...whichOf(options), ...(options.body === null ? {} : { body: objectOf(options.body) }) },
    65_000 + ANSWER_MILLIS
  )
  if (options.json) printJson(tested)
  else printLine(`${tested.status} ${JSON.stringify(tested.body)}`)
  return tested.status < 300 ? ExitCode.ok : ExitCode.failure
}

const objectOf = (text: string): unknown => {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value
  } catch {
    // Told below.
  }
  throw new Fault(ExitCode.usage, '<body> must be a JSON object, such as \'{"ref":"main"}\'.')
}

/** `hob webhook on` */
export const webhookOn = async (
  context: Context,
  { json, port }: { readonly port: number | null; readonly json: boolean }
): Promise<number> => {
  const enabled = await call<{ readonly listener: WebhookListener }>(
    context,
    "webhooks.enable",
    port === null ? {} : { port }
  )
  if (json) printJson(enabled)
  else printLine(`${listenerLine(enabled.listener)}, now and after each start of hob.`)
  return ExitCode.ok
}

/** `hob webhook off` */
export const webhookOff = async (context: Context, { json }: { readonly json: boolean }): Promise<number> => {
  const disabled = await call<{ readonly listener: WebhookListener }>(context, "webhooks.disable", {})
  if (json) printJson(disabled)
  else printLine("hob does not listen for webhooks any more. What was sent and waits is run all the same.")
  return ExitCode.ok
}
