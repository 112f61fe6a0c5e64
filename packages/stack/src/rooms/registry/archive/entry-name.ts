import { ArchiveRefused } from './limits.ts'

/** Longest path, and longest part of one: what file systems take. */
const LONGEST = 1024
const LONGEST_PART = 255
const DEEPEST = 32

/**
 * The path of an entry below the folder that is unpacked into: parts with single slashes between, none of them special.
 * @returns '' for the folder itself (`./`)
 * @throws ArchiveRefused for what could lie elsewhere, or has no business in a name
 */
export function safePath(name: string): string {
  const shown = JSON.stringify(name.slice(0, 200))
  if (name.startsWith('/') || /^[A-Za-z]:/.test(name)) throw new ArchiveRefused(`${shown} is an absolute path`)
  // A backslash separates parts where people least expect it; control characters deceive who reads a list.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\\\u0000-\u001f\u007f]/.test(name)) throw new ArchiveRefused(`${shown} is no name of a file`)
  const parts = name.split('/').filter(part => part !== '' && part !== '.')
  if (parts.includes('..')) throw new ArchiveRefused(`${shown} leads out of the archive`)
  const path = parts.join('/')
  const long = Buffer.byteLength(path) > LONGEST || parts.some(part => Buffer.byteLength(part) > LONGEST_PART)
  if (long || parts.length > DEEPEST) throw new ArchiveRefused(`${shown} is too long or too deep`)
  return path
}

/** Whether a path is of a repository's own administration, which no konnector needs. */
export const isOfGit = (path: string): boolean => path.split('/').some(part => part.toLowerCase() === '.git')
