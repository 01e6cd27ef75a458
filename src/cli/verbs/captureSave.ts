import type { CaptureSave } from "../../protocol/captureSaves.ts"
import type { Context } from "../context.ts"
import { callAgain } from "../daemon.ts"
import { ExitCode } from "../exit.ts"
import { savesTable } from "../render/capture.ts"
import { printError, printJson, printLine } from "../stdio.ts"
import { topOf } from "../capture/topOf.ts"

export interface CaptureSaveOptions {
  /** None: those of the work tree. */
  readonly captures: ReadonlyArray<string>
  /** Null: the one that this is given in. */
  readonly repository: string | null
  readonly commit: string | null
  /** Notes of git instead of files. */
  readonly notes: boolean
  readonly markdown: boolean
  readonly close: boolean
  readonly json: boolean
}

interface Saved {
  readonly saves: ReadonlyArray<CaptureSave>
  readonly files: ReadonlyArray<string>
  readonly mended: ReadonlyArray<string>
}

/** `hob capture save` */
export const captureSave = async (context: Context, options: CaptureSaveOptions): Promise<number> => {
  const { captures, close, commit, json, markdown, notes, repository } = options
  const which =
    captures.length > 0 ? captures.map((capture) => ({ capture })) : [{ repository: topOf(repository ?? ".") }]
  const all: Array<Saved> = []
  for (const each of which) {
    // Saving twice writes nothing new, so it may be asked again.
    const params = {
      ...each,
      ...(commit === null ? {} : { commit }),
      ...(notes ? { destination: "notes" } : {}),
      ...(markdown ? { markdown } : {}),
      ...(close ? { close } : {})
    }
    all.push(await callAgain<Saved>(context, "capture.save", () => params))
  }
  const saves = all.flatMap((saved) => saved.saves)
  const mended = all.flatMap((saved) => saved.mended)
  if (json) printJson({ saves, files: all.flatMap((saved) => saved.files), mended })
  else if (saves.length === 0) printLine("There is nothing new to save.")
  else printLine(savesTable(saves))
  if (!json) for (const sentence of mended) printError(`hob: ${sentence}`)
  return ExitCode.ok
}

export interface CaptureSavesOptions {
  readonly commit: string | null
  readonly repository: string | null
  readonly json: boolean
}

/** `hob capture saves` */
export const captureSaves = async (
  context: Context,
  { commit, json, repository }: CaptureSavesOptions
): Promise<number> => {
  const { saves } = await callAgain<{ readonly saves: ReadonlyArray<CaptureSave> }>(context, "capture.saves", () => ({
    ...(commit === null ? {} : { commit }),
    ...(repository === null ? {} : { repository: topOf(repository) })
  }))
  if (json) printJson({ saves })
  else if (saves.length === 0) printLine("Nothing was saved.")
  else printLine(savesTable(saves))
  return ExitCode.ok
}
