import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { buildKonnector } from '../../src/build/build.ts'
import { answerWebpack } from '../../src/build/webpack-command.ts'
import { openProject } from '../../src/standalone/project.ts'
import { konnectorFolder, runNode } from './konnector-folder.ts'

const script = { 'src/index.js': 'console.log(1)' }

async function notesFor(config: string) {
  using folder = konnectorFolder({ ...script, 'webpack.config.js': config })
  return (await buildKonnector({ root: folder.root })).notes
}

describe('build: old webpack configurations (build.md section 1)', () => {
  it('the shared one and the copy of the template: one line, nothing lost', async () => {
    assert.deepEqual(await notesFor(`module.exports = require('cozy-konnector-build/webpack.config')`), [
      'webpack.config.js is not read: this build does the same without webpack.',
    ])
    const copy = `
      const CopyPlugin = require('copy-webpack-plugin')
      const { DefinePlugin } = require('webpack')
      const entry = require('./package.json').main // see http://example.org
      module.exports = {
        entry, target: 'node', mode: 'none',
        plugins: [new CopyPlugin({ patterns: [{ from: 'manifest.konnector' }] }), new DefinePlugin({
          __WEBPACK_PROVIDED_MANIFEST__: JSON.stringify(require('./manifest.konnector'))
        })],
        module: { exprContextCritical: false }, externals: { canvas: 'commonjs canvas' }
      }`
    assert.equal((await notesFor(copy)).length, 1)
  })

  it('what of a custom one is not honoured is said', async () => {
    const notes = await notesFor(`
      module.exports = {
        entry: { index: './src/index.js', 'admin': './src/admin.js' },
        module: { rules: [{ test: /\\.ts$/, use: 'ts-loader' }] },
        resolve: { alias: { a: 'b' } },
        plugins: [new webpack.DefinePlugin({
          FLAVOUR: JSON.stringify(process.env.FLAVOUR)
        })]
      }`)
    assert.equal(notes.length, 6)
    const text = notes.join('\n')
    for (const word of ['"admin"', 'loaders', 'aliases', 'FLAVOUR', 'environment']) assert.ok(text.includes(word), word)
  })

  it('client-side konnectors are refused with a sentence', async () => {
    using folder = konnectorFolder({
      ...script,
      'package.json': { dependencies: { 'cozy-clisk': '^0.38.0' } },
      'webpack.config.js': `module.exports = require('cozy-konnector-build/webpack.config.clisk')`,
    })
    await assert.rejects(buildKonnector({ root: folder.root }), /client-side konnector.*Keep its webpack build/)
    assert.throws(() => openProject(folder.root, undefined, 'x'), /client-side konnector/)
  })
})

describe('the command webpack', () => {
  it('is our build in a konnector, its options ignored', () => {
    using folder = konnectorFolder(script)
    assert.deepEqual(answerWebpack(['--mode', 'none'], folder.root, 'self'), {
      kind: 'build',
      watch: false,
      ignored: ['--mode', 'none'],
    })
    assert.deepEqual(
      answerWebpack(['--watch', '--config', 'webpack.config.server.js'], folder.root, 'self').kind,
      'build',
    )
  })

  it('builds, as the script of an existing konnector calls it', async () => {
    using folder = konnectorFolder({ ...script, 'webpack.config.js': `throw new Error('not read')` })
    const command = fileURLToPath(new URL('../../src/build/bin-webpack.ts', import.meta.url))
    const { code, stdout, stderr } = await runNode([command, '--mode', 'none'], { cwd: folder.root })
    assert.deepEqual([code, stderr], [0, ''])
    assert.match(stdout, /^note: options of webpack are not used: --mode none\nnote: webpack\.config\.js is not read/)
    assert.equal((await runNode([folder.path('build')])).stdout, '1\n')
  })

  it("hands the client half over to the project's own webpack, or refuses", () => {
    using folder = konnectorFolder(script)
    const argv = ['--config', 'webpack.config.client.js']
    assert.equal(answerWebpack(argv, folder.root, 'self').kind, 'refuse')
    using other = konnectorFolder({
      ...script,
      'node_modules/webpack/package.json': { name: 'webpack', version: '5.0.0' },
    })
    assert.deepEqual(answerWebpack(argv, other.root, 'self'), {
      kind: 'hand-over',
      script: other.path('node_modules/webpack/bin/webpack.js'),
    })
  })

  it('refuses elsewhere', () => {
    using folder = konnectorFolder(script)
    const answer = answerWebpack([], folder.path('src'), 'self')
    assert.ok(answer.kind === 'refuse' && /no manifest\.konnector/.test(answer.message))
  })
})
