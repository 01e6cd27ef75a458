import { findSetting, settingGroups, settingKeys, type SettingKey } from "../../src/config/settingKeys.ts"
import { reservedVariables } from "../../src/config/variables.ts"
import { cell } from "./docstrings.ts"
import { page, table } from "./pages.ts"

const MiB = 1024 * 1024

/** A default as people read it; the number itself stays, for copying. */
const shown = ({ default: value, key }: SettingKey): string => {
  const json = `\`${JSON.stringify(value)}\``
  if (typeof value !== "number" || value === 0) return json
  if (key.endsWith("Bytes") && value % 1024 === 0) {
    return `${json} (${value >= MiB ? `${value / MiB} MiB` : `${value / 1024} KiB`})`
  }
  if (key.endsWith("Millis")) {
    const day = 24 * 3600 * 1000
    return `${json} (${value % day === 0 ? `${value / day} days` : `${value / 1000} s`})`
  }
  return json
}

const example = {
  sessions: { maxCount: 50, detachKey: "C-b d" },
  daemon: { idleExitMillis: 3_600_000 }
}

for (const [group, members] of Object.entries(example)) {
  for (const [name, value] of Object.entries(members)) {
    const setting = findSetting(`${group}.${name}`)
    if (setting === undefined || setting.decode(value)._tag === "None")
      throw new Error(`${group}.${name} is no example`)
  }
}

/** docs/config.md: every setting, from the schema. */
export const configPage = (): string =>
  page([
    "# Configuration",
    [
      "Everything has a default; hob runs without a configuration. A value comes from the first of these that has it:",
      "",
      "1. a flag: `-c group.name=value` on the commands that start the daemon",
      "2. the environment: `HOB_GROUP_NAME`",
      "3. the file `config.json` in the home (`~/.hob`, or `HOB_HOME`)",
      "4. the default"
    ].join("\n"),
    "`hob config show` prints every setting in force and where it came from. SIGHUP, or `daemon.reload`, reads the file again: settings that apply " +
      "at once or to new sessions change, the others wait for the next daemon, and the answer names them. An unknown key or a wrong value is an error that names the file, the " +
      "key and what was expected; what was in force stays in force.",
    `\`\`\`json\n${JSON.stringify(example, null, 2)}\n\`\`\``,
    ...settingGroups.map((group) =>
      [
        `## ${group}`,
        table(
          ["setting", "default", "meaning", "a value is", "applies"],
          settingKeys
            .filter((setting) => setting.key === group || setting.key.startsWith(`${group}.`))
            .map((setting) => [
              `\`${setting.key}\`<br>\`${setting.variable}\``,
              shown(setting),
              cell(setting.description),
              cell(setting.expected),
              setting.applies
            ])
        )
      ].join("\n\n")
    ),
    "## Other variables",
    table(
      ["variable", ""],
      Object.entries(reservedVariables).map(([name, meaning]) => [`\`${name}\``, cell(meaning)])
    )
  ])
