import { mark } from "./units.ts"

export interface PlistOptions {
  readonly label: string
  readonly version: string
  readonly command: ReadonlyArray<string>
  readonly environment: Readonly<Record<string, string>>
  /** Where what the daemon says before it has a log of its own goes. */
  readonly log: string
}

const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;")

const string = (text: string): string => `<string>${escaped(text)}</string>`

/**
 * The agent of launchd that keeps a daemon: started at login, and again when it fails, not when it was stopped. launchd's
 * own sockets are given only to programs that ask for them through a C function, so hob listens by itself.
 * `AbandonProcessGroup`: what the daemon leaves behind, the sessions, is left alone.
 */
export const plist = ({ command, environment, label, log, version }: PlistOptions): string =>
  [
    `<?xml version="1.0" encoding="UTF-8"?>`,
    `<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">`,
    `<!-- ${mark(version).slice(2)} -->`,
    `<plist version="1.0">`,
    `<dict>`,
    `  <key>Label</key>`,
    `  ${string(label)}`,
    `  <key>ProgramArguments</key>`,
    `  <array>`,
    ...command.map((text) => `    ${string(text)}`),
    `  </array>`,
    `  <key>EnvironmentVariables</key>`,
    `  <dict>`,
    ...Object.entries(environment).flatMap(([key, value]) => [
      `    <key>${escaped(key)}</key>`,
      `    ${string(value)}`
    ]),
    `  </dict>`,
    `  <key>RunAtLoad</key>`,
    `  <true/>`,
    `  <key>KeepAlive</key>`,
    `  <dict>`,
    `    <key>SuccessfulExit</key>`,
    `    <false/>`,
    `  </dict>`,
    `  <key>AbandonProcessGroup</key>`,
    `  <true/>`,
    `  <key>ExitTimeOut</key>`,
    `  <integer>30</integer>`,
    `  <key>StandardErrorPath</key>`,
    `  ${string(log)}`,
    `</dict>`,
    `</plist>`,
    ``
  ].join("\n")
