import type { Colours } from '../terminal/colours.ts'

/** A node of the tree that cheerio holds: what is needed to print it. */
interface MarkupNode {
  type: string
  name?: string
  data?: string
  attribs?: Record<string, string>
  children?: MarkupNode[]
}

/** A cheerio selection. */
export interface Selection {
  length: number
  toArray(): MarkupNode[]
  text(): string
  html(): string | null
}

export function isSelection(value: unknown): value is Selection {
  return (value as { cheerio?: unknown } | null | undefined)?.cheerio === '[cheerio object]'
}

/** Elements that are written on one line with their content. */
const INLINE_LENGTH = 60

/** @returns indented, coloured HTML of nodes */
export function showMarkup(nodes: MarkupNode[], colours: Colours, indent = ''): string {
  return nodes
    .map(node => showNode(node, colours, indent))
    .filter(Boolean)
    .join('\n')
}

/** @returns each element with its type, HTML and text: how several are shown */
export function listMarkup(selection: Selection): { type: string; html: string; text: string }[] {
  return selection.toArray().map(node => ({
    type: node.name ?? node.type,
    html: plainMarkup(node),
    text: textOf(node).replace(/\s+/g, ' ').trim(),
  }))
}

function showNode(node: MarkupNode, colours: Colours, indent: string): string {
  if (node.type === 'text') {
    const text = (node.data ?? '').replace(/\s+/g, ' ').trim()
    return text ? indent + text : ''
  }
  if (node.type === 'comment') return indent + colours.dim(`<!--${node.data ?? ''}-->`)
  if (node.type === 'directive') return indent + colours.dim(`<${node.data ?? ''}>`)
  if (node.name === undefined) return showMarkup(node.children ?? [], colours, indent)
  const open = openTag(node, colours)
  const children = node.children ?? []
  if (children.length === 0) return `${indent}${open}${isVoid(node) ? '' : closeTag(node, colours)}`
  const onlyText = children.every(child => child.type === 'text')
  const text = textOf(node).replace(/\s+/g, ' ').trim()
  if (onlyText && text.length <= INLINE_LENGTH) return `${indent}${open}${text}${closeTag(node, colours)}`
  return `${indent}${open}\n${showMarkup(children, colours, `${indent}  `)}\n${indent}${closeTag(node, colours)}`
}

function openTag({ name, attribs = {} }: MarkupNode, colours: Colours): string {
  const attributes = Object.entries(attribs).map(
    ([key, value]) => ` ${colours.yellow(key)}${value === '' ? '' : `=${colours.green(JSON.stringify(value))}`}`,
  )
  return `${colours.blue(`<${name}`)}${attributes.join('')}${colours.blue('>')}`
}

function closeTag({ name }: MarkupNode, colours: Colours): string {
  return colours.blue(`</${name}>`)
}

const VOID = new Set([
  'area',
  'base',
  'br',
  'col',
  'embed',
  'hr',
  'img',
  'input',
  'link',
  'meta',
  'source',
  'track',
  'wbr',
])

function isVoid({ name = '' }: MarkupNode): boolean {
  return VOID.has(name)
}

function textOf(node: MarkupNode): string {
  return node.type === 'text' ? (node.data ?? '') : (node.children ?? []).map(textOf).join('')
}

function plainMarkup(node: MarkupNode): string {
  if (node.type === 'text') return node.data ?? ''
  if (node.name === undefined) return (node.children ?? []).map(plainMarkup).join('')
  const attributes = Object.entries(node.attribs ?? {}).map(
    ([key, value]) => ` ${key}="${value.replaceAll('"', '&quot;')}"`,
  )
  const inside = (node.children ?? []).map(plainMarkup).join('')
  return `<${node.name}${attributes.join('')}>${isVoid(node) ? '' : `${inside}</${node.name}>`}`
}
