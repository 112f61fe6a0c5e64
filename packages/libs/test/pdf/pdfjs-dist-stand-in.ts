import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** In place of pdfjs-dist 2.x (30 MB, the konnector's own): the same calls, and the same search for its worker. */
const PDF = `
exports.getDocument = bytes => ({ promise: open(Buffer.from(bytes).toString()) })
async function open(text) {
  // In a bundle nothing is beside this file: the global is the only place left to look.
  if (!globalThis.pdfjsWorker?.WorkerMessageHandler) throw new Error('Setting up fake worker failed')
  const pages = text.replace('%PDF\\n', '').split('\\f')
  const item = str => ({ str, dir: 'ltr', width: 1, height: 1, transform: [1, 0, 0, 1, 0, 0], fontName: 'f1', hasEOL: false })
  return {
    numPages: pages.length,
    getPage: async number => ({ getTextContent: async () => ({ items: pages[number - 1].split('\\n').map(item) }) }),
  }
}`

/** Puts it in a folder's node_modules. Its "PDF" is `%PDF`, a newline, items one per line, pages parted by form feeds. */
export function installPdfjsDist(folder: string): void {
  const build = join(folder, 'node_modules/pdfjs-dist/legacy/build')
  mkdirSync(build, { recursive: true })
  writeFileSync(join(folder, 'node_modules/pdfjs-dist/package.json'), '{"name":"pdfjs-dist","version":"2.16.105"}')
  writeFileSync(join(build, 'pdf.js'), PDF)
  writeFileSync(join(build, 'pdf.worker.js'), 'exports.WorkerMessageHandler = {}')
}
