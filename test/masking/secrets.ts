/** Secrets as they are really written, none of them real: made of parts, so that nobody takes this file for a leak. */

/** Characters without an order, the same each time. */
const made = (alphabet: string, length: number, seed: number): string => {
  let state = seed * 2654435761 + 12345
  let text = ""
  while (text.length < length) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    text += alphabet[(state >>> 8) % alphabet.length]
  }
  return text
}

const LOWER = "abcdefghijklmnopqrstuvwxyz"
const UPPER = LOWER.toUpperCase()
const DIGITS = "0123456789"
const WORD = LOWER + UPPER + DIGITS
const HEX = "0123456789abcdef"
const BASE64 = `${WORD}+/`

let seed = 0
const word = (length: number) => made(WORD, length, ++seed)
const letters = (length: number) => made(LOWER + UPPER, length, ++seed)
const upper = (length: number) => made(UPPER + DIGITS, length, ++seed)
const hex = (length: number) => made(HEX, length, ++seed)
const digits = (length: number) => made("123456789", length, ++seed)
const base64 = (length: number) => made(BASE64, length, ++seed)

const join = (...parts: ReadonlyArray<string>) => parts.join("")
const pem = (label: string, begin: string, lines: number) => {
  const body = [begin + base64(64 - begin.length), ...Array.from({ length: lines }, () => base64(64))]
  return `-----BEGIN ${label}-----\n${body.join("\n")}\n-----END ${label}-----`
}

export interface Example {
  readonly name: string
  /** What must be found nowhere. */
  readonly secret: string
  /** How somebody writes it. */
  readonly text: string
}

const example = (name: string, secret: string, write: (secret: string) => string): Example => ({
  name,
  secret,
  text: write(secret)
})

const rsa = pem("RSA PRIVATE KEY", "MIIEpAIBAAKCAQEA", 24)
const openssh = pem("OPENSSH PRIVATE KEY", "b3BlbnNzaC1rZXktdjEAAAAABG5vbmU", 6)
const pkcs8 = pem("PRIVATE KEY", "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC", 24)

