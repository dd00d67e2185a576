import { z } from 'zod'

/**
 * A number of tokens as a provider reports it. What can't be one (a fraction, a negative number, more than a 32-bit integer) is taken for not
 * reported: an endpoint that counts oddly must not keep its answers from being stored.
 */
export const tokenCount = z
  .int()
  .min(0)
  .max(2 ** 31 - 1)
  .nullish()
  .catch(null)
