/** FNV-1a of a text, 32 bits unsigned. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193)
  return value >>> 0
}

/**
 * A number in [0, 1) that depends only on the words given. One draw per name, instead of a running generator, so that
 * an invoice keeps its amount when others come before it.
 */
export function draw(...words: (string | number)[]): number {
  let value = hash(words.join('\0'))
  // The last steps of murmur3: neighbouring names must not give neighbouring numbers.
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35)
  return ((value ^ (value >>> 16)) >>> 0) / 2 ** 32
}

/** A whole number from `min` to `max`, both included, that depends only on the words. */
export function drawInteger(min: number, max: number, ...words: (string | number)[]): number {
  return min + Math.floor(draw(...words) * (max - min + 1))
}
