/** Runs in front of every test file, in its process. */
import { relative, resolve } from "node:path"
import { afterAll, expect } from "vitest"
import { endLeaks, makeDirectory } from "./leaks.ts"

const before = process.env["TMPDIR"]
// The process that runs the file is a child of the one that is the run.
const directory = makeDirectory(
  process.ppid,
  relative(resolve(import.meta.dirname, "../.."), expect.getState().testPath ?? "?")
)
process.env["TMPDIR"] = directory

afterAll(async () => {
  if (before === undefined) delete process.env["TMPDIR"]
  else process.env["TMPDIR"] = before
  const leaked = await endLeaks(directory)
  if (leaked !== null) console.error(leaked)
})
