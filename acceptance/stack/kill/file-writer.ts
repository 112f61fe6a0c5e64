import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import type { Random } from '../fuzz/random.ts'
import type { Client } from './client.ts'
import { generationOf, type Writer } from './writer.ts'

const ROOT = 'io.cozy.files.root-dir'
const TRASH = 'io.cozy.files.trash-dir'

interface State {
  name: string
  directory: string
  md5: string
}

interface Known extends State {
  rev: string
}

/** Uploads, overwrites, renames, moves, trashes and destroys files in two directories of its own. */
export function createFileWriter(name: string): Writer {
  const directories: string[] = []
  /** By id; destroyed ones as undefined. */
  const known = new Map<string, Known | undefined>()
  /** The state after the open request; undefined: destroyed. The id is missing of a file that is made. */
  let open: { id?: string; after: State | undefined } | undefined
  let names = 0
  const living = () =>
    [...known].flatMap(([id, state]) => (state && state.directory !== TRASH ? [[id, state] as const] : []))
  const md5Of = (bytes: Uint8Array) => createHash('md5').update(bytes).digest('base64')
  const bytesOf = (random: Random) =>
    Buffer.alloc(random.pick([0, 1, 3000, 20_000, 20_000, 90_000]), `${name} ${random.seed()} `)
  const noteOf = (id: string, after: State | undefined, rev: string) => {
    assert.ok(generationOf(rev) > generationOf(known.get(id)?.rev ?? '0'), `${id} ${rev}`)
    known.set(id, after && { ...after, rev })
  }
  const patch = async (client: Client, id: string, attributes: object, after: State | undefined) => {
    open = { id, after }
    const { json } = await client.ask({
      method: 'PATCH',
      path: `/files/${id}`,
      body: { data: { type: 'io.cozy.files', id, attributes } },
    })
    if (after) noteOf(id, after, json.data.meta.rev)
    else known.set(id, undefined)
  }

  const ways: Record<string, (client: Client, random: Random) => Promise<void>> = {
    async upload(client, random) {
      const bytes = bytesOf(random)
      const after = { name: `${name}-${names++}.bin`, directory: random.pick(directories), md5: md5Of(bytes) }
      open = { after }
      const { json } = await client.ask({
        method: 'POST',
        path: `/files/${after.directory}?Type=file&Name=${after.name}`,
        body: bytes,
      })
      assert.equal(json.data.attributes.md5sum, after.md5)
      noteOf(json.data.id, after, json.data.meta.rev)
    },
    async overwrite(client, random) {
      const [id, before] = random.pick(living())
      const bytes = Buffer.concat([bytesOf(random), Buffer.from(String(names++))])
      open = { id, after: { ...before, md5: md5Of(bytes) } }
      const { json } = await client.ask({ method: 'PUT', path: `/files/${id}`, body: bytes })
      noteOf(id, open.after, json.data.meta.rev)
    },
    async rename(client, random) {
      const [id, before] = random.pick(living())
      const renamed = `${name}-${names++}.bin`
      await patch(client, id, { name: renamed }, { ...before, name: renamed })
    },
    async move(client, random) {
      const [id, before] = random.pick(living())
      const directory = directories.find(other => other !== before.directory)!
      await patch(client, id, { dir_id: directory }, { ...before, directory })
    },
    async trash(client, random) {
      const [id, before] = random.pick(living())
      open = { id, after: { ...before, directory: TRASH } }
      const { json } = await client.ask({ method: 'DELETE', path: `/files/${id}` })
      noteOf(id, open.after, json.data.meta.rev)
    },
    async destroy(client, random) {
      await patch(client, random.pick(living())[0], { permanent_delete: true }, undefined)
    },
  }

  return {
    name,
    async step(client, random) {
      while (directories.length < 2) {
        // One whose making was not acknowledged is found by its name.
        const wanted = `${name}-${directories.length}`
        const { json } = await client.ask({ path: `/files/${ROOT}?page[limit]=1000` })
        const found = json.included.find(({ attributes }: { attributes: State }) => attributes.name === wanted)
        const made =
          found ?? (await client.ask({ method: 'POST', path: `/files/?Type=directory&Name=${wanted}` })).json.data
        directories.push(made.id)
      }
      const possible =
        living().length < 4
          ? ['upload']
          : ['upload', 'upload', 'overwrite', 'overwrite', 'rename', 'move', 'trash', 'destroy']
      await ways[random.pick(possible)]!(client, random)
      open = undefined
    },
    async verify(client) {
      const there = await readFiles(client, name)
      const result = open ? settle(open, known, there) : 'none'
      open = undefined
      for (const [id, state] of known) {
        const actual = there.get(id)
        assert.equal(
          actual === undefined,
          state === undefined,
          `${name}: file ${id} is ${actual ? 'there' : 'not there'}`,
        )
        if (state) assert.deepEqual(actual, state, `${name}: file ${id}`)
      }
      assert.deepEqual(
        [...there.keys()].filter(id => !known.has(id)),
        [],
        `${name}: files nobody made`,
      )
      return result
    },
  }
}

function settle(
  open: { id?: string; after: State | undefined },
  known: Map<string, Known | undefined>,
  there: Map<string, Known>,
): 'done' | 'not done' {
  const id = open.id ?? [...there].find(([, { name }]) => name === open.after?.name)?.[0]
  if (id === undefined) return 'not done'
  const actual = there.get(id)
  const before = known.get(id)
  if (actual?.rev === before?.rev) return 'not done'
  if (actual) {
    assert.deepEqual(actual, { ...open.after, rev: actual.rev }, `file ${id}: done by halves`)
  } else assert.equal(open.after, undefined, `file ${id} is gone`)
  known.set(id, actual)
  return 'done'
}

/** The writer's files, each with the MD5 of what its download really brings. */
async function readFiles(client: Client, owner: string): Promise<Map<string, Known>> {
  const { json } = await client.ask({ path: '/data/io.cozy.files/_all_docs?include_docs=true' })
  const found = new Map<string, Known>()
  for (const { id, doc } of json.rows) {
    if (doc.type !== 'file' || !doc.name.startsWith(`${owner}-`)) continue
    const { bytes } = await client.ask({ path: `/files/download/${id}` })
    const md5 = createHash('md5').update(bytes).digest('base64')
    assert.equal(md5, doc.md5sum, `file ${id} (${doc.name}) is not what its record says`)
    assert.equal(String(bytes.length), String(doc.size), `file ${id}`)
    found.set(id, { name: doc.name, directory: doc.dir_id, md5, rev: doc._rev })
  }
  return found
}
