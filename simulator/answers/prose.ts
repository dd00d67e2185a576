import { pick, randomFrom } from '../random.ts'

const openings = ['In short', 'Looking at this closely', 'To begin with', 'Taken as a whole', 'At first sight', 'On reflection']
const claims = [
  'the main point is clear and can be stated in a sentence',
  'two things matter more than the rest',
  'the text supports one reading better than the others',
  'the details agree with what one would expect',
  'the answer depends on how the question is meant',
  'the evidence points in one direction',
]
const continuations = [
  'The first is what was asked for; the second is what follows from it.',
  'A careful reader would ask for one more example, but the conclusion holds.',
  'There are exceptions, none of which changes the result.',
  'Most of the remaining detail is a matter of taste.',
  'It would be worth checking this against a second source.',
  'Nothing in the text contradicts this.',
]

/** The words of a prompt that an answer can quote, without directives to the simulator. */
export function quotable(topic: string, length = 60): string {
  const start = topic
    .slice(0, 400)
    .replaceAll(/\[\[simulate:[^\]]*\]\]/g, '')
    .replaceAll(/\s+/g, ' ')
    .trim()
  return start.length <= length ? start : `${start.slice(0, length).trimEnd()}…`
}

/** Some plausible sentences about a topic, the same for the same prompt, ending in its mark `[sim:<fingerprint>]`. */
export function proseAnswer(topic: string, fingerprint: string): string {
  const random = randomFrom(Number.parseInt(fingerprint.slice(0, 8), 16))
  const quoted = quotable(topic)
  const about = quoted === '' ? 'this' : `“${quoted}”`
  const sentences = [`${pick(random, openings)}, on ${about}: ${pick(random, claims)}.`, pick(random, continuations)]
  if (random() < 0.5) sentences.push(pick(random, continuations))
  return `${sentences.join(' ')} [sim:${fingerprint}]`
}
