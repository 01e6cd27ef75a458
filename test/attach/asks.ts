/**
 * A program that asks its terminal everything it can be asked, one question at a time: `node asks.ts`. Behind each
 * question it asks for the status, which is always answered, so that it knows when the answer must have come. It prints
 * `ANSWERS` and the answers as JSON. Asks again whenever it is sent a line.
 */
const ESC = "\u001b"
const questions: Readonly<Record<string, string>> = {
  DA1: `${ESC}[c`,
  DA2: `${ESC}[>c`,
  CPR: `${ESC}[6n`,
  DECRQM: `${ESC}[?2004$p`,
  "OSC 10": `${ESC}]10;?${ESC}\\`,
  "OSC 11": `${ESC}]11;?\u0007`,
  XTVERSION: `${ESC}[>q`,
  kitty: `${ESC}[?u`,
  XTWINOPS: `${ESC}[18t`,
  DECRQSS: `${ESC}P$qm${ESC}\\`
}
const FENCE = `${ESC}[0n`

let heard = ""
let look = () => {}
process.stdin.setRawMode(true)
process.stdin.setEncoding("latin1").on("data", (text: string) => {
  heard += text
  look()
})
const upTo = (end: string): Promise<string> =>
  new Promise((resolve) => {
    look = () => {
      const at = heard.indexOf(end)
      if (at < 0) return
      const before = heard.slice(0, at)
      heard = heard.slice(at + end.length)
      look = () => {}
      resolve(before)
    }
    look()
  })

process.stdout.write("READY\r\n")
for (;;) {
  await upTo("\r")
  const answers: Record<string, string> = {}
  for (const [name, question] of Object.entries(questions)) {
    process.stdout.write(`${question}${ESC}[5n`)
    answers[name] = await upTo(FENCE)
  }
  // What was answered twice may come late.
  process.stdout.write(`${ESC}[5n`)
  const late = await upTo(FENCE)
  process.stdout.write(`\r\nANSWERS ${JSON.stringify({ ...answers, late })}\r\n`)
}
