import type { OwnPackages } from './own-packages.ts'
import type { Choices } from './template.ts'

/** The version the TypeScript template was written for: its parser of pages. */
const CHEERIO = '^1.2.0'

/**
 * package.json of a new konnector. Scripts are exactly the six an author knows, the same with yarn 1 and npm; `start`
 * is what a server does, on a fresh build.
 */
export function packageJson({ slug, name, language }: Choices, own: OwnPackages): object {
  const typed = language === 'typescript'
  const dependencies = typed
    ? { '@konnectory/sdk': own.rangeOf('@konnectory/sdk'), cheerio: CHEERIO }
    : { '@konnectory/libs': own.rangeOf('@konnectory/libs') }
  return {
    name: slug,
    version: '1.0.0',
    description: `Fetches invoices from ${name}`,
    private: true,
    ...(typed ? { type: 'module' } : {}),
    main: typed ? './src/index.ts' : './src/index.js',
    engines: { node: '>=20' },
    scripts: {
      start: 'konnectory build && node build',
      standalone: 'konnectory standalone',
      dev: 'konnectory dev',
      build: 'konnectory build',
      deploy: 'konnectory deploy',
      test: 'konnectory test',
    },
    dependencies,
    devDependencies: { konnectory: own.rangeOf('konnectory') },
    ...(Object.keys(own.pins).length > 0 ? { overrides: own.pins, resolutions: own.pins } : {}),
  }
}
