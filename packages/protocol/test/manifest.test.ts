import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import {
  DIAGNOSTICS,
  folderPath,
  isManifestVersion,
  isPermissionDoctype,
  isSlug,
  localisedText,
  normaliseDefaultDir,
  normaliseManifest,
  readManifest,
} from '../src/manifest/index.ts'

const minimal = {
  version: '1.0.0',
  name: 'Aquavolt',
  slug: 'aquavolt',
  type: 'konnector',
  editor: 'Acme',
  icon: 'icon.svg',
  vendor_link: 'https://my.aquavolt.example',
  categories: ['energy'],
  data_types: ['bill'],
  fields: { login: { type: 'email', role: 'identifier' }, password: { type: 'password' } },
  folders: [{ defaultDir: '$administrative/$konnector/$account' }],
  frequency: 'weekly',
  time_interval: [1, 5],
  permissions: { files: { type: 'io.cozy.files', description: 'Saves your invoices' } },
  langs: ['en'],
  locales: { en: { short_description: 'Fetches your water bills' } },
}

function codes(raw: unknown) {
  return normaliseManifest(raw).diagnostics.map(({ code, path }) => `${code} ${path}`)
}
function fieldsOf(fields: unknown) {
  return normaliseManifest({ ...minimal, fields }).manifest.fields
}

describe('manifest: nothing to say about a good one', () => {
  it('reads every property and adds the defaults', () => {
    const { manifest, diagnostics } = normaliseManifest(minimal)
    assert.deepEqual(diagnostics, [])
    assert.equal(manifest.slug, 'aquavolt')
    assert.equal(manifest.language, 'node')
    assert.deepEqual(manifest.permissions[0]?.verbs, ['ALL'])
    assert.deepEqual(manifest.parameters, {})
    assert.equal(manifest.clientSide, false)
    assert.equal(manifest.raw, minimal, 'the raw object is kept, unknown properties with it')
  })

  it('fills what is absent: section 2 defaults', () => {
    const { manifest } = normaliseManifest({ slug: 'x', name: 'X', version: '1.0.0', type: 'konnector', editor: 'E' })
    assert.deepEqual(manifest.categories, ['others'])
    assert.equal(manifest.frequency, 'weekly')
    assert.deepEqual(manifest.time_interval, [0, 5])
    assert.deepEqual(manifest.fields, [])
    assert.equal(manifest.needs_folder, false)
    assert.equal(manifest.oauth, null)
    assert.equal(manifest.domains, null)
  })

  it('never throws and never modifies its argument, whatever it gets', () => {
    const odd = [
      null,
      undefined,
      3,
      'x',
      [],
      { fields: 3, folders: 3, permissions: [], locales: [], oauth: 3, name: 4 },
    ]
    for (const raw of odd) assert.ok(normaliseManifest(raw).diagnostics.some(({ severity }) => severity === 'error'))
    const frozen = JSON.parse(JSON.stringify(minimal), (_key, value) => Object.freeze(value))
    normaliseManifest(frozen)
  })
})

