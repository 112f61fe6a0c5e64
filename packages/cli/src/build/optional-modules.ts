/** What an author writes that needs a module the libraries do without, and the version they were written for. */
const NEEDS: [module: string, install: string, use: RegExp][] = [
  ['pdfjs', 'pdfjs', /\b(htmlToPDF|createCozyPDFDocument)\b|['"]pdfjs(\/[^'"]*)?['"]/],
  ['pdfjs-dist/legacy/build/pdf', 'pdfjs-dist@2', /\bgetPdfText\b|['"]pdfjs-dist(\/[^'"]*)?['"]/],
  ['zombie', 'zombie', /\bCozyBrowser\b|['"]zombie['"]/],
]

/**
 * Sentences about optional modules that are absent although the author's code uses what needs them. A konnector that
 * does not is not bothered: the libraries name them in every bundle.
 * @param sources texts of the author's files
 * @param absent modules that were not found
 */
export function absentModules(sources: readonly string[], absent: ReadonlySet<string>): string[] {
  // `node build` without a server runs a build in standalone: everything the libraries name is in its text.
  const written = sources.filter(source => !source.includes('__konnectory_host'))
  return NEEDS.filter(([module, , use]) => absent.has(module) && written.some(source => use.test(source))).map(
    ([module, install]) =>
      `${module} is not installed: what needs it will fail when it runs. Run yarn add ${install} (or npm install ${install}).`,
  )
}
