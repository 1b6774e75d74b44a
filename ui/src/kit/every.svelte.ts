import { ApiError, ask } from './api'

/**
 * What an address answers, asked again every so often while somebody looks. The old answer stays
 * until the new one is there, and also when there is none: `error` then says that it is old.
 */
export class Every<T> {
  data = $state.raw<T | undefined>()
  error = $state.raw<ApiError | undefined>()

  constructor(source: () => { url: string; every_ms: number } | null) {
    $effect(() => {
      const asked = source()
      this.data = undefined
      this.error = undefined
      if (!asked) return
      const stop = new AbortController()
      const again = async () => {
        if (!document.hidden) await this.#ask(asked.url, stop.signal)
        if (!stop.signal.aborted) timer = setTimeout(again, asked.every_ms)
      }
      let timer = setTimeout(again, 0)
      return () => {
        stop.abort()
        clearTimeout(timer)
      }
    })
  }

  async #ask(url: string, signal: AbortSignal): Promise<void> {
    try {
      const data = await ask<T>(url, signal)
      if (signal.aborted) return
      this.data = data
      this.error = undefined
    } catch (error) {
      if (signal.aborted) return
      this.error = error instanceof ApiError ? error : new ApiError(0, 'page', String(error))
    }
  }
}
