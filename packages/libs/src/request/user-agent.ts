const FIREFOX_PLATFORMS = [
  'Windows NT 10.0; Win64; x64',
  'Macintosh; Intel Mac OS X 11.1',
  'X11; Linux i686',
  'Linux x86_64',
  'X11; Ubuntu; Linux i686',
]

const CHROME_PLATFORMS = ['Macintosh; Intel Mac OS X 11_1', 'X11; Linux x86_64', 'Windows NT 10.0; Win64; x64']

const firefox = (platform: string) => `Mozilla/5.0 (${platform}; rv:84.0) Gecko/20100101 Firefox/84.0`
const chrome = (platform: string) =>
  `Mozilla/5.0 (${platform}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/87.0.4280.141 Safari/537.36`

/** Ten desktop browsers of early 2021, as the reference library sends them: vendors' pages were tested with these. */
export const USER_AGENTS: readonly string[] = [
  ...FIREFOX_PLATFORMS.map(firefox),
  ...CHROME_PLATFORMS.map(chrome),
  `${chrome('Windows NT 10.0; Win64; x64')} Edg/87.0.664.75`,
  `${chrome('Macintosh; Intel Mac OS X 11_1')} Edg/87.0.664.75`,
]

/** Chosen once per process (exports.md section 5), so that a run looks like one browser. */
export const DEFAULT_USER_AGENT: string = USER_AGENTS[Math.floor(Math.random() * USER_AGENTS.length)] as string
