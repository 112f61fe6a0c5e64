import { BuildError, formatProblem } from '../build/problem.ts'
import { readDevConfig } from '../project/dev-config.ts'
import { EntryError } from '../project/entry.ts'
import { formatDiagnostic, ManifestError } from '../project/manifest.ts'
import type { Har } from '../record/har.ts'
import { loadRecording } from '../record/recorder.ts'
import { bundleProject, openProject, type Project, type RunnableScript } from '../standalone/project.ts'
import { DEFAULT_RECORDING, recordingFile } from '../standalone/standalone.ts'
import { plural } from '../terminal/amounts.ts'
import { coloursFor } from '../terminal/colours.ts'
import { type Terminal, UsageError } from '../terminal/output.ts'
import { findAuthorTests, runAuthorTests } from './author-tests.ts'
import { type CheckResult, failed, type NamedResult, passed, skipped } from './check.ts'
import { dataArrives, noSecretInLogs, permissionsCover, writesNothing } from './data-checks.ts'
import { type Bench, replayInto, type Trial, withFolder } from './trial.ts'
import { vendorDown, wrongPassword } from './trouble-checks.ts'

export interface RunTestsOptions {
  file?: string | undefined
  json?: boolean | undefined
  /** Name of the recording. */
  as?: string | undefined
}

const WRONG_PASSWORD = 'wrong-password'

/**
 * The battery every konnector should pass, then the project's own tests.
 * @returns the exit code: 0 when nothing failed. A skipped check is no failure and says what would make it run.
 */
export async function runTests(options: RunTestsOptions, terminal: Terminal): Promise<number> {
  const root = terminal.cwd
  const report = createReport(terminal, options.json === true)
  const recording = recordingFile(root, options.as ?? DEFAULT_RECORDING)
  const stop = new AbortController()
  const onSignal = (signal: NodeJS.Signals): void => stop.abort(signal)
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  let script: RunnableScript | undefined
  try {
    let project: Project | undefined
    await report.check('the script and the manifest are there and valid', async () => {
      try {
        project = openProject(root, options.file, 'konnectory test')
        script = await bundleProject(project)
      } catch (error) {
        const why = faultOf(error)
        if (why === undefined) throw error
        return failed(why)
      }
      if (!project.manifest) return failed('There is no manifest.konnector here.')
      const errors = project.manifest.diagnostics.filter(({ severity }) => severity === 'error')
      return errors.length > 0 ? failed(errors.map(formatDiagnostic).join('\n')) : passed
    })
    let har: Har | undefined
    await report.check('there is a recording to replay', async () => {
      try {
        har = await loadRecording(recording)
        return passed
      } catch (error) {
        if (error instanceof UsageError) return failed(error.message)
        throw error
      }
    })
    // Without a manifest there is no slug, and what is saved twice is not recognised: the rest would mislead.
    if (project?.manifest && script && har) {
      const config = (await readDevConfig(root)) ?? {}
      const bench: Bench = { project, script, har, config, env: terminal.env, signal: stop.signal }
      await checkRuns(bench, recordingFile(root, WRONG_PASSWORD), report.check)
    }
    const tests = findAuthorTests(root)
    if (tests.length > 0 && !stop.signal.aborted) {
      const onOutput = (text: string): void => void (options.json ? undefined : terminal.stdout.write(text))
      await report.check(`the konnector's own tests (${plural(tests.length, 'file')})`, () =>
        runAuthorTests(tests, root, terminal.env, onOutput),
      )
    }
    if (stop.signal.aborted) return 130
    return report.end() ? 0 : 1
  } finally {
    await script?.remove()
    process.off('SIGINT', onSignal)
    process.off('SIGTERM', onSignal)
  }
}

type Check = (name: string, run: () => Promise<CheckResult> | CheckResult) => Promise<CheckResult>

/** @returns what the author did wrong, undefined for any other error */
function faultOf(error: unknown): string | undefined {
  if (error instanceof BuildError) return error.problems.map(formatProblem).join('\n')
  if (error instanceof ManifestError) return [error.message, ...error.diagnostics.map(formatDiagnostic)].join('\n')
  if (error instanceof EntryError || error instanceof UsageError) return error.message
  return undefined
}

async function checkRuns(bench: Bench, wrong: string, check: Check): Promise<void> {
  const trials: Trial[] = []
  await withFolder(async dir => {
    const first = await check('data arrives', async () => {
      const trial = await replayInto(dir, bench)
      trials.push(trial)
      return dataArrives(bench, trial)
    })
    await check('a second run writes nothing', async () => {
      if (first.status !== 'passed') return skipped('The first run has to succeed.')
      const trial = await replayInto(dir, bench)
      trials.push(trial)
      return writesNothing(trial)
    })
  })
  if (bench.signal?.aborted) return
  await check('the permissions cover what is used', () => permissionsCover(bench, trials))
  await check('no secret in the log', () => noSecretInLogs(bench, trials))
  await check('a wrong password gives LOGIN_FAILED', () => wrongPassword(bench, wrong))
  await check('a vendor that is down gives VENDOR_DOWN', () => vendorDown(bench))
}

interface Report {
  check: Check
  /** Prints the end. @returns whether nothing failed */
  end(): boolean
}

/** TAP 14, which people read as it is; or one JSON object at the end. */
function createReport({ stdout, env }: Terminal, json: boolean): Report {
  const colours = coloursFor(stdout, env)
  const results: NamedResult[] = []
  if (!json) stdout.write('TAP version 14\n')
  const print = ({ name, status, detail, log }: NamedResult): void => {
    const mark =
      status === 'failed' ? colours.red('not ok') : status === 'skipped' ? colours.yellow('ok') : colours.green('ok')
    const note = status === 'skipped' ? ` # SKIP ${detail}` : ''
    stdout.write(`${mark} ${results.length} - ${name}${note}\n`)
    if (status !== 'failed') return
    for (const line of `${detail}`.split('\n')) stdout.write(`  # ${line}\n`)
    if (log) stdout.write(`  # its last lines:\n${log.map(line => `  #   ${line}\n`).join('')}`)
  }
  return {
    async check(name, run) {
      const startedAt = performance.now()
      const result = { name, ...(await run()), duration: Math.round(performance.now() - startedAt) }
      results.push(result)
      if (!json) print(result)
      return result
    },
    end() {
      const count = (status: CheckResult['status']): number => results.filter(result => result.status === status).length
      const ok = count('failed') === 0
      if (json) stdout.write(`${JSON.stringify({ ok, checks: results })}\n`)
      else
        stdout.write(
          `1..${results.length}\n# ${count('passed')} passed, ${count('failed')} failed, ${count('skipped')} skipped\n`,
        )
      return ok
    },
  }
}