describe('manifest: old forms (manifest.md section 5)', () => {
  const table: [
    old: Record<string, unknown>,
    read: (m: ReturnType<typeof read>) => unknown,
    expected: unknown,
    path: string,
  ][] = [
    [{ type: 'node' }, m => m.type, 'konnector', '/type'],
    [{ categories: undefined, category: 'energy' }, m => m.categories, ['energy'], '/category'],
    [{ categories: ['other', 'isp'] }, m => m.categories, ['others', 'isp'], '/categories/0'],
    [{ name: { en: 'Water', fr: 'Eau' } }, m => [m.name, m.locales.fr?.name], ['Water', 'Eau'], '/name'],
    [{ locales: undefined, description: 'Old' }, m => m.locales.en?.long_description, 'Old', '/description'],
    [
      { locales: { en: { description: 'Old' } } },
      m => m.locales.en?.short_description,
      'Old',
      '/locales/en/description',
    ],
    [{ data_types: undefined, dataType: 'bill' }, m => m.data_types, ['bill'], '/dataType'],
    [{ data_types: undefined, dataTypes: ['bill'] }, m => m.data_types, ['bill'], '/dataTypes'],
    [{ time_interval: undefined, timeInterval: [2, 3] }, m => m.time_interval, [2, 3], '/timeInterval'],
    [
      { vendor_link: undefined, vendorLink: 'https://a.example' },
      m => m.vendor_link,
      ['https://a.example'],
      '/vendorLink',
    ],
    [{ oauth: true, oauth_scope: 'a+b c' }, m => m.oauth, { scope: ['a+b c'], account_type: 'aquavolt' }, '/oauth'],
    [
      { hasDescriptions: { service: true, connector: 'hello' } },
      m => m.messages,
      ['service', 'hello'],
      '/hasDescriptions',
    ],
    [{ hasDescription: { connector: true, service: false } }, m => m.messages, ['connector'], '/hasDescription'],
    [{ additionnalSuccessMessage: { message: 'done' } }, m => m.messages, ['done'], '/additionnalSuccessMessage'],
    [{ partner: 'Acme' }, m => m.partnership?.description, 'Acme', '/partner'],
    [{ licence: 'MIT' }, m => m.license, 'MIT', '/licence'],
  ]
  const read = (raw: unknown) => normaliseManifest(raw).manifest
  for (const [old, get, expected, path] of table) {
    it(`${JSON.stringify(old)}`, () => {
      const { manifest, diagnostics } = normaliseManifest({ ...minimal, ...old })
      assert.deepEqual(get(manifest), expected)
      const said = diagnostics.find(one => one.path === path)
      assert.equal(said?.code, 'legacy-property')
      assert.ok(said.hint.length > 5)
    })
  }

  for (const key of ['namePath', 'loginDelay', 'color', 'accounts', 'testing', 'doctypes', 'uuid']) {
    it(`${key} is ignored with a word`, () => {
      assert.deepEqual(codes({ ...minimal, [key]: 8000 }), [`ignored-property /${key}`])
    })
  }

  for (const key of ['advancedFields', 'advanced_fields']) {
    it(`fields.${key}.folderPath means a folder and is not a field`, () => {
      const fields = { login: { type: 'text' }, [key]: { folderPath: { advanced: true, isRequired: false } } }
      const { manifest, diagnostics } = normaliseManifest({ ...minimal, folders: undefined, fields })
      assert.equal(manifest.needs_folder, true)
      assert.deepEqual(manifest.folders, [{ defaultDir: '$administrative/$konnector/$account' }])
      assert.deepEqual(
        manifest.fields.map(({ name }) => name),
        ['login'],
      )
      assert.deepEqual(
        diagnostics.map(({ code }) => code),
        ['advanced-fields'],
      )
    })
  }
})

