import { forget, type Health, health } from './api'

const EVERY_MS = 10_000
/** While the server does not answer: the page is right again a second after it does. */
const LOST_MS = 1_000
const PATIENCE_MS = 8_000

type Link = 'asking' | 'connected' | 'lost'
type Theme = 'light' | 'dark'

/** What every page shares: the plant, the link to the server, the theme, the window. */
class App {
  health = $state.raw<Health | null>(null)
  link = $state<Link>('asking')
  /** UTC; when the server last answered, while the link is lost. */
  lostSince = $state<string | null>(null)
  /** Counts up when the lake has new data; asks depend on it. */
  epoch = $state(0)
  /** The server runs another build than the one this page came from. */
  outdated = $state(false)
  theme = $state<Theme>('light')
  phone = $state(false)
  help = $state(false)

  readonly zone = $derived(this.health?.zone ?? 'UTC')
  readonly plant = $derived(this.health?.plant ?? '')

  #build: string | undefined
  #read: string | null | undefined

  start(): void {
    this.#startTheme()
    const narrow = matchMedia('(max-width: 720px)')
    this.phone = narrow.matches
    narrow.addEventListener('change', () => {
      this.phone = narrow.matches
    })
    this.#watch()
  }

  toggleTheme(): void {
    this.theme = this.theme === 'dark' ? 'light' : 'dark'
    document.documentElement.dataset.theme = this.theme
    localStorage.setItem('theme', this.theme)
  }

  #startTheme(): void {
    const said = localStorage.getItem('theme')
    const dark = matchMedia('(prefers-color-scheme: dark)')
    if (said === 'light' || said === 'dark') document.documentElement.dataset.theme = said
    const system = () => (dark.matches ? 'dark' : 'light')
    this.theme = said === 'light' || said === 'dark' ? said : system()
    dark.addEventListener('change', () => {
      if (!document.documentElement.dataset.theme) this.theme = system()
    })
  }

  async #watch(): Promise<void> {
    if (!document.hidden) await this.#ask()
    setTimeout(() => this.#watch(), this.link === 'lost' ? LOST_MS : EVERY_MS)
  }

  async #ask(): Promise<void> {
    try {
      this.#take(await health(AbortSignal.timeout(PATIENCE_MS)))
    } catch {
      if (this.link !== 'lost') this.lostSince = new Date().toISOString()
      this.link = 'lost'
    }
  }

  #take(now: Health): void {
    const read = now.readAt
    const back = this.link === 'lost'
    if (back || (this.#read !== undefined && this.#read !== read)) {
      forget()
      this.epoch += 1
    }
    this.#read = read
    this.outdated = this.#build !== undefined && this.#build !== now.build
    this.#build ??= now.build
    this.health = now
    this.link = 'connected'
    this.lostSince = null
  }
}

export const app = new App()
