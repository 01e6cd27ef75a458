import { createHash } from "node:crypto"

/**
 * How much later than its slot a job begins: spread evenly below `jitterMillis`, by job and slot, and the same whenever
 * it is asked.
 */
export const jitterOf = (namespace: string, id: string, slot: number, jitterMillis: number): number => {
  if (jitterMillis === 0) return 0
  const hash = createHash("sha256").update(`${namespace}/${id}/${slot}`).digest()
  return hash.readUInt32BE(0) % jitterMillis
}
