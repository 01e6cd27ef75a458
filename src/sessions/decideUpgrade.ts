import { buildName, ownBuild, relationOf, type Build } from "../config/versions.ts"
import type { HelloReply } from "../protocol/sessionHost.ts"

export type UpgradeDecision =
  | { readonly type: "upgrade" }
  /** It is what it should be. */
  | { readonly type: "current" }
  /** It is not, and stays. */
  | { readonly type: "leave"; readonly because: string }
  | { readonly type: "refuse"; readonly reason: "newer" | "unsupported"; readonly detail: string }

export interface UpgradeCircumstances {
  /** Somebody asked for it. */
  readonly asked: boolean
  readonly downgrade: boolean
  /** `daemon.upgradeHost` */
  readonly enabled: boolean
  /** The host of the last attempt, as JSON of pid, start, version and build. */
  readonly tried: string | null
}

/** Whether a host that says this of itself is to be replaced by one of `own` build. */
export const decideUpgrade = (
  hello: Pick<HelloReply, "pid" | "startedAt" | "version" | "build" | "features">,
  { asked, downgrade, enabled, tried }: UpgradeCircumstances,
  own: Build = ownBuild
): UpgradeDecision => {
  const relation = relationOf(hello, own)
  if (relation === "same") return { type: "current" }
  const { build, pid, startedAt, version } = hello
  if (!canUpgrade(hello)) {
    const detail = `it is from before that was possible. It goes with its last session, and the next one is ${buildName(own)}`
    return { type: "refuse", reason: "unsupported", detail: `${detail}.` }
  }
  if (relation === "newer" && !downgrade) {
    const detail = `it is ${buildName(hello)}, newer than this daemon's ${buildName(own)}. \`hob upgrade --downgrade\` has it replaced all the same`
    return { type: "refuse", reason: "newer", detail: `${detail}.` }
  }
  if (asked) return { type: "upgrade" }
  if (!enabled) return { type: "leave", because: "daemon.upgradeHost is off; `hob upgrade` replaces it" }
  if (tried === JSON.stringify([pid, startedAt, version, build]))
    return { type: "leave", because: "an attempt to replace it has failed; `hob upgrade` tries again" }
  return { type: "upgrade" }
}

export const canUpgrade = ({ features }: Pick<HelloReply, "features">): boolean =>
  features?.includes("upgrade") === true
