import type { Headers } from "../wire/http/headers.ts"

/** What shows who sent it, or lets somebody else send it again: no method needs it, and logs of methods must not have it. */
const secret: ReadonlySet<string> = new Set([
  "x-webhook-secret",
  "authorization",
  "proxy-authorization",
  "cookie",
  "x-hub-signature",
  "x-hub-signature-256",
  "stripe-signature",
  "webhook-signature",
  "svix-signature"
])

/** What a method may see of them, each as one text. */
export const withoutSecrets = (headers: Headers): Record<string, string> => {
  const shown: Record<string, string> = {}
  for (const [name, values] of headers) {
    if (secret.has(name) || name === "__proto__") continue
    shown[name] = values.length === 1 ? values[0]! : values.join(", ")
  }
  return shown
}
