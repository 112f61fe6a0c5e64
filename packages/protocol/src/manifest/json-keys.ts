/** No manifest nests deeper; a hostile text of brackets only must not exhaust the call stack. */
const MAX_DEPTH = 64
const tooDeep = Symbol('too deep')

/**
 * What `JSON.parse` forgets: keys written twice, and the order of keys that look like numbers. The text must be valid
 * JSON (parse it first); this only walks it.
 * @returns for each object, by its path, the keys in the order of the text, repetitions included. Stops at depth 64.
 */
export function keysInOrder(json: string): { path: string[]; keys: string[] }[] {
  const objects: { path: string[]; keys: string[] }[] = []
  let at = 0

  const skip = () => {
    while (/[\s:,]/.test(json[at] ?? '')) at++
  }
  const string = (): string => {
    const start = at++
    while (json[at] !== '"') at += json[at] === '\\' ? 2 : 1
    at++
    return JSON.parse(json.slice(start, at)) as string
  }
  const value = (path: string[]): void => {
    if (path.length > MAX_DEPTH) throw tooDeep
    skip()
    const first = json[at]
    if (first === '{') {
      const found = { path, keys: [] as string[] }
      objects.push(found)
      at++
      for (skip(); json[at] !== '}'; skip()) {
        const key = string()
        found.keys.push(key)
        value([...path, key])
      }
      at++
    } else if (first === '[') {
      at++
      let index = 0
      for (skip(); json[at] !== ']'; skip()) value([...path, String(index++)])
      at++
    } else if (first === '"') string()
    else while (at < json.length && !/[\s,\]}]/.test(json[at] ?? '')) at++
  }

  try {
    value([])
  } catch (stop) {
    if (stop !== tooDeep) throw stop
  }
  return objects
}
