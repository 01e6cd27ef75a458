/** A hook of git with hob's lines in it, and without them. Pure. */

const BEGIN = "# >>> hob capture >>>"
const END = "# <<< hob capture <<<"
const SHEBANG = "#!/bin/sh"

export const gitHookNames = ["post-commit", "post-rewrite", "pre-commit"] as const
export type GitHookName = (typeof gitHookNames)[number]

/** Their lines: nothing of it can fail, or say anything. `hob` is a command line. */
const body = (name: GitHookName, hob: string): string => {
  switch (name) {
    case "post-commit":
      // What goes on is looked at before the commit's end; the rest is behind it.
      return [
        "(",
        "hob_git=$(git rev-parse HEAD --absolute-git-dir) || exit 0",
        "hob_directory=${hob_git#*",
        "}",
        "for hob_state in rebase-merge rebase-apply CHERRY_PICK_HEAD MERGE_HEAD REVERT_HEAD; do",
        '  [ ! -e "$hob_directory/$hob_state" ] || exit 0',
        "done",
        `${hob} capture git post-commit "\${hob_git%%`,
        '*}" </dev/null >/dev/null 2>&1 &',
        ") 2>/dev/null || :"
      ].join("\n")
    case "pre-commit":
      return `${hob} capture git pre-commit </dev/null >/dev/null 2>&1 || :`
    case "post-rewrite":
      // What it reads is read again by what stands behind it.
      return [
        "hob_rewritten=$(cat)",
        `(printf '%s\\n' "$hob_rewritten" | ${hob} capture git post-rewrite >/dev/null 2>&1 &) || :`,
        "exec <<END_OF_REWRITTEN",
        "$hob_rewritten",
        "END_OF_REWRITTEN"
      ].join("\n")
  }
}

const blockOf = (name: GitHookName, hob: string): string => `${BEGIN}\n${body(name, hob)}\n${END}\n`
const ownBlock = new RegExp(`${BEGIN}\\n[^]*?${END}\\n?`, "g")

/** Whether lines of a shell can be put into it. */
export const isShellScript = (text: string): boolean =>
  /^#![ \t]*(?:\/\S*\/)?(?:env[ \t]+(?:-\S+[ \t]+)*)?(?:sh|bash|dash|ksh|zsh|ash)\b[^\n]*(?:\n|$)/.test(text) &&
  !text.includes("\0")

/** The script with hob's lines before all others, which may end it. */
export const withBlock = (text: string | null, name: GitHookName, hob: string): string => {
  const block = blockOf(name, hob)
  if (text === null) return `${SHEBANG}\n${block}`
  const rest = withoutBlock(text)
  if (rest === null) return `${SHEBANG}\n${block}`
  const end = rest.indexOf("\n")
  const [first, others] = end < 0 ? [rest, ""] : [rest.slice(0, end), rest.slice(end + 1)]
  return `${first}\n${block}${others}`
}

/** The script without hob's lines; null where nothing else is in it. */
export const withoutBlock = (text: string): string | null => {
  const rest = text.replace(ownBlock, "")
  return rest.replace(/^#![^\n]*/, "").trim() === "" ? null : rest
}

export const hasBlock = (text: string): boolean => text.includes(BEGIN)

/** What a hook is called that is no script of a shell, and is called behind hob's lines. */
export const ASIDE = ".before-hob"

/** A script that does hob's part, and then is the other one. */
export const wrapping = (name: GitHookName, hob: string): string =>
  `${SHEBANG}\n${blockOf(name, hob)}[ -x "$0${ASIDE}" ] || exit 0\nexec "$0${ASIDE}" "$@"\n`

export const isWrapping = (text: string): boolean => hasBlock(text) && text.includes(`exec "$0${ASIDE}" "$@"`)
