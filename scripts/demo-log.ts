/** Longest message shown; a konnector may quote a whole page. */
const WIDTH = 110

interface Line {
  kind?: string
  type?: string
  message?: string
  outcome?: string
}

/**
 * What the konnector itself says in a line of `konnectory standalone --json`, indented; `undefined` for its debug lines and for what
 * the command reports (documents and files are in the table afterwards).
 */
export function konnectorsWords(line: string): string | undefined {
  const { kind, type = 'info', message = '' } = parse(line)
  if ((kind !== 'log' && kind !== 'output' && kind !== 'error') || type === 'debug') return undefined
  const text = message.length > WIDTH ? `${message.slice(0, WIDTH)}…` : message
  return `  ${type === 'info' ? '' : `${type}: `}${text}`
}

/** The error code in the last line of `konnectory standalone`, as text or as JSON; `undefined` in others, and after a success. */
export function endOf(line: string): string | undefined {
  const { kind, outcome } = parse(line)
  if (kind === 'summary') return outcome === 'done' ? undefined : outcome
  return /^Ended with ([A-Z_.]+):/.exec(line)?.[1]
}

function parse(line: string): Line {
  return line.startsWith('{') ? (JSON.parse(line) as Line) : {}
}
