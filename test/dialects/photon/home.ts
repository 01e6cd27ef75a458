import { type Home, makeHome } from "../../support/home.ts"
import { Client } from "./client.ts"

export interface PhotonHome extends Home {
  /** Of the photon `kanban`. */
  readonly client: Client
  readonly clientOf: (name: string) => Client
}

/** A home of its own in which photons are spoken. */
export const makePhotonHome = async (
  names: ReadonlyArray<string> = ["kanban"],
  extra: NodeJS.ProcessEnv = {}
): Promise<PhotonHome> => {
  const home = makeHome(extra)
  for (const name of names) await home.ok(["dialect", "enable", "photon", name])
  const clientOf = (name: string) => new Client(home.env["HOME"]!, name)
  return { ...home, client: clientOf(names[0]!), clientOf }
}
