import { stringify } from 'yaml'
import { formatKey, listConfigKeys, type ConfigKey } from '../config/config-keys.ts'
import { environmentSchema } from '../config/environment.ts'
import { table } from './generated-blocks.ts'

/** The blocks of `config.md`: keys of the file, fields of a model, variables. */
export function renderConfigBlocks(): Record<string, string> {
  const keys = listConfigKeys()
  const models = keys.filter(({ path }) => path[0] === 'models')
  return {
    keys: renderKeys(keys.filter(({ path }) => path[0] !== 'models')),
    'fields of a model': renderKeys(models.map((key) => ({ ...key, path: key.path.slice(3) }))),
    variables: renderVariables(),
  }
}

function renderKeys(keys: readonly ConfigKey[]): string {
  return table(
    ['key', 'type', 'default', 'example', 'meaning'],
    keys.map((key) => [
      `\`${formatKey(key.path)}\``,
      key.type,
      key.defaultValue === undefined ? key.otherwise : yaml(key.defaultValue),
      key.example === undefined ? '' : yaml(key.example),
      key.description,
    ]),
  )
}

function renderVariables(): string {
  const rows = Object.entries(environmentSchema.shape).map(([name, schema]) => {
    const meta = (schema.meta() ?? {}) as { description?: string; default?: string; defaultValue?: string; readBy?: string }
    const presets = [
      ...(meta.defaultValue === undefined ? [] : [`\`${meta.defaultValue}\``]),
      ...(meta.default === undefined ? [] : [meta.default]),
    ]
    return [`\`${name}\``, presets.join('; '), meta.readBy ?? '', meta.description ?? '']
  })
  return table(['variable', 'default', 'read by', 'meaning'], rows)
}

/** As it is written in the file. */
function yaml(value: unknown): string {
  return `\`${stringify(value, { collectionStyle: 'flow', lineWidth: 0, singleQuote: true }).trim()}\``
}
