/** Names of dots only become empty; characters that a file system refuses are removed (`sdk/exports.md`, File names). */
export function sanitizeFileName(name: string): string {
  // Exactly this set: a wider one would give existing files another name, and they would be saved again under it.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: removing them is the point
  return name.replace(/^\.+$/, '').replace(/[/?<>\\:*|"\x00-\x0f]/g, '')
}

/** The last part of the address's path, decoded when it can be; `undefined` when there is none. */
export function nameFromUrl(url: string): string | undefined {
  let path: string
  try {
    path = new URL(url, 'http://relative.invalid/').pathname
  } catch {
    return undefined
  }
  return path.split('/').filter(Boolean).at(-1)
}
