import { createHash } from 'node:crypto'
import { normaliseManifest } from '@konnectory/protocol'

/** What the trigger of a new account is made of (`protocol/konnectors-api.md` §5). */
export interface TriggerWish {
  type: '@cron' | '@client'
  worker: 'konnector' | 'client'
  /** Crontab with seconds; empty for `@client`. */
  arguments: string
  message: { account?: string; konnector: string; folder_to_save?: string }
}

/**
 * The trigger of an account: as often as the manifest says, at a moment drawn in its window, stable for the same domain, slug
 * and account. Upstream draws by the slug alone, so that a vendor meets all its users in one second, and never looks at the
 * window.
 */
export function triggerFor(
  raw: Record<string, unknown>,
  { domain, slug, account }: { domain: string; slug: string; account: string | undefined },
): TriggerWish {
  const { manifest } = normaliseManifest(raw)
  const message = {
    ...(account !== undefined && { account }),
    konnector: slug,
    ...(manifest.needs_folder && { folder_to_save: 'yes' }),
  }
  if (manifest.clientSide) return { type: '@client', worker: 'client', arguments: '', message }
  const draw = drawer(`${domain}/${slug}/${account ?? ''}`)
  return {
    type: '@cron',
    worker: 'konnector',
    arguments: crontab(manifest.frequency, manifest.time_interval, draw),
    message,
  }
}

type Draw = (below: number) => number

function crontab(frequency: string, [start, end]: [number, number], draw: Draw): string {
  const width = ((end - start + 24) % 24 || 24) * 3600
  const second = Math.floor(start * 3600 + draw(width)) % 86_400
  const [s, m, h] = [second % 60, Math.floor(second / 60) % 60, Math.floor(second / 3600)]
  if (frequency === 'hourly') return `${s} ${m} * * * *`
  if (frequency === 'daily') return `${s} ${m} ${h} * * *`
  // Every month has 28 days.
  if (frequency === 'monthly') return `${s} ${m} ${h} ${1 + draw(28)} * *`
  return `${s} ${m} ${h} * * ${draw(7)}`
}

/** Numbers that are the same for the same seed. */
function drawer(seed: string): Draw {
  const bytes = createHash('sha256').update(seed).digest()
  let at = 0
  return below => Math.floor((bytes.readUInt32BE((at++ * 4) % 28) / 2 ** 32) * below)
}
