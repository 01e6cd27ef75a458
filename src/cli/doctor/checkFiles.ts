import { MAX_SOCKET_PATH_BYTES } from "../../wire/socketErrors.ts"
import { chmod, type Finding, ok, problem, remove, sh, warning } from "./finding.ts"
import type { FileFact, Snapshot } from "./snapshot.ts"

/** `.` and eight characters: what a socket is called until it is renamed into place. */
const TEMPORARY_SUFFIX_BYTES = 9
/** A temporary file that is younger may be somebody's at this moment. */
const TEMPORARY_AGE_MILLIS = 60_000

const home = ({ files, paths }: Snapshot): FileFact => files.find(({ path }) => path === paths.home)!

/** Whose files they are, of which kind, and who else can open them. */
export const checkFiles = (snapshot: Snapshot): ReadonlyArray<Finding> => {
  const { files, paths, uid } = snapshot
  if (home(snapshot).kind === "missing") {
    return [ok("files.home", `${paths.home} is not there yet: the first command that needs it makes it.`)]
  }
  const there = files.filter(({ kind }) => kind !== "missing")
  const wrongKind = there.filter(({ kind, wanted }) => kind !== wanted)
  const foreign = there.filter((file) => file.uid !== uid && !wrongKind.includes(file))
  const own = there.filter((file) => !wrongKind.includes(file) && !foreign.includes(file))
  const open = own.filter(({ allowed, mode }) => (mode & ~allowed) !== 0)
  const closed = own.filter(({ mode, wanted }) => (mode & minimum(wanted)) !== minimum(wanted))
  const findings = [
    ...wrongKind.map((file) => misplaced(file)),
    ...foreign.map((file) => belongsToOther(file, uid)),
    ...byMode(open).map(([mode, group]) => openToOthers(group, mode)),
    ...byMode(closed).map(([, group]) => closedToOwner(group))
  ]
  return findings.length > 0
    ? findings
    : [ok("files.permissions", `${paths.home}: ${there.length} files and directories, all yours and closed to others.`)]
}

const minimum = (wanted: FileFact["wanted"]): number => (wanted === "directory" ? 0o700 : 0o600)

const byMode = (files: ReadonlyArray<FileFact>): ReadonlyArray<readonly [number, ReadonlyArray<FileFact>]> => [
  ...Map.groupBy(files, ({ wanted }) => minimum(wanted))
]

const named = (files: ReadonlyArray<FileFact>): string =>
  files.length === 1 ? `${files[0]!.path} (${files[0]!.what})` : `${files.length} files, ${files[0]!.path} among them,`

const misplaced = ({ kind, path, wanted, what }: FileFact): Finding => {
  const is = kind === "link" ? "a symbolic link" : kind === "other" ? "neither file nor directory" : `a ${kind}`
  const means = `${path} (${what}) is ${is} and should be a ${wanted}: hob refuses to use it.`
  return problem("files.kind", means, { mend: sh("mv", path, `${path}.old`) })
}

const belongsToOther = ({ path, uid, what }: FileFact, self: number): Finding =>
  problem(
    "files.owner",
    `${path} (${what}) belongs to user ${uid}, and this is user ${self}: whoever owns it could read along or decide what hob does.`,
    { mend: sh("sudo", "chown", String(self), path) }
  )

const openToOthers = (files: ReadonlyArray<FileFact>, mode: number): Finding =>
  problem(
    "files.mode",
    `${named(files)} ${files.length === 1 ? "is" : "are"} open to others: what is printed and typed could be read, or changed.`,
    chmod(mode, ...files.map(({ path }) => path))
  )

const closedToOwner = (files: ReadonlyArray<FileFact>): Finding =>
  problem(
    "files.mode",
    `${named(files)} can't be read and written by you: hob fails on it.`,
    chmod(minimum(files[0]!.wanted), ...files.map(({ path }) => path))
  )

/** A socket's path has a limit that no other path has. */
export const checkSocketPath = ({ paths }: Snapshot): ReadonlyArray<Finding> => {
  const longest = MAX_SOCKET_PATH_BYTES - TEMPORARY_SUFFIX_BYTES
  const bytes = Buffer.byteLength(paths.hostSocket)
  if (bytes <= longest) return []
  const means = `${paths.hostSocket} is ${bytes} bytes long, and a socket's path may have ${longest}: nothing can be started.`
  return [problem("files.socket-path", means, { mend: "export HOB_HOME=$HOME/.hob" })]
}

/** What was left behind under a name that nothing has for long. */
export const checkLeftovers = ({ files, now }: Snapshot): ReadonlyArray<Finding> => {
  const temporary = files.filter(
    ({ kind, modified, state }) => state === "temporary" && kind !== "missing" && now - modified > TEMPORARY_AGE_MILLIS
  )
  const aside = files.filter(({ kind, state }) => state === "aside" && kind !== "missing")
  return [
    ...(temporary.length === 0
      ? []
      : [
          warning(
            "stale.temporary",
            `${named(temporary)} was left by a process that died while it wrote; nothing reads it.`,
            remove(...temporary.map(({ path }) => path))
          )
        ]),
    ...files
      .filter(({ damaged }) => damaged === true)
      .map(({ path }) =>
        problem(
          "stale.store",
          `${path} is damaged. The next daemon puts it aside and begins a new one with what can be read of it: locks, channels and their events. Sessions are not in it.`,
          { mend: "hob restart" }
        )
      ),
    ...aside.map(({ path }) =>
      warning(
        "stale.damaged-store",
        `${path} is a store that was found damaged and replaced; what could be read was brought over. It is kept for you to look at.`,
        { mend: sh("rm", path) }
      )
    )
  ]
}
