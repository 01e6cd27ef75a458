import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { dirname } from "node:path"
import { ExitCode, Fault } from "../exit.ts"
import type { ServiceFile } from "./manager.ts"
import { isMarked } from "./units.ts"

/** Null when there is no such file. */
export const contentOf = (path: string): string | null => {
  try {
    return readFileSync(path, "utf8")
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null
    throw error
  }
}

/** Somebody else's file in our place is nothing to replace or remove. */
export const refuseForeign = (files: ReadonlyArray<ServiceFile>): void => {
  for (const { found, path } of files) {
    if (found === null || isMarked(found)) continue
    throw new Fault(
      ExitCode.failure,
      `${path} was not written by hob.`,
      `Move it out of the way: mv ${path} ${path}.old`
    )
  }
}

/** Each in one step; others may read them, as the manager's own tools do. */
export const writeFiles = (files: ReadonlyArray<ServiceFile>): void => {
  for (const { content, path } of files) {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(`${path}.new`, content, { mode: 0o644 })
    renameSync(`${path}.new`, path)
  }
}

/** Removes those that hob has written; gives their paths. */
export const removeFiles = (files: ReadonlyArray<ServiceFile>): ReadonlyArray<string> =>
  files.flatMap(({ found, path }) => {
    if (found === null || !isMarked(found)) return []
    rmSync(path, { force: true })
    return [path]
  })

/** The lines in which an installed file is not what this version writes, `-` as it is and `+` as it would be. */
export const differences = ({ content, found }: ServiceFile): ReadonlyArray<string> => {
  if (found === null || found === content) return []
  const [is, would] = [found.split("\n"), content.split("\n")]
  return [
    ...is.filter((line) => !would.includes(line)).map((line) => `- ${line}`),
    ...would.filter((line) => !is.includes(line)).map((line) => `+ ${line}`)
  ]
}
