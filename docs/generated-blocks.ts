/**
 * Fills the parts of a document that are made from the code: what stands between `<!-- generated: NAME -->` and `<!-- end of NAME -->`. Everything else
 * is written by hand and stays. Throws for a block that nobody makes, that does not end, or that is not there.
 */
export function fillBlocks(document: string, blocks: Readonly<Record<string, string>>): string {
  const unknown = [...document.matchAll(/<!-- generated: (.+?) -->/g)].find(([, name = '']) => blocks[name] === undefined)
  if (unknown !== undefined) throw new Error(`nothing makes the block "${unknown[1]}"`)
  return Object.entries(blocks).reduce((text, [name, block]) => {
    const [start, end] = [`<!-- generated: ${name} -->\n`, `<!-- end of ${name} -->`]
    const from = text.indexOf(start)
    if (from < 0) throw new Error(`there is no block "${name}"`)
    const to = text.indexOf(end, from)
    if (to < 0) throw new Error(`the block "${name}" does not end`)
    return `${text.slice(0, from)}${start}\n${block.trim()}\n\n${text.slice(to)}`
  }, document)
}

/** A Markdown table. */
export function table(titles: readonly string[], rows: ReadonlyArray<readonly string[]>): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`
  return [line(titles), line(titles.map(() => '---')), ...rows.map(line)].join('\n')
}
