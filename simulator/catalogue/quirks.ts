import type { FaultDescription } from './fault-description.ts'
import { guide, ellmer, claudeGuide, claudeDelays, geminiWebhooks, webhooks } from './sources.ts'

const quirk = (name: string, effect: string, source: string | null, value = ''): FaultDescription => ({
  name,
  kind: 'quirk',
  effect,
  source,
  example: `--fault quirk:${name}${value}`,
})

export const quirkFaults: readonly FaultDescription[] = [
  quirk(
    'random_order',
    'Results come in an order of their own. On by default. (Gemini promises theirs, and does not keep it.)',
    `${guide} (retrieving the results) ${claudeGuide} https://github.com/googleapis/python-genai/issues/1909`,
    '=false',
  ),
  quirk(
    'separate_error_file',
    'OpenAI: failed requests are in a file of their own. On by default.',
    'https://github.com/567-labs/instructor/pull/2657',
    '=false',
  ),
  quirk('lying_counts', 'At the end the counts say that everything completed, whatever the files say.', ellmer),
  quirk(
    'empty_string_file_ids',
    'OpenAI: a file that there isn’t has the id "" instead of null.',
    'https://github.com/tobert/kaibo/pull/93',
  ),
  quirk(
    'cancelled_lines_in_error_file',
    'OpenAI: what a cancel left undone is in the error file (`batch_cancelled`). Anthropic always names it.',
    'https://github.com/llm-d/llm-d-batch-gateway/issues/221 (a compatible server)',
  ),
  quirk(
    'output_file_delay_ms',
    'The batch is complete, but its files or results answer 404 for this long.',
    `https://github.com/openai/openai-cookbook/issues/1564 ${claudeDelays}`,
    '=2s',
  ),
  quirk(
    'repeated_webhooks',
    'OpenAI, Gemini: a webhook that was taken comes so many times more, with the same `webhook-id`.',
    `${webhooks} ${geminiWebhooks}`,
    '=1',
  ),
  quirk('counts_delay_ms', 'Gemini: `batchStats` are those of so long ago, also when all is over.', null, '=5s'),
  quirk(
    'file_processing_ms',
    'Gemini: an uploaded file is PROCESSING for this long, and a batch of it is refused (FAILED_PRECONDITION).',
    'https://ai.google.dev/api/files#State',
    '=2s',
  ),
  quirk(
    'unreachable_result_files',
    'Gemini: the name of a results file is too long for the Files API: it can be downloaded, but neither described nor deleted. On by default.',
    'https://github.com/googleapis/python-genai/issues/1613 https://github.com/googleapis/js-genai/issues/1227',
    '=false',
  ),
  quirk(
    'inline_results',
    'Gemini: results come inline although the input was a file, the key in `metadata`.',
    'https://github.com/maximhq/bifrost/issues/3951',
  ),
  quirk(
    'missing_metadata',
    'Gemini: inline results without the `metadata` of their requests: nothing says whose they are.',
    'https://github.com/googleapis/python-genai/issues/2008',
  ),
  quirk(
    'broken_json_schema',
    'Gemini: in a batch, what was asked for by `responseJsonSchema` comes as JSON of another shape; `responseSchema` is fine.',
    'https://github.com/crmne/ruby_llm/issues/894',
  ),
  quirk('list_delay_ms', 'A new batch is not listed for this long.', null, '=2s'),
  quirk('retrieve_delay_ms', 'A new batch answers 404 for this long.', claudeDelays, '=2s'),
  quirk('repeated_lines', 'This share of lines is there twice.', null, '=0.1'),
  quirk(
    'missing_lines',
    'This share of lines is in neither file, whichever prompt it is; charged.',
    'https://github.com/TU-Wien-dataLAB/aqueduct/issues/55 (a compatible server)',
    '=0.1',
  ),
  quirk('foreign_lines', 'So many lines more, with custom_ids that are nobody’s or another batch’s.', null, '=2'),
  quirk(
    'swapped_keys',
    'This share of answers is at the custom_id of another request.',
    'https://github.com/googleapis/python-genai/issues/1909 (Gemini)',
    '=0.1',
  ),
  quirk('invalid_json_lines', 'This share of answers breaks off within its line; charged.', null, '=0.1'),
  quirk('invalid_utf8_lines', 'This share of answers has a byte that is not UTF-8.', null, '=0.1'),
  quirk('long_line_bytes', 'One line of each batch is this long.', null, '=20000000'),
  quirk(
    'truncated_downloads',
    'The first so many downloads of each result file are cut in the middle.',
    'https://github.com/openai/openai-java/issues/649',
    '=1',
  ),
]
