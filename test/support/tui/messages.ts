const words =
  "please look at the test that fails and say why it does 日本語 naïve — `code` {json: [1, 2]} 😀 C:\\path <tag>".split(
    " "
  )

/** A message of about so many bytes, in lines of different lengths; the same for the same number. */
export const message = (bytes: number, seed: number): string => {
  let state = seed + 1
  const next = (below: number) => {
    state = (state * 1_103_515_245 + 12_345) & 0x7fff_ffff
    return (state >> 8) % below
  }
  if (bytes < 4) return "y".repeat(bytes)
  const lines: Array<string> = []
  for (let size = 0; size < bytes;) {
    const line = Array.from({ length: 1 + next(14) }, () => words[next(words.length)]).join(" ")
    lines.push(line)
    size += Buffer.byteLength(line) + 1
  }
  return lines.join("\n")
}
