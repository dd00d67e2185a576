import { createReadStream } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { version } from './version.ts'
import type { Router } from './router.ts'

/** Files of swagger-ui-dist that the page needs. */
const assets: Readonly<Record<string, string>> = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  'favicon-32x32.png': 'image/png',
}

/** Nothing is loaded from outside, and the policy makes sure of it. */
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'"

/** `/openapi.json`, generated from the contracts, and `/docs` to read and try it. */
export function addDocumentRoutes(router: Router): void {
  router.doc31('/openapi.json', {
    openapi: '3.1.0',
    info: {
      title: 'Batchwright',
      version,
      description:
        'Batch jobs for language models: every answer, once, at batch price. Errors are RFC 9457 problems with a stable `code`.',
    },
    tags: [
      { name: 'jobs', description: 'Create and read jobs.' },
      { name: 'commands', description: 'Steer a job. In the wrong state: 409.' },
      { name: 'health', description: 'For probes.' },
    ],
  })
  router.get('/', (context) => context.redirect('/docs'))
  router.get('/docs', (context) => context.html(page, 200, { 'content-security-policy': policy }))
  router.get('/docs/start.js', (context) => context.body(starter, 200, { 'content-type': 'text/javascript; charset=utf-8' }))
  const directory = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'))
  for (const [name, type] of Object.entries(assets)) {
    router.get(`/docs/${name}`, () => {
      const file: AsyncIterable<Uint8Array> = createReadStream(join(directory, name))
      return new Response(ReadableStream.from(file), { headers: { 'content-type': type, 'cache-control': 'max-age=3600' } })
    })
  }
}

const page = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Batchwright API</title>
    <link rel="icon" href="/docs/favicon-32x32.png">
    <link rel="stylesheet" href="/docs/swagger-ui.css">
  </head>
  <body>
    <div id="api"></div>
    <script src="/docs/swagger-ui-bundle.js"></script>
    <script src="/docs/start.js"></script>
  </body>
</html>
`

/** Without `validatorUrl: null` the page would send the document to a validator on the internet. */
const starter = `SwaggerUIBundle({ url: '/openapi.json', dom_id: '#api', deepLinking: true, validatorUrl: null })
`
