import { missingPermissions } from '../standalone/permissions-used.ts'
import { type CheckResult, failed, passed } from './check.ts'
import { type Bench, dataEvents, explainOutcome, type Trial } from './trial.ts'

/** The first run of the recording brings at least one document or file. */
export function dataArrives({ har }: Bench, trial: Trial): CheckResult {
  if (trial.outcome !== 'done') {
    const recorded = har.log._konnectory.outcome
    const hint = recorded === 'done' ? '' : ` The recorded run itself ended with ${recorded}: record one that succeeds.`
    return failed(explainOutcome(trial) + hint, trial.lines)
  }
  const created = dataEvents(trial.run).filter(
    event => event.action === 'created' && !(event.kind === 'file' && event.file.type !== 'file'),
  )
  if (created.length === 0)
    return failed(
      'The run succeeded and brought nothing: no document, no file. Record an account that has some.',
      trial.lines,
    )
  return passed
}

/** A second run over the same data changes nothing. */
export function writesNothing(trial: Trial): CheckResult {
  if (trial.outcome !== 'done') return failed(explainOutcome(trial), trial.lines)
  const written = dataEvents(trial.run)
  if (written.length === 0) return passed
  const names = written.map(event =>
    event.kind === 'file' ? `${event.action} ${event.path}` : `${event.action} ${event.doctype} ${event.doc._id}`,
  )
  const shown = names.slice(0, 5).join(', ') + (names.length > 5 ? ` and ${names.length - 5} more` : '')
  return failed(
    `The second run wrote: ${shown}. Give the save functions keys that recognise a document (keys, fileIdAttributes), made of values that do not change.`,
  )
}

/** Every doctype that was used is asked for in the manifest. */
export function permissionsCover({ project }: Bench, trials: Trial[]): CheckResult {
  const missing = missingPermissions(
    trials.flatMap(trial => trial.run.requests),
    project,
  )
  if (missing.length === 0) return passed
  const list = missing.map(({ verb, doctype }) => `${verb} ${doctype}`).join(', ')
  return failed(`The manifest's permissions lack: ${list}. Without them a server refuses the konnector.`)
}

/** Placeholders of credentials that a vendor gave: whoever reads the log could use the real ones. */
const VENDOR_SECRET = /konnectory-(?:cookie|token|jwt|authorization|password|digest)-\d+/

/** Nothing secret in what the konnector prints. In a replay each secret is a unique planted value, so finding it is proof. */
export function noSecretInLogs({ project, har }: Bench, trials: Trial[]): CheckResult {
  const { fields, twoFactorCodes = [] } = har.log._konnectory
  const encrypted = project.fields.filter(field => field.encrypted).map(field => field.name)
  const planted = new Map<string, string>()
  for (const name of encrypted) {
    const value = fields[name]
    if (typeof value === 'string' && value.length >= 4) planted.set(`the field "${name}"`, value)
  }
  for (const code of twoFactorCodes) planted.set('the two-factor code', code)
  for (const { lines } of trials) {
    for (const line of lines) {
      for (const [what, value] of planted)
        if (line.includes(value)) return failed(`The log shows ${what}: ${line.replaceAll(value, '********')}`)
      const vendorSecret = VENDOR_SECRET.exec(line)
      if (vendorSecret)
        return failed(`The log shows a cookie or token of the vendor (${vendorSecret[0]} in the recording): ${line}`)
    }
  }
  return passed
}
