import type { SQLInputValue, SQLOutputValue } from "node:sqlite"
import { crc32 } from "node:zlib"

/**
 * A row's checksum, as the SQL function `row_crc`. A table has it as its last column,
 * `crc INTEGER NOT NULL GENERATED ALWAYS AS (row_crc(a, b, …)) STORED` with all other columns in their order; SQLite
 * then keeps it itself, and opening the store checks every row. Changing this function makes every row look damaged.
 */
export const rowCrc = (...values: ReadonlyArray<SQLOutputValue>): SQLInputValue => {
  let crc = 0
  let text = ""
  for (const value of values) {
    if (typeof value === "string") text += `t${value.length}:${value}`
    else if (typeof value === "bigint") text += `i${value};`
    else if (typeof value === "number") text += `r${value};`
    else if (value === null) text += "n"
    else {
      crc = crc32(value, crc32(`${text}b${value.length}:`, crc))
      text = ""
    }
  }
  return crc32(text, crc)
}
