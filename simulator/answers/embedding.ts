import { hashNumber, randomFrom } from '../random.ts'

/** A unit vector that depends on the text only. */
export function embeddingOf(text: string, dimensions: number): Float32Array {
  const random = randomFrom(hashNumber(text))
  const vector = new Float32Array(dimensions)
  let squares = 0
  for (let index = 0; index < dimensions; index++) {
    const value = random() * 2 - 1
    vector[index] = value
    squares += value * value
  }
  const length = Math.sqrt(squares) || 1
  for (let index = 0; index < dimensions; index++) vector[index] = (vector[index] ?? 0) / length
  return vector
}