describe('manifest: fields (section 3.3, in order)', () => {
  const identifiers = (fields: unknown) =>
    fieldsOf(fields)
      .filter(({ role }) => role === 'identifier')
      .map(({ name }) => name)

  it('has exactly one identifier: the first role wins, later ones lose it', () => {
    const fields = {
      a: { type: 'text' },
      b: { type: 'text', role: 'identifier' },
      c: { type: 'text', role: 'identifier' },
    }
    assert.deepEqual(identifiers(fields), ['b'])
    assert.deepEqual(codes({ ...minimal, fields }), ['identifier-twice /fields/c'])
  })
  it('accepts identifier: true', () => {
    assert.deepEqual(identifiers({ login: { type: 'text' }, card: { type: 'text', identifier: true } }), ['card'])
  })
  it('else takes login, identifier, new_identifier, email in this order, not in the order of the file', () => {
    const text = { type: 'text' }
    assert.deepEqual(identifiers({ email: text, login: text }), ['login'])
    assert.deepEqual(identifiers({ email: text, new_identifier: text }), ['new_identifier'])
    assert.deepEqual(identifiers({ x: text, email: text }), ['email'])
  })
  it('else takes the first field that is not a password', () => {
    assert.deepEqual(identifiers({ pin: { type: 'password' }, zip: { type: 'text' } }), ['zip'])
    assert.deepEqual(identifiers({ pin: { type: 'password' } }), [])
  })
  it('required: true by default and for anything that is not a boolean; isRequired only when required is absent', () => {
    const fields = fieldsOf({
      a: { type: 'text' },
      b: { type: 'text', required: false },
      c: { type: 'text', required: 'no' },
      d: { type: 'text', isRequired: false },
      e: { type: 'text', required: true, isRequired: false },
    })
    assert.deepEqual(
      fields.map(({ required }) => required),
      [true, false, true, false, true],
    )
  })
  it('encrypted: by type, by name, or as said', () => {
    const names = ['secret', 'dob', 'code', 'answer', 'access_token', 'refresh_token', 'appSecret']
    const secret = fieldsOf(Object.fromEntries(names.map(name => [name, { type: 'text' }])))
    assert.ok(secret.every(({ encrypted }) => encrypted))
    const [pin, login, said] = fieldsOf({
      pin: { type: 'password' },
      login: { type: 'text' },
      card: { type: 'text', encrypted: true },
    })
    assert.deepEqual([pin?.encrypted, login?.encrypted, said?.encrypted], [true, false, true])
  })
  it('keeps the order of the file, even for names that look like numbers', () => {
    const text = JSON.stringify({ ...minimal, fields: { login: { type: 'text' }, z: { type: 'text' } } })
    const numbered = text.replace('"z"', '"1"')
    assert.deepEqual(
      readManifest(numbered).manifest?.fields.map(({ name }) => name),
      ['login', '1'],
    )
  })
  it('options of a dropdown: name, label or bare text; the default is the value', () => {
    const [zone] = fieldsOf({
      zone: {
        type: 'dropdown',
        options: [{ name: 'North', value: 'n' }, { label: 'South', value: 's' }, 'East'],
        default: { name: 'South', value: 's' },
      },
    })
    assert.deepEqual(zone?.options, [
      { name: 'North', value: 'n' },
      { name: 'South', value: 's' },
      { name: 'East', value: 'East' },
    ])
    assert.equal(zone?.default, 's')
  })
  it('types: phone is tel, an unknown one is text, the 2017 account field is recognised', () => {
    const fields = fieldsOf({
      t: { type: 'phone' },
      u: { type: 'wat' },
      v: {},
      account: { doctype: 'io.cozy.accounts' },
    })
    assert.deepEqual(
      fields.map(({ type }) => type),
      ['tel', 'text', 'text', 'account'],
    )
  })
  it('honours min, max, pattern, description, advanced, checkbox default', () => {
    const [a, b] = fieldsOf({
      a: { type: 'text', min: 8, max: 8, pattern: '^\\d+$', description: 'Eight digits', advanced: true },
      b: { type: 'checkbox', default: true, pattern: '(' },
    })
    assert.deepEqual([a?.min, a?.max, a?.pattern, a?.description, a?.advanced], [8, 8, '^\\d+$', 'Eight digits', true])
    assert.deepEqual([b?.default, b?.pattern], [true, null])
  })
})

describe('manifest: folders (section 3.4)', () => {
  const rows: [string | undefined, string][] = [
    [undefined, '$administrative/$konnector/$account'],
    ['', '$administrative/$konnector/$account'],
    ['$administrative', '$administrative/$konnector/$account'],
    ['/$photos', '$photos/$konnector/$account'],
    ['Bills', '$administrative/Bills'],
    ['$konnector/$account', '$administrative/$konnector/$account'],
    ['$photos//Trips/', '$photos/Trips'],
    ['$administrative/../$account', '$administrative/$account'],
  ]
  for (const [dir, expected] of rows) it(`${dir} → ${expected}`, () => assert.equal(normaliseDefaultDir(dir), expected))

  it('replaces whole segments, slashes of a name become "-"', () => {
    const names = { administrative: 'Administratif', photos: 'Photos', konnector: 'Aqua/Volt', account: 'a/b@c.fr' }
    assert.equal(folderPath('$administrative/$konnector/$account', names), '/Administratif/Aqua-Volt/a-b@c.fr')
    assert.equal(folderPath('$administrative/x$account', names), '/Administratif/x$account')
    assert.equal(folderPath('$photos/$account', { ...names, account: '..' }), '/Photos/--')
  })
})

