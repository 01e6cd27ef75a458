import { call } from "../../../src/client/wire/bare.ts"
import { type Home, makeHome } from "../../support/home.ts"
import { type StartedMiddleware, type StartOptions, startMiddleware } from "../../support/middleware/start.ts"
import { Client } from "./client.ts"

export interface MidcltHome extends Home, StartedMiddleware {
  /** Of the upstream `nas`, which is the stand-in. */
  readonly client: Client
  readonly clientOf: (uri: string | null, user: string | null) => Client
  /** Declares one more. */
  readonly add: (name: string, uri: string, user: string | null) => Promise<void>
}

/** A home of its own with a stand-in for a server, for which midclt's daemon is spoken. */
export const makeMidcltHome = async (
  options: StartOptions & { readonly concurrency?: number } = {},
  extra: NodeJS.ProcessEnv = {}
): Promise<MidcltHome> => {
  const started = await startMiddleware({ rateLimitCalls: 100_000, ...options })
  const home = makeHome(extra)
  const add = async (name: string, uri: string, user: string | null) => {
    const who = user === null ? {} : { user, credential: { kind: "password", secret: "correct horse" } }
    const concurrency = options.concurrency === undefined ? {} : { concurrency: options.concurrency }
    await call(home.paths.socket, "upstream.add", { name, uri, ...who, ...concurrency })
  }
  await home.ok(["dialect", "enable", "midclt"])
  await add("nas", started.uri, "admin")
  const clientOf = (uri: string | null, user: string | null) => new Client(home.env["HOME"]!, uri, user)
  const client = clientOf(started.uri, "admin")
  while (!(await client.isRunning())) await new Promise((again) => setTimeout(again, 10))
  return {
    ...started,
    ...home,
    client,
    clientOf,
    add,
    destroy: async () => {
      await home.destroy()
      await started.stop()
    }
  }
}
