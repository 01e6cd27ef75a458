import type { CaptureConfig } from "../../protocol/capture.ts"
import type { Capture, CaptureEntry, CaptureMetadata } from "../../protocol/captureEntries.ts"
import type { Session } from "../../protocol/sessions.ts"
import type { Context } from "../context.ts"
import { topOf } from "../capture/topOf.ts"
import { call, callAgain } from "../daemon.ts"
import { ExitCode } from "../exit.ts"
import { capturePage, captureStatus, captureTable } from "../render/capture.ts"
import { printJson, printLine } from "../stdio.ts"

interface Listed {
  readonly captures: ReadonlyArray<Capture>
}

interface Shown {
  readonly capture: Capture
  readonly metadata: CaptureMetadata
  readonly entries: ReadonlyArray<CaptureEntry>
  readonly next: number | null
}

export interface CaptureListOptions {
  readonly all: boolean
  /** Those of the work tree that this directory is in. */
  readonly repository: string | null
  /** Those of this terminal session. */
  readonly session: string | null
  readonly json: boolean
}

const listed = async (
  context: Context,
  { all, repository, session }: Omit<CaptureListOptions, "json">
): Promise<Listed> => {
  const its = session === null ? null : await callAgain<Session>(context, "sessions.show", () => ({ session }))
  return callAgain(context, "capture.list", () => ({
    ...(all ? { all } : {}),
    ...(repository === null ? {} : { repository: topOf(repository) }),
    ...(its === null ? {} : { session: its.id })
  }))
}

/** `hob capture status` */
export const captureStatusVerb = async (context: Context, { json }: { readonly json: boolean }): Promise<number> => {
  const { captures } = await listed(context, { all: false, repository: null, session: null })
  const config = await callAgain<CaptureConfig>(context, "capture.config", () => ({}))
  if (json) printJson({ enabled: config.enabled, captures })
  else printLine(captureStatus(config, captures, Date.now()))
  return ExitCode.ok
}

/** `hob capture ls` */
export const captureList = async (context: Context, { json, ...which }: CaptureListOptions): Promise<number> => {
  const { captures } = await listed(context, which)
  if (json) printJson({ captures })
  else if (captures.length > 0) printLine(captureTable(captures, Date.now()))
  else
    printLine(which.all ? "Nothing was captured." : "No capture is open. `hob capture ls --all` lists closed ones too.")
  return ExitCode.ok
}

/** `hob capture show` */
export const captureShow = async (
  context: Context,
  { capture, json }: { readonly capture: string; readonly json: boolean }
): Promise<number> => {
  const entries: Array<CaptureEntry> = []
  let shown: Shown
  let after = 0
  for (;;) {
    shown = await callAgain<Shown>(context, "capture.show", () => ({ capture, after }))
    entries.push(...shown.entries)
    if (shown.next === null) break
    after = shown.next
  }
  if (json) printJson({ capture: shown.capture, metadata: shown.metadata, entries })
  else printLine(capturePage(shown.capture, entries))
  return ExitCode.ok
}

/** `hob capture discard` */
export const captureDiscard = async (
  context: Context,
  { captures, json }: { readonly captures: ReadonlyArray<string>; readonly json: boolean }
): Promise<number> => {
  const discarded: Array<Capture> = []
  for (const capture of captures) discarded.push(await call<Capture>(context, "capture.discard", { capture }))
  if (json) printJson({ captures: discarded })
  else for (const { id } of discarded) printLine(`${id} is forgotten.`)
  return ExitCode.ok
}

/** `hob capture config` */
export const captureConfig = async (context: Context, { json }: { readonly json: boolean }): Promise<number> => {
  const config = await callAgain<CaptureConfig>(context, "capture.config", () => ({}))
  if (json) printJson(config)
  else for (const [name, value] of Object.entries(config)) printLine(`capture.${name} = ${JSON.stringify(value)}`)
  return ExitCode.ok
}
