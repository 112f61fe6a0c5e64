import { relative } from 'node:path'
import type { Command } from 'commander'
import { type BuildOptions, type BuildReport, buildKonnector } from '../build/build.ts'
import { BuildError, formatProblem } from '../build/problem.ts'
import { watchKonnector } from '../build/watch.ts'

interface Flags {
  outdir?: string
  sourcemap?: boolean
  minify?: boolean
  watch?: boolean
  analyze?: boolean
  json?: boolean
}

/** Packages listed by `--analyze`. */
const TOP = 15

/** `konnectory build [file]`: one script in `build/`, ready for a server (docs/reference/build.md). */
export function register(program: Command): void {
  program
    .command('build')
    .description('make build/: one script with everything inside, the manifest, the icon and the assets')
    .argument('[file]', 'the script, when it is not src/index or package.json main')
    .option('-o, --outdir <folder>', 'where to write; the folder is emptied first', 'build')
    .option('--sourcemap', 'write index.js.map too')
    .option('--no-minify', 'keep white space and names')
    .option('-w, --watch', 'build again at each change, until Ctrl+C')
    .option('--analyze', 'list the largest packages in the script')
    .option('--json', 'one JSON object per build on the standard output')
    .action(async (file: string | undefined, flags: Flags) => {
      process.exitCode = await runBuild(file, flags)
    })
}

/**
 * The command itself.
 * @param root folder of the konnector
 * @returns the exit code: 0, or 1 when the build failed
 */
export async function runBuild(file: string | undefined, flags: Flags, root = process.cwd()): Promise<number> {
  const options: BuildOptions = {
    root,
    ...(file ? { entry: file } : {}),
    ...(flags.outdir ? { outdir: flags.outdir } : {}),
    sourcemap: flags.sourcemap === true,
    minify: flags.minify !== false,
  }
  if (flags.watch) {
    const stop = new AbortController()
    const onSignal = () => stop.abort()
    process.once('SIGINT', onSignal)
    process.once('SIGTERM', onSignal)
    try {
      await watchKonnector(options, outcome => say(outcome, flags, root, true), stop.signal)
    } finally {
      process.off('SIGINT', onSignal)
      process.off('SIGTERM', onSignal)
    }
    return 0
  }
  try {
    say(await buildKonnector(options), flags, root, false)
    return 0
  } catch (error) {
    if (!(error instanceof BuildError)) throw error
    say(error, flags, root, false)
    return 1
  }
}

function say(outcome: BuildReport | BuildError, flags: Flags, root: string, brief: boolean): void {
  if (flags.json) process.stdout.write(`${JSON.stringify(asJson(outcome))}\n`)
  else if (outcome instanceof BuildError) process.stderr.write(failureText(outcome, brief))
  else process.stdout.write(successText(outcome, flags, root, brief))
}

function asJson(outcome: BuildReport | BuildError): object {
  if (outcome instanceof BuildError) return { ok: false, errors: outcome.problems }
  const { inputs, ...report } = outcome
  return { ok: true, ...report }
}

function failureText({ problems }: BuildError, brief: boolean): string {
  const lines = problems.map(one => `  ${formatProblem(one)}`)
  return brief
    ? `${clock()} failed: ${problems.map(formatProblem).join(' · ')}\n`
    : `Build failed, nothing was written:\n${lines.join('\n')}\n`
}

function successText(report: BuildReport, flags: Flags, root: string, brief: boolean): string {
  const folder = `${relative(root, report.outdir) || '.'}/`
  if (brief) {
    const warned = report.warnings.length > 0 ? `, ${report.warnings.length} warning(s): ${report.warnings[0]}` : ''
    return `${clock()} built ${folder}index.js ${size(report.bytes)} in ${report.milliseconds} ms${warned}\n`
  }
  const width = Math.max(...report.files.map(({ path }) => path.length))
  const lines = [
    ...report.notes.map(note => `note: ${note}`),
    ...report.warnings.map(warning => (/^(error|warning) /.test(warning) ? warning : `warning: ${warning}`)),
    `${report.slug} ${report.version} built in ${report.milliseconds} ms:`,
    ...report.files.map(({ path, bytes }) => `  ${folder}${path.padEnd(width)}  ${size(bytes)}`),
  ]
  const shown = report.packages.slice(0, flags.analyze ? TOP : 0)
  if (flags.analyze) {
    const rest = report.packages.slice(TOP)
    const names = Math.max(...shown.map(({ name }) => name.length))
    lines.push('inside:', ...shown.map(({ name, bytes }) => `  ${name.padEnd(names)}  ${size(bytes)}`))
    if (rest.length > 0)
      lines.push(`  and ${rest.length} more: ${size(rest.reduce((sum, { bytes }) => sum + bytes, 0))}`)
  } else {
    const own = report.packages.find(({ name }) => name === 'your code')?.bytes ?? 0
    lines.push(`inside: your code (${size(own)}) and ${report.packages.length - 1} packages; --analyze lists them`)
  }
  return `${lines.join('\n')}\n`
}

function size(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`
  return bytes < 1_000_000 ? `${(bytes / 1000).toFixed(1)} kB` : `${(bytes / 1_000_000).toFixed(2)} MB`
}

function clock(): string {
  return new Date().toTimeString().slice(0, 8)
}
