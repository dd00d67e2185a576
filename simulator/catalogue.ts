import { batchFaults } from './catalogue/batches.ts'
import { callFaults } from './catalogue/calls.ts'
import type { FaultDescription } from './catalogue/fault-description.ts'
import { itemFaults } from './catalogue/items.ts'
import { quirkFaults } from './catalogue/quirks.ts'

export type { FaultDescription } from './catalogue/fault-description.ts'

/** Everything that can be made to go wrong, for `batchwright simulator --help`, the documentation and tests. */
export const faultCatalogue: readonly FaultDescription[] = [...callFaults, ...itemFaults, ...quirkFaults, ...batchFaults]

const headings: Readonly<Record<FaultDescription['kind'], string>> = {
  http: 'Calls: --fault ROUTE:EFFECT[:times=N|always,skip=N,probability=P,delay_ms=D]. Routes: batches.create batches.list batches.retrieve batches.cancel models.list; OpenAI: files.create files.list files.retrieve files.content files.delete chat.completions responses embeddings; Anthropic: batches.results batches.delete messages messages.count_tokens; Gemini: files.start files.upload files.create (the call that ends an upload) files.list files.retrieve files.content files.delete batches.delete models.retrieve generate_content stream_generate_content embed_content batch_embed_contents count_tokens; files.* *; anthropic/batches.create for one provider only',
  item: 'Items: --fault items:KIND[:rate=R,first_attempts=N|always], or in a prompt: [[simulate:KIND]], [[simulate:transient times=1]]. Prompts are chosen by their content, so the same ones fail in every attempt and every run',
  quirk: 'Quirks of the results and listings: --fault quirk:NAME[=VALUE]',
  batch: 'Batches as a whole',
}

/** "How to rehearse failures", as text of at most `width` columns. */
export function describeFaults(width = 100): string {
  const kinds = ['http', 'item', 'quirk', 'batch'] as const
  const sections = kinds.map((kind) => {
    const entries = faultCatalogue.filter((fault) => fault.kind === kind).map((fault) => describe(fault, width))
    return `${wrap(headings[kind], width).join('\n')}\n\n${entries.join('\n')}`
  })
  return `How to rehearse failures\n\n${sections.join('\n\n')}\n`
}

function describe({ name, effect, source, example }: FaultDescription, width: number): string {
  const lines = wrap(effect, width - 6).map((line) => `      ${line}`)
  return [`  ${name}`, ...lines, `      ${example}`, `      seen: ${source ?? 'not yet'}`].join('\n')
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = ''
    }
    line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line]
}
