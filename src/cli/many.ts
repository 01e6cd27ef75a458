import { ExitCode } from "./exit.ts"
import { report } from "./report.ts"

/** Does `action` for each of several sessions; one that fails is reported and does not stop the others. The first failure's exit code. */
export const forEach = async (refs: ReadonlyArray<string>, action: (ref: string) => Promise<void>): Promise<number> => {
  let code: number = ExitCode.ok
  for (const ref of refs) {
    try {
      await action(ref)
    } catch (error) {
      const failed = report(error)
      if (code === ExitCode.ok) code = failed
    }
  }
  return code
}
