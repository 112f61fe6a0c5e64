export { escapeHtml, Html, html } from './html.ts'
export { type PageOptions, pageAnswer, renderPage } from './template.ts'
export { type Words, wordsOf } from './words.ts'
