import { renderUnicodeCompact } from "uqr"
import type { MachineStatus, PairingItem } from "../../protocol/machine.ts"
import type { Context } from "../context.ts"
import { call, callAgain, open } from "../daemon.ts"
import { ExitCode, Fault } from "../exit.ts"
import { toFault } from "../report.ts"
import { machinePage } from "../render/machine.ts"
import { secretText } from "../secretText.ts"
import { printError, printJson, printLine } from "../stdio.ts"

interface Json {
  readonly json: boolean
}

const show = (status: MachineStatus, { json }: Json): number => {
  if (json) printJson(status)
  else printLine(machinePage(status, Date.now()))
  return ExitCode.ok
}

/** `hob machine status` */
export const machineStatus = async (context: Context, options: Json): Promise<number> =>
  show(await callAgain<MachineStatus>(context, "machine.status", () => ({})), options)

/** `hob machine enable` */
export const machineEnable = async (
  context: Context,
  options: Json & { readonly server: string | null; readonly noHttp: boolean }
): Promise<number> => {
  const params = options.server === null ? {} : { serverUrl: options.server }
  const status = await call<MachineStatus>(context, "machine.enable", params)
  // What listens is told to devices too; where it can't, the machine is none the worse.
  if (!options.noHttp) {
    await call(context, "http.enable", {}).catch((error: unknown) => {
      printError(`hob: The control API is not on: ${toFault(error).message}`)
    })
  }
  if (options.json) return show(status, options)
  printLine(`This machine is kept in step with ${status.serverUrl}, now and after each start of hob.`)
  printLine("`hob machine status` tells how it goes.")
  return ExitCode.ok
}

/** `hob machine disable` */
export const machineDisable = async (context: Context, options: Json): Promise<number> => {
  const status = await call<MachineStatus>(context, "machine.disable", {})
  if (options.json) return show(status, options)
  printLine("This machine is offline for the devices of the account. The credentials stay.")
  return ExitCode.ok
}

const loggedIn = (status: MachineStatus, options: Json): number => {
  if (options.json) return show(status, options)
  printLine(`Logged in at ${status.serverUrl}; the credentials are in ${status.credentialsFile}.`)
  if (!status.enabled) printLine("`hob machine enable` lets the devices of the account see and call this machine.")
  return ExitCode.ok
}

/** `hob machine login` */
export const machineLogin = async (
  context: Context,
  options: Json & { readonly secret: string | null }
): Promise<number> => {
  const secret = options.secret === null ? null : await secretText("--secret", options.secret, context.env)
  return loggedIn(await call<MachineStatus>(context, "machine.login", secret === null ? {} : { secret }), options)
}

/** `hob machine pair` */
export const machinePair = async (context: Context, options: Json): Promise<number> => {
  const client = await open(context)
  try {
    for await (const item of client.subscribe("machine.pair", {}) as AsyncGenerator<PairingItem>) {
      if (item.kind === "paired") return loggedIn(item.status, options)
      if (options.json) printError(JSON.stringify(item))
      else {
        printLine("Scan this with a device of the account:\n")
        printLine(renderUnicodeCompact(item.link, { border: 2 }))
        printLine(
          `\nor open ${item.link} on it,\nor open ${item.webLink}\nin a browser in which the account is logged in. Waiting…`
        )
      }
    }
  } finally {
    client.close()
  }
  throw new Fault(ExitCode.failure, "The daemon has not said how it ended.", "`hob machine status` tells.")
}

/** `hob machine logout` */
export const machineLogout = async (context: Context, options: Json): Promise<number> => {
  const { removed, status } = await call<{ readonly status: MachineStatus; readonly removed: boolean }>(
    context,
    "machine.logout",
    {}
  )
  if (options.json) printJson({ removed, ...status })
  else if (removed)
    printLine("The credentials are removed. The account's devices list this machine until it is deleted there.")
  else if (status.credentials === null) printLine("Nobody was logged in.")
  else {
    printLine(`The credentials in ${status.credentialsFile} are another program's too, and stay.`)
    printLine("`hob machine disable` ends hob's use of them.")
  }
  return ExitCode.ok
}
