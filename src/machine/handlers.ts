import { Effect } from "effect"
import { MachineRpcs } from "../protocol/machine.ts"
import { Machine } from "./Machine.ts"

/** Answers `machine.*`. */
export const layer = MachineRpcs.toLayer(
  Effect.gen(function* () {
    const machine = yield* Machine
    return MachineRpcs.of({
      "machine.status": () => machine.status,
      "machine.enable": ({ serverUrl }) => machine.enable(serverUrl),
      "machine.disable": () => machine.disable,
      "machine.login": ({ secret }) => machine.login(secret),
      "machine.pair": () => machine.pair,
      "machine.logout": () => machine.logout
    })
  })
)
