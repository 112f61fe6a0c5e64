import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import type { Verb } from '../../src/ground/http/grant.ts'
import type { Target } from '../../src/rooms/files/access.ts'
import { ROOT_ID, TRASH_ID } from '../../src/rooms/files/record.ts'
import { grantOf, MAXIMAL, type PermissionSet, parseScope } from '../../src/rooms/permissions/index.ts'
import { openReadingHouse } from './reading-house.ts'

const house = await openReadingHouse()
after(() => house[Symbol.asyncDispose]())
const { directory, file, root, alice, reading } = house
const { access } = reading

const konnector = { type: 'io.cozy.konnectors', id: 'io.cozy.konnectors/acme' }
const administrative = await directory(root, 'Administrative', { tags: ['papers'] })
const acme = await directory(administrative, 'Acme', { referenced_by: [konnector] })
const inner = await directory(acme, 'inner')
const deep = await file(inner, 'deep.pdf', 'x', { tags: ['tax', 'blue'], referenced_by: [{ type: 'b', id: 'b1' }] })
const beside = await file(administrative, 'beside.txt', 'x', { mime: 'text/plain', class: 'text' })
const trashed = await file(house.trash, 'trashed.pdf')

const may = (set: PermissionSet | string, target: Target, verb: Verb = 'GET') =>
  access.may(
    alice,
    { kind: 'konnector', subject: 'acme', grant: grantOf(typeof set === 'string' ? parseScope(set) : set) },
    verb,
    target,
  )
const FILES = 'io.cozy.files'

/** The rule, what it opens, what it does not. */
const rows: [scope: string, open: Target[], closed: Target[]][] = [
  [FILES, [root, acme, deep, beside, trashed], []],
  ['io.cozy.bills', [], [root, acme, deep, trashed]],
  [`${FILES}:POST`, [], [acme, deep]],
  [`${FILES}:GET:${ROOT_ID}`, [root, acme, deep, beside, trashed], []],
  [`${FILES}:GET:${deep._id}`, [deep], [inner, beside]],
  [`${FILES}:GET:${inner._id}`, [inner, deep], [acme, beside]],
  [`${FILES}:GET:${acme._id}`, [acme, inner, deep], [administrative, beside, trashed]],
  [`${FILES}:GET:${administrative._id}`, [administrative, acme, inner, deep, beside], [root, trashed]],
  [`${FILES}:GET:${TRASH_ID}`, [house.trash, trashed], [root, deep]],
  [`${FILES}:GET:file:type`, [deep, beside, trashed], [acme, root]],
  [`${FILES}:GET:directory:type`, [acme, root, deep, beside], []],
  [`${FILES}:GET:deep.pdf:name`, [deep], [beside, inner]],
  [`${FILES}:GET:Acme:name`, [acme, inner, deep], [administrative, beside]],
  [`${FILES}:GET:text/plain:mime`, [beside], [deep, acme]],
  [`${FILES}:GET:pdf:class`, [deep, trashed], [beside, acme]],
  [`${FILES}:GET:blue:tags`, [deep], [beside, inner]],
  [`${FILES}:GET:papers:tags`, [administrative, acme, deep, beside], [root, trashed]],
  [`${FILES}:GET:io.cozy.konnectors/acme:referenced_by`, [acme, inner, deep], [administrative, beside]],
  // On a directory only the id of the reference counts, on a file also `type/id`.
  [`${FILES}:GET:io.cozy.konnectors/io.cozy.konnectors/acme:referenced_by`, [], [acme, deep]],
  [`${FILES}:GET:b1:referenced_by`, [deep], [inner, beside]],
  [`${FILES}:GET:b/b1:referenced_by`, [deep], [inner, beside]],
  [`${FILES}:GET:${acme._id}:name`, [], [acme, deep]],
  [`${FILES}:GET:x:dir_id`, [], [acme, deep]],
  [`${FILES}:GET:/Administrative:path`, [], [administrative, deep]],
]

