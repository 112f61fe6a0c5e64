import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { FileDocument } from '@konnectory/protocol'
import type { SaveContext } from '../../src/save/context.ts'
import type { FileEntry } from '../../src/save/file-entry.ts'
import { nameFromUrl, sanitizeFileName } from '../../src/save/file-name.ts'
import { contentTypeOfName, typeOfName } from '../../src/save/mime-types.ts'
import { metadataToWrite, replacementReason } from '../../src/save/replacement.ts'
import { fitsType, isPageInsteadOf, sniff } from '../../src/save/sniff.ts'
import { fileDefect } from '../../src/save/validate-file.ts'

const bytes = (text: string) => Buffer.from(text, 'latin1')

describe('file names', () => {
  test('lose what a file system refuses; names of dots become empty', () => {
    assert.equal(sanitizeFileName('a/b?c<d>e\\f:g*h|i"j\u0000\u000f.pdf'), 'abcdefghij.pdf')
    assert.equal(sanitizeFileName('\u0010kept'), '\u0010kept')
    assert.equal(sanitizeFileName('...'), '')
    assert.equal(sanitizeFileName('..a'), '..a')
  })

  test('come from the path of the address when there is no other', () => {
    assert.equal(nameFromUrl('https://x.test/a/b.pdf?c=d.html#e'), 'b.pdf')
    assert.equal(nameFromUrl('https://x.test/'), undefined)
    assert.equal(nameFromUrl('/relative/c.pdf'), 'c.pdf')
  })
})

describe('types', () => {
  test('by extension, with a charset for text', () => {
    assert.equal(typeOfName('A.PDF'), 'application/pdf')
    assert.equal(typeOfName('noextension'), undefined)
    assert.equal(typeOfName('a.constructor'), undefined)
    assert.equal(contentTypeOfName('a.html'), 'text/html; charset=utf-8')
    assert.equal(contentTypeOfName('a.pdf'), 'application/pdf')
  })

  test('the default check refuses the empty and the wrong type, and passes what it cannot judge', () => {
    assert.equal(fileDefect({ name: 'a.pdf', size: '0', mime: 'application/pdf' }), 'BAD_FILE_SIZE')
    assert.equal(fileDefect({ name: 'a.pdf', size: 0 }), 'BAD_FILE_SIZE')
    assert.equal(fileDefect({ name: 'a.pdf', size: '1', mime: 'text/html' }), 'BAD_MIME_TYPE')
    assert.equal(fileDefect({ name: 'a.pdf', size: '1', mime: 'application/pdf; charset=x' }), undefined)
    assert.equal(fileDefect({ name: 'a', size: '1', mime: 'text/html' }), undefined)
    assert.equal(fileDefect({ name: 'a.pdf', size: '1' }), undefined)
  })

  const samples: [string, string | undefined][] = [
    ['%PDF-1.4 ...', 'application/pdf'],
    ['\n\n%PDF-1.4', 'application/pdf'],
    ['\x89PNG\r\n\x1a\n....', 'image/png'],
    ['\xff\xd8\xff\xe0', 'image/jpeg'],
    ['GIF89a', 'image/gif'],
    ['PK\x03\x04', 'application/zip'],
    ['\xef\xbb\xbf <!-- x -->\n<!DOCTYPE html><p>', 'text/html'],
    ['<?xml version="1.0"?><!DOCTYPE html><html>', 'text/html'],
    ['<?xml version="1.0"?><a/>', 'application/xml'],
    ['plain; text', 'text/plain'],
    ['\x00\x01\x02', undefined],
    ['', undefined],
  ]
  for (const [content, type] of samples) {
    test(`content ${JSON.stringify(content.slice(0, 20))} is ${type}`, () => assert.equal(sniff(bytes(content)), type))
  }

  test('content fits the types it may be the container of', () => {
    assert.ok(fitsType('application/zip', typeOfName('a.docx') as string))
    assert.ok(fitsType('text/plain', 'text/csv'))
    assert.ok(!fitsType('text/html', 'application/pdf'))
    assert.ok(!fitsType(undefined, 'application/pdf'))
  })

  test('a page is recognised where a document was promised, and only there', () => {
    const page = bytes('<html><body>Session expired')
    assert.ok(isPageInsteadOf('application/pdf', page))
    assert.ok(!isPageInsteadOf('text/html', page))
    assert.ok(!isPageInsteadOf('application/pdf', bytes('%PDF-1.4')))
  })
})

