import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import type { Field } from '@konnectory/protocol'
import { stop as stopBundler } from 'esbuild'
import { bundle } from '../build/bundle.ts'
import { refuseClientSide } from '../build/webpack-config.ts'
import { findEntry, readPackageJson } from '../project/entry.ts'
import { type ProjectManifest, readProjectManifest } from '../project/manifest.ts'
import { UsageError } from '../terminal/output.ts'

/** A konnector's folder, ready to run. */
export interface Project {
  root: string
  /** The author's script, absolute. */
  entry: string
  slug: string
  fields: Field[]
  /** Undefined when the folder has none: then nothing is known of fields and permissions. */
  manifest: ProjectManifest | undefined
}

/** A bundle in a folder of its own. */
export interface RunnableScript {
  file: string
  warnings: string[]
  remove(): Promise<void>
}

/**
 * @param file as typed by the author, relative to `root`
 * @throws UsageError when the script does not exist (wording of `sdk/cli.md` section 1), ManifestError, EntryError
 */
export function openProject(root: string, file: string | undefined, command: string): Project {
  if (file !== undefined && !existsSync(resolve(root, file)))
    throw new UsageError(`File ${resolve(root, file)} does not exist. ${command} cannot run it.`)
  const refusal = refuseClientSide(root, readPackageJson(root))
  if (refusal) throw new UsageError(refusal)
  const entry = findEntry(root, file)
  const manifest = existsSync(join(root, 'manifest.konnector')) ? readProjectManifest(root) : undefined
  return {
    root,
    entry,
    manifest,
    slug: manifest?.manifest.slug || basename(root),
    fields: manifest?.manifest.fields ?? [],
  }
}

/** Bundles the project's script for a run on this machine: fast, with a map back to the author's files. */
export async function bundleProject(project: Project): Promise<RunnableScript> {
  const outdir = await mkdtemp(join(tmpdir(), 'konnectory-run-'))
  const remove = (): Promise<void> => rm(outdir, { recursive: true, force: true })
  try {
    const { outfile, warnings } = await bundle({
      root: project.root,
      entry: project.entry,
      outdir,
      manifest: (project.manifest?.raw ?? {}) as Record<string, unknown>,
      sourcemap: true,
      minify: false,
      sourceDirnames: true,
    })
    return { file: outfile, warnings, remove }
  } catch (error) {
    await remove()
    throw error
  } finally {
    // Its process would hold 75 MB for as long as the konnector runs; the next bundle starts another.
    await stopBundler()
  }
}
