import { createHash } from 'node:crypto'
import { basename, dirname } from 'node:path'
import { MANIFEST_MAX_BYTES } from '@konnectory/protocol'
import { fetchBytes, isOfGit, LIMITS, unpack } from '#rooms/registry'
import type { Bundles, Staging } from '../bundles/bundles.ts'
import { MANIFEST_FILE } from '../konnector.ts'
import { type Offer, SourceError } from './offer.ts'
import type { Source } from './parse.ts'

const TIMEOUT_MS = 60_000

/** Downloads and unpacks an archive. @throws SourceError, ArchiveRefused, Unreachable */
export async function openArchiveSource(
  { url, sha256 }: Extract<Source, { kind: 'archive' }>,
  bundles: Bundles,
  signal: AbortSignal,
  { allowPrivate, timeout = TIMEOUT_MS }: { allowPrivate: boolean; timeout?: number | undefined },
): Promise<Offer> {
  if (url.startsWith('http:') && !allowPrivate && sha256 === undefined)
    throw new SourceError('refused', 'Without https the source must have the SHA-256 of the archive after a #')
  const { status, bytes } = await fetchBytes(url, { most: LIMITS.packed, timeout, allowPrivate, signal })
  if (status !== 200) throw new SourceError('unreachable', `${new URL(url).host} answered ${status}`)
  const found = createHash('sha256').update(bytes).digest('hex')
  if (sha256 !== undefined && sha256 !== found)
    throw new SourceError('refused', 'The archive has another SHA-256 than the source says')
  const staging = await bundles.stage()
  try {
    await unpackInto(staging, bytes)
    const prefix = prefixOf(staging)
    const manifest = await staging.read(
      prefix === '' ? MANIFEST_FILE : `${prefix}/${MANIFEST_FILE}`,
      MANIFEST_MAX_BYTES,
    )
    if (!manifest) throw new SourceError('unreachable', `there is no ${MANIFEST_FILE} in the archive`)
    return {
      manifest: manifest.toString('utf8'),
      versionOf: version => version,
      checksum: '',
      mark: found,
      bundle: () => staging.keep(prefix),
      [Symbol.asyncDispose]: () => staging[Symbol.asyncDispose](),
    }
  } catch (error) {
    await staging[Symbol.asyncDispose]()
    throw error
  }
}

/** Files of an archive, without those of git. */
export async function unpackInto(staging: Staging, archive: Buffer): Promise<void> {
  await unpack(archive, LIMITS, async (path, size, content) => {
    if (!isOfGit(path)) await staging.write(path, size, content)
  })
}

/** The directory of the manifest that lies least deep. */
export function prefixOf({ files }: Staging): string {
  const manifests = files.map(({ path }) => path).filter(path => basename(path) === MANIFEST_FILE)
  const depth = (path: string) => path.split('/').length
  const [first] = manifests.toSorted((a, b) => depth(a) - depth(b) || (a < b ? -1 : 1))
  const prefix = first === undefined ? '' : dirname(first)
  return prefix === '.' ? '' : prefix
}
