import { isObject, type JsonObject } from '../json.ts'

/** A field of a message, in both spellings that JSON of protocol buffers may have: `displayName` and `display_name`. */
export function fieldOf(message: JsonObject, name: string): unknown {
  return message[name] ?? message[snakeName(name)]
}

/** The same for a field that is a message: empty if it isn't there. */
export function messageOf(message: JsonObject, name: string): JsonObject {
  const value = fieldOf(message, name)
  return isObject(value) ? value : {}
}

export function listOf(message: JsonObject, name: string): readonly unknown[] {
  const value = fieldOf(message, name)
  return Array.isArray(value) ? value : []
}

export function textOf(message: JsonObject, name: string): string | null {
  const value = fieldOf(message, name)
  return typeof value === 'string' ? value : null
}

export function snakeName(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

export function camelName(name: string): string {
  return name.replaceAll(/_([a-z])/g, (_match, letter: string) => letter.toUpperCase())
}
