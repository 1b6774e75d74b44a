import { fetchLive } from './api'
import { type ApiError, toApiError } from './http'

/**
 * The response of a URL, requested at an interval while the page is visible. The previous response
 * stays until the next one arrives, also after a failure: `error` then marks it as old.
 */
export class Poll<T> {
  data = $state.raw<T | undefined>()
  error = $state.raw<ApiError | undefined>()

  constructor(source: () => { url: string; interval_ms: number } | null) {
    $effect(() => {
      const request = source()
      this.data = undefined
      this.error = undefined
      if (!request) return
      const stop = new AbortController()
      const repeat = async () => {
        if (!document.hidden) await this.#fetch(request.url, stop.signal)
        if (!stop.signal.aborted) timer = setTimeout(repeat, request.interval_ms)
      }
      let timer = setTimeout(repeat, 0)
      return () => {
        stop.abort()
        clearTimeout(timer)
      }
    })
  }

  async #fetch(url: string, signal: AbortSignal): Promise<void> {
    try {
      const data = await fetchLive<T>(url, signal)
      if (signal.aborted) return
      this.data = data
      this.error = undefined
    } catch (error) {
      if (!signal.aborted) this.error = toApiError(error)
    }
  }
}
