/** What a refusal of the system means for who reads it. */
const MEANINGS: Record<string, (path: string) => string> = {
  EACCES: path => `No permission for ${path}: change its rights or its owner, or work in a folder of yours.`,
  EPERM: path => `No permission for ${path}: change its rights or its owner, or work in a folder of yours.`,
  EROFS: path => `${path} lies on a read-only file system: work in another folder.`,
  ENOSPC: path => `The disk is full: ${path} could not be written.`,
}

/**
 * @returns a sentence about a file or folder that the system refused, with what it said in brackets; undefined when the
 *   error is of another kind
 */
export function explainFileError(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  const { code, path } = error as NodeJS.ErrnoException
  if (code === undefined || path === undefined) return undefined
  const meaning = MEANINGS[code]?.(path)
  return meaning ? `${meaning} (${error.message})` : error.message
}
