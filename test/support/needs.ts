import { execFileSync } from "node:child_process"
import { it } from "vitest"

const found = new Map<string, boolean>()

/** Is `program` on the PATH? Asked once per program and test file. */
export const has = (program: string): boolean => {
  const known = found.get(program)
  if (known !== undefined) return known
  let there = true
  try {
    execFileSync("/bin/sh", ["-c", 'command -v -- "$1"', "sh", program], { stdio: "ignore" })
  } catch {
    there = false
  }
  found.set(program, there)
  return there
}

/** `HOB_TEST_NO_SKIP=1`: a machine that promises every program; what is missing fails instead of being skipped. */
export const skipsForbidden = process.env["HOB_TEST_NO_SKIP"] === "1"

type Test = (name: string, test: () => void | Promise<void>, timeout?: number) => void

/**
 * The `it` of a test that needs system programs: skipped by name where one of them is missing
 * (`… (needs strace)`), or failing where skips are forbidden.
 *
 * @example needs("tmux")("a session looks as it would in tmux", async () => { … })
 */
export const needs = (...programs: ReadonlyArray<string>): Test => {
  const missing = programs.filter((program) => !has(program))
  if (missing.length === 0) return (name, test, timeout) => it(name, test, timeout)
  const title = (name: string) => `${name} (needs ${missing.join(", ")})`
  if (!skipsForbidden) return (name) => it.skip(title(name), () => {})
  return (name) =>
    it(title(name), () => {
      throw new Error(`${missing.join(", ")} not found on the PATH, and HOB_TEST_NO_SKIP=1 forbids skipping`)
    })
}
