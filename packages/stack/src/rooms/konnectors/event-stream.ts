import { Readable } from 'node:stream'
import type { Answer } from '#ground/http/answer'
import { presentStage } from './present.ts'
import type { Progress, ProgressEvent } from './progress.ts'
import { asWireError, SourceError, sentenceOf } from './source/offer.ts'

/** So that proxies do not take a silent connection for a dead one. */
export const STILL_MS = 10_000

/** A change as it goes on (`protocol/konnectors-api.md` §2): lines end with CR LF. It goes on when the client goes away. */
export function eventStream(progress: Progress, stillMs = STILL_MS): Answer {
  return {
    status: 200,
    headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' },
    body: Readable.from(lines(progress, stillMs), { objectMode: false, highWaterMark: 1 }),
  }
}

async function* lines(progress: Progress, stillMs: number): AsyncGenerator<Buffer> {
  const events = progress.events()
  let waiting = events.next()
  for (;;) {
    const still = Promise.withResolvers<'still'>()
    const timer = setTimeout(() => still.resolve('still'), stillMs)
    const step = await Promise.race([waiting, still.promise])
    clearTimeout(timer)
    if (step === 'still') {
      yield Buffer.from(': still working\r\n')
      continue
    }
    if (step.done) return
    yield Buffer.from(eventText(step.value))
    waiting = events.next()
  }
}

function eventText(event: ProgressEvent): string {
  const [name, data] =
    'stage' in event
      ? (['state', { data: presentStage(event.stage), included: [] }] as const)
      : (['error', messageOf(event.error)] as const)
  return `event: ${name}\r\ndata: ${JSON.stringify(data)}\r\n\r\n`
}

/** As the answer without a stream says it. */
function messageOf(error: unknown): string {
  return error instanceof SourceError ? sentenceOf(asWireError(error)) : sentenceOf(error)
}
