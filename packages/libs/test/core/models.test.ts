import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { models } from '../../src/cozy-client/index.ts'
import { qualificationLabels } from '../../src/cozy-client/models/qualification.ts'

const { Qualification, getQualification, setQualification } = models.document

describe('models.document.Qualification', () => {
  it('knows 99 labels, each once', () => {
    const labels = qualificationLabels()
    assert.equal(labels.length, 99)
    assert.equal(new Set(labels).size, 99)
    for (const label of labels) assert.equal(Qualification.getByLabel(label).label, label)
  })

  it('gives the meaning of a label', () => {
    assert.deepEqual(JSON.parse(JSON.stringify(Qualification.getByLabel('isp_invoice'))), {
      label: 'isp_invoice',
      purpose: 'invoice',
      sourceCategory: 'telecom',
      sourceSubCategory: 'internet',
      subjects: ['subscription'],
    })
    assert.deepEqual(JSON.parse(JSON.stringify(Qualification.getByLabel('other_activity_document'))), {
      label: 'other_activity_document',
      sourceSubCategory: 'sport',
      subjects: ['permit', 'invoice'],
    })
    assert.deepEqual(JSON.parse(JSON.stringify(Qualification.getByLabel('note_invoice'))), { label: 'note_invoice' })
    const health = Qualification.getByLabel('national_health_insurance_right_certificate').toQualification()
    assert.deepEqual(health.subjects, ['right', 'insurance'])
  })

  it('throws on an unknown label', () => {
    assert.throws(() => Qualification.getByLabel('invented'), /No qualification found for the label invented/)
  })

  it('can be completed where the table says nothing', () => {
    assert.equal(Qualification.getByLabel('receipt').setSourceCategory('shopping').sourceCategory, 'shopping')
    assert.equal(Qualification.getByLabel('receipt').setPurpose('invoice').purpose, 'invoice')
    assert.equal(Qualification.getByLabel('receipt').setSourceSubCategory('sport').sourceSubCategory, 'sport')
    assert.deepEqual(Qualification.getByLabel('receipt').setSubjects(['food']).subjects, ['food'])
  })
})

describe('qualification of a document', () => {
  it('is set and read', () => {
    const document = setQualification({ metadata: { a: 1 } }, Qualification.getByLabel('tax_notice'))
    assert.equal((document.metadata as { a: number }).a, 1)
    assert.equal(getQualification(document)?.sourceSubCategory, 'tax')
    assert.equal(getQualification({}), null)
  })

  it('must keep to the table', t => {
    const info = t.mock.method(console, 'info', () => {}).mock
    assert.throws(() => setQualification({}, {}), /must set a label/)
    const receipt = {
      label: 'tax_notice',
      purpose: 'report',
      sourceCategory: 'gov',
      sourceSubCategory: 'tax',
      subjects: ['tax'],
    }
    assert.throws(() => setQualification({}, receipt), /purpose for the label tax_notice should be invoice/)
    assert.throws(() => setQualification({}, { ...receipt, purpose: 'invoice', subjects: [] }), /should include tax/)
    setQualification({}, { ...receipt, purpose: 'invoice', subjects: ['tax', 'unheard'] })
    assert.match(String(info.calls[0]?.arguments[0]), /unheard/)
  })
})

describe('other models', () => {
  it('can be read without harm, and say what to do when called', () => {
    assert.equal(typeof models.trigger, 'function')
    assert.throws(
      () => models.trigger.triggers.isKonnectorWorker({}),
      /models\.trigger\.triggers\.isKonnectorWorker is not provided/,
    )
    assert.equal(models.file.isDirectory({ type: 'directory' }), true)
    assert.deepEqual(models.file.splitFilename({ type: 'file', name: 'a.b.pdf' }), {
      filename: 'a.b',
      extension: '.pdf',
    })
    assert.equal(models.accounts.getAccountName({ auth: { login: 'me' } }), 'me')
  })
})
