import { BatchwrightError } from '../core/errors.ts'

type Work = (transaction: never) => unknown
interface Client {
  begin(...parameters: unknown[]): Promise<unknown>
}

/**
 * The same postgres.js client, safe against a connection that is lost inside of a transaction. postgres.js (3.4) rejects such a transaction, but
 * then still sends what the transaction asks for, and at last its ROLLBACK, to a socket that is gone: an uncaught TypeError that ends the
 * process. Here nothing more is sent once the connection is lost.
 */
export function withSafeTransactions<Given extends object>(client: Given): Given {
  const begin = (...parameters: unknown[]): Promise<unknown> => {
    const work = parameters.pop() as Work
    let isOver = false
    const transaction = (client as unknown as Client).begin(...parameters, (inner: object) => {
      const { promise, resolve, reject } = Promise.withResolvers<unknown>()
      const run = async () => {
        const result = await work(guarded(inner, () => isOver) as never)
        // `begin` also takes an array of statements.
        return Array.isArray(result) && result[0] instanceof Promise ? await Promise.all(result) : result
      }
      run().then(resolve, (error: unknown) => {
        // A loss is announced in the same turn. The work of a transaction that is lost never ends, so that nothing is rolled back.
        setImmediate(() => {
          if (!isOver) reject(error)
        })
      })
      return promise
    })
    // It is rejected by the loss at once, and by anything else after its ROLLBACK.
    transaction.catch(() => {
      isOver = true
    })
    return transaction
  }
  return new Proxy(client, {
    get: (target, name) => (name === 'begin' ? begin : (Reflect.get(target, name) as unknown)),
  })
}

/** A transaction that refuses statements when its connection is lost. */
function guarded(transaction: object, isLost: () => boolean): object {
  const check = () => {
    if (isLost())
      throw new BatchwrightError('database_unavailable', 'the connection to Postgres was lost inside of a transaction')
  }
  return new Proxy(transaction, {
    apply(target, self, parameters) {
      check()
      return Reflect.apply(target as () => unknown, self, parameters) as unknown
    },
    get(target, name) {
      if (name === 'unsafe') check()
      return Reflect.get(target, name) as unknown
    },
  })
}
