import { randomBytes } from 'node:crypto'
import { load, requestBytes } from '../lib/load.ts'
import type { Line } from '../lib/report.ts'
import { download, upload } from '../lib/transfer.ts'
import { memoryOf } from './server.ts'

const SMALL = 64 * 1024
const LARGE = 100 * 1024 * 1024

/** Files up and down, small ones by many at once, a large one by itself with the server's memory beside it. */
export async function files({
  port,
  pid,
  token,
  duration,
}: {
  port: number
  pid: number
  token: string
  duration: number
}): Promise<Line[]> {
  const headers = {
    host: 'localhost',
    authorization: `Bearer ${token}`,
    accept: 'application/json',
    'content-type': 'application/octet-stream',
  }
  const content = randomBytes(SMALL)
  const run = Date.now().toString(36)
  const up = await load({
    port,
    connections: 32,
    duration,
    expect: 201,
    request: n => requestBytes('POST', `/files/?Type=file&Name=${run}-${n}.bin`, headers, content),
  })
  const id = JSON.parse(
    (await upload({ port, path: `/files/?Type=file&Name=${run}-one.bin`, headers, size: SMALL })).body,
  ).data.id
  const down = await load({
    port,
    connections: 32,
    duration,
    expect: 200,
    request: () => requestBytes('GET', `/files/download/${id}`, headers),
  })

  const before = memoryOf(pid).resident
  let peak = before
  const watch = setInterval(() => {
    peak = Math.max(peak, memoryOf(pid).resident)
  }, 20)
  const large = await upload({ port, path: `/files/?Type=file&Name=${run}-large.bin`, headers, size: LARGE })
  if (large.status !== 201) throw new Error(large.body)
  const back = await download({ port, path: `/files/download/${JSON.parse(large.body).data.id}`, headers })
  clearInterval(watch)
  if (back.size !== LARGE) throw new Error(`${back.size} bytes came back`)
  const mb = LARGE / 1024 / 1024
  return [
    {
      what: 'upload 64 KiB (durable)',
      value: up.perSecond,
      unit: 'req/s',
      note: `p50 ${up.p50.toFixed(1)} ms, p99 ${up.p99.toFixed(1)} ms`,
    },
    {
      what: 'download 64 KiB',
      value: down.perSecond,
      unit: 'req/s',
      note: `p50 ${down.p50.toFixed(1)} ms, p99 ${down.p99.toFixed(1)} ms`,
    },
    { what: 'upload 100 MiB', value: mb / large.seconds, unit: 'MiB/s', note: `${large.seconds.toFixed(2)} s` },
    { what: 'download 100 MiB', value: mb / back.seconds, unit: 'MiB/s', note: `${back.seconds.toFixed(2)} s` },
    { what: 'memory grown over both', value: peak - before, unit: 'MiB' },
  ]
}
