import type { Size } from "./stream.ts"

/** A terminal's size, which it may not know. */
export const sizeOf = ({ columns, rows }: { readonly columns?: number; readonly rows?: number }): Size => ({
  cols: clamp(columns, 80),
  rows: clamp(rows, 24)
})

const clamp = (value: number | undefined, fallback: number): number =>
  value === undefined || value < 1 ? fallback : Math.min(value, 4096)
