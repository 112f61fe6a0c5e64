import { type Downloaded, type DownloadRequest, downloadedBody } from '@konnectory/sdk/save'
import { log } from './log.ts'
import requestFactory from './request/index.ts'
import type { Any } from './request/types.ts'

export interface DownloadOptions {
  /** What `requestFactory` made, or any function that takes the options of a request. */
  requestInstance?: ((options: object) => unknown) | undefined
  /** @deprecated Gets the whole body, gives what is to be stored. */
  postProcessFile?: ((data: unknown) => unknown) | undefined
}

/**
 * How the compatible functions get a file: through `requestInstance` or a request of their own, so that cookies, proxies
 * and certificates are the konnector's (`sdk/exports.md`, Download). The answer stays a stream.
 */
export function createDownload({ requestInstance, postProcessFile }: DownloadOptions) {
  let own: ((options: object) => unknown) | undefined
  const instance = () => {
    own ??= requestInstance ?? (requestFactory({ json: false, cheerio: false, userAgent: true, jar: true }) as Any)
    return own as (options: object) => unknown
  }
  return async ({ fileurl, requestOptions, signal }: DownloadRequest): Promise<Downloaded> => {
    const request = instance()({
      ...(fileurl === undefined ? {} : { uri: fileurl }),
      method: 'GET',
      ...(requestInstance ? {} : { jar: true }),
      ...requestOptions,
    }) as { abort?(): void }
    const cancel = () => request?.abort?.()
    signal?.addEventListener('abort', cancel, { once: true })
    const downloaded = { body: request as Any, cancel: () => stop(signal, cancel) }
    return postProcessFile ? processed(downloaded, postProcessFile, requestOptions?.encoding) : downloaded
  }
}

function stop(signal: AbortSignal | undefined, cancel: () => void): void {
  signal?.removeEventListener('abort', cancel)
  cancel()
}

async function processed(
  downloaded: Downloaded,
  postProcessFile: (data: unknown) => unknown,
  encoding: unknown,
): Promise<Downloaded> {
  log('warn', 'The option postProcessFile is deprecated: use the filestream attribute of the entries instead')
  const body = await downloadedBody(downloaded)
  const chunks: Uint8Array[] = []
  for await (const chunk of body.chunks) chunks.push(chunk)
  const bytes = Buffer.concat(chunks)
  const data = encoding === null ? bytes : bytes.toString((encoding as BufferEncoding | undefined) ?? 'utf8')
  return { body: (await postProcessFile(data)) as Any }
}
