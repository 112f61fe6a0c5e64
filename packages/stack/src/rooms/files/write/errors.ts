import { alreadyThere, badRequest, forbidden, JsonApiError, notThere, preconditionFailed } from '#ground/http/errors'

/** What the writing half refuses (`protocol/files.md` §3, §5, §6). */
export const fileMissing = () => notThere('file does not exist')
export const nameTaken = () => alreadyThere('file already exists')
export const inTrashAlready = () => badRequest('File or directory is already in the trash')
export const notInTrash = () => badRequest('File or directory is not in the trash')
/** Root and trash stay as they are; upstream fails with a 500. */
export const builtIn = () => forbidden('The root and the trash cannot be changed')
export const insideItself = () => preconditionFailed('dir-id', 'A directory cannot be moved inside itself')
export const otherRevision = () => preconditionFailed('If-Match', 'Revision does not match')
export const overQuota = () => tooBig('The file is too big and exceeds the disk quota')
export const overMaximum = () => tooBig('The file is too big and exceeds the filesystem maximum file size')

const tooBig = (detail: string) => new JsonApiError(413, 'Request Entity Too Large', detail)
