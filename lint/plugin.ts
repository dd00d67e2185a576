// The oxlint plugin that makes the import table an error. Oxlint's own no-restricted-imports matches the text of a specifier, not the
// file that it leads to, and doesn't see `import()`.
import { relative, sep } from 'node:path'
import { whyNot, type ImportKind } from './import-table.ts'

/** The parts of ESLint's rule interface, and of the ESTree nodes, that are used here. */
interface Context {
  readonly cwd: string
  readonly filename: string
  report(problem: { node: Node; message: string }): void
}
interface Node {
  readonly source: { readonly type: string; readonly value?: unknown } | null
  readonly importKind?: 'type' | 'value'
  readonly exportKind?: 'type' | 'value'
}

const importTable = {
  create(context: Context) {
    const file = relative(context.cwd, context.filename).split(sep).join('/')

    function check(node: Node, kind: ImportKind): void {
      // `export { a }` without `from`, and `import(url)` with a computed address, name no module.
      if (node.source === null || typeof node.source.value !== 'string') return
      const message = whyNot(file, node.source.value, kind)
      if (message !== undefined) context.report({ node, message })
    }

    return {
      ImportDeclaration: (node: Node) => check(node, node.importKind === 'type' ? 'types' : 'values'),
      ExportNamedDeclaration: (node: Node) => check(node, node.exportKind === 'type' ? 'types' : 'values'),
      ExportAllDeclaration: (node: Node) => check(node, node.exportKind === 'type' ? 'types' : 'values'),
      ImportExpression: (node: Node) => check(node, 'lazily'),
      TSImportType: (node: Node) => check(node, 'types'),
    }
  },
}

export default { meta: { name: 'house' }, rules: { 'import-table': importTable } }
