import type { Answer } from '#ground/http/answer'
import { CouchError, missing, ShapedError } from '#ground/http/errors'

/** Routes that were CouchDB's own answer with its body, `{error, reason}`, where others add `ok` and `status` (`protocol/data.md` §2). */
export const raw =
  <R>(handle: (request: R) => Promise<Answer>) =>
  async (request: R): Promise<Answer> => {
    try {
      return await handle(request)
    } catch (error) {
      if (!(error instanceof CouchError)) throw error
      throw new ShapedError(error.status, { error: error.error, reason: error.reason }, error.headers)
    }
  }

/** 404 of the routes about a whole doctype. */
export const noDatabase = () => missing('Database does not exist.')
