import { makePaths } from "../config/paths.ts"
import { ensureDaemon } from "./start.ts"
import { call } from "./wire/bare.ts"

/** The socket of the daemon, which is started if none runs. */
export const photonSocket = async (): Promise<string> => {
  const { socket } = await ensureDaemon({ paths: makePaths(process.env), start: true })
  return socket
}

/** One request of hob's own protocol; the answer is trusted to be what that says. */
export const askPhoton = async (method: string, params: unknown): Promise<unknown> =>
  call(await photonSocket(), method, params)
