import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { RunnerError } from '../errors.ts'

/** Which glibc loads by itself, by name, on systems older than 2.34; newer ones have them inside. */
const loadedLater = ['libnss_files.so.2', 'libnss_dns.so.2', 'libresolv.so.2']

/**
 * The shared libraries a program needs, the loader included, as absolute paths.
 * @throws RunnerError `driver_unavailable` when the system cannot say
 */
export function librariesOf(program: string): string[] {
  let text: string
  try {
    text = execFileSync('ldd', [program], { encoding: 'utf8', env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' } })
  } catch (error) {
    throw new RunnerError('driver_unavailable', `ldd cannot tell which libraries ${program} needs.`, error)
  }
  if (text.includes('not found')) {
    throw new RunnerError('driver_unavailable', `${program} needs libraries this system does not have:\n${text}`)
  }
  const found = [...text.matchAll(/(?:=> |^\s+)(\/\S+) \(0x/gm)].map(match => match[1]!)
  const libc = found.find(path => /\/libc\.so/.test(path))
  const later = libc ? loadedLater.map(name => join(dirname(libc), name)).filter(path => existsSync(path)) : []
  return [...new Set([...found, ...later])]
}
