import { decodeText } from './charset.ts'
import { BadAnswerError } from './http-errors.ts'

/** The final answer to a request, after redirects. Its body can be read once, by one of the methods. */
export class HttpResponse {
  readonly status: number
  readonly headers: Headers
  /** Address that answered. */
  readonly url: string
  readonly redirected: boolean
  /** The body as a stream of bytes, for `save.files` (`filestream`) or to pipe; null when there is none. */
  readonly body: ReadableStream<Uint8Array> | null

  constructor(answer: Pick<HttpResponse, 'status' | 'headers' | 'url' | 'redirected' | 'body'>) {
    this.status = answer.status
    this.headers = answer.headers
    this.url = answer.url
    this.redirected = answer.redirected
    this.body = answer.body
  }

  /** The status is a success: 200 to 299. */
  get ok(): boolean {
    return this.status >= 200 && this.status <= 299
  }

  async bytes(): Promise<Uint8Array> {
    return new Uint8Array(await new Response(this.body).arrayBuffer())
  }

  /** The body decoded with the charset of the header, of the page itself, or UTF-8. */
  async text(): Promise<string> {
    return decodeText(await this.bytes(), this.headers.get('content-type'))
  }

  /**
   * The parsed body; `undefined` when it is empty.
   * @throws BadAnswerError when it is not JSON; the message says what came instead, without showing it (it may be personal)
   */
  async json<T = unknown>(): Promise<T> {
    const text = await this.text()
    if (text.trim() === '') return undefined as T
    try {
      return JSON.parse(text) as T
    } catch (error) {
      const type = this.headers.get('content-type') ?? 'no content type'
      throw new BadAnswerError(
        this.url,
        `expected JSON, got ${text.length} characters of ${type} (status ${this.status})`,
        error,
      )
    }
  }

  /** Gives up the body when it is not going to be read. */
  async discard(): Promise<void> {
    if (!this.body?.locked) await this.body?.cancel()
  }
}
