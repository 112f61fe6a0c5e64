/** Where files go: `defaultDir` and its variables (`protocol/manifest.md` section 3.4). */

export const DEFAULT_DIR = '$administrative/$konnector/$account'
const BASES = ['$administrative', '$photos']

/**
 * A `defaultDir` in its full form: it begins with a base variable and goes further than it. `.` and `..` are dropped.
 * `Bills` gives `$administrative/Bills`; `$photos` gives `$photos/$konnector/$account`.
 */
export function normaliseDefaultDir(dir: unknown): string {
  const segments = typeof dir === 'string' ? dir.split('/').filter(part => !/^\s*\.{0,2}\s*$/.test(part)) : []
  if (segments.length === 0) return DEFAULT_DIR
  if (!BASES.includes(segments[0] ?? '')) segments.unshift('$administrative')
  if (segments.length === 1) segments.push('$konnector', '$account')
  return segments.join('/')
}

/**
 * The path of the folder, with its variables replaced. Only whole segments are variables.
 * @param names `administrative` and `photos` in the person's language, the konnector's name, the account's name.
 * @returns an absolute path without a double slash. A slash inside a name becomes `-`.
 */
export function folderPath(
  defaultDir: string,
  names: { administrative: string; photos: string; konnector: string; account: string },
): string {
  const segments = normaliseDefaultDir(defaultDir)
    .split('/')
    .map(part => (part.startsWith('$') && Object.hasOwn(names, part.slice(1)) ? nameOf(names, part.slice(1)) : part))
  return `/${segments.filter(part => part !== '').join('/')}`
}

function nameOf(names: Record<string, string>, variable: string): string {
  const name = (names[variable] ?? '').trim().replaceAll('/', '-')
  return name === '.' || name === '..' ? name.replaceAll('.', '-') : name
}
