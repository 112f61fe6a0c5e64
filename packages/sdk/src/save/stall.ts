import { FileError } from './file-error.ts'

/** Milliseconds without a byte (or an answer) after which a download is given up. */
export const STALL_TIMEOUT = 60_000

/**
 * Waits for a promise, but no longer than that. Vendors that keep a connection open and say nothing more would otherwise hold a place
 * among the downloads, and in the end the whole run, until the server kills it.
 * @param milliseconds 0: wait for ever
 * @throws FileError when the time is up
 */
export async function withoutStall<T>(waiting: Promise<T>, milliseconds: number): Promise<T> {
  if (milliseconds <= 0) return waiting
  let timer: NodeJS.Timeout | undefined
  const stall = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new FileError(`the download stalled: no bytes for ${milliseconds / 1000} s`)),
      milliseconds,
    )
  })
  // Its outcome after the time is up interests nobody.
  waiting.catch(() => {})
  try {
    return await Promise.race([waiting, stall])
  } finally {
    clearTimeout(timer)
  }
}
