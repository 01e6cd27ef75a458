import { askPhoton } from "./photonAsk.ts"

/**
 * Has hob listen for webhooks at `port` of this machine, now and after each start: what photon's daemon does when
 * PHOTON_WEBHOOK_PORT says so, which is the default here. Resolves once it listens, and rejects with why it can't. 0, as
 * for photon: nothing is done. Which methods senders may call is said apart: `hob webhook allow`.
 */
export const startWebhookServer = async (
  port: number = Number(process.env["PHOTON_WEBHOOK_PORT"] ?? 0)
): Promise<void> => {
  if (port === 0) return
  await askPhoton("webhooks.enable", { port })
}
