/** Colours as terminals are told them and tell them. */
import type { Rgb } from "./tracked.ts"

/** What a program is told when it asks for a colour nobody has changed. */
export interface Colours {
  readonly foreground: Rgb
  readonly background: Rgb
  readonly cursor: Rgb
  /** 0 to 15; the other 240 are the same everywhere. */
  readonly palette: ReadonlyArray<Rgb>
}

const hex = (text: string): ReadonlyArray<Rgb> =>
  text.split(" ").map((colour) => {
    const value = Number.parseInt(colour, 16)
    return [value >> 16, (value >> 8) & 255, value & 255]
  })

/** Light on dark, xterm's palette. */
export const defaultColours: Colours = {
  foreground: [0xe5, 0xe5, 0xe5],
  background: [0, 0, 0],
  cursor: [0xe5, 0xe5, 0xe5],
  palette: hex(
    "000000 cd0000 00cd00 cdcd00 0000ee cd00cd 00cdcd e5e5e5 7f7f7f ff0000 00ff00 ffff00 5c5cff ff00ff 00ffff ffffff"
  )
}

/** Colour `index` (0 to 255) of the palette. */
export const paletteColour = (colours: Colours, index: number): Rgb => {
  if (index < 16) return colours.palette[index] ?? defaultColours.palette[index]!
  if (index >= 232) {
    const grey = 8 + (index - 232) * 10
    return [grey, grey, grey]
  }
  const level = (step: number) => (step === 0 ? 0 : 55 + step * 40)
  const cube = index - 16
  return [level(Math.floor(cube / 36)), level(Math.floor(cube / 6) % 6), level(cube % 6)]
}

const named: Record<string, Rgb> = {
  black: [0, 0, 0],
  red: [255, 0, 0],
  green: [0, 255, 0],
  yellow: [255, 255, 0],
  blue: [0, 0, 255],
  magenta: [255, 0, 255],
  cyan: [0, 255, 255],
  white: [255, 255, 255]
}

/** `rgb:r/g/b` with one to four hexadecimal digits each, `#rgb` to `#rrrrggggbbbb`, or a plain name. */
export const parseColour = (text: string): Rgb | undefined => {
  const lower = text.toLowerCase()
  const parts = /^rgba?:([\da-f]{1,4})\/([\da-f]{1,4})\/([\da-f]{1,4})(?:\/[\da-f]{1,4})?$/.exec(lower)
  if (parts !== null) {
    const [red, green, blue] = parts.slice(1, 4).map((digits) => {
      return Math.round((Number.parseInt(digits, 16) / (16 ** digits.length - 1)) * 255)
    })
    return [red!, green!, blue!]
  }
  const digits = /^#([\da-f]+)$/.exec(lower)?.[1]
  if (digits === undefined || digits.length > 12 || digits.length % 3 !== 0) return named[lower]
  const each = digits.length / 3
  const [red, green, blue] = [0, 1, 2].map((index) => {
    // Leading digits count; the rest is finer than a screen.
    return Number.parseInt(digits.slice(index * each, index * each + 2).padEnd(2, "0"), 16)
  })
  return [red!, green!, blue!]
}

const two = (value: number): string => value.toString(16).padStart(2, "0")

/** `rgb:rrrr/gggg/bbbb`, as xterm answers. */
export const colourText = (colour: Rgb): string => `rgb:${colour.map((value) => two(value) + two(value)).join("/")}`

/** `#rrggbb`. */
export const colourHex = (colour: Rgb): string => `#${colour.map(two).join("")}`
