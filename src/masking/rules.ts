/** Secrets that the rule set of secretlint does not know, or knows in fewer forms. Pure. */

/** What a secret looks like. Where the pattern has a group `secret`, that alone is masked, else the whole match. */
export interface Rule {
  /** Stands in the place of what is masked. */
  readonly kind: string
  /** With the flags `g` and `d`. Bounded: no text makes it slower than linear. */
  readonly pattern: RegExp
  /** Whether what was found is one, where the pattern alone can't tell. */
  readonly isSecret?: (found: string) => boolean
}

/** Names of what is kept secret, as parts of variables, keys and flags. */
const NAME = String.raw`(?:pass(?:word|wd|phrase)?|pwd|secret|token|api[_-]?key|apikey|access[_-]?key|private[_-]?key|signing[_-]?key|encryption[_-]?key|client[_-]?key|master[_-]?key|credentials?|auth(?:orization)?|cookie|dsn|connection[_-]?string|webhook[_-]?url)`
const BEFORE = "(?<![A-Za-z0-9_-])"
const AFTER = "(?![A-Za-z0-9_-])"

/** Values that stand for a secret that is elsewhere: a masked one, a variable, a placeholder, a word of a language. */
const placeholder =
  /^(?:\[masked|[$%<{]|x{3,}|\*{3,}|\.{3}|your[-_ ]|my[-_ ]|example|changeme|placeholder|todo|null\b|none\b|nil\b|true\b|false\b|undefined\b|string\b|process\.env|import\.meta|os\.environ|env\(|ENV\[)/i
const isValue = (found: string): boolean => !placeholder.test(found)
/** An expression of a programming language rather than a value. */
const isLiteral = (found: string): boolean => isValue(found) && /\d|[^\w.()]/.test(found) && !/[()]/.test(found)

const token = (kind: string, pattern: string): Rule => ({
  kind,
  pattern: new RegExp(`${BEFORE}(?:${pattern})${AFTER}`, "gd")
})

export const rules: ReadonlyArray<Rule> = [
  {
    // One that is cut off at the end of the text is one too.
    kind: "private key",
    pattern:
      /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----[^]*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|$)/dg
  },
  { kind: "private key", pattern: /\bAGE-SECRET-KEY-1[0-9A-Z]{58}\b/dg },
  { kind: "private key", pattern: /^\s*PrivateKey\s*=\s*(?<secret>[A-Za-z0-9+/]{43}=)/dgm },
  token("jwt", String.raw`eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]{8,}){1,3}`),
  {
    kind: "authorization",
    pattern: /\b(?:Bearer|Basic|Digest|SSWS|token)\s+(?<secret>[A-Za-z0-9._~+/=-]{16,})/dgi,
    isSecret: (found) => isValue(found) && /\d/.test(found)
  },
  {
    kind: "authorization",
    pattern: /\bauthorization["']?\s*[:=]\s*["']?(?<secret>[^\s"',;]{8,}(?: [^\s"',;]{8,})?)/dgi,
    isSecret: (found) => isLiteral(found) && !/^(?:Bearer|Basic|Digest|SSWS|token)$/i.test(found)
  },
  {
    kind: "cookie",
    pattern: /(?<![\w-])(?:set-)?cookie\s*:\s*(?<secret>[^\r\n"'`\\=]{1,256}=[^\r\n"'`\\]{4,4096})/dgi,
    isSecret: isValue
  },
  {
    // A file of variables, or an assignment in a shell.
    kind: "value",
    pattern: new RegExp(
      String.raw`(?:^|[\s;&|"'\`+-]|\\[nrt])(?:export[ \t]+|set[ \t]+|-e[ \t]+|--env[ =])?[A-Z0-9_]{0,64}(?:${NAME.toUpperCase().replaceAll("[_-]", "_")}|KEY)[A-Z0-9_]{0,64}=(?<secret>"[^"\r\n]{1,4096}"|\\"[^"\\\r\n]{1,4096}\\"|'[^'\r\n]{1,4096}'|(?:[^\s"'\`;&|\\]|\\(?![nrt"])){1,4096})`,
      "gd"
    ),
    isSecret: (found) => isValue(found.replace(/^\\?["']/, ""))
  },
  {
    // A literal in code, JSON, YAML, TOML.
    kind: "value",
    pattern: new RegExp(
      // JSON may stand in JSON.
      String.raw`${NAME}[\w.-]{0,64}\\{0,7}["']?\s*(?::=|=>|[:=])\s*\\{0,7}["'\`](?<secret>[^"'\`\r\n\\\s]{6,4096})\\{0,7}["'\`]`,
      "gid"
    ),
    isSecret: isValue
  },
  {
    // The same without quotes, alone on its line.
    kind: "value",
    pattern: new RegExp(
      String.raw`(?:^|\\n)[ \t]*(?:[-+>][ \t]*)?[\w.-]{0,64}${NAME}[\w.-]{0,64}[ \t]*[:=][ \t]*(?<secret>[^\s"'\`(){}<>$,;\\]{6,4096})(?=[ \t]*(?:$|\\[nr]|["'\`]))`,
      "gimd"
    ),
    isSecret: isLiteral
  },
  {
    // A header, or a key of Kubernetes, within a line.
    kind: "value",
    pattern:
      /(?<![\w-])(?:x-[a-z-]{0,32}(?:key|token|secret)|api-?key|client-key-data)["']?\s*:\s*["']?(?<secret>[A-Za-z0-9._~+/-]{16,4096}={0,2})/dgi,
    isSecret: (found) => isValue(found) && /\d/.test(found)
  },
  {
    kind: "password",
    pattern:
      /(?<![\w-])(?:password|passwd|passphrase|pwd|passwort)\s?[:=]\s?(?<secret>[^\s"'`(){}[\]<>$,;\\]{8,256})(?=[\s,;"'\\]|$)/dgi,
    isSecret: (found) => isValue(found) && /\d/.test(found) && /[a-z]/i.test(found) && !/^[\w$]+\.[\w.$]+$/.test(found)
  },
  {
    kind: "password",
    pattern: /<(?:password|passwd|passphrase|secret|token|api-?key)>\s*(?<secret>[^\s<>]{6,4096})\s*<\//dgi,
    isSecret: isValue
  },
  {
    kind: "password",
    pattern: /\b(?:mysql|mariadb)[a-z_-]{0,16}\b[^\r\n]{0,512}?\s-p(?<secret>[^\s"'\\-][^\s"'\\]{3,255})/dg
  },
  { kind: "password", pattern: /\bsshpass\s+-p\s*["']?(?<secret>[^\s"'\\]{1,256})/dg, isSecret: isValue },
  {
    kind: "value",
    pattern: new RegExp(String.raw`(?<![\w-])--?[\w-]{0,64}${NAME}=\\?["']?(?<secret>[^\s"'\\]{6,4096})`, "gid"),
    isSecret: isValue
  },
  {
    kind: "value",
    pattern: new RegExp(String.raw`(?<![\w-])--?[\w-]{0,64}${NAME}[ \t]+\\?["']?(?<secret>[^\s"'\\]{6,4096})`, "gid"),
    isSecret: isLiteral
  },
  {
    kind: "password",
    pattern: /\bcurl\b[^\r\n]{0,512}?\s(?:-u|--user)[ =]["']?[^\s:"']{1,256}:(?<secret>[^\s"']{1,256})/dg
  },
  {
    kind: "password",
    pattern: /\bpassword\s+(?:is|was|=)\s+["'`]?(?<secret>[^\s"'`]{6,256})/dgi,
    isSecret: isLiteral
  },
  {
    kind: "password",
    pattern: /\b[a-z][a-z0-9+.-]{1,30}:\/\/[^\s:@/"'`]{0,256}:(?<secret>[^\s@/"'`]{1,256})@/dgi,
    isSecret: isValue
  },
  token(
    "google",
    String.raw`AIza[0-9A-Za-z_-]{35}|ya29\.[0-9A-Za-z_-]{20,}|GOCSPX-[0-9A-Za-z_-]{20,40}|1\/\/0[0-9A-Za-z_-]{40,}`
  ),
  token("aws", String.raw`(?:A3T[A-Z0-9]|AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}`),
  token("github", String.raw`gh[pousr]_[A-Za-z0-9_]{36,255}|github_pat_[A-Za-z0-9_]{22,255}`),
  token("gitlab", String.raw`gl(?:pat|dt|rt|ptt|ft|oas|cbt|agent|imt|soat|ffct|wt)-[A-Za-z0-9_.-]{20,}`),
  token("openai", String.raw`sk-(?:[a-z]{1,12}-)?[A-Za-z0-9_-]{20,}`),
  token(
    "ai",
    String.raw`gsk_[A-Za-z0-9]{20,}|hf_[A-Za-z0-9]{30,}|r8_[A-Za-z0-9]{30,}|xai-[A-Za-z0-9]{40,}|pplx-[A-Za-z0-9]{32,}|tgp_v1_[A-Za-z0-9_-]{30,}`
  ),
  token("stripe", String.raw`(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{16,}|whsec_[A-Za-z0-9+/=]{24,}`),
  token("slack", String.raw`xox[abeoprs]-[A-Za-z0-9-]{10,}|xapp-[0-9]-[A-Za-z0-9-]{10,}`),
  { kind: "webhook", pattern: /https:\/\/hooks\.slack\.com\/(?:services|workflows|triggers)\/[A-Za-z0-9/_-]{20,}/dg },
  {
    kind: "webhook",
    pattern: /https:\/\/(?:ptb\.|canary\.)?discord(?:app)?\.com\/api\/webhooks\/\d+\/[A-Za-z0-9_-]{20,}/dg
  },
  { kind: "webhook", pattern: /https:\/\/[a-z0-9-]+\.webhook\.office\.com\/webhookb2\/[^\s"'<>]{20,}/dgi },
  token("discord", String.raw`[MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,}`),
  token("telegram", String.raw`\d{8,10}:[A-Za-z0-9_-]{35}`),
  token("twilio", "(?:SK|AC)[0-9a-f]{32}"),
  token("mailgun", "key-[0-9a-f]{32}|[0-9a-f]{32}-[0-9a-f]{8}-[0-9a-f]{8}"),
  token("mailchimp", String.raw`[0-9a-f]{32}-us\d{1,2}`),
  token("sendgrid", String.raw`SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}`),
  token("npm", "npm_[A-Za-z0-9]{36,}"),
  token(
    "registry",
    "pypi-[A-Za-z0-9_-]{50,}|rubygems_[0-9a-f]{48}|oy2[a-z0-9]{43}|cio[A-Za-z0-9]{32}|dckr_pat_[A-Za-z0-9_-]{20,}"
  ),
  token(
    "cloud",
    "do[opr]_v1_[0-9a-f]{64}|dapi[0-9a-f]{32}(?:-\\d)?|HRKU-[A-Za-z0-9_-]{30,}|nfp_[A-Za-z0-9]{36,}|sbp_[0-9a-f]{40}|sb_secret_[A-Za-z0-9_-]{20,}|fm[12]_[A-Za-z0-9+/=_-]{40,}|cfk_[A-Za-z0-9]{40,}|cf[au]t_[A-Za-z0-9]{40,}|LTAI[A-Za-z0-9]{12,30}|fo1_[A-Za-z0-9_-]{40,}|pscale_(?:tkn|pw|oauth)_[A-Za-z0-9_.-]{32,}"
  ),
  token(
    "monitoring",
    "sntr[yu]s_[A-Za-z0-9_+/=-]{40,}|NRAK-[A-Z0-9]{27}|gl(?:c|sa)_[A-Za-z0-9_+/=]{32,}|phc_[A-Za-z0-9]{40,}|phx_[A-Za-z0-9]{40,}"
  ),
  token(
    "tools",
    String.raw`PMAK-[0-9a-f]{24}-[0-9a-f]{34}|dp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9._-]{40,}|figd_[A-Za-z0-9_-]{40,}|lin_api_[A-Za-z0-9]{32,}|ntn_[A-Za-z0-9]{40,}|secret_[A-Za-z0-9]{43}|ATATT3[A-Za-z0-9_=-]{50,}|pat[A-Za-z0-9]{14}\.[0-9a-f]{64}|hv[sbr]\.[A-Za-z0-9_-]{24,}|[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{60,}`
  ),
  token(
    "shop",
    String.raw`shp(?:at|ca|pa|ss)_[A-Za-z0-9]{32,}|sq0(?:atp|csp)-[A-Za-z0-9_-]{22,43}|EAAA[A-Za-z0-9_-]{60}|sk_[a-z]+_[A-Za-z0-9]{24,}`
  ),
  { kind: "azure", pattern: /\b(?:AccountKey|SharedAccessKey)=(?<secret>[A-Za-z0-9+/]{40,}={0,2})/dgi },
  { kind: "azure", pattern: /[?&]sig=(?<secret>[A-Za-z0-9%+/=]{30,})/dg },
  { kind: "password", pattern: /^[ \t]*machine[ \t]+\S+[ \t]+login[ \t]+\S+[ \t]+password[ \t]+(?<secret>\S+)/dgim },
  { kind: "npm", pattern: /_(?:authToken|auth|password)\s*=\s*["']?(?<secret>[^\s"'$]{6,})/dg, isSecret: isValue }
]
