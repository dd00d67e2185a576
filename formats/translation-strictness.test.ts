import { describe, expect, test } from 'vitest'
import { BatchwrightError } from '../core/errors.ts'
import type { Json, JsonObject } from '../core/json.ts'
import { unknownModel } from '../core/model-capabilities.ts'
import type { ProviderKind } from '../core/provider-kind.ts'
import type { NativeRequest } from './canonical-request.ts'
import { anthropicLines } from './testing/anthropic-rich-lines.ts'
import { geminiLines } from './testing/gemini-rich-lines.ts'
import { parseInputLine } from './input-line.ts'
import { openAiLines } from './testing/openai-rich-lines.ts'
import { renderers } from './renderers.ts'
import { noDefaults } from './rendering.ts'
import { translate } from './translation.ts'

// Nothing of a line gets lost without a word: tried with a field that nobody knows in every object, and with every field that is known.

const richLines = [...openAiLines, ...anthropicLines, ...geminiLines]

const requestOf = (line: JsonObject) => parseInputLine(JSON.stringify(line), 1).request as NativeRequest

function render(kind: ProviderKind, line: JsonObject) {
  const request = requestOf(line)
  // Of OpenAI's endpoints it is the one that takes files by their addresses.
  const endpoint = kind === 'openai' && request.body['content'] === undefined ? '/v1/responses' : null
  return renderers[kind](request, { ...noDefaults, model: 'm', endpoint }, () => unknownModel)
}

/** What others get of a line, and are told of it. Null: it is refused. */
function said(line: JsonObject): string | null {
  return refusedPath(() => translate(requestOf(line))) === null ? JSON.stringify(translate(requestOf(line))) : null
}

function refusedPath(attempt: () => unknown): string | null {
  try {
    attempt()
    return null
  } catch (error) {
    if (!(error instanceof BatchwrightError)) throw error
    return (error.details as { field: string }).field
  }
}

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isOneOf = (path: string, whole: readonly string[]) => whole.some((each) => `.${path}`.endsWith(`.${each}`))

/** Paths of the objects in a value, but for those in `whole`. */
function objectsIn(value: Json | undefined, path: string, whole: readonly string[]): string[] {
  if (isOneOf(path, whole)) return []
  if (Array.isArray(value)) return value.flatMap((each, at) => objectsIn(each, `${path}[${at}]`, whole))
  if (!isObject(value)) return []
  return [path, ...Object.entries(value).flatMap(([name, each]) => objectsIn(each, `${path}.${name}`, whole))]
}

function valueAt(line: JsonObject, path: string): Json | undefined {
  const steps = path.split(/[.[\]]+/).filter((step) => step !== '')
  return steps.reduce<Json | undefined>((value, step) => (value as JsonObject | undefined)?.[step], line)
}

function changed(line: JsonObject, path: string, change: (object: JsonObject) => void): JsonObject {
  const copy = structuredClone(line)
  change(valueAt(copy, path) as JsonObject)
  return copy
}

const objects = richLines.flatMap((rich) => {
  const root = Object.keys(rich.line).at(-1) as string
  const paths = objectsIn(rich.line[root], root, [...rich.passedOn, ...rich.leftOut])
  return paths.map((path) => ({
    ...rich,
    path,
    others: paths.filter((other) => !`${path}.`.startsWith(`${other}.`) && !path.startsWith(`${other}[`)),
  }))
})

test.each(richLines)('$name: all of it can be said to others', ({ line, targets, passedOn, leftOut }) => {
  for (const kind of targets) expect(() => render(kind, line), kind).not.toThrow()
  const paths = objectsIn(line, '', []).map((path) => path.slice(1))
  for (const each of [...passedOn, ...leftOut])
    expect(
      paths.some((path) => isOneOf(path, [each])),
      each,
    ).toBe(true)
})

describe('a field that nobody knows is refused, by its path', () => {
  test.each(objects)('$name: $path', ({ line, targets, path }) => {
    const strange = changed(line, path, (object) => (object['foo_bar'] = 'x'))
    for (const kind of targets)
      expect(
        refusedPath(() => render(kind, strange)),
        kind,
      ).toBe(`${path}.foo_bar`)
  })
})

/** What docs/providers.md says that goes without a word. */
const silent: readonly RegExp[] = [
  /^\w+\.model$/,
  /\.strict$/,
  /\.detail$/,
  /\.(json_schema|format)\.name$/,
  /^body\.input\[\d\]\.(id|status|phase)$/,
  /^body\.input\[5\]\.name$/,
  /\.(annotations|logprobs)$/,
  /\.(systemInstruction|content)\.role$/,
  /\.fileData\.mimeType$/,
  // All of the thoughts is left out, with one warning.
  /^body\.input\[1\]\./,
  /^params\.messages\[1\]\.content\[[01]\]\.(thinking|signature|data)$/,
  /^request\.contents\[1\]\.parts\[0\]\./,
]

/** The line without the field in all other objects that can do without it: a warning is given once, and might be about one of those. */
function alone(line: JsonObject, field: string, others: readonly string[]): JsonObject {
  return others.reduce((rest, other) => {
    if (!isObject(valueAt(rest, other)) || (valueAt(rest, other) as JsonObject)[field] === undefined) return rest
    const less = changed(rest, other, (object) => delete object[field])
    return said(less) === null ? rest : less
  }, line)
}

/** Of the same kind where it can be: one of another kind is refused even by a field that is then lost. */
function otherThan(value: Json | undefined): Json {
  if (typeof value === 'boolean') return !value
  return typeof value === 'number' ? value + 1 : 'other'
}

describe('a field that is known says something, has a warning, or can have no other value', () => {
  const fields = objects.flatMap(({ path, line, name, others }) =>
    Object.keys(valueAt(line, path) as JsonObject).map((field) => ({
      name,
      line,
      path,
      others,
      field,
      fieldPath: `${path}.${field}`,
    })),
  )

  test.each(fields.filter(({ fieldPath }) => !silent.some((pattern) => pattern.test(fieldPath))))(
    '$name: $fieldPath',
    ({ line, path, field, others }) => {
      const only = alone(line, field, others)
      const before = said(only)
      const without = said(changed(only, path, (object) => delete object[field]))
      const other = said(changed(only, path, (object) => (object[field] = otherThan(object[field]))))
      expect(before).not.toBeNull()
      expect(without !== before || other !== before).toBe(true)
    },
  )

  test('of what goes without a word, nothing is listed in vain', () => {
    const paths = fields.map(({ fieldPath }) => fieldPath)
    for (const pattern of silent) expect(paths).toContainEqual(expect.stringMatching(pattern))
  })
})
