/** Paints text for a terminal, or leaves it alone. */
export interface Colours {
  enabled: boolean
  bold(text: string): string
  dim(text: string): string
  red(text: string): string
  green(text: string): string
  yellow(text: string): string
  blue(text: string): string
  cyan(text: string): string
}

/**
 * Colours on a terminal only. `NO_COLOR` (any value but empty) forbids them, `FORCE_COLOR` (but `0`, `false`) asks for them and wins, as
 * in Node itself.
 */
export function coloursFor(stream: { isTTY?: boolean | undefined }, env: NodeJS.ProcessEnv): Colours {
  const { FORCE_COLOR, NO_COLOR } = env
  const enabled =
    FORCE_COLOR !== undefined ? FORCE_COLOR !== '0' && FORCE_COLOR !== 'false' : stream.isTTY === true && !NO_COLOR
  const paint =
    (open: number, close: number) =>
    (text: string): string =>
      enabled ? `\u001b[${open}m${text}\u001b[${close}m` : text
  return {
    enabled,
    bold: paint(1, 22),
    dim: paint(2, 22),
    red: paint(31, 39),
    green: paint(32, 39),
    yellow: paint(33, 39),
    blue: paint(34, 39),
    cyan: paint(36, 39),
  }
}

/** @returns the text without terminal colours */
export function withoutColours(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are control characters.
  return text.replace(/\u001b\[[0-9;]*m/g, '')
}
