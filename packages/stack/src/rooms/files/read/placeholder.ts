/**
 * What stands in for a thumbnail that is not there: one grey pixel. We make no thumbnails, since decoding pictures of strangers
 * takes a native library, the kind of code that is broken into; clients show an icon when they get the 404.
 */
export const PLACEHOLDER_PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGO4CwAA3wDeKXlwtgAAAABJRU5ErkJggg==',
  'base64',
)
