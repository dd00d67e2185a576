import { InvalidArgumentError } from 'commander'
import { parseDurationMs } from '../core/durations.ts'
import { errorClasses, type ErrorClass } from '../core/error-classes.ts'
import { describeError } from '../core/errors.ts'
import { didYouMean } from '../core/nearest-name.ts'
import { itemStatuses, jobStatuses, type ItemStatus, type JobStatus } from '../core/statuses.ts'

/** `30m` as milliseconds. */
export function parseDuration(text: string): number {
  try {
    return parseDurationMs(text)
  } catch (error) {
    throw new InvalidArgumentError(describeError(error))
  }
}

/** A whole number of rows, from 1. */
export function parseCount(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError('Give a whole number from 1.')
  return value
}

export function parsePort(text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !Number.isSafeInteger(value) || value < 0 || value > 65_535) {
    throw new InvalidArgumentError('Give a port from 1 to 65535, or 0 for any that is free.')
  }
  return value
}

export function parseJobStatuses(text: string): JobStatus[] {
  return parseNames(text, jobStatuses)
}

export function parseItemStatuses(text: string): ItemStatus[] {
  return parseNames(text, itemStatuses)
}

export function parseErrorClasses(text: string): ErrorClass[] {
  return parseNames(text, errorClasses)
}

/** Names separated by commas, each of which must be known. */
function parseNames<Name extends string>(text: string, known: readonly Name[]): Name[] {
  return text.split(',').map((part) => {
    const name = known.find((one) => one === part.trim())
    if (name === undefined) {
      throw new InvalidArgumentError(`"${part.trim()}" is none of ${known.join(', ')}${didYouMean(part.trim(), known)}.`)
    }
    return name
  })
}

/** Whether it fits the field is for the spec's schema to say. */
export function parseNumber(text: string): number {
  const value = Number(text)
  if (text.trim() === '' || Number.isNaN(value)) throw new InvalidArgumentError('Give a number.')
  return value
}

/** The values of an option that is given several times. */
export function collect(text: string, values: string[] = []): string[] {
  return [...values, text]
}
