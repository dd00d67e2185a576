import type Anthropic from '@anthropic-ai/sdk'
import type { ServerEvent } from '../exchange.ts'
import type { WireMessage } from './wire.ts'

const piecePattern = /\s*\S+/g

/** A message as the events of a stream (https://platform.claude.com/docs/en/build-with-claude/streaming). */
export function messageEvents(message: WireMessage): ServerEvent[] {
  const { content, stop_reason, stop_sequence, stop_details, usage, container } = message
  const events: Anthropic.RawMessageStreamEvent[] = [
    {
      type: 'message_start',
      message: {
        ...message,
        content: [],
        stop_reason: null,
        stop_sequence: null,
        stop_details: null,
        usage: { ...usage, output_tokens: 1, output_tokens_details: null },
      },
    },
  ]
  content.forEach((block, index) => {
    events.push({ type: 'content_block_start', index, content_block: emptied(block) })
    for (const delta of deltasOf(block)) events.push({ type: 'content_block_delta', index, delta })
    events.push({ type: 'content_block_stop', index })
  })
  const { cache_creation_input_tokens, cache_read_input_tokens, input_tokens, output_tokens, output_tokens_details } = usage
  events.push(
    {
      type: 'message_delta',
      delta: { container, stop_reason, stop_sequence, stop_details },
      usage: {
        cache_creation_input_tokens,
        cache_read_input_tokens,
        input_tokens,
        output_tokens,
        output_tokens_details,
        server_tool_use: null,
      },
    },
    { type: 'message_stop' },
  )
  return events.map((event) => ({ name: event.type, data: JSON.stringify(event) }))
}

function emptied(block: Anthropic.ContentBlock): Anthropic.ContentBlock {
  switch (block.type) {
    case 'text':
      return { ...block, text: '' }
    case 'thinking':
      return { ...block, thinking: '', signature: '' }
    case 'tool_use':
      return { ...block, input: {} }
    default:
      return block
  }
}

function deltasOf(block: Anthropic.ContentBlock): Anthropic.RawContentBlockDelta[] {
  switch (block.type) {
    case 'text':
      return (block.text.match(piecePattern) ?? []).map((text) => ({ type: 'text_delta', text }))
    case 'thinking':
      return [
        ...(block.thinking === '' ? [] : [{ type: 'thinking_delta' as const, thinking: block.thinking }]),
        { type: 'signature_delta', signature: block.signature },
      ]
    case 'tool_use':
      return [{ type: 'input_json_delta', partial_json: JSON.stringify(block.input) }]
    default:
      return []
  }
}
