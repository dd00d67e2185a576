/** Follows the quoted fields of a CSV beside its parser, which forgets where it saw a quote open. */
export interface QuoteTracker {
  /** The next piece of the file; the parser may come to it later. */
  read(piece: string): void
  /** The line where the quoted field begins that goes on into this line, or null when there is none. */
  startAt(line: number): number | null
  /** Rows that end before this line are done with. */
  forgetBefore(line: number): void
}

export function createQuoteTracker(): QuoteTracker {
  let line = 1
  let openedAt: number | null = null
  let heldBack = ''
  /** Those of several lines. */
  const fields: Array<{ from: number; to: number }> = []
  return {
    read(piece) {
      const text = heldBack + piece
      // Of an odd number of quotes at the end, the last one may be half of a pair; an even number is pairs.
      heldBack = countQuotesAtEnd(text) % 2 === 1 ? '"' : ''
      // A pair changes nothing: in a quoted field it stands for a quote, outside of one it is an empty field.
      for (const [mark] of text.slice(0, text.length - heldBack.length).matchAll(/""|"|\n/g)) {
        if (mark === '\n') line += 1
        else if (mark === '""') continue
        else if (openedAt === null) openedAt = line
        else {
          if (line > openedAt) fields.push({ from: openedAt, to: line })
          openedAt = null
        }
      }
    },
    startAt(wanted) {
      const from = fields.find(({ to }) => to >= wanted)?.from ?? openedAt
      return from !== null && from < wanted ? from : null
    },
    forgetBefore(current) {
      while (fields[0] !== undefined && fields[0].to < current) fields.shift()
    },
  }
}

function countQuotesAtEnd(text: string): number {
  let from = text.length
  while (text[from - 1] === '"') from--
  return text.length - from
}
