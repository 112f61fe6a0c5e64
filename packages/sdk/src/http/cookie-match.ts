/** The host is the domain, or is under it (RFC 6265 section 5.1.3). Addresses match only themselves. */
export function domainMatches(host: string, domain: string): boolean {
  if (host === domain) return true
  return host.endsWith(`.${domain}`) && !isAddress(host)
}

/** True for an IPv4 or (bracketed) IPv6 address. */
export function isAddress(host: string): boolean {
  return host.startsWith('[') || /^\d{1,3}(\.\d{1,3}){3}$/.test(host)
}

/** The request's path is the cookie's, or is under it (RFC 6265 section 5.1.4). */
export function pathMatches(requestPath: string, cookiePath: string): boolean {
  if (requestPath === cookiePath) return true
  return requestPath.startsWith(cookiePath) && (cookiePath.endsWith('/') || requestPath[cookiePath.length] === '/')
}

/** The path of a cookie that says none: the page's folder (RFC 6265 section 5.1.4). */
export function defaultPath(requestPath: string): string {
  const lastSlash = requestPath.lastIndexOf('/')
  return requestPath.startsWith('/') && lastSlash > 0 ? requestPath.slice(0, lastSlash) : '/'
}

/** A `Domain` attribute in the form the URL parser gives hosts (punycode, lower case); undefined when it is no host name. */
export function canonicalHost(domain: string): string | undefined {
  try {
    return new URL(`http://${domain}`).hostname
  } catch {
    return undefined
  }
}