export const examples: ReadonlyArray<Example> = [
  example("AWS access key id", join("AK", "IA", upper(16)), (s) => `aws configure set aws_access_key_id ${s}`),
  example("AWS secret access key", base64(40), (s) => `AWS_SECRET_ACCESS_KEY=${s}`),
  example("AWS secret in code", base64(40), (s) => `const client = new S3({ secretAccessKey: "${s}" })`),
  example("AWS session token", base64(220), (s) => `export AWS_SESSION_TOKEN="${s}"`),
  example("GitHub classic token", join("gh", "p_", word(36)), (s) => `git clone https://${s}@github.com/acme/app.git`),
  example("GitHub fine-grained token", join("github", "_pat_", word(82)), (s) => `use ${s} for the API`),
  example("GitHub app token", join("gh", "s_", word(36)), (s) => `token: ${s}`),
  example(
    "GitLab token",
    join("gl", "pat-", word(20)),
    (s) => `curl -H "PRIVATE-TOKEN: ${s}" https://gitlab.example.com/api/v4/projects`
  ),
  example("GitLab runner token", join("gl", "rt-", word(20)), (s) => `gitlab-runner register --token ${s}`),
  example("npm token", join("np", "m_", word(36)), (s) => `//registry.example.com/:_authToken=${s}`),
  example("npmrc password", base64(24), (s) => `//registry.example.com/:_password=${s}`),
  example("PyPI token", join("py", "pi-AgEIcHlwaS5vcmc", word(120)), (s) => `twine upload -u __token__ -p ${s}`),
  example("Slack bot token", join("xo", "xb-", digits(12), "-", digits(12), "-", word(24)), (s) => `SLACK: ${s}`),
  example(
    "Slack webhook",
    join("https://hooks.slack", ".com/services/T", upper(8), "/B", upper(8), "/", word(24)),
    (s) => `post to ${s}`
  ),
  example("Stripe live key", join("sk", "_live_", word(24)), (s) => `Stripe("${s}")`),
  example("Stripe restricted key", join("rk", "_live_", word(24)), (s) => `the key is ${s}, please`),
  example("Stripe webhook secret", join("wh", "sec_", word(32)), (s) => `endpoint secret ${s}`),
  example(
    "OpenAI key",
    join("sk", "-proj-", word(74), "T3BlbkFJ", word(74)),
    (s) => `OPENAI_API_KEY=${s} node index.js`
  ),
  example("OpenAI legacy key", join("sk", "-", word(20), "T3BlbkFJ", word(20)), (s) => `openai.api_key = '${s}'`),
  example("Anthropic key", join("sk", "-ant-api03-", word(93), "AA"), (s) => `x-api-key: ${s}`),
  example("Hugging Face token", join("h", "f_", letters(34)), (s) => `huggingface-cli login --token ${s}`),
  example("Groq key", join("gs", "k_", word(52)), (s) => `Groq({ apiKey: "${s}" })`),
  example("Google API key", join("AI", "za", word(35)), (s) => `https://maps.googleapis.com/maps/api/js?key=${s}`),
  example("Google OAuth client secret", join("GOC", "SPX-", word(28)), (s) => `client secret ${s}`),
  example("Google refresh token", join("1/", "/0", word(60)), (s) => `refresh with ${s}`),
  example("SendGrid key", join("S", "G.", word(22), ".", word(43)), (s) => `sgMail.setApiKey('${s}')`),
  example("Twilio key", join("S", "K", hex(32)), (s) => `Twilio ${s}`),
  example("Mailgun key", join("ke", "y-", hex(32)), (s) => `curl --user "api:${s}" https://api.mailgun.net/v3`),
  example("Mailchimp key", join(hex(32), "-us", "12"), (s) => `mailchimp ${s}`),
  example("Telegram bot token", join(digits(9), ":AA", word(33)), (s) => `bot${s}/sendMessage`.replace("bot", "bot ")),
  example("Discord bot token", join("M", word(23), ".", word(6), ".", word(38)), (s) => `client.login("${s}")`),
  example("Shopify token", join("shp", "at_", hex(32)), (s) => `X-Shopify-Access-Token: ${s}`),
  example("DigitalOcean token", join("do", "p_v1_", hex(64)), (s) => `doctl auth init -t ${s}`),
  example("Databricks token", join("da", "pi", hex(32)), (s) => `databricks ${s}`),
  example("Docker token", join("dck", "r_pat_", word(27)), (s) => `docker login -u ada -p ${s}`),
  example("Sentry token", join("snt", "rys_", word(60)), (s) => `sentry-cli --auth-token ${s}`),
  example("Vault token", join("hv", "s.", word(95)), (s) => `vault login ${s}`),
  example("Linear key", join("lin", "_api_", word(40)), (s) => `Authorization: ${s}`),
  example("Postman key", join("PM", "AK-", hex(24), "-", hex(34)), (s) => `X-Api-Key: ${s}`),
  example(
    "JSON web token",
    join("ey", "J", word(30), ".ey", "J", word(80), ".", word(43)),
    (s) => `curl -H 'Authorization: Bearer ${s}' https://api.example.com`
  ),
  example("bearer token", word(40), (s) => `Authorization: Bearer ${s}`),
  example("basic authorization", `${base64(30)}==`, (s) => `Authorization: Basic ${s}`),
  example("RSA key", rsa, (s) => `this is the key:\n${s}\nput it into deploy.sh`),
  example("OpenSSH key", openssh, (s) => `cat ~/.ssh/id_ed25519\n${s}`),
  example("key in JSON", pkcs8.replaceAll("\n", "\\n"), (s) => `{"type":"service_account","private_key":"${s}\\n"}`),
  example("database address", "s3cr3tPassw0rd", (s) => `DATABASE_URL=postgres://app:${s}@db.internal:5432/app`),
  example("address with a password", word(16), (s) => `redis://default:${s}@cache.internal:6379/0`),
  example("password in .env", "correct-horse-battery", (s) => `DB_HOST=localhost\nDB_PASSWORD=${s}\nDB_PORT=5432`),
  example("quoted password in .env", "two words & more", (s) => `export SMTP_PASSWORD="${s}"`),
  example("password in YAML", "Tr0ub4dor&3", (s) => `db:\n  user: app\n  password: ${s}\n`),
  example("password in JSON", "hunter2hunter2", (s) => `{ "user": "ada", "password": "${s}" }`),
  example("token in code", word(28), (s) => `const ACCESS_TOKEN = '${s}'`),
  example("password in words", "Winter2026!x", (s) => `the password is ${s} and please don't tell`),
  example("flag of a command", word(20), (s) => `mysql --user=root --password=${s} -e 'select 1'`),
  example(
    "Azure storage key",
    `${base64(86)}==`,
    (s) => `DefaultEndpointsProtocol=https;AccountName=acme;AccountKey=${s};EndpointSuffix=core.windows.net`
  ),
  example("key in a header of a command", word(32), (s) => `curl -sH 'X-Api-Key: ${s}' https://api.example.com/v1`),
  example("token in a header of a sentence", word(40), (s) => `send X-Auth-Token: ${s}, then it answers`),
  example("Okta token", join("0", "0", word(40)), (s) => `curl -H "Authorization: SSWS ${s}" https://acme.okta.com`),
  example(
    "password in XML",
    "Tr0ub4dor3x",
    (s) => `<server><username>ada</username><password>${s}</password></server>`
  ),
  example("password of mysql", "Tr0ub4dor&3", (s) => `mysqldump -u root -p${s} shop > shop.sql`),
  example("password of ssh", "Tr0ub4dor&3", (s) => `sshpass -p '${s}' ssh root@build.example.com`),
  example("password within a line", "Tr0ub4dor3x", (s) => `log in with user: ada, password: ${s}, then try again`),
  example("JSON in JSON", "Tr0ub4dor&3", (s) => JSON.stringify(JSON.stringify({ password: s, user: "ada" }))),
  example("key of Kubernetes", `${base64(88)}==`, (s) => `look: client-key-data: ${s} is in ~/.kube/config`),
  example("PlanetScale password", join("psc", "ale_pw_", word(43)), (s) => `connect with ${s}`),
  example("Fly token", join("fo", "1_", word(43)), (s) => `fly auth token ${s}`),
  example("cookie", `sid=${word(32)}`, (s) => `Cookie: ${s}; theme=dark`)
]
