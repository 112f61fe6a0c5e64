import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openWorkshop } from '../core/konnector-process.ts'

/** Three files, made one by one; the second is made when the time is up. */
const KONNECTOR = (timeout: string, patience: string) => `
  const { BaseKonnector, log } = require('cozy-konnector-libs')
  module.exports = new BaseKonnector(async function (fields) {
    const timeout = ${timeout}
    const until = ${patience}
    const entry = (name, fetchFile = async () => 'text') => ({ filename: name + '.txt', fetchFile })
    const late = () => new Promise(resolve => setTimeout(() => resolve('text'), Math.max(0, until - Date.now())))
    const saved = await this.saveFiles([entry('a'), entry('b', late), entry('c')], fields, { timeout, concurrency: 1 })
    log('info', 'saved ' + saved.map(({ filename }) => filename))
  })`

// real-usage.md section 10, 17: long runs bounded by `timeout: Date.now() + n`, or by COZY_TIME_LIMIT.
test('pattern 17: timeout and COZY_TIME_LIMIT end the saving, not the run', async () => {
  await using workshop = await openWorkshop()
  const run = async (source: string, env: Record<string, string> = {}) => {
    const { code, lines, stdout, stderr } = await workshop.run(source, env)
    assert.equal(code, 0, stdout + stderr)
    const said = (pattern: RegExp) => lines.map(({ message }) => message ?? '').find(message => pattern.test(message))
    return { saved: said(/^saved/), late: said(/timeout/) }
  }
  assert.deepEqual(await run(KONNECTOR('Date.now() - 1', '0')), {
    saved: 'saved ',
    late: 'saveFile timeout: still 3 / 3 to download',
  })
  assert.deepEqual(await run(KONNECTOR('Date.now() + 300', 'timeout + 20')), {
    saved: 'saved a.txt,b.txt',
    late: 'saveFile timeout: still 1 / 3 to download',
  })
  // Of the limit, counted from the start of the process, four fifths are for saving.
  const whole = `performance.timeOrigin + process.env.COZY_TIME_LIMIT * 1000`
  assert.deepEqual(await run(KONNECTOR('undefined', whole).replaceAll('.txt', '.csv'), { COZY_TIME_LIMIT: '2' }), {
    saved: 'saved a.csv,b.csv',
    late: 'saveFile timeout: still 1 / 3 to download',
  })
  assert.deepEqual(await run(KONNECTOR('Date.now() + 60000', '0').replaceAll('.txt', '.log')), {
    saved: 'saved a.log,b.log,c.log',
    late: undefined,
  })
})
