import type { Completions } from "effect/cli"
import { placeOf } from "../completions/places.ts"
import { completionScript, type Shell } from "../completions/script.ts"
import type { Context } from "../context.ts"
import { examine } from "../doctor/checks.ts"
import { worst } from "../doctor/finding.ts"
import { mend, type Mended, mendedText } from "../doctor/mend.ts"
import { probe } from "../doctor/probe.ts"
import { ExitCode } from "../exit.ts"
import { doctorPage } from "../render/doctor.ts"
import { printJson, printLine } from "../stdio.ts"

export interface DoctorOptions {
  readonly json: boolean
  /** Do what is safe about what is found. */
  readonly fix: boolean
}

/** `hob doctor`. Exit code 1 when there is a problem; warnings are for people. */
export const doctor = async (
  context: Context,
  tree: () => Completions.CommandDescriptor,
  options: DoctorOptions
): Promise<number> => {
  const script = (shell: Shell) => completionScript(tree(), shell, placeOf(shell, context.env))
  const look = async () => examine(await probe(context, script))
  let findings = await look()
  const mended: Array<Mended> = []
  if (options.fix) {
    for (const fix of findings.flatMap((finding) => finding.fix ?? [])) mended.push(await mend(fix))
    if (mended.length > 0) findings = await look()
  }
  if (options.json) {
    const done = mended.map(({ fix, problem }) => ({ ...fix, done: problem === null, problem }))
    printJson({ worst: worst(findings), findings, ...(options.fix ? { mended: done } : {}) })
  } else {
    for (const each of mended) printLine(mendedText(each))
    if (mended.length > 0) printLine("")
    printLine(doctorPage(findings))
  }
  return worst(findings) === "problem" ? ExitCode.failure : ExitCode.ok
}