describe('each kind of rule opens what it names and all below, and nothing else', () => {
  for (const [scope, open, closed] of rows) {
    test(scope, async () => {
      for (const target of open) assert.equal(await may(scope, target), true, `${target.name} should be open`)
      for (const target of closed) assert.equal(await may(scope, target), false, `${target.name} should be closed`)
      for (const verb of ['PUT', 'PATCH', 'DELETE'] as const) {
        if (!scope.includes(':')) continue
        for (const target of open) assert.equal(await may(scope, target, verb), false, verb)
      }
    })
  }
})

test('with several selector rules each is tried on every ancestor, in any order', async () => {
  const rules = [
    `${FILES}:GET:nobody:tags`,
    `${FILES}:GET:nobody:name`,
    `${FILES}:GET:image/png:mime`,
    `${FILES}:GET:io.cozy.konnectors/acme:referenced_by`,
    `${FILES}:GET:nothing`,
  ]
  for (let turn = 0; turn < rules.length; turn++) {
    const scope = [...rules.slice(turn), ...rules.slice(0, turn)].join(' ')
    assert.equal(await may(scope, deep), true, scope)
    assert.equal(await may(scope, beside), false, scope)
  }
})

test('mime and class of an ancestor do not count', async () => {
  const odd = { ...(await directory(root, 'odd')), mime: 'application/pdf', class: 'pdf' }
  const inside: Target = { type: 'file', name: 'x', dir_id: odd._id, mime: 'a/b', class: 'a' }
  assert.equal(await may(`${FILES}:GET:application/pdf:mime`, inside), false)
  assert.equal(await may(`${FILES}:GET:pdf:class`, inside), false)
})

test('what is not stored yet is judged by where it will lie', async () => {
  const draft: Target = { type: 'file', name: 'new.pdf', dir_id: inner._id, mime: 'application/pdf', class: 'pdf' }
  assert.equal(await may(`${FILES}:POST:${acme._id}`, draft, 'POST'), true)
  assert.equal(await may(`${FILES}:POST:${acme._id}`, { ...draft, dir_id: administrative._id }, 'POST'), false)
  assert.equal(await may(`${FILES}:POST:io.cozy.konnectors/acme:referenced_by`, draft, 'POST'), true)
  assert.equal(await may(`${FILES}:POST:new.pdf:name`, draft, 'POST'), true)
})

test('wildcards cover files, the maximal set everything', async () => {
  assert.equal(await may('io.cozy.files.*', deep), true)
  assert.equal(await may('io.cozy.bank.*', deep), false)
  assert.equal(await may(MAXIMAL, deep, 'DELETE'), true)
})

test('a tree that leads in a circle ends the search', async () => {
  const one = await directory({ ...root, _id: 'circle-two' }, 'one', {}, { id: 'circle-one' })
  await directory(one, 'two', {}, { id: 'circle-two' })
  assert.equal(
    await may(`${FILES}:GET:nobody`, { type: 'file', name: 'x', dir_id: 'circle-one', mime: '', class: '' }),
    false,
  )
})

test('another instance’s directories open nothing', async () => {
  const foreign = await directory(house.bobsRoot, 'foreign', { referenced_by: [konnector] }, { tenant: house.bob })
  const target: Target = { type: 'file', name: 'x', dir_id: foreign._id, mime: 'a/b', class: 'a' }
  assert.equal(await may(`${FILES}:GET:io.cozy.konnectors/acme:referenced_by`, target), false)
})

test('over HTTP: a konnector reads its own folder and nobody else’s', async () => {
  const scope = `${FILES}:GET:io.cozy.konnectors/acme:referenced_by`
  const status = async (path: string) => (await house.ask(path, { scope })).status
  assert.equal(await status(`/files/${deep._id}`), 200)
  assert.equal(await status(`/files/download/${deep._id}`), 200)
  assert.equal(await status('/files/metadata?Path=/Administrative/Acme/inner'), 200)
  assert.equal(await status(`/files/${inner._id}/relationships/contents`), 200)
  assert.equal(await status(`/files/${beside._id}`), 403)
  assert.equal(await status(`/files/download/${beside._id}`), 403)
  assert.equal(await status(`/files/${ROOT_ID}`), 403)
  assert.equal(await status('/files/trash'), 403)
})
