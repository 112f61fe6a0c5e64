/** Hides what must not be read in logs: the credentials that repository addresses may hold. */
export interface Mask {
  /** Remembers the credentials of an address, to hide them wherever they turn up. */
  learn(address: string): void
  hide(text: string): string
}

/** Variables in which CI services keep a token that may stand in an address. */
const TOKENS = ['GITHUB_TOKEN', 'GH_TOKEN', 'GITLAB_TOKEN', 'CI_JOB_TOKEN', 'DEPLOY_TOKEN']

/** Shorter ones (`git`, `me`) are names, and hiding them would spoil ordinary words. */
const SHORTEST_SECRET = 6

/**
 * @param env its tokens are hidden from the start
 */
export function createMask(env: NodeJS.ProcessEnv): Mask {
  const secrets = new Set<string>()
  const keep = (secret: string | undefined) => {
    if (secret && secret.length >= SHORTEST_SECRET) secrets.add(secret)
  }
  for (const name of TOKENS) keep(env[name])
  return {
    learn(address) {
      for (const part of userInfo(address).split(':')) {
        keep(part)
        keep(decoded(part))
      }
    },
    hide(text) {
      let hidden = hideInAddresses(text)
      for (const secret of secrets) hidden = hidden.replaceAll(secret, '***')
      return hidden
    },
  }
}

/** `https://name:token@host/x?private_token=y` as `https://***@host/x?***`; `ssh://git@host` holds no secret. */
function hideInAddresses(text: string): string {
  return text.replace(
    /\b([a-z][a-z0-9+.-]*:\/\/)(?:([^\s/'"]*)@)?([^\s'"?]*)(\?[^\s'"]*)?/gi,
    (_whole, scheme: string, user: string | undefined, rest: string, query: string | undefined) =>
      `${scheme}${user === undefined ? '' : user === 'git' ? 'git@' : '***@'}${rest}${query ? '?***' : ''}`,
  )
}

function userInfo(address: string): string {
  return /^[a-z][a-z0-9+.-]*:\/\/([^\s/]*)@/i.exec(address)?.[1] ?? ''
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    // Not encoded, then: a "%" of its own.
    return part
  }
}
