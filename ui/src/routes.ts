import type { Component } from 'svelte'
import type { MessageKey } from './kit/i18n'
import type { IconName } from './kit/icons'
import { loadTexts, type Part } from './kit/language'
import type { Permission } from './kit/session.svelte'

export interface Route {
  path: string
  title: MessageKey
  /** The second key of the shortcut that opens the page, after G. */
  key?: string
  /** The page also handles paths below its own: `/temps/Plant1.4.label_printer`. */
  hasSubpaths?: boolean
  /** The page handles only paths below `path`, which is the path of another page. */
  isBelow?: boolean
  /** The page fills the window: there is neither navigation nor a top bar. */
  isBare?: boolean
  /** The page needs no session. */
  isPublic?: boolean
  /** Texts that the page has beside those of every page. */
  texts?: readonly Part[]
  /** Loads the page when it is first opened. */
  page: () => Promise<{ default: Component }>
}

/** A page in the navigation rail. */
export interface RailRoute extends Route {
  /** A shorter title for the rail. */
  short?: MessageKey
  icon: IconName
  permission: Permission
  /** The data has no equipment, so that it is shown only with a role for the whole plant. */
  needsWholePlant?: boolean
}

/** The pages of the navigation rail, in their order. */
export const routes: readonly [RailRoute, ...RailRoute[]] = [
  {
    path: '/now',
    title: 'now.title',
    icon: 'now',
    key: 'o',
    permission: 'follow_live',
    page: () => import('./now/Now.svelte'),
  },
  {
    path: '/temps',
    title: 'temps.title',
    short: 'temps.short',
    icon: 'temps',
    key: 't',
    permission: 'follow_live',
    hasSubpaths: true,
    page: () => import('./temps/Temperatures.svelte'),
  },
  {
    path: '/make',
    title: 'make.title',
    icon: 'make',
    key: 'p',
    permission: 'read_tables',
    texts: ['quality', 'station'],
    page: () => import('./production/Production.svelte'),
  },
  {
    path: '/orders',
    title: 'order.title',
    icon: 'orders',
    key: 'w',
    permission: 'read_tables',
    needsWholePlant: true,
    hasSubpaths: true,
    texts: ['orders'],
    page: () => import('./orders/Orders.svelte'),
  },
  {
    path: '/quality',
    title: 'quality.title',
    icon: 'quality',
    key: 'q',
    permission: 'read_tables',
    texts: ['quality'],
    page: () => import('./quality/Quality.svelte'),
  },
  {
    path: '/stock',
    title: 'stock.title',
    icon: 'stock',
    key: 'i',
    permission: 'read_tables',
    needsWholePlant: true,
    page: () => import('./stock/Stock.svelte'),
  },
  {
    path: '/alarms',
    title: 'alarms.title',
    icon: 'alarms',
    key: 'a',
    permission: 'follow_live',
    hasSubpaths: true,
    texts: ['alarms', 'editor'],
    page: () => import('./alarms/Alarms.svelte'),
  },
  {
    path: '/reports',
    title: 'reports.title',
    icon: 'reports',
    key: 'r',
    permission: 'read_tables',
    hasSubpaths: true,
    texts: ['reports'],
    page: () => import('./reports/Reports.svelte'),
  },
  {
    path: '/data',
    title: 'data.title',
    icon: 'data',
    key: 'd',
    permission: 'read_tables',
    texts: ['sources'],
    page: () => import('./data/Data.svelte'),
  },
  {
    path: '/explore',
    title: 'explore.title',
    icon: 'explore',
    key: 'x',
    permission: 'run_sql',
    texts: ['explore'],
    page: () => import('./explore/Explore.svelte'),
  },
]

export const settings: Route = {
  path: '/settings',
  title: 'settings.title',
  key: 's',
  texts: ['access'],
  page: () => import('./settings/Settings.svelte'),
}

/** All pages; those that are not in the rail are last. */
export const allRoutes: readonly Route[] = [
  ...routes,
  settings,
  {
    path: '/board',
    title: 'boards.title',
    key: 'b',
    texts: ['boards', 'plant-boards'],
    page: () => import('./wall/Boards.svelte'),
  },
  {
    path: '/board/operator',
    title: 'operator.title',
    isBare: true,
    texts: ['boards'],
    page: () => import('./wall/Operator.svelte'),
  },
  {
    path: '/board',
    title: 'boards.title',
    isBelow: true,
    texts: ['boards', 'plant-boards', 'editor', 'quality', 'explore'],
    page: () => import('./boards/BoardPage.svelte'),
  },
  {
    path: '/wall',
    title: 'wall.title',
    isBare: true,
    hasSubpaths: true,
    texts: ['boards', 'plant-boards', 'quality'],
    page: () => import('./boards/WallPage.svelte'),
  },
  {
    path: '/make',
    title: 'station.title',
    isBelow: true,
    texts: ['orders', 'quality', 'station'],
    page: () => import('./production/StationPage.svelte'),
  },
  {
    path: '/login',
    title: 'login.title',
    isPublic: true,
    texts: ['access'],
    page: () => import('./login/Login.svelte'),
  },
  {
    path: '/setup',
    title: 'setup.title',
    isPublic: true,
    texts: ['access'],
    page: () => import('./login/Setup.svelte'),
  },
]

/** Pause before the code of a page is requested again. */
const RETRY_PAUSE_MS = 1_000

/** The component of a page, with its texts. A request that fails is repeated once. */
export async function loadPage({ page, texts = [] }: Route): Promise<Component> {
  const requested = page().catch(async () => {
    await new Promise((resolve) => setTimeout(resolve, RETRY_PAUSE_MS))
    return page()
  })
  const [loaded] = await Promise.all([requested, ...texts.map(loadTexts)])
  return loaded.default
}

/** The page of `/`. */
export const start = routes.find((route) => route.path === '/make') ?? routes[0]

/** The page of a path. */
export function routeOf(path: string): Route | undefined {
  return allRoutes.find(({ path: own, isBelow, hasSubpaths }) => {
    if (own === path) return !isBelow
    return (isBelow || hasSubpaths) && path.startsWith(`${own}/`)
  })
}
