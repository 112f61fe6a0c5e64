const LABEL = /^(?!-)[a-z0-9_-]{1,63}(?<!-)$/
const ADDRESS_LIKE = /(^|\.)(0x[0-9a-f]*|\d+)$/

/**
 * A name as policies compare it: lower case, without the final dot. Whoever reads `127.1`, `0x7f.1` or `2130706433` as an
 * address will not find it here: a name whose last label is a number is none.
 * @returns undefined for what is not a clean ASCII host name
 */
export function cleanHostName(text: string): string | undefined {
  const name = text.toLowerCase().replace(/\.$/, '')
  if (name.length === 0 || name.length > 253 || ADDRESS_LIKE.test(name)) return undefined
  return name.split('.').every(label => LABEL.test(label)) ? name : undefined
}

/**
 * Whether a clean name is one of the declared ones: `vendor.example` is that name alone, `*.vendor.example` every name
 * below it, at any depth, and not the name itself.
 */
export function isDeclared(name: string, declared: readonly string[]): boolean {
  return declared.some(pattern =>
    pattern.startsWith('*.') ? name.endsWith(pattern.slice(1)) && name.length >= pattern.length : name === pattern,
  )
}

/**
 * The declared names in the form they are compared in.
 * @throws TypeError naming one that is neither a host name nor `*.` and one with at least two labels; `*.com` opens too much
 */
export function readDeclared(domains: readonly string[]): string[] {
  return domains.map(domain => {
    const isWild = domain.startsWith('*.')
    const name = cleanHostName(isWild ? domain.slice(2) : domain)
    if (name === undefined || (isWild && !name.includes('.'))) {
      throw new TypeError(`${JSON.stringify(domain)} is not a domain: write vendor.example or *.vendor.example.`)
    }
    return isWild ? `*.${name}` : name
  })
}
