/** Patience with a vendor: a clock that is wound up again by every sign of life, and runs out in silence. */
export interface Patience {
  signal: AbortSignal
  /** A sign of life. */
  touch(): void
  /** Stop waiting. */
  end(): void
}

/**
 * @param timeout milliseconds of silence before `signal` aborts; 0 for never
 * @param reason what the signal aborts with
 */
export function createPatience(timeout: number, reason: () => unknown): Patience {
  const controller = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const start = () => {
    timer = setTimeout(() => controller.abort(reason()), timeout)
    // An open connection keeps the process alive by itself; a body that nobody reads must not.
    timer.unref()
  }
  if (timeout > 0) start()
  return {
    signal: controller.signal,
    touch() {
      timer?.refresh()
    },
    end() {
      clearTimeout(timer)
      timer = undefined
    },
  }
}

/**
 * The same bytes; each chunk is a sign of life, the end of the body ends the waiting.
 * @param toError makes what a broken transfer fails with
 */
export function watchBody(
  body: ReadableStream<Uint8Array> | null,
  patience: Patience,
  toError: (error: unknown) => unknown,
): ReadableStream<Uint8Array> | null {
  if (body === null) {
    patience.end()
    return null
  }
  const reader = body.getReader()
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        patience.touch()
        const { done, value } = await reader.read()
        if (done) {
          patience.end()
          controller.close()
        } else {
          controller.enqueue(value)
        }
      } catch (error) {
        patience.end()
        controller.error(toError(error))
      }
    },
    async cancel(reason) {
      patience.end()
      await reader.cancel(reason)
    },
  })
}
