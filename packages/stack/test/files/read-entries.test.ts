import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { ROOT_ID, TRASH_ID, TRASH_PATH } from '../../src/rooms/files/record.ts'
import { md5, openReadingHouse } from './reading-house.ts'

const house = await openReadingHouse()
after(() => house[Symbol.asyncDispose]())
const { ask, directory, file, root } = house

describe('who may not', () => {
  test('no token, another instance’s token, no rule, a rule for another verb', async () => {
    const secret = await file(root, 'secret.pdf')
    assert.equal((await ask(`/files/${secret._id}`, { scope: null })).status, 401)
    const foreign = await ask(`/files/${secret._id}`, { headers: { authorization: 'Bearer bob.localhost *' } })
    assert.equal(foreign.status, 400)
    // The same id asked for in the other instance is not there.
    assert.equal((await ask(`/files/${secret._id}`, { tenant: house.bob, scope: '*' })).status, 404)
    for (const path of [
      `/files/${secret._id}`,
      '/files/metadata?Path=/secret.pdf',
      `/files/${secret._id}/size`,
      `/files/${ROOT_ID}/relationships/contents`,
      '/files/trash',
      '/files/fsck',
      '/files/_changes',
      `/files/download/${secret._id}`,
      '/files/download?Path=/secret.pdf',
    ]) {
      assert.equal((await ask(path, { scope: 'io.cozy.bills' })).status, 403, path)
      assert.equal((await ask(path, { scope: 'io.cozy.files:POST,PUT,PATCH,DELETE' })).status, 403, path)
    }
    // Who has no rule about files does not learn what is there.
    for (const path of [
      '/files/unknown',
      '/files/metadata?Path=/unknown',
      '/files/download/unknown',
      '/files/unknown/size',
    ]) {
      assert.equal((await ask(path, { scope: 'io.cozy.bills io.cozy.files:POST' })).status, 403, path)
      assert.equal((await ask(path, { scope: `io.cozy.files:GET:${ROOT_ID}` })).status, 404, path)
    }
    for (const path of ['/files/_find', '/files/_all_docs']) {
      const narrow = await ask(path, {
        method: 'POST',
        body: { keys: [], selector: {} },
        scope: `io.cozy.files:GET:${ROOT_ID}`,
      })
      assert.equal(narrow.status, 403, path)
    }
  })
})

test('a file as clients know it', async () => {
  const folder = await directory(root, 'me@mail.net')
  const metadata = { fileIdAttributes: 'acme####2025-03' }
  const made = await file(folder, 'facture.pdf', 'content', {
    tags: ['tax'],
    metadata,
    referenced_by: [{ type: 'io.cozy.bills', id: 'b1' }],
  })
  const answer = await ask(`/files/${made._id}`)
  assert.equal(answer.status, 200)
  assert.match(answer.headers['content-type'] as string, /^application\/vnd\.api\+json/)
  const { data, included } = answer.json
  const { tiny, small, medium, large, ...links } = data.links
  assert.deepEqual(
    { ...data, links },
    {
      type: 'io.cozy.files',
      id: made._id,
      meta: { rev: made._rev },
      attributes: {
        type: 'file',
        name: 'facture.pdf',
        dir_id: folder._id,
        created_at: made.created_at,
        updated_at: made.updated_at,
        size: '7',
        md5sum: md5('content'),
        mime: 'application/pdf',
        class: 'pdf',
        executable: false,
        trashed: false,
        encrypted: false,
        tags: ['tax'],
        metadata,
      },
      relationships: {
        parent: {
          links: { related: `/files/${folder._id}` },
          data: { id: folder._id, type: 'io.cozy.files' },
        },
        referenced_by: {
          links: { self: `/files/${made._id}/relationships/references` },
          data: [{ type: 'io.cozy.bills', id: 'b1' }],
        },
        old_versions: { data: [] },
      },
      links: { self: `/files/${made._id}` },
    },
  )
  assert.deepEqual(included, [])
  for (const [format, link] of Object.entries({ tiny, small, medium, large })) {
    assert.match(link as string, new RegExp(`^/files/${made._id}/thumbnails/[\\w.~-]+/${format}$`))
  }
})

