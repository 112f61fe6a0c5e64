import assert from 'node:assert/strict'
import type { Writer } from './writer.ts'

const PATH = '/settings/instance'

/** The settings of the instance, which stand in a document and in the list of instances. */
export function createSettingsWriter(name: string, administrationSays: () => Promise<string>): Writer {
  let known: { rev: string; mark: string } | undefined
  let open: string | undefined
  let marks = 0
  return {
    name,
    async step(client) {
      const rev = known?.rev ?? (await client.ask({ path: PATH })).json.data.meta.rev
      const mark = `${name}-${marks++}`
      open = mark
      const attributes = { public_name: mark, tz: 'Europe/Paris', more: { mark } }
      const { json } = await client.ask({ method: 'PUT', path: PATH, body: { data: { attributes, meta: { rev } } } })
      known = { rev: json.data.meta.rev, mark }
      open = undefined
    },
    async verify(client) {
      const { json } = await client.ask({ path: PATH })
      const { attributes, meta } = json.data
      const mark: string = attributes.public_name
      if (known || mark === open) assert.equal(attributes.more.mark, mark, 'settings by halves')
      assert.equal(await administrationSays(), mark, 'the list of instances and the settings agree')
      const wasOpen = open
      open = undefined
      if (wasOpen !== undefined && mark === wasOpen) {
        known = { rev: meta.rev, mark }
        return 'done'
      }
      if (known) assert.deepEqual({ rev: meta.rev, mark }, known)
      return wasOpen === undefined ? 'none' : 'not done'
    },
  }
}
