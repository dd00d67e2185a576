import { hashHex } from '../random.ts'
import { isObject, type JsonObject } from '../json.ts'

/** What the simulator has to know of a request body, whichever provider's. */
export interface Prompt {
  /** 12 hex digits that stand for the content of the prompt: not for its custom_id, model, parameters, or feedback added to it. */
  readonly fingerprint: string
  /** What the answer is about: the text of the last user message. */
  readonly topic: string
  readonly model: string
  readonly inputTokens: number
  readonly maxTokens: number | null
  /** The JSON schema that the answer must fit; `true` if any JSON object will do. */
  readonly schema: JsonObject | true | null
  /** The tool that the answer must call. */
  readonly tool: { readonly name: string; readonly parameters: JsonObject | null } | null
  /** The model thinks before it answers, and charges for it. */
  readonly reasons: boolean
}

const imageTokens = 85
const tokensPerMessage = 3

/** About four characters a token (https://help.openai.com/en/articles/4936856). */
export function tokensOf(characters: number): number {
  return Math.ceil(characters / 4)
}

/** Text that only the simulator's own answers contain. */
const answerMark = '[sim:'

export interface Message {
  readonly role: string
  readonly text: string
  readonly images: number
}

/** What the messages of a conversation say of it: the same conversation gives the same fingerprint at every provider. */
export function readConversation(messages: readonly Message[]): Pick<Prompt, 'fingerprint' | 'topic' | 'inputTokens'> {
  let characters = 0
  let images = 0
  let topic = ''
  for (const message of messages) {
    characters += message.text.length
    images += message.images
    if (message.role === 'user') topic = message.text
  }
  return {
    fingerprint: hashHex(contentOf(messages), 12),
    topic,
    inputTokens: tokensOf(characters) + images * imageTokens + messages.length * tokensPerMessage,
  }
}

/**
 * The text that identifies a prompt, also when it is asked again with feedback on a bad answer: the instructions before the first question, and the
 * first user message of every turn, up to an answer that the simulator itself gave. (Few-shot examples are assistant messages too, but not ours.)
 */
function contentOf(messages: readonly Message[]): string {
  let content = ''
  let asked = false
  let turn = false
  for (const { role, text } of messages) {
    if (role === 'assistant') {
      if (text.includes(answerMark)) break
      turn = false
    } else if (role === 'user') {
      if (!turn) content += `\u001fuser\u001e${text}`
      turn = true
      asked = true
    } else if (!asked) content += `\u001fsystem\u001e${text}`
  }
  return content
}

/** A message of a chat: its text, and how much in it is not text. */
export function readMessage(message: JsonObject): Message {
  const role = typeof message['role'] === 'string' ? message['role'] : 'user'
  const content = message['content']
  if (typeof content === 'string') return { role, text: content, images: 0 }
  let text = ''
  let images = 0
  for (const part of Array.isArray(content) ? content : []) {
    if (!isObject(part)) continue
    if (typeof part['text'] === 'string') text += part['text']
    else {
      // An image or file counts with its content, but its base64 is not text.
      images++
      text += `\u001d${hashHex(JSON.stringify(part), 12)}`
    }
  }
  return { role, text, images }
}
