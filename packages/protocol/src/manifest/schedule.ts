import type { Report } from './diagnostic.ts'
import type { RawManifest } from './raw.ts'
import { FREQUENCIES, type Frequency } from './vocabulary.ts'

/** How often (`protocol/manifest.md` section 2.4): weekly unless one of the four words. */
export function normaliseFrequency(raw: unknown, report: Report): Frequency {
  const known = FREQUENCIES.find(one => one === raw)
  if (!known && raw !== undefined && raw !== null) {
    report(
      'frequency-unknown',
      ['frequency'],
      `unknown frequency ${JSON.stringify(raw)}: weekly is used`,
      `Use ${FREQUENCIES.join(', ')}.`,
    )
  }
  return known ?? 'weekly'
}

/** The hours (GMT, decimals allowed) between which scheduled runs start; midnight to five by default. */
export function normaliseTimeInterval(raw: RawManifest, report: Report): [number, number] {
  const old = raw.time_interval === undefined && raw.timeInterval !== undefined
  const key = old ? 'timeInterval' : 'time_interval'
  if (old) report('legacy-property', [key], 'timeInterval is the older spelling', 'Write "time_interval".')
  const value = raw[key]
  if (value === undefined || value === null) return [0, 5]
  const [start, end] = Array.isArray(value) ? (value as unknown[]) : []
  if (!isHour(start) || !isHour(end)) {
    report('time-interval-invalid', [key], `${key} must be two hours of the day`, 'Write for example [1, 5.5] (GMT).')
    return [0, 5]
  }
  if (end < start) {
    report(
      'time-interval-reversed',
      [key],
      `the window ends (${end}) before it starts (${start})`,
      'It is read as a window across midnight; other programs ignore it.',
    )
  }
  return [start, end]
}

function isHour(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= 24
}
