import assert from 'node:assert/strict'
import { relative } from 'node:path'
import { describe, it } from 'node:test'
import { EntryError, findEntry, findScript } from '../../src/project/entry.ts'
import { readProjectManifest } from '../../src/project/manifest.ts'
import { konnectorFolder } from '../build/konnector-folder.ts'

const found = (files: Record<string, string | object>, given?: string) => {
  using folder = konnectorFolder(files)
  return relative(folder.root, findEntry(folder.root, given))
}

describe('the script of a konnector (cli.md section 1, build.md section 6)', () => {
  const rows: [string, Record<string, string | object>, string][] = [
    ['src/index.js', { 'src/index.js': '' }, 'src/index.js'],
    ['a typed source before the script beside it', { 'src/index.js': '', 'src/index.ts': '' }, 'src/index.ts'],
    ['.mts, .mjs, .cjs', { 'src/index.cjs': '', 'src/index.mts': '' }, 'src/index.mts'],
    [
      'main of package.json',
      { 'package.json': { main: './konnector.js' }, 'konnector.js': '', 'src/index.js': '' },
      'konnector.js',
    ],
    ['main without extension, or a folder', { 'package.json': { main: 'lib' }, 'lib/index.js': '' }, 'lib/index.js'],
    ['main that tsc would write', { 'package.json': { main: 'src/index.js' }, 'src/index.ts': '' }, 'src/index.ts'],
    [
      'main that is an artefact',
      { 'package.json': { main: 'build/index.js' }, 'build/index.js': '', 'src/index.js': '' },
      'src/index.js',
    ],
    ['main that is not there', { 'package.json': { main: 'gone.js' }, 'index.js': '' }, 'index.js'],
    ['2017: index.js or konnector.js at the root', { 'konnector.js': '' }, 'konnector.js'],
  ]
  for (const [name, files, expected] of rows) it(name, () => assert.equal(found(files), expected))

  it('the file given wins; one that is not there is an error', () => {
    assert.equal(found({ 'src/index.js': '', 'src/server.js': '' }, './src/server.js'), 'src/server.js')
    assert.throws(() => found({ 'src/index.js': '' }, 'nope.js'), /File nope\.js does not exist/)
  })
  it('nothing at all says what was looked for', () => {
    assert.throws(() => found({ 'package.json': { main: 'gone.js' } }), /gone\.js \(package\.json main\).*src\/index/)
    assert.throws(() => found({ 'package.json': '{' }), EntryError)
  })
  it('a script named by its place in the build', () => {
    using folder = konnectorFolder({ 'src/onDeleteAccount.ts': '' })
    assert.equal(findScript(folder.root, 'onDeleteAccount.js'), folder.path('src/onDeleteAccount.ts'))
    assert.equal(findScript(folder.root, 'other.js'), undefined)
  })
})

describe('the manifest of a project', () => {
  it('finds the icon in assets/, at the root, or not at all; an address is left alone', () => {
    using folder = konnectorFolder({ 'logo.svg': '' })
    assert.equal(readProjectManifest(folder.root).icon, folder.path('assets/icon.svg'))
    const withIcon = (icon: string) => {
      using other = konnectorFolder({ 'logo.svg': '', 'manifest.konnector': { icon } })
      const { icon: path, diagnostics } = readProjectManifest(other.root)
      return [path && relative(other.root, path), diagnostics.some(({ code }) => code === 'icon-file-missing')]
    }
    assert.deepEqual(withIcon('logo.svg'), ['logo.svg', false])
    assert.deepEqual(withIcon('assets/icon.svg'), ['assets/icon.svg', false])
    assert.deepEqual(withIcon('gone.svg'), [null, true])
    assert.deepEqual(withIcon('../../etc/passwd'), [null, true])
    assert.deepEqual(withIcon('data:image/svg+xml,x'), [null, false])
  })
})
