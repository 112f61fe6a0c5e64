import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const TYPES = {
  'page.css': 'text/css; charset=utf-8',
  'passphrase.js': 'text/javascript; charset=utf-8',
} as const

type AssetName = keyof typeof TYPES

interface Asset {
  content: Buffer
  type: string
  version: string
}

const loaded = new Map<string, Asset>()

/** A file of `assets/`, read on first use. @returns undefined for a name that is not there */
export function assetOf(name: string): Asset | undefined {
  const known = loaded.get(name)
  if (known || !Object.hasOwn(TYPES, name)) return known
  const content = readFileSync(join(import.meta.dirname, 'assets', name))
  const version = createHash('sha256').update(content).digest('hex').slice(0, 12)
  const asset = { content, type: TYPES[name as AssetName], version }
  loaded.set(name, asset)
  return asset
}

/** Reads them all: for a process that will not be able to later, having become another user. */
export function loadAssets(): void {
  for (const name of Object.keys(TYPES)) assetOf(name)
}

/** Where pages find it; the version in it lets browsers keep it for ever. */
export function assetPath(name: string): string {
  const asset = assetOf(name)
  if (!asset) throw new Error(`assets/${name} is not there`)
  return `/assets/auth/${name}?v=${asset.version}`
}
