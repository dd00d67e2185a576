import { z } from 'zod'
import { BatchwrightError } from '../core/errors.ts'
import { readInputs } from '../db/inputs.ts'
import { loadJob, type JobRow } from '../db/job-state.ts'
import { readRawResults, readResults } from '../db/results.ts'
import { identifiedLine } from '../formats/identified-line.ts'
import { jobParams } from './contracts/jobs.ts'
import { completeHeader, rawResultSchema, resultsQuery, resultSchema, type ResultFormat } from './contracts/results.ts'
import type { Dependencies } from './dependencies.ts'
import { csvHeader, toCsvRow } from './result-csv.ts'
import { toRawResultJson, toResultJson } from './result-json.ts'
import { addRoute, type Router } from './router.ts'

/** `GET /v1/jobs/{id}/results`: a stream of what is finished so far, in input order. */
export function addResultRoutes(router: Router, { database }: Dependencies): void {
  addRoute(
    router,
    {
      method: 'get',
      path: '/v1/jobs/{id}/results',
      summary: 'Stream the results that there are so far, in input order',
      description: `Items without an outcome are left out. The header \`${completeHeader}\` says whether all have one. An answer that breaks off ends without its last chunk: go on with \`after_seq\`.`,
      tag: 'jobs',
      params: jobParams,
      query: resultsQuery,
      responses: {
        200: {
          description: 'One result a line.',
          headers: { [completeHeader]: { schema: { type: 'string', enum: ['true', 'false'] } } },
          content: {
            'application/x-ndjson': { schema: resultLine },
            'application/json': { schema: resultLine.array() },
            'text/csv': { schema: { type: 'string' } },
          },
        },
      },
    },
    async ({ params, query }) => {
      if (query.raw && query.format === 'csv') {
        throw new BatchwrightError('invalid_request', 'raw=true gives JSON lines: it does not go with format=csv')
      }
      if (query.failed_as_input && (query.raw || query.format !== 'jsonl' || query.status !== undefined)) {
        throw new BatchwrightError(
          'invalid_request',
          'failed_as_input=true gives input lines of what did not succeed: it does not go with raw, format or status',
        )
      }
      const job = await loadJob(database.drizzle, params.id)
      const filter = { afterSeq: query.after_seq, statuses: query.status, limit: query.limit }
      const pages = query.failed_as_input
        ? inputPages(readInputs(database, job.id, 'failed', query.after_seq, query.limit))
        : query.raw
          ? rawPages(readRawResults(database, job.id, filter))
          : linePages(job, readResults(database, job.id, filter), query.format)
      return new Response(toByteStream(framed(pages, query.format)), {
        headers: { 'content-type': mediaTypes[query.format], [completeHeader]: String(isComplete(job)) },
      })
    },
  )
}

const resultLine = z.union([resultSchema, rawResultSchema])

const mediaTypes: Record<ResultFormat, string> = {
  jsonl: 'application/x-ndjson',
  json: 'application/json',
  csv: 'text/csv; charset=utf-8',
}

function isComplete(job: JobRow): boolean {
  return job.status !== 'validating' && job.succeeded + job.failed + job.expired + job.cancelled >= job.items
}

async function* rawPages(pages: ReturnType<typeof readRawResults>): AsyncGenerator<string[]> {
  for await (const page of pages) yield page.map((stored) => JSON.stringify(toRawResultJson(stored)))
}

async function* inputPages(pages: ReturnType<typeof readInputs>): AsyncGenerator<string[]> {
  for await (const page of pages) yield page.map(({ line, customId }) => identifiedLine(line, customId))
}

async function* linePages(job: JobRow, pages: ReturnType<typeof readResults>, format: ResultFormat): AsyncGenerator<string[]> {
  for await (const page of pages) {
    yield page.map((stored) => {
      const result = toResultJson(job, stored)
      return format === 'csv' ? toCsvRow(result) : JSON.stringify(result)
    })
  }
}

/** Lines with what stands before, between and after them. */
async function* framed(pages: AsyncIterable<string[]>, format: ResultFormat): AsyncGenerator<string> {
  switch (format) {
    case 'jsonl':
      for await (const page of pages) yield `${page.join('\n')}\n`
      return
    case 'csv':
      yield csvHeader
      for await (const page of pages) yield page.join('')
      return
    case 'json': {
      let before = '['
      for await (const page of pages) {
        yield `${before}\n${page.join(',\n')}`
        before = ','
      }
      yield before === '[' ? '[]\n' : '\n]\n'
    }
  }
}

/** A page is read when the reader has taken the one before. An error breaks the connection: half an answer must not look whole. */
function toByteStream(texts: AsyncIterable<string>): ReadableStream<Uint8Array> {
  async function* bytes(): AsyncGenerator<Uint8Array> {
    for await (const text of texts) yield Buffer.from(text)
  }
  return ReadableStream.from(bytes())
}