test('old contents come with a single file, oldest first', async () => {
  const made = await file(root, 'versioned.txt', 'new', { mime: 'text/plain', class: 'text' })
  await house.version(made, 2, 'second')
  await house.version(made, 1, 'first')
  const { data, included } = (await ask(`/files/${made._id}`)).json
  assert.deepEqual(data.relationships.old_versions.data, [
    { id: `${made._id}/1`, type: 'io.cozy.files.versions' },
    { id: `${made._id}/2`, type: 'io.cozy.files.versions' },
  ])
  assert.deepEqual(
    included.map((version: { type: string; attributes: object }) => [version.type, version.attributes]),
    [1, 2].map(number => [
      'io.cozy.files.versions',
      {
        file_id: made._id,
        updated_at: `2026-01-0${number}T00:00:00Z`,
        size: number === 1 ? '5' : '6',
        md5sum: md5(number === 1 ? 'first' : 'second'),
        tags: [],
      },
    ]),
  )
  assert.deepEqual(Object.keys(data.links), ['self'], 'a text has no thumbnails')
  assert.equal(data.relationships.referenced_by.data, null)
})

test('a directory shows its references in its attributes, and its first page', async () => {
  const references = [{ id: 'io.cozy.konnectors/acme', type: 'io.cozy.konnectors' }]
  const folder = await directory(root, 'Acme', { referenced_by: references })
  const inside = await directory(folder, 'z-folder')
  const pdf = await file(folder, 'a.pdf')
  const { data, included, links } = (await ask(`/files/${folder._id}`)).json
  const self = `/files/${folder._id}`
  assert.deepEqual(data, {
    type: 'io.cozy.files',
    id: folder._id,
    meta: { rev: folder._rev },
    attributes: {
      type: 'directory',
      name: 'Acme',
      dir_id: ROOT_ID,
      path: '/Acme',
      created_at: folder.created_at,
      updated_at: folder.updated_at,
      referenced_by: references,
    },
    links: { self },
    relationships: {
      parent: { links: { self: `/files/${ROOT_ID}` }, data: { id: ROOT_ID, type: 'io.cozy.files' } },
      contents: {
        meta: { count: 2 },
        links: { self: `${self}/relationships/contents` },
        data: [inside, pdf].map(({ _id }) => ({ id: _id, type: 'io.cozy.files' })),
      },
      not_synchronized_on: { links: { self: `${self}/relationships/not_synchronized_on` }, data: null },
      referenced_by: { links: { self: `${self}/relationships/references` }, data: references },
    },
  })
  assert.deepEqual(links, {})
  assert.deepEqual(
    included.map((object: { id: string }) => object.id),
    [inside._id, pdf._id],
  )
  assert.deepEqual(Object.keys(included[0].relationships), ['referenced_by'], 'in a list a directory has no other')
  assert.deepEqual(included[0].relationships.referenced_by.data, [])
  assert.deepEqual(Object.keys(included[1].relationships), ['parent', 'referenced_by'])
})

test('the root has no parent and hides the trash, which is there by path and by its list', async () => {
  const { data, included } = (await ask(`/files/${ROOT_ID}?page[limit]=1000`)).json
  assert.deepEqual(data.relationships.parent, {})
  assert.equal(data.attributes.path, '/')
  assert.ok(included.length > 0)
  assert.ok(!included.some((object: { id: string }) => object.id === TRASH_ID))
  assert.equal(data.relationships.contents.meta.count, included.length)
  assert.equal((await ask(`/files/metadata?Path=${TRASH_PATH}`)).json.data.id, TRASH_ID)
  const gone = await file(house.trash, 'gone.pdf', 'x', { trashed: true, restore_path: '/' })
  const trash = (await ask('/files/trash')).json
  assert.deepEqual(
    trash.data.map((object: { id: string }) => object.id),
    [gone._id],
  )
  assert.deepEqual([trash.meta, trash.links], [{ count: 1 }, {}])
  assert.equal((await ask('/files/trash', { scope: `io.cozy.files:GET:${TRASH_ID}` })).status, 200)
})

