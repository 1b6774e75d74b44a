import { clearCache, fetchHealth, type Health } from './api'

const HEALTH_INTERVAL_MS = 10_000
/** Interval while the server does not respond: the page recovers a second after the server does. */
const RETRY_INTERVAL_MS = 1_000
const HEALTH_TIMEOUT_MS = 8_000

type Connection = 'connecting' | 'connected' | 'lost'
type Theme = 'light' | 'dark'

/** State shared by all pages: the plant, the connection to the server, the theme, the window. */
class App {
  health = $state.raw<Health | null>(null)
  connection = $state<Connection>('connecting')
  /** UTC; since when the server has not responded. */
  lostSince = $state<string | null>(null)
  /** Incremented when the lake has new data; resources depend on it. */
  dataVersion = $state(0)
  /** The server runs another build than the one this page came from. */
  outdated = $state(false)
  theme = $state<Theme>('light')
  phone = $state(false)
  help = $state(false)
  /** The search palette is open. */
  palette = $state(false)

  readonly zone = $derived(this.health?.zone ?? 'UTC')
  readonly plant = $derived(this.health?.plant ?? '')

  #build: string | undefined
  #readAt: string | null | undefined

  start(): void {
    this.#startTheme()
    const narrow = matchMedia('(max-width: 720px)')
    this.phone = narrow.matches
    narrow.addEventListener('change', () => {
      this.phone = narrow.matches
    })
    this.#pollHealth()
  }

  toggleTheme(): void {
    this.theme = this.theme === 'dark' ? 'light' : 'dark'
    document.documentElement.dataset.theme = this.theme
    localStorage.setItem('theme', this.theme)
  }

  #startTheme(): void {
    const stored = localStorage.getItem('theme')
    const chosen = stored === 'light' || stored === 'dark' ? stored : undefined
    if (chosen) document.documentElement.dataset.theme = chosen
    const dark = matchMedia('(prefers-color-scheme: dark)')
    const system = () => (dark.matches ? 'dark' : 'light')
    this.theme = chosen ?? system()
    dark.addEventListener('change', () => {
      if (!document.documentElement.dataset.theme) this.theme = system()
    })
  }

  async #pollHealth(): Promise<void> {
    if (!document.hidden) await this.checkHealth()
    const interval_ms = this.connection === 'lost' ? RETRY_INTERVAL_MS : HEALTH_INTERVAL_MS
    setTimeout(() => this.#pollHealth(), interval_ms)
  }

  /** Requests the state of the server now, and sets `connection` by it. */
  async checkHealth(): Promise<void> {
    try {
      this.#apply(await fetchHealth(AbortSignal.timeout(HEALTH_TIMEOUT_MS)))
    } catch {
      if (this.connection !== 'lost') this.lostSince = new Date().toISOString()
      this.connection = 'lost'
    }
  }

  #apply(health: Health): void {
    const { readAt } = health
    const isBack = this.connection === 'lost'
    if (isBack || (this.#readAt !== undefined && this.#readAt !== readAt)) {
      clearCache()
      this.dataVersion += 1
    }
    this.#readAt = readAt
    if (health.build) {
      this.outdated = this.#build !== undefined && this.#build !== health.build
      this.#build ??= health.build
    }
    this.health = health
    this.connection = 'connected'
    this.lostSince = null
  }
}

export const app = new App()
