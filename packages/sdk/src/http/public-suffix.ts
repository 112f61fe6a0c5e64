/**
 * A simple guard against cookies for a whole registry (`.com`, `.co.uk`).
 * Not the Public Suffix List: that is 240 KB and this package must stay small. A konnector talks to one vendor, so the
 * guard only has to stop a page of one company from planting cookies that reach another one.
 *
 * @param domain lower case, without a leading dot
 * @returns true when no cookie may be set for this domain and everything under it
 */
export function isPublicSuffix(domain: string): boolean {
  const labels = domain.split('.')
  if (labels.length === 1) return true
  if (SHARED_HOSTS.has(domain)) return true
  if (labels.length > 2) return false
  const [second = '', top = ''] = labels
  if (top.length !== 2) return false
  return EVERYWHERE.has(second) || (BY_COUNTRY[top]?.includes(second) ?? false)
}

/** Second levels that are registries under nearly every country that has them. */
const EVERYWHERE = new Set(['co', 'com', 'net', 'org', 'gov', 'edu', 'mil'])

/** Second levels that are registries under these countries only (`or.at` is one, `or.fr` is somebody's site). */
const BY_COUNTRY: Record<string, string[]> = {
  at: ['ac', 'gv', 'or'],
  au: ['asn', 'id'],
  br: ['adv', 'art', 'blog', 'eco', 'eng', 'ind', 'inf', 'jus', 'leg', 'med', 'nom', 'tv'],
  es: ['gob', 'nom'],
  fr: ['asso', 'gouv', 'nom', 'prd', 'tm'],
  id: ['ac', 'go', 'or', 'web'],
  il: ['ac', 'k12', 'muni'],
  in: ['ac', 'firm', 'gen', 'ind', 'nic', 'res'],
  jp: ['ac', 'ad', 'ed', 'go', 'gr', 'lg', 'ne', 'or'],
  ke: ['ac', 'go', 'ne', 'or'],
  kr: ['ac', 'go', 'ne', 'or', 'pe', 're'],
  mx: ['gob'],
  nz: ['ac', 'cri', 'geek', 'gen', 'govt', 'iwi', 'kiwi', 'maori', 'school'],
  th: ['ac', 'go', 'in', 'mi', 'or'],
  tr: ['bel', 'gen', 'k12', 'web'],
  uk: ['ac', 'ltd', 'me', 'nhs', 'plc', 'police', 'sch'],
  za: ['ac', 'law', 'nom', 'school', 'web'],
}

/** Hosts under which everybody can open a site. */
const SHARED_HOSTS = new Set([
  'appspot.com',
  'azurewebsites.net',
  'blogspot.com',
  'cloudfront.net',
  'firebaseapp.com',
  'github.io',
  'gitlab.io',
  'herokuapp.com',
  'netlify.app',
  'pages.dev',
  's3.amazonaws.com',
  'vercel.app',
  'web.app',
  'workers.dev',
])
