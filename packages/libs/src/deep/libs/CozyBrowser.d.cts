/** zombie's Browser, which publishes no types, with `getCookieJar()` and `loadCookieJar(jar)`. */
// biome-ignore lint/suspicious/noExplicitAny: untyped
declare const CozyBrowser: any
export = CozyBrowser
