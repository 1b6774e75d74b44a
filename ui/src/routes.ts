import type { Component } from 'svelte'
import type { Word } from './kit/i18n'
import type { IconName } from './kit/icons'

export interface Route {
  path: string
  title: Word
  icon: IconName
  /** With G before it, goes there. */
  key: string
  /** What follows the path names a thing the page shows: `/temps/Plant1.4.label_printer`. */
  things?: boolean
  /** The page is fetched when it is first opened. */
  page: () => Promise<{ default: Component }>
}

/** Every page there is; the rail shows these and no others. */
export const routes: readonly [Route, ...Route[]] = [
  {
    path: '/now',
    title: 'now.title',
    icon: 'now',
    key: 'o',
    page: () => import('./now/Now.svelte'),
  },
  {
    path: '/temps',
    title: 'temps.title',
    icon: 'temps',
    key: 't',
    things: true,
    page: () => import('./temps/Temps.svelte'),
  },
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

/** Where `/` leads. */
export const start = routes.find((route) => route.path === '/make') ?? routes[0]

/** The page of an address. */
export function routeOf(path: string): Route | undefined {
  return routes.find(
    (route) => route.path === path || (route.things && path.startsWith(`${route.path}/`)),
  )
}
