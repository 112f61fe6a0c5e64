import { open } from './stack.ts'

/** A process that writes 50 documents and a file, says so, and ends as asked; by a signal, it waits for it. */
const [root = '', ending = ''] = process.argv.slice(2)
const { client } = open(root)
for (let n = 0; n < 50; n++) await client.data.create('io.cozy.t', { _id: `id${n}`, n })
await client.data.updateAttributes('io.cozy.t', 'id49', { n: 'updated' })
const folder = await client.files.ensureDirectory('/folder')
await client.files.create('text', { name: 'a.txt', dirId: folder._id, metadata: { k: 'v' } })
await new Promise(resolve => process.send?.('written', resolve))
if (ending === 'exit') process.exit(1)
else if (ending === 'return') process.disconnect?.()
