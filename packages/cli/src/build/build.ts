import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, extname, join, resolve } from 'node:path'
import { EntryError, findEntry, readPackageJson } from '../project/entry.ts'
import { formatDiagnostic, ManifestError, readProjectManifest } from '../project/manifest.ts'
import { copyAssets, listFiles, replaceFolder } from './artefact.ts'
import { bundle } from './bundle.ts'
import type { Entries } from './entries.ts'
import { prepareIcon } from './icon.ts'
import { packageSizes } from './packages.ts'
import { BuildError } from './problem.ts'
import { readOldConfig } from './webpack-config.ts'

export interface BuildOptions {
  /** Folder of the konnector. */
  root: string
  /** The script, when it is not where `findEntry` looks. */
  entry?: string
  /** Default `<root>/build`. */
  outdir?: string
  sourcemap?: boolean
  minify?: boolean
}

export interface BuildReport {
  slug: string
  version: string
  outdir: string
  /** What is in `outdir`, sorted. */
  files: { path: string; bytes: number }[]
  /** Of the scripts. */
  bytes: number
  milliseconds: number
  /** Said once, for information. */
  notes: string[]
  warnings: string[]
  /** Largest first. */
  packages: { name: string; bytes: number }[]
  /** The author's files and those of the packages, absolute: what to watch. */
  inputs: string[]
}

/**
 * Faults without which there is no usable konnector (`sdk/build.md` section 5.5): the server cannot name it, compare its
 * versions, or show it. Other errors of a manifest are said, and left to whoever publishes.
 */
export const UNUSABLE = new Set<string>([
  ...['not-json', 'not-object', 'too-large', 'slug-missing', 'slug-invalid', 'version-missing', 'version-invalid'],
  ...['type-missing', 'type-webapp', 'icon-file-missing', 'script-file-missing'],
])

/**
 * Makes the folder a server runs: one script, the manifest as written, the content of `assets/`, the icon made smaller.
 * @throws BuildError with everything that is wrong; `outdir` does not exist then
 */
export async function buildKonnector(options: BuildOptions): Promise<BuildReport> {
  const started = performance.now()
  const root = resolve(options.root)
  const outdir = resolve(root, options.outdir ?? 'build')
  return replaceFolder(root, outdir, async folder => {
    const { project, entries, notes, warnings } = inspect(root, options.entry)
    const { index = '', ...others } = entries
    const [script, icon] = await Promise.all([
      bundle({
        root,
        entry: index,
        entries: others,
        outdir: folder,
        manifest: project.raw,
        sourcemap: options.sourcemap ?? false,
        minify: options.minify ?? true,
      }),
      project.icon ? prepareIcon(project.icon) : undefined,
      copyAssets(root, folder),
    ])
    // What the build makes wins over an asset of the same name.
    await writeFile(join(folder, 'manifest.konnector'), project.text)
    // For `node build` in place, where the project's package.json would make an ES module of the script. Servers drop
    // this file; registries compare its version with the manifest's.
    if (readPackageJson(root).type === 'module') {
      const made = { private: true, version: project.manifest.version, type: 'commonjs' }
      await writeFile(join(folder, 'package.json'), `${JSON.stringify(made, null, 2)}\n`)
    }
    if (icon && project.manifest.icon) {
      for (const path of new Set([project.manifest.icon, project.manifest.icon.replace(/^assets\//, '')])) {
        await mkdir(dirname(join(folder, path)), { recursive: true })
        await writeFile(join(folder, path), icon.contents)
      }
    }
    return {
      slug: project.manifest.slug,
      version: project.manifest.version,
      outdir,
      files: await listFiles(folder),
      bytes: script.bytes,
      milliseconds: Math.round(performance.now() - started),
      notes,
      warnings: [...warnings, ...(icon?.warning ? [icon.warning] : []), ...script.warnings],
      packages: packageSizes(script.contents, script.bytes),
      inputs: script.inputs,
    }
  })
}

/** Everything that can be said before bundling; all faults at once. */
function inspect(root: string, given: string | undefined) {
  try {
    const project = readProjectManifest(root)
    const faults = project.diagnostics.filter(({ code }) => UNUSABLE.has(code))
    if (faults.length > 0) throw new BuildError(faults.map(one => ({ text: formatDiagnostic(one) })))
    const entries: Entries = { index: findEntry(root, given) }
    const script = project.manifest.on_delete_account
    const name = script?.slice(0, script.length - extname(script).length)
    if (name && name !== 'index' && project.onDeleteAccount) entries[name] = project.onDeleteAccount
    const config = readOldConfig(root, readPackageJson(root), Object.keys(entries))
    if (config.refusal) throw new BuildError([{ text: config.refusal }])
    return { project, entries, notes: config.notes, warnings: project.diagnostics.map(formatDiagnostic) }
  } catch (error) {
    if (error instanceof ManifestError) {
      const said = error.diagnostics.filter(({ severity }) => severity === 'error' || error.diagnostics.length === 1)
      throw new BuildError([{ text: error.message }, ...said.map(one => ({ text: formatDiagnostic(one) }))])
    }
    if (error instanceof EntryError) throw new BuildError([{ text: error.message }])
    throw error
  }
}