const context = (more: object = {}) => ({ manifest: { slug: 'acme' }, accountIdentifier: 'me', ...more }) as SaveContext
const stored = (metadata: object | undefined, cozyMetadata: object = { sourceAccountIdentifier: 'me' }) =>
  ({ _id: 'f', attributes: { name: 'a.pdf', metadata, cozyMetadata } }) as unknown as FileDocument
const entry = (metadata?: Record<string, unknown>): FileEntry => (metadata ? { fileAttributes: { metadata } } : {})
const reason = (file: FileDocument, wanted: FileEntry, options = {}, ctx = context()) =>
  replacementReason(ctx, file, wanted, options)

class Qualification {
  label: string
  purpose: string | undefined
  constructor(label: string) {
    this.label = label
  }
  toQualification() {
    return { label: this.label, purpose: this.purpose, icon: 'new-in-later-models' }
  }
}

describe('replacing a known file', () => {
  test('when the entry has metadata and the file has none', () => {
    assert.ok(reason(stored(undefined), entry({ contentAuthor: 'acme' })))
    assert.equal(reason(stored(undefined), entry()), undefined)
  })

  test('when it lacks its key or the identifier of the account', () => {
    assert.ok(reason(stored({ a: 1 }), entry(), { fileIdAttributes: ['vendorRef'] }))
    assert.equal(reason(stored({ fileIdAttributes: 'x' }), entry(), { fileIdAttributes: ['vendorRef'] }), undefined)
    assert.ok(reason(stored({}, {}), entry()))
  })

  for (const name of ['carbonCopy', 'electronicSafe']) {
    test(`when ${name} is new or different, not when it is equal`, () => {
      assert.ok(reason(stored({}), entry({ [name]: true })))
      assert.ok(reason(stored({ [name]: false }), entry({ [name]: true })))
      assert.equal(reason(stored({ [name]: true }), entry({ [name]: true })), undefined)
    })
  }

  test('not for carbonCopy without its permission: it never arrives on the file', () => {
    const permissions = { files: { type: 'io.cozy.files' } }
    const ctx = context({ manifest: { slug: 'acme', permissions } })
    assert.equal(reason(stored({}), entry({ carbonCopy: true }), {}, ctx), undefined)
    const allowed = { ...permissions, copy: { type: 'io.cozy.certified.carbon_copy' } }
    assert.ok(reason(stored({}), entry({ carbonCopy: true }), {}, context({ manifest: { permissions: allowed } })))
  })

  test('when the qualification is new or different, not when it is equal', () => {
    assert.ok(reason(stored({}), entry({ qualification: { label: 'invoice' } })))
    assert.ok(reason(stored({ qualification: { label: 'other' } }), entry({ qualification: { label: 'invoice' } })))
    const file = stored({ qualification: { subjects: ['a'], label: 'invoice' } })
    assert.equal(
      reason(file, entry({ qualification: { label: 'invoice', subjects: ['a'], purpose: undefined } })),
      undefined,
    )
  })

  test('a Qualification object is compared by its plain form, without icon', () => {
    const file = stored({ qualification: { label: 'invoice' } })
    assert.equal(reason(file, entry({ qualification: new Qualification('invoice') })), undefined)
    assert.ok(reason(file, entry({ qualification: new Qualification('other') })))
  })

  test('FIX-12: what the user noted on the file is no difference', () => {
    const file = stored({ qualification: { label: 'user' }, carbonCopy: true })
    assert.equal(reason(file, entry({ contentAuthor: 'acme' })), undefined)
  })

  test('FIX-12: the new metadata go over the stored ones', () => {
    const file = stored({ qualification: { label: 'user' }, contentAuthor: 'old', fileIdAttributes: 'k0' })
    assert.deepEqual(metadataToWrite(entry({ contentAuthor: 'acme', date: new Date(0) }), 'k', file), {
      qualification: { label: 'user' },
      contentAuthor: 'acme',
      date: '1970-01-01T00:00:00.000Z',
      fileIdAttributes: 'k',
    })
    assert.equal(metadataToWrite(entry(), undefined, undefined), undefined)
    assert.deepEqual(metadataToWrite(entry({ qualification: new Qualification('invoice') }), undefined, undefined), {
      qualification: { label: 'invoice' },
    })
  })
})
