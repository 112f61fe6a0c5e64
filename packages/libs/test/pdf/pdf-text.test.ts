import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openWorkshop } from '../core/konnector-process.ts'
import { installPdfjsDist } from './pdfjs-dist-stand-in.ts'

test('getPdfText: the text of all pages, items by page, some pages only; the worker is handed over', async () => {
  await using workshop = await openWorkshop()
  installPdfjsDist(workshop.folder)
  const ended = await workshop.run(`
    const { BaseKonnector, cozyClient, utils } = require('cozy-konnector-libs')
    module.exports = new BaseKonnector(async () => {
      const { _id } = await cozyClient.files.create('%PDF\\nTotal\\n12 €\\fpage two', { name: 'a.pdf', dirID: 'io.cozy.files.root-dir' })
      const all = await utils.getPdfText(_id)
      const second = await utils.getPdfText(_id, { pages: [2] })
      console.log('> ' + JSON.stringify([all.text, all[1].map(({ str }) => str), Object.keys(all), Object.keys(all[2][0]), second.text, Object.keys(second)]))
    })`)
  const line = /> (.*)\n/.exec(ended.stdout)?.[1]
  assert.ok(line, ended.stdout + ended.stderr)
  assert.deepEqual(JSON.parse(line), [
    'Total\n12 €page two',
    ['Total', '12 €'],
    ['1', '2', 'text'],
    ['str', 'dir', 'width', 'height', 'transform', 'fontName', 'hasEOL'],
    'page two',
    ['2', 'text'],
  ])
})
