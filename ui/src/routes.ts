import type { Component } from 'svelte'
import type { Word } from './kit/i18n'
import type { IconName } from './kit/icons'

export interface Route {
  path: string
  title: Word
  icon: IconName
  /** With G before it, goes there. */
  key: string
  /** The page is fetched when it is first opened. */
  page: () => Promise<{ default: Component }>
}

/** Every page there is; the rail shows these and no others. */
export const routes: readonly [Route, ...Route[]] = [
  {
    path: '/make',
    title: 'make.title',
    icon: 'make',
    key: 'p',
    page: () => import('./make/Make.svelte'),
  },
  {
    path: '/stock',
    title: 'stock.title',
    icon: 'stock',
    key: 'i',
    page: () => import('./stock/Stock.svelte'),
  },
  {
    path: '/data',
    title: 'data.title',
    icon: 'data',
    key: 'd',
    page: () => import('./data/Data.svelte'),
  },
]

export const start = routes[0]
