import { type FSWatcher, watch } from 'node:fs'
import { dirname, join, resolve, sep } from 'node:path'
import { type BuildOptions, type BuildReport, buildKonnector } from './build.ts'
import { BuildError } from './problem.ts'

/** Milliseconds of silence after a change: editors write a file in several steps. */
const QUIET = 40

/**
 * Builds, and builds again when a source, the manifest, package.json or an asset changes, until `signal` aborts.
 * @param tell told of each build, good or not, in order
 */
export async function watchKonnector(
  options: BuildOptions,
  tell: (outcome: BuildReport | BuildError) => void,
  signal: AbortSignal,
): Promise<void> {
  const root = resolve(options.root)
  const outdir = resolve(root, options.outdir ?? 'build')
  const watchers = new Map<string, FSWatcher>()
  let wake: () => void = () => {}
  let changed = false

  const onChange = (folder: string) => (_event: string, name: string | null) => {
    const path = join(folder, name ?? '')
    // Our own output, made beside and moved in place.
    if (path === outdir || path.startsWith(outdir + sep) || /^\.build-|^\.git$/.test(name ?? '')) return
    if (dirname(outdir) === folder && name?.startsWith('.')) return
    changed = true
    wake()
  }
  const follow = (folders: Iterable<string>) => {
    for (const folder of folders) {
      if (watchers.has(folder)) continue
      try {
        const watcher = watch(folder, onChange(folder))
        // A folder that goes away ends its watcher; the change itself was seen from its parent.
        watcher.on('error', () => watcher.close())
        watchers.set(folder, watcher)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      }
    }
  }
  const nextChange = () =>
    new Promise<void>(done => {
      let timer: NodeJS.Timeout | undefined
      const finish = () => {
        clearTimeout(timer)
        signal.removeEventListener('abort', finish)
        wake = () => {}
        done()
      }
      wake = () => {
        clearTimeout(timer)
        timer = setTimeout(finish, QUIET)
      }
      signal.addEventListener('abort', finish)
      if (changed) wake()
    })

  try {
    follow([root, join(root, 'src'), join(root, 'assets')])
    while (!signal.aborted) {
      changed = false
      try {
        const report = await buildKonnector(options)
        follow(
          new Set(report.inputs.filter(path => !path.includes(`${sep}node_modules${sep}`)).map(path => dirname(path))),
        )
        tell(report)
      } catch (error) {
        if (!(error instanceof BuildError)) throw error
        tell(error)
      }
      if (!signal.aborted) await nextChange()
    }
  } finally {
    for (const watcher of watchers.values()) watcher.close()
  }
}
