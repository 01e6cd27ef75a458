import { BUILD } from "./build.ts"
import { VERSION } from "./version.ts"

/** What a process of hob is: its version, and what its build was made from. Older processes don't say all of it. */
export interface Build {
  readonly version?: string | undefined
  /** Null when it runs from source. */
  readonly build?: string | null | undefined
}

/** That of this process. */
export const ownBuild = { version: VERSION, build: BUILD } as const

/** How one build of hob stands to another: `other` is another build of the same version. */
export type Relation = "same" | "older" | "newer" | "other"

/**
 * How `that` stands to `own`. One that does not tell its version is from before versions were told. A process that runs
 * from source is the same as every other of its version: nobody can tell.
 */
export const relationOf = (that: Build, own: Build = ownBuild): Relation => {
  if (that.version === undefined) return own.version === undefined ? "same" : "older"
  if (own.version === undefined) return "newer"
  const order = compareVersions(that.version, own.version)
  if (order !== 0) return order < 0 ? "older" : "newer"
  const told = that.build != null && own.build != null
  return !told || that.build === own.build ? "same" : "other"
}

/** A build in words: `hob 0.1.0 (build 1a2b3c4d)`. */
export const buildName = ({ build, version }: Build): string =>
  version === undefined ? "an older hob" : `hob ${version}${build == null ? "" : ` (build ${build.slice(0, 8)})`}`

/** Negative when `a` comes before `b`, as Semantic Versioning 2.0.0 orders them; what is no number is ordered as text. */
export const compareVersions = (a: string, b: string): number => {
  const [coreA, preA] = parse(a)
  const [coreB, preB] = parse(b)
  const core = compareParts(coreA, coreB)
  if (core !== 0) return core
  // A version comes after everything that led to it.
  if (preA.length === 0 || preB.length === 0) return preB.length - preA.length
  return compareParts(preA, preB)
}

const parse = (version: string): readonly [core: ReadonlyArray<string>, pre: ReadonlyArray<string>] => {
  const [core = "", ...pre] = version.split("+", 1)[0]!.split("-")
  return [core.split("."), pre.length === 0 ? [] : pre.join("-").split(".")]
}

const compareParts = (a: ReadonlyArray<string>, b: ReadonlyArray<string>): number => {
  for (let index = 0; index < Math.max(a.length, b.length); index++) {
    const [one, other] = [a[index], b[index]]
    if (one === undefined || other === undefined) return one === undefined ? -1 : 1
    if (one === other) continue
    const [n, m] = [Number(one), Number(other)]
    if (Number.isInteger(n) && Number.isInteger(m)) {
      if (n !== m) return n - m
    } else if (Number.isInteger(n) !== Number.isInteger(m)) return Number.isInteger(n) ? -1 : 1
    else return one < other ? -1 : 1
  }
  return 0
}
