const HOST = /^https?:\/\/([a-zA-Z0-9-.]+)(?::\d{2,5})?\/?$/

function labels(url: string | undefined, count: number): string {
  const address = url || process.env.COZY_URL || ''
  const host = HOST.exec(address)?.[1]
  if (!host) throw new Error(`"${address}" is not the address of a stack`)
  return host.split('.').slice(-count).join('.')
}

/** @returns the last two labels of the host of `url` (default COZY_URL) */
export function getDomain(url?: string): string {
  return labels(url, 2)
}

/** @returns the last three labels: the instance, where instances are sub domains */
export function getInstance(url?: string): string {
  return labels(url, 3)
}
