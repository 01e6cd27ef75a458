/** How cells look, as SGR and OSC 8 sequences. */
import { Bg, Colour, Fg } from "./cells.ts"
import type { Links } from "./links.ts"
import type { Pen } from "./xterm.ts"

/** Underline style (bits 26 to 28) and colour (bits 0 to 25) of an extended attribute. */
const UNDERLINE_STYLE = 0x1c000000
const EXTENDED = UNDERLINE_STYLE | Colour.kind | Colour.value
/** Background bits that SGR says. */
const BACKGROUND = Colour.kind | Colour.value | Bg.italic | Bg.dim | Bg.overline

export const underlineStyle = (ext: number): number => (ext & UNDERLINE_STYLE) >>> 26
const FLAGS = ~(Colour.kind | Colour.value)

const colour = (value: number, normal: number, bright: number, extended: number): string => {
  const number = value & 0xff
  switch (value & Colour.kind) {
    case Colour.palette16:
      return `;${number < 8 ? normal + number : bright + number - 8}`
    case Colour.palette256:
      return `;${extended};5;${number}`
    case Colour.rgb:
      return `;${extended};2;${(value >> 16) & 0xff};${(value >> 8) & 0xff};${number}`
    default:
      return ""
  }
}

const underlineColour = (ext: number): string => {
  if ((ext & Colour.kind) === Colour.rgb) return `;58:2::${(ext >> 16) & 0xff}:${(ext >> 8) & 0xff}:${ext & 0xff}`
  return (ext & Colour.kind) === 0 ? "" : `;58:5:${ext & 0xff}`
}

/** Parameters, each with a `;` in front, that add these to a plain style. */
const codes = (fg: number, bg: number, ext: number): string => {
  let text = ""
  if (fg & Fg.bold) text += ";1"
  if (bg & Bg.dim) text += ";2"
  if (bg & Bg.italic) text += ";3"
  if (fg & Fg.underline) {
    const style = underlineStyle(ext)
    text += style > 1 ? `;4:${style}` : ";4"
  }
  if (fg & Fg.blink) text += ";5"
  if (fg & Fg.inverse) text += ";7"
  if (fg & Fg.invisible) text += ";8"
  if (fg & Fg.strikethrough) text += ";9"
  if (bg & Bg.overline) text += ";53"
  text += colour(fg, 30, 90, 38) + colour(bg, 40, 100, 48)
  return text + underlineColour(ext)
}

/** Parameters of the SGR sequence that sets a pen's whole style, `0` in front. */
export const penSgr = (pen: Pen): string => `0${codes(pen.fg, pen.bg, pen.extended._ext)}`

/** Writes style changes: knows what is set, and says only the difference. */
export class Pencil {
  fg = 0
  bg = 0
  ext = 0
  link = 0
  isProtected = false
  private readonly links: Links | undefined
  private readonly protects: boolean
  private readonly linkId: (link: number) => string | undefined

  /** With links, and with DECSCA, if they are wanted. */
  constructor(links: Links | undefined, protects = false, linkId?: (link: number) => string | undefined) {
    this.links = links
    this.protects = protects
    this.linkId = linkId ?? ((link) => links?.givenId(link))
  }

  /** What sets this style. `bg` may have flags beyond the style; `ext` is meant as it is. */
  to(fg: number, bg: number, ext: number, link: number): string {
    let text = ""
    const newBg = bg & BACKGROUND
    const newExt = ext & EXTENDED
    if (fg !== this.fg || newBg !== this.bg || newExt !== this.ext) text = this.#style(fg, newBg, newExt)
    if (link !== this.link && this.links !== undefined) text += this.#linkTo(link)
    if (this.protects && ((bg & Bg.protected) !== 0) !== this.isProtected) {
      this.isProtected = !this.isProtected
      text += this.isProtected ? '\x1b[1"q' : '\x1b[0"q'
    }
    return text
  }

  /** The terminal has been given this style by something else. */
  has(pen: Pen): void {
    this.fg = pen.fg
    this.bg = pen.bg & BACKGROUND
    this.ext = pen.extended._ext & EXTENDED
    this.isProtected = (pen.bg & Bg.protected) !== 0
  }

  /** No style; a link that is open stays open. */
  plainStyle(): string {
    return this.to(0, 0, 0, this.link)
  }

  /** No style, no link. */
  plain(): string {
    return this.fg === 0 && this.bg === 0 && this.ext === 0 && this.link === 0 && !this.isProtected
      ? ""
      : this.to(0, 0, 0, 0)
  }

  #style(fg: number, bg: number, ext: number): string {
    const fgBefore = this.fg
    const bgBefore = this.bg
    const extBefore = this.ext
    this.fg = fg
    this.bg = bg
    this.ext = ext
    if (fg === 0 && bg === 0 && ext === 0) return "\x1b[m"
    const lost = (before: number, now: number) =>
      (before & FLAGS & ~now) !== 0 || ((before & Colour.kind) !== 0 && (now & Colour.kind) === 0)
    // Less than before: from the beginning.
    if (lost(fgBefore, fg) || lost(bgBefore, bg) || lost(extBefore & ~UNDERLINE_STYLE, ext & ~UNDERLINE_STYLE)) {
      return `\x1b[${codes(fg, bg, ext)}m`.replace("[;", "[0;")
    }
    const changed = (before: number, now: number) =>
      (now & FLAGS & ~before) | ((now & ~FLAGS) === (before & ~FLAGS) ? 0 : now & ~FLAGS)
    const underline = (ext & UNDERLINE_STYLE) === (extBefore & UNDERLINE_STYLE) ? 0 : fg & Fg.underline
    const text = codes(
      changed(fgBefore, fg) | underline,
      changed(bgBefore, bg),
      (ext & UNDERLINE_STYLE) | changed(extBefore & ~UNDERLINE_STYLE, ext & ~UNDERLINE_STYLE)
    )
    return text === "" ? "" : `\x1b[${text.slice(1)}m`
  }

  #linkTo(number: number): string {
    this.link = number
    const link = number === 0 ? undefined : this.links!.get(number)
    if (link === undefined) return "\x1b]8;;\x1b\\"
    const id = this.linkId(number)
    return `\x1b]8;${id === undefined ? "" : `id=${id}`};${link.uri}\x1b\\`
  }
}