describe('by path', () => {
  test('files and directories, with dots and doubled slashes resolved', async () => {
    const a = await directory(root, 'a b')
    const deep = await directory(a, 'ü%2F')
    const leaf = await file(deep, 'x&y.pdf')
    const at = async (path: string) => (await ask(`/files/metadata?Path=${encodeURIComponent(path)}`)).json.data?.id
    assert.equal(await at('/'), ROOT_ID)
    assert.equal(await at('/a b'), a._id)
    assert.equal(await at('/a b/'), a._id)
    assert.equal(await at('/a b/ü%2F/x&y.pdf'), leaf._id)
    assert.equal(await at('//a b/./nothing/../ü%2F//x&y.pdf'), leaf._id)
    assert.equal(await at('/../../a b'), a._id)
  })
  test('what is not there is a 404 with a status clients read; a relative path is a 400', async () => {
    for (const path of ['/nothing', '/a/b/c', '/nul%00', '/secret.pdf/below', '/%ff']) {
      const answer = await ask(`/files/metadata?Path=${path}`)
      assert.equal(answer.status, 404, path)
      assert.deepEqual(answer.json, {
        errors: [{ status: '404', title: 'Not Found', detail: 'file does not exist', source: {} }],
      })
    }
    for (const query of ['?Path=a/b', '?Path=', '']) {
      const answer = await ask(`/files/metadata${query}`)
      assert.equal(answer.status, 400, query)
      assert.equal(answer.json.errors[0].detail, 'Path should be absolute')
    }
    for (const id of ['unknown', '%00', 'a%2Fb']) {
      assert.equal((await ask(`/files/${id}`)).status, 404, id)
    }
  })
  test('a destroyed one is unknown', async () => {
    const gone = await file(root, 'destroyed.pdf')
    await house.ground.documents.of(house.alice).remove('io.cozy.files', gone._id, gone._rev)
    assert.equal((await ask(`/files/${gone._id}`)).status, 404)
    assert.equal((await ask('/files/metadata?Path=/destroyed.pdf')).status, 404)
  })
})

test('sizes add up over all levels, and only there', async () => {
  const top = await directory(root, 'sized')
  const below = await directory(top, 'below')
  await directory(root, 'sized2').then(other => file(other, 'not counted', 'xxxxxxxx'))
  await file(top, 'one', '1234')
  const two = await file(below, 'two', '123456')
  const size = async (id: string) => (await ask(`/files/${id}/size`)).json.data
  assert.deepEqual(await size(top._id), {
    type: 'io.cozy.files.sizes',
    id: top._id,
    attributes: { size: '10' },
    meta: {},
  })
  assert.equal((await size(two._id)).attributes.size, '6')
  assert.ok(Number((await size(ROOT_ID)).attributes.size) >= 18)
  assert.equal((await ask('/files/unknown/size')).status, 404)
})

test('HEAD says whether it is there, without a body', async () => {
  const [there, not, forbidden] = await Promise.all([
    ask(`/files/${ROOT_ID}`, { method: 'HEAD' }),
    ask('/files/unknown', { method: 'HEAD' }),
    ask(`/files/${ROOT_ID}`, { method: 'HEAD', scope: 'io.cozy.bills' }),
  ])
  assert.deepEqual([there.status, not.status, forbidden.status], [200, 404, 403])
  for (const answer of [there, not, forbidden]) assert.equal(answer.bytes.length, 0)
})

