import type { FileDocument } from '@konnectory/protocol'
import type { SaveContext } from './context.ts'
import type { SaveFilesOptions } from './file-entry.ts'
import { bareType, typesOfName } from './mime-types.ts'

/** What the default check looks at. */
export interface Checked {
  name: string
  /** Bytes; absent: not known yet. */
  size?: number | string | undefined
  mime?: string | undefined
}

/** Why this file is not good (`sdk/exports.md`, createFile), or `undefined`: empty, or of another type than its name says. */
export function fileDefect({ name, size, mime }: Checked): 'BAD_FILE_SIZE' | 'BAD_MIME_TYPE' | undefined {
  if (size !== undefined && Number(size) === 0) return 'BAD_FILE_SIZE'
  const accepted = typesOfName(name)
  if (mime && accepted.length > 0 && !accepted.includes(bareType(mime))) return 'BAD_MIME_TYPE'
  return undefined
}

/** Name, size and type of a stored file, from `attributes` first. */
export function checkedPart(file: FileDocument): Checked {
  const attributes = file.attributes ?? file
  return { name: attributes.name, size: attributes.size ?? file.size, mime: attributes.mime ?? file.mime }
}

/** Is this stored file one that the options' (or the default) check accepts? */
export async function isGoodFile(
  context: SaveContext,
  file: FileDocument,
  options: SaveFilesOptions,
): Promise<boolean> {
  if (typeof options.validateFile === 'function') return (await options.validateFile(file)) !== false
  const defect = fileDefect(checkedPart(file))
  if (defect) context.log('warn', `${checkedPart(file).name}: ${defect}`, defect)
  return defect === undefined
}
