/**
 * `const { format } = require('date-fns')` asks for one function and gets all of them, 1.5 MB, as no bundler leaves parts of a
 * CommonJS module out; `require('date-fns/locale')` gets every language. Each name has a module of its own, in every version.
 */
const WHOLE =
  /((?:const|let|var)\s*\{([\w\s:,]*)\}\s*=\s*)require\(\s*(['"])(date-fns(?:\/locale)?)\3\s*\)(?!\s*[.[(])/g

/**
 * @param source CommonJS text of an author
 * @param exists whether such a specifier leads to a module, from there
 * @returns the text with the names' own modules instead of the whole, where all of them exist; its lines stay where they were
 */
export async function narrowRequires(source: string, exists: (specifier: string) => Promise<boolean>): Promise<string> {
  const parts: string[] = []
  let at = 0
  for (const { 0: whole, 1: head = '', 2: names = '', 4: from = '', index } of source.matchAll(WHOLE)) {
    const wanted = names
      .split(',')
      .map(name => name.split(':')[0]?.trim() ?? '')
      .filter(Boolean)
    const modules = wanted.map(name => ({
      name,
      specifier: `${from}/${from.endsWith('locale') ? localeFile(name) : name}`,
    }))
    if (modules.length === 0 || !(await all(modules, exists))) continue
    // Version 2 exports the thing itself, version 3 and later an object with it.
    const members = modules.map(
      ({ name, specifier }) => `${name}: (m => m.${name} || m.default || m)(require('${specifier}'))`,
    )
    parts.push(source.slice(at, index), head, `{ ${members.join(', ')} }`)
    at = index + whole.length
  }
  return parts.length === 0 ? source : parts.join('') + source.slice(at)
}

/** `enUS` is in `en-US`, `fr` in `fr`. */
function localeFile(name: string): string {
  return name.replace(/^([a-z]+)([A-Z]\w*)$/, '$1-$2')
}

async function all(
  modules: readonly { specifier: string }[],
  exists: (specifier: string) => Promise<boolean>,
): Promise<boolean> {
  const found = await Promise.all(modules.map(({ specifier }) => exists(specifier)))
  return found.every(Boolean)
}
