import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { isSlug } from '@konnectory/protocol'
import { prepareOwnPackages } from './own-packages.ts'
import { packageJson } from './package-json.ts'
import { type Choices, type Language, writeTemplate } from './template.ts'

/** Where the konnector of the template logs in until its author changes that. */
export const DEMO_URL = 'http://demo-vendor.test'

/** A konnector that cannot be created, with what to do instead. */
export class CreateError extends Error {
  override name = 'CreateError'
}

export interface CreateOptions {
  /** Name of the new folder, or a path to it; its last part is the slug. */
  target: string
  cwd: string
  language: Language
  /** Display name; made from the slug when absent. */
  name?: string | undefined
  vendorUrl?: string | undefined
}

export interface Created {
  dir: string
  slug: string
  name: string
  files: string[]
}

/** The slug of a folder, and a name to propose. Throws CreateError before anything is written. */
export async function checkTarget(target: string, cwd: string): Promise<{ dir: string; slug: string; name: string }> {
  const dir = resolve(cwd, target)
  const slug = basename(dir)
  if (!isSlug(slug)) {
    const better = slug
      .normalize('NFD')
      .replace(/\p{M}/gu, '')
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-+|-+$/g, '')
    throw new CreateError(
      `"${slug}" is not a slug: only a-z, 0-9 and "-".${better ? ` Try: konnectory create ${better}` : ''}`,
    )
  }
  const files = await readdir(dir).catch((error: NodeJS.ErrnoException): string[] => {
    if (error.code === 'ENOENT') return []
    if (error.code === 'ENOTDIR') throw new CreateError(`${dir} is a file. Choose another name.`)
    throw error
  })
  if (files.length > 0) throw new CreateError(`${dir} is not empty. Choose another name, or empty it.`)
  const name = slug
    .replace(/^(cozy-)?konnector-/, '')
    .replace(/(^|-)([a-z])/g, (_all, dash: string, letter: string) => (dash ? ' ' : '') + letter.toUpperCase())
  return { dir, slug, name }
}

/**
 * Makes a konnector that runs at once, against the demo vendor.
 * @throws CreateError when the folder is in use or its name is no slug; nothing is left behind after a failure
 */
export async function createKonnector(options: CreateOptions): Promise<Created> {
  const { dir, slug, name: proposed } = await checkTarget(options.target, options.cwd)
  const name = options.name?.trim() || proposed
  const choices: Choices = { slug, name, vendorUrl: checkUrl(options.vendorUrl), language: options.language }
  const existed = (await mkdir(dir, { recursive: true })) === undefined
  try {
    const files = await writeTemplate(dir, choices)
    await mkdir(join(dir, 'fixtures'), { recursive: true })
    const own = await prepareOwnPackages(dir)
    await writeFile(join(dir, 'package.json'), `${JSON.stringify(packageJson(choices, own), null, 2)}\n`)
    return { dir, slug, name, files: [...files, 'package.json'].sort() }
  } catch (error) {
    for (const file of await readdir(dir)) await rm(join(dir, file), { recursive: true, force: true })
    if (!existed) await rm(dir, { recursive: true, force: true })
    throw error
  }
}

function checkUrl(url: string | undefined): string {
  if (!url) return DEMO_URL
  const whole = /^[a-z][a-z0-9+.-]*:\/\//i.test(url) ? url : `https://${url}`
  if (!URL.canParse(whole) || !/^https?:/.test(whole)) throw new CreateError(`${url} is not the address of a site.`)
  return whole
}
