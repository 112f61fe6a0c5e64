import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url))
const CLI = join(ROOT, 'packages/cli/src/bin.ts')

/** Of the demo vendor's people: none of it may be in a recording. */
const SECRETS = /lovelace|hopper|example\.org|rue des lilas|demo-client-secret|not-the-right-one|eyJ[\w-]{20}/i

for (const slug of await readdir(join(ROOT, 'konnectors'))) {
  test(`konnectory test of ${slug}: its recordings pass the battery, and hold nothing personal`, async t => {
    const folder = await mkdtemp(join(tmpdir(), `${slug}-`))
    t.after(() => rm(folder, { recursive: true, force: true }))
    await cp(join(ROOT, 'konnectors', slug), folder, { recursive: true })
    const child = spawn(process.execPath, [CLI, 'test'], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 60_000,
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', part => (output += part))
    const [code] = (await once(child, 'close')) as [number | null]
    assert.equal(code, 0, output)
    assert.match(output, /, 0 failed,/)
    for (const name of await readdir(join(folder, 'fixtures'))) {
      const found = SECRETS.exec(await readFile(join(folder, 'fixtures', name), 'utf8'))
      assert.equal(found, null, `${name} holds ${found?.[0]}`)
    }
  })
}
