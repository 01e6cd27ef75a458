import { type Home, until } from "../support/home.ts"

/** What is offered for a word of this kind. A daemon that is late offers nothing, so that no shell waits: it is asked again. */
export const offered = async (home: Home, kind: string): Promise<string> => {
  let lines = ""
  await until(`${kind} are offered`, async () => (lines = await home.ok(["__complete", kind])) !== "")
  return lines
}