describe('manifest: diagnostics (section 4)', () => {
  const without = (key: string) => ({ ...minimal, [key]: undefined })
  const rows: [name: string, raw: Record<string, unknown>, expected: string][] = [
    ['no slug', without('slug'), 'slug-missing /slug'],
    ['bad slug', { ...minimal, slug: 'Aqua_volt' }, 'slug-invalid /slug'],
    ['no version', without('version'), 'version-missing /version'],
    ['bad version', { ...minimal, version: '1.0' }, 'version-invalid /version'],
    ['no name', without('name'), 'name-missing /name'],
    ['no type', without('type'), 'type-missing /type'],
    ['a web application', { ...minimal, type: 'webapp' }, 'type-webapp /type'],
    ['no editor', without('editor'), 'editor-missing /editor'],
    ['no icon', without('icon'), 'icon-missing /icon'],
    [
      'bad doctype',
      { ...minimal, permissions: { 'a b': { type: 'Io.cozy', description: 'x' } } },
      'permission-doctype-invalid /permissions/a b/type',
    ],
    [
      'bad verb',
      { ...minimal, permissions: { a: { type: 'io.cozy.bills', verbs: ['GRAB'], description: 'x' } } },
      'permission-verb-invalid /permissions/a/verbs',
    ],
    [
      'dropdown',
      { ...minimal, fields: { login: { type: 'text' }, d: { type: 'dropdown' } } },
      'dropdown-without-options /fields/d/options',
    ],
    ['category', { ...minimal, categories: ['water'] }, 'category-unknown /categories/0'],
    ['data type', { ...minimal, data_types: ['cheese'] }, 'data-type-unknown /data_types/0'],
    ['frequency', { ...minimal, frequency: 'yearly' }, 'frequency-unknown /frequency'],
    ['interval', { ...minimal, time_interval: [25, 3] }, 'time-interval-invalid /time_interval'],
    ['interval across midnight', { ...minimal, time_interval: [22.5, 3] }, 'time-interval-reversed /time_interval'],
    [
      'no English',
      { ...minimal, locales: { fr: { permissions: { files: { description: 'x' } } } } },
      'english-missing /locales',
    ],
    [
      'untranslated permission',
      { ...minimal, locales: { en: {}, fr: {} } },
      'permission-untranslated /locales/fr/permissions/files',
    ],
    ['terms', { ...minimal, terms: { id: 'a', url: 'https://a.example' } }, 'terms-dropped /terms'],
    [
      'terms id',
      { ...minimal, terms: { id: 'a.b', url: 'https://a.example', version: '1' } },
      'terms-dropped /terms/id',
    ],
    ['partnership', { ...minimal, partnership: { name: 'x' } }, 'partnership-dropped /partnership'],
    ['vendor link', { ...minimal, vendor_link: 'aquavolt.example' }, 'vendor-link-scheme /vendor_link'],
    ['files without folders', without('folders'), 'files-without-folders /permissions/files'],
    ['regexp', { ...minimal, banksTransactionRegExp: '(' }, 'regexp-invalid /banksTransactionRegExp'],
    ['feature', { ...minimal, features: ['CARBON_COPY'] }, 'feature-without-permission /features'],
    ['domain', { ...minimal, domains: ['https://x'] }, 'domain-invalid /domains/0'],
    ['field type', { ...minimal, fields: { login: { type: 'wat' } } }, 'field-type-unknown /fields/login/type'],
    ['pointer escapes', { ...minimal, fields: { login: { type: 'text' }, 'a/b~c': 3 } }, 'wrong-type /fields/a~1b~0c'],
  ]
  for (const [name, raw, expected] of rows) it(name, () => assert.deepEqual(codes(raw), [expected]))

  it('a list of unknown verbs does not become every verb', () => {
    const raw = { ...minimal, permissions: { a: { type: 'io.cozy.bills', verbs: ['GRAB'] } } }
    assert.deepEqual(normaliseManifest(raw).manifest.permissions[0]?.verbs, [])
  })

  it('terms and partnership that clients drop are null', () => {
    const { manifest } = normaliseManifest({ ...minimal, terms: { id: 'x' }, partnership: {} })
    assert.deepEqual([manifest.terms, manifest.partnership], [null, null])
  })

  it('slug, version and doctype rules', () => {
    assert.deepEqual(['a-1', 'A', '', 'a.b'].map(isSlug), [true, false, false, false])
    const versions = ['1.0.0', '0.0.0', '99999.1.2', '01.0.0', '100000.0.0', '1.0.0-beta.1', 'v1.0.0', '1.0']
    assert.deepEqual(versions.map(isManifestVersion), [true, true, true, false, false, false, false, false])
    const doctypes = ['io.cozy.bank.*', 'io.cozy.*', 'io.cozy.bills', '*', '.io', 'io..cozy', 'io.cozy.', 'io.cozy.A']
    assert.deepEqual(doctypes.map(isPermissionDoctype), [true, false, true, false, false, false, false, false])
  })

  it('every code is explained in docs/reference/manifest.md with its severity, and no other', () => {
    const page = readFileSync(new URL('../../../docs/reference/manifest.md', import.meta.url), 'utf8')
    const rows = [...page.matchAll(/^\| `([a-z-]+)` \| (error|warning) \|/gm)].map(([, code, severity]) => [
      code,
      severity,
    ])
    assert.deepEqual(Object.fromEntries(rows), { ...DIAGNOSTICS })
  })
})

