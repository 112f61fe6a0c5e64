import { HttpError } from '#ground/http/errors'

/** For secrets in links that are wrong or too old. */
export const wrongToken = () => new HttpError(400, 'Wrong download token')
