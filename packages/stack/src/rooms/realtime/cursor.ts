/** A place in the changes feed of a doctype; what clients keep and give back is `<position>-<epoch>`. */
export interface Cursor {
  position: number
  /** Of the feed: another one after the database was dropped and made again. */
  epoch: string
}

export const writeCursor = ({ position, epoch }: Cursor): string => `${position}-${epoch}`

/** @returns undefined for what is no cursor of ours */
export function readCursor(text: string): Cursor | undefined {
  const [, digits, epoch] = /^(\d{1,15})-([0-9A-Za-z]{1,64})$/.exec(text) ?? []
  return digits === undefined || epoch === undefined ? undefined : { position: Number(digits), epoch }
}
