import type { Json } from '../core/json.ts'

/** An id came with Gemini 3; without one the place tells calls apart. Never one that another call has, nor that of another place. */
export function callIdOfPlace(place: number, taken: ReadonlySet<string>): string {
  let id = `call_${place}`
  while (taken.has(id)) id += '_'
  return id
}

/** The ids that the calls in a request's contents have of their own. Also of what is no right content: that is for others to tell. */
export function givenCallIds(contents: Json): Set<string> {
  const parts = objectsOf(contents).flatMap((content) => objectsOf(content['parts']))
  const calls = parts.flatMap((part) => objectsOf([part['functionCall'] ?? null, part['function_call'] ?? null]))
  return new Set(calls.flatMap(({ id }) => (typeof id === 'string' ? [id] : [])))
}

function objectsOf(value: Json | undefined): Array<Record<string, Json>> {
  if (!Array.isArray(value)) return []
  return value.filter((each) => typeof each === 'object' && each !== null && !Array.isArray(each)) as Array<Record<string, Json>>
}
