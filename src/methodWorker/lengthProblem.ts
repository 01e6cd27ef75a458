/** What is wrong with the length of a JSON text, as the end of a sentence; undefined where it may be that long. */
export const lengthProblem = (text: string, maxBytes: number): string | undefined => {
  // A character has three bytes at most.
  if (text.length * 3 <= maxBytes) return undefined
  const bytes = Buffer.byteLength(text)
  return bytes <= maxBytes ? undefined : `${bytes} bytes long, and ${maxBytes} may be (methods.resultBytes)`
}
