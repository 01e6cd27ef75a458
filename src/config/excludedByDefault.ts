/** Files whose changes are not captured unless `capture.excludePatterns` says otherwise. */
export const excludedByDefault: ReadonlyArray<string> = [
  "*.env",
  "*.env.*",
  "*secret*",
  "*password*",
  "*api*key*",
  "*.pem",
  "*.key",
  "id_rsa*",
  "id_ed25519*"
]
