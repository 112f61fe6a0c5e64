import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { notThere } from '#ground/http/errors'
import type { Tenant } from '#ground/tenant'
import { type FileToPack, LIMITS, packTar, type Registry, readFolder, safePath } from '#rooms/registry'
import type { Bundles } from './bundles/bundles.ts'
import type { Konnector } from './konnector.ts'
import { parseSource } from './source/parse.ts'

/** The files of installed konnectors. */
export function createCode({ bundles, registry }: { bundles: Bundles; registry: Pick<Registry, 'published'> }) {
  const folderOf = (konnector: Konnector): string => {
    if (konnector.bundle === undefined) throw notThere('The code of the konnector is not on this server: update it')
    return bundles.folderOf(konnector.bundle)
  }

  return {
    folderOf,
    /** Undefined when the manifest names none, or one that is not there. */
    async icon(konnector: Konnector): Promise<{ name: string; content: Buffer } | undefined> {
      const named = konnector.manifest.icon
      if (typeof named !== 'string' || konnector.bundle === undefined) return undefined
      let path: string
      try {
        path = safePath(named.replace(/^\/+/, ''))
      } catch {
        return undefined // A name that leads elsewhere names nothing.
      }
      const folder = folderOf(konnector)
      // Builds are flat: what the manifest calls assets/icon.svg often lies beside it.
      for (const candidate of new Set([path, basename(path)])) {
        const content = await readIfFile(join(folder, candidate))
        if (content) return { name: candidate, content }
      }
      return undefined
    },
    /** Where a registry has the archive; undefined for code that only we have. */
    async publishedAt(tenant: Tenant, { source: text, version }: Konnector): Promise<string | undefined> {
      const source = parseSource(text)
      if (source.kind !== 'registry') return undefined
      const found = await registry.published(tenant, source.slug, { channel: source.channel, version })
      return found && URL.canParse(found.version.url) ? found.version.url : undefined
    },
    async pack(konnector: Konnector): Promise<Buffer> {
      const files: FileToPack[] = []
      await readFolder(folderOf(konnector), LIMITS, async (path, _size, content) => {
        const parts: Buffer[] = []
        for await (const part of content) parts.push(part)
        files.push({ path, content: Buffer.concat(parts) })
      })
      return packTar(files)
    },
  }
}

export type Code = ReturnType<typeof createCode>

async function readIfFile(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path)
  } catch (error) {
    if (['ENOENT', 'EISDIR', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined
    throw error
  }
}