describe('pages of a directory', async () => {
  const folder = await directory(root, 'pages')
  // `C` order: capitals first, then small letters, then others.
  const files = ['A', 'B', 'a', 'b', 'é', '漢'].map(name => `${name}.pdf`)
  for (const name of files.toReversed()) await file(folder, name)
  for (const name of ['zz', 'Zz']) await directory(folder, name)
  const order = ['Zz', 'zz', ...files]
  const base = `/files/${folder._id}/relationships/contents`

  interface Page {
    data: { attributes: { name: string } }[]
    meta: { count: number }
    links: { next?: string }
  }

  async function walk(path: string): Promise<{ names: string[]; counts: number[]; asked: number }> {
    const names: string[] = []
    const counts: number[] = []
    let next: string | undefined = path
    let asked = 0
    while (next) {
      const { data, meta, links }: Page = (await ask(next)).json
      names.push(...data.map(object => object.attributes.name))
      counts.push(meta.count)
      next = links.next
      asked++
    }
    return { names, counts, asked }
  }

  test('by cursor and by skip: directories first, then by name, nothing twice, nothing left out', async () => {
    const byCursor = await walk(`${base}?page[limit]=3`)
    assert.deepEqual([byCursor.names, byCursor.counts, byCursor.asked], [order, [8, 8, 8], 3])
    const bySkip = await walk(`${base}?page[limit]=3&page[skip]=0`)
    assert.deepEqual([bySkip.names, bySkip.asked], [order, 3])
    assert.deepEqual((await walk(`${base}?page[limit]=2&page[skip]=5`)).names, order.slice(5))
    assert.deepEqual((await walk(base)).asked, 1)
    // A page that ends with the last child is the last page.
    assert.equal((await walk(`${base}?page[limit]=8`)).asked, 1)
    assert.equal((await walk(`${base}?page[limit]=4`)).asked, 2)
  })

  test('the links of the directory itself lead on', async () => {
    const first = (await ask(`/files/${folder._id}?page[limit]=5`)).json
    assert.match(first.links.next, new RegExp(`^/files/${folder._id}\\?page%5Bcursor%5D=.*&page%5Blimit%5D=5$`))
    assert.ok(first.data.relationships.contents.links.next.startsWith(`${base}?page%5Bcursor%5D=`))
    const second = (await ask(first.links.next)).json
    assert.deepEqual(
      second.included.map((object: { attributes: { name: string } }) => object.attributes.name),
      order.slice(5),
    )
    assert.deepEqual(second.links, {})
  })

  test('a page that is none is a 400', async () => {
    for (const query of [
      'page[limit]=x',
      'page[limit]=0',
      'page[limit]=-1',
      'page[limit]=1e3',
      'page[skip]=x',
      'page[cursor]=x',
      'page[cursor]=%5B%5D',
      'page[cursor]=%5B%5B1%2C2%5D%2C%22x%22%5D',
      'page[cursor]=%5B%5B%22a%5Cu0000%22%2C%22b%22%5D%2C%22x%22%5D',
    ]) {
      assert.equal((await ask(`${base}?${query}`)).status, 400, query)
      assert.equal((await ask(`/files/${folder._id}?${query}`)).status, 400, query)
    }
  })

  test('a file has no contents', async () => {
    const some = await file(root, 'no-directory')
    assert.equal((await ask(`/files/${some._id}/relationships/contents`)).status, 400)
  })
})

test('fsck finds what does not fit, and nothing where all is well', async () => {
  const well = await ask('/files/fsck', { tenant: house.bob, scope: 'io.cozy.files:GET' })
  assert.deepEqual([well.status, well.json], [200, []])
  const orphan = await file({ ...root, _id: 'nowhere' }, 'orphan')
  const moved = await directory(root, 'moved', { path: '/elsewhere' })
  const short = await file(root, 'short', 'abc', { size: '4' })
  const other = await file(root, 'other', 'abc', { md5sum: md5('abd') })
  const lost = await file(root, 'lost', 'abc')
  await house.ground.blobs.remove(house.alice.id, [lost.internal_blob])
  const counted = await directory(root, 'counted')
  await house.ground.database.driver.query(
    `insert into file_counts (instance_id, directory_id, children) values ($1, $2, 7)`,
    [house.alice.id, counted._id],
  )
  const found = (await ask('/files/fsck')).json as { type: string; id: string }[]
  assert.deepEqual(
    new Set(found.map(({ type, id }) => `${type} ${id}`)),
    new Set([
      `orphan ${orphan._id}`,
      `count_mismatch ${counted._id}`,
      `path_mismatch ${moved._id}`,
      `content_mismatch ${short._id}`,
      `content_mismatch ${other._id}`,
      `content_missing ${lost._id}`,
    ]),
  )
})
