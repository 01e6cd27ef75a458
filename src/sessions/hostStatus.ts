import { Effect } from "effect"
import { relationOf } from "../config/versions.ts"
import type { SessionHostStatus } from "../protocol/index.ts"
import { canUpgrade } from "./decideUpgrade.ts"
import { HostLink } from "./HostLink.ts"
import { HostUpgrade, versionOf } from "./HostUpgrade.ts"

/** A host that takes longer to say how it is tells what it said last. */
const ANSWER_WITHIN = "1 second"

/** The session-host as it is now; null while none is connected. */
export const hostStatus = Effect.gen(function* () {
  const link = yield* HostLink
  const upgrade = yield* HostUpgrade
  const known = yield* link.host
  if (known === null) return null
  const { last, upgrading } = yield* upgrade.status
  const host = yield* link.hello.pipe(
    Effect.timeout(ANSWER_WITHIN),
    Effect.orElseSucceed(() => known)
  )
  const { pid, protocol, screens, startedAt, upgradedAt } = host
  const status: SessionHostStatus = {
    pid,
    startedAt,
    protocol,
    ...versionOf(host),
    upgradedAt: upgradedAt ?? null,
    relation: relationOf(host),
    upgradable: canUpgrade(host),
    upgrading,
    lastUpgrade: last,
    screens: screens ?? null
  }
  return status
})
