import { join } from "node:path"

/** What a secret is called: the name of its file, below the home. */
const NAME = /^(?:[a-z0-9][a-z0-9-]{0,31}\/)?[A-Za-z0-9][A-Za-z0-9._@-]{0,127}$/

/** Where a secret is kept: in the file, or in the user's key store, and then the mark says so. Throws on what is no name. */
export const secretPaths = (home: string, name: string): { readonly file: string; readonly mark: string } => {
  if (!NAME.test(name)) throw new Error(`not the name of a secret: ${JSON.stringify(name)}`)
  const file = join(home, name)
  return { file, mark: `${file}.in-keystore` }
}
