import { pick, type Random } from '../random.ts'

const classes: Readonly<Record<string, string>> = { d: '0123456789', w: 'abcdefghijklmnopqrstuvwxyz0123456789_', s: ' ' }
const anyCharacter = 'abcdefghijklmnopqrstuvwxyz'

/** A string that matches a simple pattern: literals, classes, groups, alternatives and counts. Best effort: look-arounds are not understood. */
export function stringMatching(pattern: string, random: Random): string {
  const state = { at: 0 }
  return alternatives(pattern.replace(/^\^/, '').replace(/\$$/, ''), state, random)
}

function alternatives(pattern: string, state: { at: number }, random: Random): string {
  const options = [sequence(pattern, state, random)]
  while (pattern[state.at] === '|') {
    state.at++
    options.push(sequence(pattern, state, random))
  }
  return pick(random, options)
}

function sequence(pattern: string, state: { at: number }, random: Random): string {
  let text = ''
  while (state.at < pattern.length && pattern[state.at] !== '|' && pattern[state.at] !== ')') {
    const from = state.at
    const once = atom(pattern, state, random)
    const to = state.at
    const times = repeats(pattern, state, random)
    if (times === 0) continue
    text += once
    // The atom is read again for every repeat, so that `\d{4}` isn't one digit four times.
    for (let time = 1; time < times; time++) text += atom(pattern, { at: from }, random)
    state.at = Math.max(state.at, to)
  }
  return text
}

function atom(pattern: string, state: { at: number }, random: Random): string {
  const character = pattern[state.at++] ?? ''
  if (character === '(') {
    if (pattern.startsWith('?:', state.at)) state.at += 2
    const text = alternatives(pattern, state, random)
    state.at++
    return text
  }
  if (character === '[') return characterClass(pattern, state, random)
  if (character === '.') return pick(random, [...anyCharacter])
  if (character !== '\\') return character
  const escaped = pattern[state.at++] ?? ''
  const members = classes[escaped]
  return members === undefined ? escaped : pick(random, [...members])
}

function characterClass(pattern: string, state: { at: number }, random: Random): string {
  const negated = pattern[state.at] === '^'
  if (negated) state.at++
  const members: string[] = []
  while (state.at < pattern.length && pattern[state.at] !== ']') {
    let first = pattern[state.at++] ?? ''
    if (first === '\\') {
      first = pattern[state.at++] ?? ''
      members.push(...(classes[first] ?? first))
      continue
    }
    if (pattern[state.at] === '-' && pattern[state.at + 1] !== ']') {
      const last = pattern[state.at + 1] ?? first
      state.at += 2
      for (let code = first.charCodeAt(0); code <= last.charCodeAt(0); code++) members.push(String.fromCharCode(code))
    } else members.push(first)
  }
  state.at++
  const allowed = negated ? [...`${anyCharacter}0123456789`].filter((character) => !members.includes(character)) : members
  return allowed.length === 0 ? '' : pick(random, allowed)
}

function repeats(pattern: string, state: { at: number }, random: Random): number {
  const sign = pattern[state.at]
  if (sign === '?' || sign === '*' || sign === '+') {
    state.at++
    return sign === '+' ? 1 + Math.floor(random() * 4) : Math.floor(random() * (sign === '?' ? 2 : 4))
  }
  const counted = /^\{(\d+)(,(\d*))?\}/.exec(pattern.slice(state.at))
  if (counted === null) return 1
  state.at += counted[0].length
  const least = Number(counted[1])
  const most = counted[2] === undefined ? least : counted[3] === '' ? least + 3 : Number(counted[3])
  return least + Math.floor(random() * (most - least + 1))
}
