import { resolve } from "node:path"
import { findWorkTree } from "../../config/workTree.ts"
import { ExitCode, Fault } from "../exit.ts"

/** The top directory of the work tree that a directory is in. */
export const topOf = (directory: string): string => {
  const tree = findWorkTree(resolve(directory))
  if (typeof tree !== "string") return tree.root
  throw new Fault(
    ExitCode.usage,
    `${directory} is not in a git work tree${tree === "bare" ? ": this repository is bare" : ""}.`
  )
}
