import { createHash } from 'node:crypto'
import type { Tenant } from '#ground/tenant'
import { type Registry, safePath } from '#rooms/registry'
import type { Bundles } from '../bundles/bundles.ts'
import { prefixOf, unpackInto } from './archive-source.ts'
import { type Offer, SourceError, sourceError } from './offer.ts'
import type { Source } from './parse.ts'

/** A version of a registry: its manifest now, its archive later. @throws SourceError, Unreachable */
export async function openRegistrySource(
  tenant: Tenant,
  { slug, channel, version: wanted }: Extract<Source, { kind: 'registry' }>,
  registry: Pick<Registry, 'published'>,
  bundles: Bundles,
): Promise<Offer> {
  const found = await registry.published(tenant, slug, { channel, version: wanted })
  if (!found) throw new SourceError('unreachable', `no registry has ${slug} ${wanted ?? `on ${channel}`}`)
  const { version, registry: client } = found
  const bundle = async (signal: AbortSignal): Promise<string> => {
    const bytes = await client.archive(slug, version.version, version.url, signal)
    if (createHash('sha256').update(bytes).digest('hex') !== version.sha256)
      throw new SourceError('refused', 'The archive has another SHA-256 than the registry says')
    await using staging = await bundles.stage()
    await unpackInto(staging, bytes)
    const prefix = version.tarPrefix === '' ? prefixOf(staging) : safePath(version.tarPrefix)
    return await staging.keep(prefix)
  }
  return {
    manifest: JSON.stringify(version.manifest),
    versionOf: () => version.version,
    checksum: version.sha256,
    mark: version.sha256,
    async bundle(signal) {
      try {
        return await bundle(signal)
      } catch (error) {
        throw sourceError(error)
      }
    },
    async [Symbol.asyncDispose]() {
      // Nothing is held.
    },
  }
}
