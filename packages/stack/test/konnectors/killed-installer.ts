/** Installs, updates and uninstalls without end, on a database and a folder of the test's; the test kills it. */
import { createTestClock } from './clock.ts'
import { openKonnectors } from './open-konnectors.ts'

const [url = '', folder = '', instanceId = '', source = '', other = '', round = ''] = process.argv.slice(2)
const { konnectors, instance } = await openKonnectors({ url, folder, instanceId, clock: createTestClock() })

async function work(slug: string): Promise<never> {
  for (;;) {
    process.stdout.write('installing\n')
    await (await konnectors.install(instance, { slug, source })).done
    process.stdout.write('updating\n')
    await (await konnectors.update(instance, { slug, source: other, permissionsAcked: true })).done
    process.stdout.write('uninstalling\n')
    await konnectors.uninstall(instance, slug)
  }
}
// Slugs of this round: those of the last one may still be held by the dead.
await Promise.all([work(`a-${round}`), work(`b-${round}`)])
