// Each page is loaded with the parts of the catalogue that hold its texts.

import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { allRoutes } from '../src/routes'

const SOURCES = new URL('../src/', import.meta.url).pathname
const BASE = ['frame', 'palette', 'plant']
const ENTRY = /^ {2}'?([\w.-]+)'?:/gm
const LITERAL = /['`]([a-z][\w.-]*(?:\$\{[^}]*\}[\w.-]*)*)['`]/g
const IMPORTED = /(?:from|import)\s*\(?\s*'(\.[^']+)'/g

const read = (path) => readFileSync(path, 'utf8')
const matches = (text, pattern) => [...text.matchAll(pattern)].map((found) => found[1] ?? '')

/** The part of each key. */
const partOf = new Map(
  readdirSync(join(SOURCES, 'messages/en'))
    .filter((name) => name !== 'base.ts')
    .flatMap((name) =>
      matches(read(join(SOURCES, 'messages/en', name)), ENTRY).map((key) => [
        key,
        name.replace('.ts', ''),
      ]),
    ),
)

/** The keys that a literal can be: a template stands for all keys of its form. */
function keysOf(literal) {
  if (!literal.includes('${')) return partOf.has(literal) ? [literal] : []
  const forms = literal.split(/\$\{[^}]*\}/).map((text) => text.replaceAll('.', '\\.'))
  if (!forms[0]?.includes('.')) return []
  const pattern = new RegExp(`^${forms.join('[\\w.-]+')}$`)
  return [...partOf.keys()].filter((key) => pattern.test(key))
}

/** The file that a module specifier names, if it is a module of the pages that can show texts. */
function fileOf(from, specifier) {
  const path = resolve(dirname(from), specifier)
  const found = [path, `${path}.ts`, `${path}.svelte.ts`].find((one) => files.has(one))
  return found?.includes('/messages/') || found?.endsWith('/routes.ts') ? undefined : found
}

const files = new Map(
  readdirSync(SOURCES, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(svelte|ts)$/.test(entry.name))
    .filter((entry) => !entry.name.endsWith('.test.ts'))
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => [path, read(path)]),
)

/** All modules that a module imports, now or later, and itself. */
function closure(start) {
  const seen = new Set()
  const waiting = [start]
  for (let file = waiting.pop(); file; file = waiting.pop()) {
    if (seen.has(file)) continue
    seen.add(file)
    const from = file
    waiting.push(
      ...matches(files.get(file) ?? '', IMPORTED).flatMap((name) => fileOf(from, name) ?? []),
    )
  }
  return seen
}

/** The keys of a module and of what it imports that are in none of the parts. */
function missing(start, parts) {
  const texts = [...closure(start)].flatMap((file) => matches(files.get(file) ?? '', LITERAL))
  const keys = new Set(texts.flatMap(keysOf))
  return [...keys].filter((key) => !parts.includes(partOf.get(key) ?? '')).sort()
}

const pages = allRoutes.map(({ path, page, texts = [] }) => {
  const module = /['"]([^'"?]+\.svelte)/.exec(String(page))?.[1] ?? ''
  return [path, join(SOURCES, module.replace(/^\/src\//, '')), texts]
})

test('the frame has its texts', () => {
  expect(missing(join(SOURCES, 'App.svelte'), BASE)).toEqual([])
})

test.each(pages)('%s has its texts', (_, module, texts) => {
  expect([...files.keys()]).toContain(module)
  expect(missing(module, [...BASE, ...texts])).toEqual([])
})