describe('manifest: reading the text', () => {
  const only = (text: string) => readManifest(text).diagnostics.map(({ code, path }) => `${code} ${path}`)

  it('not JSON, not an object, a byte order mark', () => {
    assert.deepEqual(only('{ // hello\n}'), ['not-json '])
    assert.deepEqual(only('[]'), ['not-object '])
    assert.equal(readManifest('[]').manifest, null)
    assert.deepEqual(only(`\uFEFF${JSON.stringify(minimal)}`), [])
  })
  it('merge-conflict markers are named with their line, before the syntax error they cause', () => {
    const { diagnostics } = readManifest('{\n<<<<<<< HEAD\n"version": "1.0.0"\n=======\n>>>>>>> x\n}')
    assert.deepEqual(
      diagnostics.map(({ code }) => code),
      ['conflict-markers', 'not-json'],
    )
    assert.match(diagnostics[0]?.message ?? '', /line 2/)
  })
  it('keys written twice, at any depth', () => {
    const text = JSON.stringify(minimal).replace('"type":"email"', '"type":"text","type":"email"')
    assert.deepEqual(only(text), ['duplicate-key /fields/login/type'])
  })
  it('is not upset by a hostile nesting', () => {
    const deep = `${'['.repeat(50_000)}${']'.repeat(50_000)}`
    assert.deepEqual(only(JSON.stringify(minimal).replace('"1.0.0"', `"1.0.0","x":${deep}`)), [])
  })
  it('larger than a server reads', () => {
    assert.deepEqual(only(JSON.stringify({ ...minimal, x: 'é'.repeat(1024 * 1024) })), ['too-large '])
  })
  it('texts fall back to English', () => {
    const manifest = normaliseManifest({ ...minimal, locales: { en: { short_description: 'A' }, fr: {} } }).manifest
    assert.equal(localisedText(manifest, 'fr', ['short_description']), 'A')
    assert.equal(localisedText(manifest, 'fr', ['fields', 'login', 'label']), undefined)
    assert.equal(localisedText(manifest, 'constructor', ['name']), undefined)
  })
})
