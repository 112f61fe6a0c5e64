import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { readManifest } from '@konnectory/protocol'
import { parse } from 'jsonc-parser'
import { buildKonnector } from '../../src/build/build.ts'
import { checkTarget, createKonnector } from '../../src/create/create.ts'
import { packageJson } from '../../src/create/package-json.ts'
import { type Language, writeTemplate } from '../../src/create/template.ts'
import { runNode } from '../build/konnector-folder.ts'

let cwd: string
before(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'konnectory-create-test-'))
})
after(() => rm(cwd, { recursive: true, force: true }))

const read = (...path: string[]) => readFileSync(join(cwd, ...path), 'utf8')

describe('konnectory create: refusals', () => {
  it('bad slugs, with a better one', async () => {
    await assert.rejects(checkTarget('Mon Électricité', cwd), /Try: konnectory create mon-electricite/)
    await assert.rejects(checkTarget('a_b', cwd), /"a_b" is not a slug.*a-b/)
    await assert.rejects(checkTarget('été/ÉÉ', cwd), /not a slug/)
  })
  it('folders in use', async () => {
    mkdirSync(join(cwd, 'full'))
    writeFileSync(join(cwd, 'full/x'), '')
    writeFileSync(join(cwd, 'file'), '')
    await assert.rejects(checkTarget('full', cwd), /is not empty/)
    await assert.rejects(checkTarget('file', cwd), /is a file/)
    await assert.rejects(createKonnector({ target: 'full', cwd, language: 'javascript' }), /is not empty/)
    assert.deepEqual(readdirSync(join(cwd, 'full')), ['x'])
  })
  it('an address that is none, before anything is written', async () => {
    for (const vendorUrl of ['ftp://eau.example', 'eau vive']) {
      const options = { target: 'nothing', cwd, language: 'javascript' as const, vendorUrl }
      await assert.rejects(createKonnector(options), /is not the address of a site/)
    }
    assert.ok(!existsSync(join(cwd, 'nothing')))
  })
  it('proposes a name', async () => {
    assert.equal((await checkTarget('cozy-konnector-eau-vive', cwd)).name, 'Eau Vive')
  })
})

for (const language of ['javascript', 'typescript'] as Language[]) {
  describe(`konnectory create: the ${language} template`, () => {
    const slug = `eau-${language}`
    const name = `L'Eau "Vive"`
    let files: string[]
    before(async () => {
      mkdirSync(join(cwd, slug))
      files = await writeTemplate(join(cwd, slug), { slug, name, vendorUrl: 'https://eau.example', language })
    })

    it('has every file, those with a dot too', () => {
      const expected = ['.gitignore', '.travis.yml', '.github/workflows/build.yml', 'README.md', 'assets/icon.svg']
      for (const file of [...expected, 'konnector-dev-config.json', 'manifest.konnector'])
        assert.ok(files.includes(file), file)
      assert.ok(files.includes(language === 'typescript' ? 'src/index.ts' : 'src/index.js'))
    })

    it('has nothing left to fill in, and says the name as it is', () => {
      for (const file of files) assert.doesNotMatch(read(slug, file), /__[A-Z_]+__/, file)
      assert.ok(read(slug, 'README.md').startsWith(`# ${name}\n`))
    })

    it('has a manifest without a single remark', () => {
      const { manifest, diagnostics } = readManifest(read(slug, 'manifest.konnector'))
      assert.deepEqual(diagnostics, [])
      assert.deepEqual([manifest?.slug, manifest?.name, manifest?.vendor_link[0]], [slug, name, 'https://eau.example'])
    })

    it('keeps credentials out of git', () => {
      const ignored = read(slug, '.gitignore').split('\n')
      for (const file of ['konnector-dev-config.json', '.token.json', '.account', '.env', 'build/', 'node_modules/'])
        assert.ok(ignored.includes(file), file)
      assert.ok(!ignored.some(line => /fixtures/.test(line)), 'the recording is part of the konnector')
    })

    it('is set up for the demo vendor', () => {
      const config = parse(read(slug, 'konnector-dev-config.json'))
      assert.deepEqual(config, {
        fields: { login: 'ada@example.org', password: 'lovelace-1843' },
        scrub: ['Lovelace', '43 rue des Lilas'],
        demoVendor: true,
      })
    })

    it('asks for what its code uses, and has exactly the six scripts', () => {
      const choices = { slug, name, vendorUrl: '', language }
      const made = packageJson(choices, { rangeOf: () => '^0.1.0', pins: {} }) as Record<string, Record<string, string>>
      assert.deepEqual(Object.keys(made.scripts ?? {}), ['start', 'standalone', 'dev', 'build', 'deploy', 'test'])
      const sources = files.filter(file => file.startsWith('src/')).map(file => read(slug, file))
      const used = sources.flatMap(source =>
        [...source.matchAll(/(?:from|require\() ?'([^.'][^']*)'/g)].map(([, one]) => one),
      )
      for (const specifier of used) {
        const module = specifier!
          .split('/')
          .slice(0, specifier!.startsWith('@') ? 2 : 1)
          .join('/')
        assert.ok(made.dependencies?.[module], module)
      }
      assert.ok(used.length > 0)
      assert.equal(made.devDependencies?.konnectory, '^0.1.0')
      assert.ok(!('overrides' in made))
    })

    it('builds, small, with no remark, and ends as a konnector does without a server', async () => {
      const choices = { slug, name, vendorUrl: '', language }
      const own = packageJson(choices, { rangeOf: () => '^0.1.0', pins: {} })
      writeFileSync(join(cwd, slug, 'package.json'), JSON.stringify(own))
      if (language === 'typescript') linkCheerio(join(cwd, slug))
      const report = await buildKonnector({ root: join(cwd, slug) })
      assert.deepEqual([report.warnings, report.notes], [[], []])
      assert.ok(report.bytes <= 1_500_000, `${report.bytes} bytes`)
      const env = { COZY_URL: 'http://127.0.0.1:9/', COZY_CREDENTIALS: 'x', COZY_FIELDS: '{}' }
      const { code, stdout, stderr } = await runNode([report.outdir], { env })
      assert.equal(code, 1)
      assert.equal(stderr, '')
      assert.match(stdout, /"type":"critical"/)
    })
  })
}

/** The template declares cheerio; in a test it is the one of this repository. */
function linkCheerio(root: string): void {
  mkdirSync(join(root, 'node_modules/cheerio'), { recursive: true })
  const slim = new URL(import.meta.resolve('cheerio/slim')).pathname
  writeFileSync(join(root, 'node_modules/cheerio/package.json'), '{"name":"cheerio","exports":{"./slim":"./slim.js"}}')
  writeFileSync(join(root, 'node_modules/cheerio/slim.js'), `export * from ${JSON.stringify(slim)}`)
}
