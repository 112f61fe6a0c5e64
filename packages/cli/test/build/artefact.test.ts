import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { buildKonnector } from '../../src/build/build.ts'
import { BuildError } from '../../src/build/problem.ts'
import { ICON, konnectorFolder, MANIFEST } from './konnector-folder.ts'

const script = { 'src/index.js': 'console.log(1)' }

describe('build: the folder', () => {
  it('holds the script, the manifest as written, the content of assets/, and a smaller icon', async () => {
    const text = `${JSON.stringify(MANIFEST, null, 3)}\n\n`
    using folder = konnectorFolder({
      ...script,
      'manifest.konnector': text,
      'assets/certificates/ca.pem': 'PEM',
      'assets/.DS_Store': 'x',
      'build/stale.js': 'x',
      'build/index.js': 'x',
    })
    const report = await buildKonnector({ root: folder.root })
    assert.deepEqual(
      report.files.map(({ path }) => path),
      ['certificates/ca.pem', 'icon.svg', 'index.js', 'manifest.konnector'],
    )
    assert.equal(readFileSync(folder.path('build/manifest.konnector'), 'utf8'), text)
    const icon = readFileSync(folder.path('build/icon.svg'), 'utf8')
    assert.ok(icon.length < ICON.length * 0.8 && icon.startsWith('<svg') && !icon.includes('drawn by hand'), icon)
    assert.ok(!icon.includes('<style'), 'rules used twice are inlined')
    assert.equal(statSync(folder.path('build')).mode & 0o777, 0o755, 'a server may run it as somebody else')
    assert.deepEqual([report.slug, report.version], ['aquavolt', '1.2.3'])
  })

  it('an icon named with its folder stands where the manifest says', async () => {
    using folder = konnectorFolder({ ...script, 'manifest.konnector': { ...MANIFEST, icon: '/assets/icon.svg' } })
    await buildKonnector({ root: folder.root })
    assert.deepEqual(readFileSync(folder.path('build/assets/icon.svg')), readFileSync(folder.path('build/icon.svg')))
  })

  it('a picture that is not SVG, or not good SVG, is copied as it is', async () => {
    using png = konnectorFolder({
      ...script,
      'assets/icon.png': 'PNG',
      'manifest.konnector': { ...MANIFEST, icon: 'icon.png' },
    })
    await buildKonnector({ root: png.root })
    assert.equal(readFileSync(png.path('build/icon.png'), 'utf8'), 'PNG')
    using bad = konnectorFolder({ ...script, 'assets/icon.svg': '<svg><g></svg>' })
    const { warnings } = await buildKonnector({ root: bad.root })
    assert.match(warnings.join(), /icon is copied as it is/)
    assert.equal(readFileSync(bad.path('build/icon.svg'), 'utf8'), '<svg><g></svg>')
  })

  for (const [what, manifest, expected] of [
    ['no slug', { ...MANIFEST, slug: undefined }, /\/slug: the manifest has no slug/],
    ['no version', { ...MANIFEST, version: undefined }, /\/version: the manifest has no version/],
    ['no type', { ...MANIFEST, type: undefined }, /\/type: the manifest has no type/],
    [
      'an icon that is not there',
      { ...MANIFEST, icon: 'logo.svg' },
      /\/icon: the icon logo\.svg does not exist\. Add assets\/logo\.svg/,
    ],
    [
      'a script that is not there',
      { ...MANIFEST, on_delete_account: 'bye.js' },
      /\/on_delete_account: the script bye\.js/,
    ],
    ['no JSON', '{ "slug": }', /not JSON/],
    ['a merge conflict', '{\n<<<<<<< HEAD\n}', /not JSON/],
  ] as const) {
    it(`an unusable manifest fails: ${what}`, async () => {
      using folder = konnectorFolder({ ...script, 'manifest.konnector': manifest, 'build/index.js': 'old' })
      await assert.rejects(buildKonnector({ root: folder.root }), error => {
        assert.ok(error instanceof BuildError)
        assert.match(error.message, expected)
        return true
      })
      assert.ok(!existsSync(folder.path('build')))
    })
  }

  it('all faults of a manifest at once; other errors are said, and the build goes on', async () => {
    using folder = konnectorFolder({ ...script, 'manifest.konnector': { name: 'x' } })
    await assert.rejects(buildKonnector({ root: folder.root }), (error: BuildError) => error.problems.length === 3)
    using noEditor = konnectorFolder({ ...script, 'manifest.konnector': { ...MANIFEST, editor: undefined } })
    const { warnings } = await buildKonnector({ root: noEditor.root })
    assert.match(warnings.join(), /^error manifest\.konnector \/editor/)
  })

  it('no manifest, no script', async () => {
    using folder = konnectorFolder({})
    await assert.rejects(buildKonnector({ root: folder.root }), /No script found/)
    await assert.rejects(buildKonnector({ root: folder.path('assets') }), /There is no manifest\.konnector/)
  })

  it('refuses to empty a folder that holds other things', async () => {
    using folder = konnectorFolder(script)
    mkdirSync(folder.path('photos'))
    writeFileSync(folder.path('photos/holiday.jpg'), 'x')
    await assert.rejects(buildKonnector({ root: folder.root, outdir: 'photos' }), /holds other files/)
    await assert.rejects(buildKonnector({ root: folder.root, outdir: '.' }), /holds the konnector itself/)
    await assert.rejects(buildKonnector({ root: folder.root, outdir: '..' }), /holds the konnector itself/)
    assert.ok(existsSync(folder.path('photos/holiday.jpg')))
    await buildKonnector({ root: folder.root, outdir: 'out/deep' })
    assert.deepEqual(readdirSync(folder.path('out')), ['deep'])
  })

  it('says what is inside, adding up to the script', async () => {
    using folder = konnectorFolder({
      'src/index.js': `console.log(require('lodash/get'), require('cozy-konnector-libs'))`,
    })
    const { packages, bytes } = await buildKonnector({ root: folder.root })
    const names = packages.map(({ name }) => name)
    for (const name of ['lodash', '@konnectory/libs', 'parse5', 'your code']) assert.ok(names.includes(name), name)
    const sum = packages.reduce((total, one) => total + one.bytes, 0)
    assert.ok(Math.abs(sum - bytes) <= packages.length)
  })
})
