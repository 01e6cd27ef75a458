import { readFileSync } from "node:fs"
import { isAlive, processesOf, until } from "../support/home.ts"

/** The screens processes of a home that run, by pid. */
export const screensOf = (home: string): ReadonlyArray<number> =>
  processesOf(home).filter((pid) => {
    try {
      return isAlive(pid) && readFileSync(`/proc/${pid}/environ`, "latin1").includes("\0HOB_SCREENS_TOKEN=")
    } catch {
      return false
    }
  })

/** Waits until there is one, other than `before`. */
export const screensPid = async (home: string, before?: number): Promise<number> => {
  const find = () => screensOf(home).find((pid) => pid !== before)
  await until("a screens process runs", () => find() !== undefined)
  return find()!
}
