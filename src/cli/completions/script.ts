import { Completions } from "effect/cli"
import { settingKeys } from "../../config/settingKeys.ts"
import { VERSION } from "../../config/version.ts"
import { dialectNames } from "../../protocol/dialectStatus.ts"
import { keyNames } from "../keys.ts"
import { markPattern, withMarks } from "./dynamic.ts"
import { type Place, teach } from "./places.ts"

export type Shell = "bash" | "zsh" | "fish"
export const shells = ["bash", "zsh", "fish"] as const satisfies ReadonlyArray<Shell>

const settings = (): string => settingKeys.map(({ key }) => `${key}=`).join(" ")
const keys = (): string => keyNames.join(" ")
const dialects = (): string => dialectNames.join(" ")

/**
 * Asks a running hob. The terminal is kept from it: Node sets a terminal that is its standard input back, when it ends,
 * to what it was when Node began, and the shell has gone on meanwhile.
 */
const ask = (kind: string): string => `hob __complete ${kind} </dev/null 2>/dev/null`

const bashHelper = () => `_hob--values()
{
  local _values=() _value _rest
  case "$1" in
    settings) _values=(${settings()}); compopt -o nospace 2>/dev/null ;;
    keys) _values=(${keys()}) ;;
    dialects) _values=(${dialects()}) ;;
    *) while IFS=$'\\t' read -r _value _rest; do _values+=("$_value"); done < <(${ask('"$1"')}) ;;
  esac
  _hob--choices "$cur" "$_comp_word" "\${_values[@]}"
  # Nothing but what is typed already: bash would put two quotes there.
  [[ \${#COMPREPLY[@]} -eq 1 && "\${COMPREPLY[0]}" == "''" ]] && COMPREPLY=()
  return 0
}
`

const zshHelper = () => `_hob_values() {
  local kind=$@[-1]
  local -a options values
  options=("\${@[1,-2]}")
  case $kind in
    settings) compadd $options -S '' -- ${settings()} ;;
    keys) compadd $options -- ${keys()} ;;
    dialects) compadd $options -- ${dialects()} ;;
    *)
      values=(\${(f)"$(command ${ask("$kind")})"})
      values=(\${values//:/\\\\:})
      values=(\${values/$'\\t'/:})
      _describe -t $kind $kind values $options
      ;;
  esac
}
`

/** What is known already; the rest is asked of a running hob. */
const known: Readonly<Record<string, () => string>> = { settings, keys, dialects }

const fishValues = (kind: string): string => known[kind]?.() ?? `(${ask(kind)})`

/** Puts `helper` in front of the first function. */
const before = (script: string, start: string, helper: string): string =>
  script.replace(start, () => `${helper}\n${start}`)

const dynamic: Readonly<Record<Shell, (script: string) => string>> = {
  bash: (script) =>
    before(
      script.replace(markPattern(`_hob--choices "\\$cur" "\\$_comp_word" '`, "'"), "_hob--values $1"),
      "_hob()\n",
      bashHelper()
    ),
  zsh: (script) => before(script.replace(markPattern("\\(", "\\)"), "_hob_values $1"), "_hob() {", zshHelper()),
  fish: (script) => script.replace(markPattern("", ""), (_, kind: string) => fishValues(kind))
}

/**
 * The script that completes hob's commands, flags and their values in a shell. What only a running hob knows, the
 * script asks `hob __complete` for; that starts no daemon.
 */
export const completionScript = (tree: Completions.CommandDescriptor, shell: Shell, place: Place): string => {
  const script = dynamic[shell](Completions.generate(tree.name, shell, withMarks(tree)))
  // The head of the generated script names a flag that hob hasn't.
  const head = [`# Completions of hob ${VERSION} for ${shell}.`, "#", ...teach(place).map((line) => `# ${line}`)]
  return script.replace(/^# Static completion script[^\n]*\n(?:#[^\n]*\n)*/m, () => `${head.join("\n")}\n`)
}
