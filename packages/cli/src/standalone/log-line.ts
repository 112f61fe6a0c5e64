import { withoutColours } from '../terminal/colours.ts'

/** A line of a konnector's log (`sdk/exports.md` section 23), in either form. */
export interface LogLine {
  type: string
  message: string
  label?: string
  namespace?: string
  /** It was JSON, as on a server. */
  json: boolean
}

const HUMAN = /^(?:([^\s].*?): )?(secret|debug|info|warn|error|ok|critical)(?: : "(.*?)" )? : (.*)$/s

/** @returns the parts of a log line, undefined for any other output */
export function parseLogLine(line: string): LogLine | undefined {
  if (line.startsWith('{')) return parseJson(line)
  const match = HUMAN.exec(withoutColours(line))
  if (!match) return undefined
  const [, namespace, type = '', label, message = ''] = match
  return { type, message, ...(label ? { label } : {}), ...(namespace ? { namespace } : {}), json: false }
}

function parseJson(line: string): LogLine | undefined {
  try {
    const { type, message, label, namespace } = JSON.parse(line) as Record<string, unknown>
    if (typeof type !== 'string') return undefined
    return {
      type,
      message: typeof message === 'string' ? message : message === undefined ? '' : JSON.stringify(message),
      ...(typeof label === 'string' ? { label } : {}),
      ...(typeof namespace === 'string' ? { namespace } : {}),
      json: true,
    }
  } catch {
    return undefined // A konnector may print what it wants.
  }
}
