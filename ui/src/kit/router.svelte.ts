import { restoreScroll, storeScroll } from './scroll'
import { withQuery } from './url'

/** The address of the page. Links work without a reload; Back and Forward work as usual. */
class Router {
  path = $state(location.pathname)
  search = $state(location.search)

  readonly params = $derived(new URLSearchParams(this.search))

  start(): void {
    history.scrollRestoration = 'manual'
    addEventListener('popstate', ({ state }) => {
      this.#read()
      restoreScroll(state)
    })
    // A position is stored when scrolling ends, because Back reports the entry that is entered, not the one that is left.
    addEventListener('scrollend', storeScroll)
    document.addEventListener('click', (event) => this.#click(event))
  }

  get(key: string): string | null {
    return this.params.get(key)
  }

  /** The address of this page with some parameters changed. */
  href(changes: Record<string, string | null>): string {
    return this.path + withQuery(this.search, changes)
  }

  /** Changes parameters of this page; `replace` adds no history entry, for text that is typed. */
  set(changes: Record<string, string | null>, replace = false): void {
    this.navigate(this.href(changes), replace)
  }

  navigate(href: string, replace = false): void {
    if (href === location.pathname + location.search) return
    const from = location.pathname
    if (replace) history.replaceState(history.state, '', href)
    else {
      storeScroll()
      history.pushState(null, '', href)
    }
    this.#read()
    if (location.pathname !== from) scrollTo(0, 0)
  }

  #read(): void {
    this.path = location.pathname
    this.search = location.search
  }

  #click(event: MouseEvent): void {
    if (event.defaultPrevented || event.button !== 0) return
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
    const link = (event.target as Element).closest('a')
    if (!link || link.target || link.hasAttribute('download')) return
    if (link.origin !== location.origin || link.pathname.startsWith('/api/')) return
    if (link.hash) return
    event.preventDefault()
    this.navigate(link.pathname + link.search)
  }
}

export const router = new Router()
