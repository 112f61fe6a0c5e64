import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, extname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

export type Language = 'javascript' | 'typescript'

/** What an author chose; written into the files of the template. */
export interface Choices {
  slug: string
  name: string
  vendorUrl: string
  language: Language
}

/** `templates/` lies at the root of this package, in the repository as in the published form. */
const TEMPLATES = fileURLToPath(new URL('../../templates/', import.meta.url))

/** Stored without their dot: npm renames or drops some of these when it packs. */
const DOTTED = ['gitignore', 'travis.yml', 'github']

/**
 * Writes the files of a new konnector, package.json apart.
 * @param dir an existing, empty folder
 * @returns their paths, relative, sorted
 */
export async function writeTemplate(dir: string, choices: Choices): Promise<string[]> {
  const written: string[] = []
  for (const layer of ['common', choices.language]) {
    const from = join(TEMPLATES, layer)
    const entries = await readdir(from, { recursive: true, withFileTypes: true })
    for (const entry of entries.filter(one => one.isFile())) {
      const source = join(entry.parentPath, entry.name)
      const path = targetPath(relative(from, source))
      await mkdir(dirname(join(dir, path)), { recursive: true })
      if (isText(source)) await writeFile(join(dir, path), fill(await readFile(source, 'utf8'), path, choices))
      else await cp(source, join(dir, path))
      written.push(path.split(sep).join('/'))
    }
  }
  return written.sort()
}

function targetPath(path: string): string {
  const [first = '', ...rest] = path.split(sep)
  if (first === 'icon.svg') return join('assets', path)
  return join(DOTTED.includes(first) ? `.${first}` : first, ...rest)
}

function isText(path: string): boolean {
  return extname(path) !== '.pdf' && extname(path) !== '.png'
}

function fill(text: string, path: string, { slug, name, vendorUrl, language }: Choices): string {
  const values: Record<string, string> = {
    SLUG: slug,
    NAME: name,
    EDITOR: 'me',
    VENDOR_URL: vendorUrl,
    SOURCE: language === 'typescript' ? '`src/index.ts` and `src/pages.ts`' : '`src/index.js`',
  }
  const quote = quoterFor(path)
  return text.replace(/__([A-Z_]+?)__/g, (whole, key: string) =>
    values[key] === undefined ? whole : quote(values[key]),
  )
}

/** Values stand inside quotes in JSON and in scripts. */
function quoterFor(path: string): (value: string) => string {
  const inJson = (value: string) => JSON.stringify(value).slice(1, -1)
  if (/\.(json|konnector|har)$/.test(path)) return inJson
  if (/\.[jt]s$/.test(path)) return value => inJson(value).replaceAll('\\"', '"').replaceAll("'", "\\'")
  return value => value
}
