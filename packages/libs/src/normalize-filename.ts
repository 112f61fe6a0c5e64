const FORBIDDEN = /[<>:"/\\|?*\0\s]+/g

/**
 * A name that every file system takes (`sdk/exports.md` section 18).
 * @param basename any text; runs of white space and of `< > : " / \ | ? * NUL` become one space
 * @param ext extension, with or without its dot; added as it is
 * @throws Error when nothing is left
 */
export function normalizeFilename(basename: string, ext?: string | null): string {
  const name = basename.replace(FORBIDDEN, ' ').trim()
  if (name === '') throw new Error(`Cannot find any filename-compatible character in ${JSON.stringify(basename)}!`)
  if (ext === undefined || ext === null) return name
  return name + (ext.startsWith('.') ? ext : `.${ext}`)
}
