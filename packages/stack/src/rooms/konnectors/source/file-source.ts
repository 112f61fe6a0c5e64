import { randomBytes } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { MANIFEST_MAX_BYTES } from '@konnectory/protocol'
import { LIMITS, readFolder } from '#rooms/registry'
import type { Bundles } from '../bundles/bundles.ts'
import { MANIFEST_FILE } from '../konnector.ts'
import { type Offer, SourceError } from './offer.ts'
import type { Source } from './parse.ts'

/** Copies a folder of this machine. Every copy is a version of its own. @throws SourceError, ArchiveRefused */
export async function openFileSource(
  { directory }: Extract<Source, { kind: 'file' }>,
  bundles: Bundles,
): Promise<Offer> {
  const isFolder = await stat(directory).then(
    found => found.isDirectory(),
    () => false, // Told below, whatever the reason.
  )
  if (!isFolder) throw new SourceError('unreachable', `there is no folder ${directory} on this server`)
  const staging = await bundles.stage()
  try {
    await readFolder(directory, LIMITS, staging.write)
    const manifest = await staging.read(MANIFEST_FILE, MANIFEST_MAX_BYTES)
    if (!manifest) throw new SourceError('unreachable', `there is no ${MANIFEST_FILE} in ${directory}`)
    // Here already, since what is in the folder may change: the name of the bundle tells whether it did.
    const bundle = await staging.keep()
    const copy = randomBytes(5).toString('hex')
    return {
      manifest: manifest.toString('utf8'),
      versionOf: version => `${version}-${copy}`,
      checksum: '',
      mark: bundle,
      bundle: async () => bundle,
      [Symbol.asyncDispose]: () => staging[Symbol.asyncDispose](),
    }
  } catch (error) {
    await staging[Symbol.asyncDispose]()
    throw error
  }
}
